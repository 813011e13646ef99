//! Which peers have anything for us, known without a look at every peer for every piece.
//!
//! Each peer that has something shows one piece that it has and that is wanted and not here. Only
//! when that piece comes must the peer show another one; which one is random, so that a piece is
//! shown by few.

use swarmcopy_layout::PieceIndex;

use crate::scheduler::Scheduler;
use crate::source::Source;
use crate::{Action, SourceId};

impl Scheduler {
    /// A peer has one more piece; it shows it, if it has nothing else to show.
    pub(crate) fn may_show(&mut self, id: SourceId, piece: PieceIndex) {
        if self.settled.contains(piece) {
            return;
        }
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut)
            && peer.shown.is_none()
        {
            peer.shown = Some(piece);
            self.shown.entry(piece).or_default().push(id);
        }
    }

    /// A piece is here, or a peer lost it: those that showed it show another one.
    pub(crate) fn show_others(&mut self, piece: PieceIndex) {
        for id in self.shown.remove(&piece).unwrap_or_default() {
            let from = self.rng.u32(..self.layout.pieces().max(1));
            let settled = &self.settled;
            let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
                continue;
            };
            let has = &peer.has;
            let next = has.next_without(from, settled);
            peer.shown = next.or_else(|| has.next_without(0, settled));
            if let Some(next) = peer.shown {
                self.shown.entry(next).or_default().push(id);
            }
            self.update_interest(id);
        }
    }

    /// Tells a peer whether we want something of it, when that changed.
    pub(crate) fn update_interest(&mut self, id: SourceId) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        let wants = peer.shown.is_some();
        if wants == peer.interesting {
            return;
        }
        peer.interesting = wants;
        self.act(if wants {
            Action::Interested { source: id }
        } else {
            Action::NotInterested { source: id }
        });
    }
}
