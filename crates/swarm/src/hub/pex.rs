//! Peer exchange (BEP 11): telling peers of each other.
//!
//! Who is told first and then of what changes: machines that know one common machine alone must know of each
//! other before it leaves. What must stay true: a message names at most [`pex_addresses_max`] peers, and other
//! people's clients get no more messages than they bear.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_bt_wire::extension::{Pex, PexFlags, PexPeer};
use tokio::time::Instant;

use super::{Hub, Linked};
use crate::config::pex_addresses_max;

/// Pause between messages to a machine of ours.
const EVERY_OURS: Duration = Duration::from_secs(1);
/// Pause between messages to other clients while the swarm is young: some close a link that brings more than
/// six in a minute.
const EVERY_YOUNG: Duration = Duration::from_secs(12);
/// Pause after that (BEP 11: not more than once a minute).
const EVERY: Duration = Duration::from_mins(1);
/// How long a swarm counts as young.
const YOUNG: Duration = Duration::from_mins(2);

/// What one peer was told of others.
#[derive(Debug)]
pub(super) struct Told {
    addrs: HashSet<SocketAddr>,
    due: Instant,
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
    fn news(
        &mut self,
        itself: Option<SocketAddr>,
        all: &HashMap<SocketAddr, PexFlags>,
    ) -> Option<Pex> {
        let others = all.iter().filter(|(addr, _)| Some(**addr) != itself);
        let new = others.filter(|(addr, _)| !self.addrs.contains(*addr));
        let mut pex = Pex::default();
        pex.added = new.take(pex_addresses_max).map(peer).collect();
        let gone = self.addrs.iter().filter(|addr| !all.contains_key(*addr));
        pex.dropped = gone.take(pex_addresses_max).copied().collect();
        self.addrs.extend(pex.added.iter().map(|peer| peer.addr));
        for addr in &pex.dropped {
            self.addrs.remove(addr);
        }
        (!pex.added.is_empty() || !pex.dropped.is_empty()).then_some(pex)
    }
}

impl Hub {
    /// Tells each peer whose time has come what is new.
    pub(super) fn exchange_peers(&mut self) {
        let now = Instant::now();
        let due = |linked: &Linked| linked.told.due <= now;
        if !self.common.pex || !self.links.values().any(due) {
            return;
        }
        let young = now.saturating_duration_since(self.started) < YOUNG;
        let all = self.reachable();
        for linked in self.links.values_mut().filter(|linked| due(linked)) {
            let id = linked.shared.state().spoken.pex;
            if let Some(id) = id
                && let Some(pex) = linked.told.news(linked.listens, &all)
            {
                let ours = linked.shared.node().is_some();
                linked.told.due = now
                    + match (ours, young) {
                        (true, _) => EVERY_OURS,
                        (false, true) => EVERY_YOUNG,
                        (false, false) => EVERY,
                    };
                // a peer with so much unread is about to be cut off
                let _ = linked.shared.reply_extended(id, pex.encode());
            }
        }
    }

    /// The linked peers that can be dialled.
    fn reachable(&self) -> HashMap<SocketAddr, PexFlags> {
        let links = self.links.values();
        let listening = links.filter_map(|linked| Some((linked.listens?, flags(linked))));
        listening.collect()
    }

    /// A message with some of them, for a peer that is not linked.
    pub(super) fn some_others(&self) -> Option<Pex> {
        let mut told = Told::new(self.started);
        let all = self.reachable();
        self.common.pex.then(|| told.news(None, &all)).flatten()
    }
}

fn flags(linked: &Linked) -> PexFlags {
    let seed = linked.shared.peer_complete.load(Ordering::Relaxed);
    PexFlags(PexFlags::REACHABLE | if seed { PexFlags::SEED } else { 0 })
}

fn peer((addr, flags): (&SocketAddr, &PexFlags)) -> PexPeer {
    PexPeer {
        addr: *addr,
        flags: *flags,
    }
}
