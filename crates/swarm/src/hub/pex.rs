//! Peer exchange (BEP 11): telling peers of each other.
//!
//! Who is told first and then of what changes: machines that know one common machine alone must know of each
//! other before it leaves. What must stay true: other people's clients get no more messages than they bear.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use swarmcopy_bt_wire::extension::{Pex, PexFlags};
use tokio::time::Instant;

use super::told::Told;
use super::{Hub, Linked};

/// Pause between messages to a machine of ours.
const EVERY_OURS: Duration = Duration::from_secs(1);
/// Pause between messages to other clients while the swarm is young: some close a link that brings more than
/// six in a minute.
const EVERY_YOUNG: Duration = Duration::from_secs(12);
/// Pause after that (BEP 11: not more than once a minute).
const EVERY: Duration = Duration::from_mins(1);
/// How long a swarm counts as young.
const YOUNG: Duration = Duration::from_mins(2);

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
