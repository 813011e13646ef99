//! How a tracker works, and what it remembers at most.

use std::time::Duration;

/// How a tracker works.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// Time between announces of a client.
    pub interval: Duration,
    /// Contents that are remembered at most.
    pub torrents_max: usize,
    /// Peers of one content that are remembered at most.
    pub peers_max: usize,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(2),
            torrents_max: 10_000,
            peers_max: 20_000,
        }
    }
}
