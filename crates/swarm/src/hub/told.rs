//! What one peer was told of others (BEP 11).
//!
//! What must stay true: a message names at most [`PEX_ADDRESSES_MAX`] peers.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use swarmcopy_bt_wire::extension::{Pex, PexFlags, PexPeer};
use tokio::time::Instant;

use crate::limits::PEX_ADDRESSES_MAX;

/// What one peer was told of others.
#[derive(Debug)]
pub(super) struct Told {
    addrs: HashSet<SocketAddr>,
    /// When the next message may go.
    pub(super) due: Instant,
}

impl Told {
    /// Nothing, and the first message is due at once.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            addrs: HashSet::new(),
            due: now,
        }
    }

    /// What has changed among `all` but `itself` since it was told last; `None` if nothing has.
    pub(super) fn news(
        &mut self,
        itself: Option<SocketAddr>,
        all: &HashMap<SocketAddr, PexFlags>,
    ) -> Option<Pex> {
        let others = all.iter().filter(|(addr, _)| Some(**addr) != itself);
        let new = others.filter(|(addr, _)| !self.addrs.contains(*addr));
        let mut pex = Pex::default();
        pex.added = new.take(PEX_ADDRESSES_MAX).map(peer).collect();
        let gone = self.addrs.iter().filter(|addr| !all.contains_key(*addr));
        pex.dropped = gone.take(PEX_ADDRESSES_MAX).copied().collect();
        self.addrs.extend(pex.added.iter().map(|peer| peer.addr));
        for addr in &pex.dropped {
            self.addrs.remove(addr);
        }
        (!pex.added.is_empty() || !pex.dropped.is_empty()).then_some(pex)
    }
}

fn peer((addr, flags): (&SocketAddr, &PexFlags)) -> PexPeer {
    PexPeer {
        addr: *addr,
        flags: *flags,
    }
}
