//! Measurements for Prometheus, of a room, a copy and a tracker.
//!
//! Names follow Prometheus' conventions: a base unit at the end, `_total` behind counters. What must stay true: the
//! numbers are read when they are asked for, so that nobody keeps them twice.

mod copy;
mod room;
mod tracker;
mod writer;

pub use copy::{CopyMeter, of_copy};
pub use prometheus_client::registry::Registry;
pub(crate) use room::of_room;
pub use tracker::of_tracker;
pub(crate) use writer::text;
