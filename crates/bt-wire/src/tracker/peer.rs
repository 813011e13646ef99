//! A peer as trackers tell it.

use std::net::SocketAddr;

/// A peer as a tracker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its peer id, which compact replies leave out.
    pub id: Option<[u8; 20]>,
}

impl TrackerPeer {
    /// A peer, with its id if known.
    pub fn new(addr: SocketAddr, id: Option<[u8; 20]>) -> Self {
        Self { addr, id }
    }
}
