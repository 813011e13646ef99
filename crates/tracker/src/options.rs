//! How a tracker works, and what it remembers at most.

use std::path::PathBuf;
use std::time::Duration;

/// How a tracker works.
///
/// An address is an IPv4 address or the /64 network of an IPv6 address.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrackerOptions {
    /// Time between announces of a client.
    pub interval: Duration,
    /// Contents that are remembered at most.
    pub torrents_max: usize,
    /// Contents that are remembered at most because one address announced them first.
    pub torrents_per_address_max: usize,
    /// Peers of one content that are remembered at most.
    pub peers_max: usize,
    /// Peers of all contents that are remembered at most.
    pub peers_total_max: usize,
    /// Peers of all contents that are remembered at most at one address.
    pub peers_per_address_max: usize,
    /// Announces of one address that are answered in a second, ten seconds' worth at once. Loopback has no
    /// such bound.
    pub announces_per_address_max: u32,
    /// HTTP connections of one address that are open at a time.
    pub connections_per_address_max: usize,
    /// The file that keeps what is known from one run to the next; `None` keeps it in memory alone.
    pub state: Option<PathBuf>,
}

impl Default for TrackerOptions {
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(2),
            torrents_max: 100_000,
            torrents_per_address_max: 5_000,
            peers_max: 20_000,
            peers_total_max: 1_000_000,
            peers_per_address_max: 5_000,
            announces_per_address_max: 1_000,
            connections_per_address_max: 64,
            state: None,
        }
    }
}
