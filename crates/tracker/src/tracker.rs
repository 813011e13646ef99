//! A tracker without sockets: takes requests and gives answers, of any number of threads.

use std::collections::hash_map::RandomState;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, ScrapeReply};
use tokio::time::Instant;

use crate::TrackerOptions;
use crate::table::Table;
use crate::torrent::Families;

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

/// What a tracker knows, and how it answers: [`Tracker::answer_http`] and [`Tracker::answer_udp`].
///
/// A [`TrackerServer`](crate::TrackerServer) puts it behind sockets; a program with sockets of its own
/// can do without one.
#[derive(Debug)]
pub struct Tracker {
    table: Mutex<Table>,
    announces: AtomicU64,
    refused: AtomicU64,
    /// The key of the connection numbers, and the start of their time.
    pub(crate) key: RandomState,
    pub(crate) start: Instant,
}

impl Tracker {
    /// A tracker that knows nothing yet. It reads and writes no file: [`TrackerOptions::state`] is for a
    /// server.
    pub fn new(options: TrackerOptions) -> Self {
        let start = Instant::now();
        Self {
            table: Mutex::new(Table::new(options, start)),
            announces: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            key: RandomState::new(),
            start,
        }
    }

    /// Its counters.
    pub fn stats(&self) -> TrackerStats {
        let (torrents, peers) = self.table().count();
        TrackerStats {
            torrents,
            peers,
            announces: self.announces.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Takes an announce that came from `from`; fails with words for the client.
    pub(crate) fn announce(
        &self,
        request: &AnnounceRequest,
        from: IpAddr,
        families: Families,
    ) -> Result<AnnounceReply, &'static str> {
        // only a program on this very machine may speak for another address
        let claimed = request.ip.filter(|_| from.is_loopback());
        let ip = claimed.unwrap_or(from).to_canonical();
        let (addr, now) = (SocketAddr::new(ip, request.port), Instant::now());
        let mut table = self.table();
        if !table.may_announce(from, now) {
            return Err("too many announces from your address");
        }
        let reply = table.announce(request, addr, families, now)?;
        self.announces.fetch_add(1, Ordering::Relaxed);
        Ok(reply)
    }

    pub(crate) fn scrape(&self, info_hashes: &[[u8; 20]]) -> ScrapeReply {
        self.table().scrape(info_hashes, Instant::now())
    }

    /// Counts a request that was refused.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
