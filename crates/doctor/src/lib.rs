#![doc = include_str!("../README.md")]
//! What on this machine stops a copy, and what to do about it.
//!
//! [`examine`] looks as a copy would, changes nothing and copies nothing. What must stay true: each look has an end,
//! however dead a server is; what can't be told is not called well.
//!
//! ```
//! use swarmcopy_doctor::{Patient, Verdict, examine};
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! let mut patient = Patient::new(std::env::temp_dir());
//! patient.listens = Some("127.0.0.1:0".parse()?);
//! let findings = runtime.block_on(examine(patient));
//! let disk = findings.iter().find(|finding| finding.check == "disk").ok_or("no disk")?;
//! assert!(disk.verdict == Verdict::Well && disk.told.contains("free"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod examine;
mod finding;
mod local;
mod network;
mod origins;
mod port;
mod processes;
mod radio;
#[cfg(any(windows, test))]
mod windows;

pub use examine::{examine, examine_each};
pub use finding::{Finding, Patient, Verdict};
