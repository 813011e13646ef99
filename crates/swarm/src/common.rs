//! What all links of a swarm share: the content, its store, and the way to the owner.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use swarmcopy_layout::Layout;
use swarmcopy_scheduler::Hello;
use swarmcopy_sources::{Limiter, Networks};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::command::Command;
use crate::limits::{BLOCK_LEN_MAX, READ_AHEAD_ALL_LEN_MAX, READ_AHEAD_LEN_MAX};
use crate::uplink::SharedUplink;
use crate::witnesses::Witnesses;
use crate::{BlockReader, Encryption, HaveLog, SourceIds, StatusBoard, SwarmEvent};

/// One per swarm; read-only but for the log and the counters.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) info_hash: [u8; 20],
    pub(crate) peer_id: [u8; 20],
    pub(crate) layout: Arc<Layout>,
    pub(crate) have: HaveLog,
    pub(crate) blocks: Arc<dyn BlockReader>,
    pub(crate) events: mpsc::Sender<SwarmEvent>,
    pub(crate) hub: mpsc::Sender<Command>,
    pub(crate) ids: Arc<SourceIds>,
    pub(crate) hello: Option<Hello>,
    pub(crate) info_bytes: Option<Bytes>,
    pub(crate) limit_down: Option<Arc<Limiter>>,
    pub(crate) limit_up: Option<Arc<Limiter>>,
    pub(crate) no_limit: Networks,
    /// What leaves this machine by all its links.
    pub(crate) uplink: Arc<SharedUplink>,
    /// Whose word about an origin's wrong pieces is passed on.
    pub(crate) witnesses: Witnesses,
    /// Whether addresses are exchanged: asked for, and not forbidden by a private torrent.
    pub(crate) pex: bool,
    pub(crate) client: String,
    /// Whether links are encrypted.
    pub(crate) encryption: Encryption,
    pub(crate) block_len: u32,
    /// What onlookers are told; `None` if nothing.
    pub(crate) status: Option<Arc<StatusBoard>>,
    /// The address that outgoing connections come from, if it matters.
    pub(crate) bind_ip: Option<IpAddr>,
    /// Connections to one machine of ours.
    pub(crate) connections: usize,
    /// Room for connections beside those of the links.
    pub(crate) lanes: Arc<Semaphore>,
    /// The port that we listen on; 0 = none.
    pub(crate) listen_port: u16,
    pub(crate) totals: Totals,
    pub(crate) cancel: CancellationToken,
}

/// Sums over all links of a swarm, those gone included.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) bytes_down: AtomicU64,
    pub(crate) bytes_up: AtomicU64,
    pub(crate) wasted: AtomicU64,
    /// Addresses known, ourselves and the banned left out.
    pub(crate) known: AtomicUsize,
    pub(crate) links: AtomicUsize,
    /// Set once the owner has told that the content is complete.
    pub(crate) completed: CancellationToken,
}

impl Common {
    /// The limit of what comes from a peer.
    pub(crate) fn limit_down(&self, peer: IpAddr) -> Option<Arc<Limiter>> {
        let limit = self.limit_down.clone();
        limit.filter(|_| !self.no_limit.contains(peer))
    }

    /// The limit of what goes to a peer.
    pub(crate) fn limit_up(&self, peer: IpAddr) -> Option<Arc<Limiter>> {
        let limit = self.limit_up.clone();
        limit.filter(|_| !self.no_limit.contains(peer))
    }

    /// How much a link reads at once for uploading: less where there are many links.
    pub(crate) fn read_ahead_len(&self) -> u64 {
        let links = u64::try_from(self.totals.links.load(Ordering::Relaxed)).unwrap_or(u64::MAX);
        // a run that is being read, and half of one that is ready
        let share = READ_AHEAD_ALL_LEN_MAX / links.max(1) / 3 * 2;
        share.clamp(BLOCK_LEN_MAX.into(), READ_AHEAD_LEN_MAX)
    }

    /// Bytes of the content that are not verified yet, as trackers want to know.
    pub(crate) fn left(&self) -> u64 {
        if self.layout.is_empty() {
            // not known yet: it must not look like a seed
            return self.layout.piece_len();
        }
        let have = u64::from(self.have.len()).saturating_mul(self.layout.piece_len());
        if self.have.is_full() {
            0
        } else {
            self.layout.len().saturating_sub(have).max(1)
        }
    }
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, bytes: u64) {
    counter.fetch_add(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::testing::{Options, common};

    #[test]
    fn many_links_read_ahead_no_more_than_a_few() {
        let (events, _) = mpsc::channel(1);
        let (hub, _) = mpsc::channel(1);
        let common = common(&Options::default(), events, hub);
        assert_eq!(common.read_ahead_len(), READ_AHEAD_LEN_MAX);
        for links in [20, 60] {
            common
                .totals
                .links
                .store(usize::try_from(links).unwrap(), Ordering::Relaxed);
            let all = common.read_ahead_len() * 3 / 2 * links;
            assert!(all <= READ_AHEAD_ALL_LEN_MAX, "{all} of {links} links");
        }
    }
}
