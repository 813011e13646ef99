//! A small tracker for a site, to run in a program of your own.
//!
//! It keeps what it knows in memory; machines that announce again after a restart fill it again.

pub use swarmcopy_swarm::tracker_server::{TrackerOptions, TrackerServer, TrackerStats};
