#![doc = include_str!("../README.md")]
//! The room seen: who copies a content and how each machine does, on one page, as measurements and as data.
//!
//! A [`Watch`] looks on at a room and fills a [`Seen`]; a [`Server`] shows that as a page, JSON, CSV and measurements
//! for Prometheus. Copies and trackers have measurements of their own ([`metrics`]).
//!
//! ```
//! use std::time::Instant;
//! use swarmcopy_room::{About, Seen, State};
//!
//! let about = About { name: "CS5".to_owned(), bytes: 1000, pieces: 1 };
//! let seen = Seen::new(about, &["lab-07".to_owned()], Instant::now());
//! let view = seen.view(Instant::now());
//! assert_eq!(view.machines[0].state, State::Expected);
//! assert!(seen.csv(Instant::now()).contains("lab-07,expected,"));
//! ```

mod machine;
pub mod metrics;
mod seen;
mod watch;
mod web;

pub use machine::{Rates, SILENT, STUCK, State};
pub use seen::{
    About, DecisionView, EXPECTED_MAX, Key, MACHINES_MAX, MachineView, OriginView, RoomView, Seen,
    SourceView, Totals, TrackerView, Update, expected_names,
};
pub use watch::Watch;
pub use web::{Server, SharedRoom, lock};
