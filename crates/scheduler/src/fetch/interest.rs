//! Which peers have anything for us, known without a look at every peer for every piece.
//!
//! Each peer that has something shows one piece that it has and that is wanted and not here. Only
//! when that piece comes must the peer show another one; which one is random, so that a piece is
//! shown by few.

use swarmcopy_layout::PieceIndex;

use crate::moment::Moment;
use crate::source::peer::Peer;
use crate::{Action, SourceId};

/// A peer has one more piece; it shows it, if it has nothing else to show.
pub(crate) fn may_show(at: &mut Moment<'_>, id: SourceId, piece: PieceIndex) {
    if at.book.settled().contains(piece) {
        return;
    }
    if let Some(peer) = at.sources.peer_mut(id)
        && peer.shown().is_none()
    {
        peer.show(Some(piece));
        at.book.shows(id, piece);
    }
}

/// A piece is here, or a peer lost it: those that showed it show another one.
pub(crate) fn show_others(at: &mut Moment<'_>, piece: PieceIndex) {
    for id in at.book.take_shown(piece) {
        let from = at.rng.u32(..at.terms.layout.pieces().max(1));
        let Some(peer) = at.sources.peer_mut(id) else {
            continue;
        };
        let (has, settled) = (peer.has(), at.book.settled());
        let next = has.next_without(from, settled);
        let next = next.or_else(|| has.next_without(0, settled));
        peer.show(next);
        if let Some(next) = next {
            at.book.shows(id, next);
        }
        update_interest(at, id);
    }
}

/// Tells a peer whether we want something of it, when that changed.
pub(crate) fn update_interest(at: &mut Moment<'_>, source: SourceId) {
    let changed = at.sources.peer_mut(source);
    match changed.and_then(Peer::changed_interest) {
        Some(true) => at.act(Action::Interested { source }),
        Some(false) => at.act(Action::NotInterested { source }),
        None => {}
    }
}
