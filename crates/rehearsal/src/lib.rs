#![doc = include_str!("../README.md")]
//! A roll-out rehearsed on this one computer: an origin and N machines with real sockets and files.
//!
//! Each machine is a full [`swarmcopy::Session`] with an address of its own (127.0.0.x). Rates are
//! limited, copies are compared byte by byte at the end, and the origin's bytes and readers are
//! counted where they leave it. Nothing leaves the computer: machines find each other by a tracker
//! on the loopback.
//!
//! ```
//! use swarmcopy_rehearsal::{RehearsalOptions, RehearsalRate, rehearse};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("tree");
//! # std::fs::create_dir(&path)?;
//! # std::fs::write(path.join("file"), vec![7; 100_000])?;
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let mut options = RehearsalOptions::new(&path);
//! options.machines = 2;
//! options.origin_rate = RehearsalRate::Unlimited;
//! options.link_rate = RehearsalRate::Unlimited;
//! let (look, _looks) = tokio::sync::mpsc::channel(16);
//! let rehearsal = rehearse(options, look).await?;
//! assert!(rehearsal.identical && rehearsal.per_machine.len() == 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compare;
mod counted;
mod flow;
mod machine;
mod mirror;
mod options;
mod outcome;
mod rates;
mod rehearse;
mod stage;

pub use options::{MACHINES_MAX, RehearsalOptions, RehearsalOrigin, RehearsalRate, Staged};
pub use outcome::{Came, MachineProgress, Rehearsal, RehearsedMachine};
pub use rates::{least_time, usual_rate};
pub use rehearse::rehearse;
