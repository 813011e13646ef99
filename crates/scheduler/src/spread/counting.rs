//! Which peers' pieces count: those of peers that serve.
//!
//! Who advertises everything and answers nothing neither makes a piece common nor is spared for what it alone has.

use swarmcopy_layout::PieceIndex;

use super::order_key;
use crate::SourceId;
use crate::fetch::interest::{may_show, show_others};
use crate::moment::Moment;
use crate::source::conduct::Conduct;

/// A peer has one more piece.
pub(crate) fn peer_gained(at: &mut Moment<'_>, id: SourceId, piece: PieceIndex) {
    let Some(peer) = at.sources.peer_mut(id) else {
        return;
    };
    if !peer.gains(at.now, piece) {
        return;
    }
    let (counts, shows_one) = (peer.counts(), peer.shown().is_some());
    at.book.gained(piece);
    if counts {
        piece_served(at, id, piece);
    }
    if !shows_one {
        may_show(at, id, piece);
    }
}

/// One more peer serves the piece.
fn piece_served(at: &mut Moment<'_>, id: SourceId, piece: PieceIndex) {
    let serving = at.book.served(piece);
    if serving > 1 {
        no_more_sole(at, piece);
    } else if at.book.lacks(piece) {
        let Some(peer) = at.sources.peer_mut(id) else {
            return;
        };
        peer.more_sole();
        let ours = peer.is_ours();
        at.gate.appeared(at.now, piece);
        let first = u16::from(ours && at.book.fresh().is_hinted());
        let rank = rank(at, piece).max(first);
        at.book.seen((at.now, id), piece, rank);
    }
    look_at_turn(at, piece);
}

/// Lets a piece wait for its turn, or be asked for if that has come.
pub(crate) fn look_at_turn(at: &mut Moment<'_>, piece: PieceIndex) {
    if at.book.look_at_turn(at.now, piece) {
        let holders = at.sources.peers();
        let holders = holders.filter(|(_, peer)| peer.has().contains(piece));
        at.queue.wake(holders.map(|(id, _)| id));
    }
}

/// Looks at the turns that are waited for: of the last pieces they come sooner.
pub(crate) fn hurry_turns(at: &mut Moment<'_>) {
    let waiting: Vec<PieceIndex> = at.book.fresh().waiting().collect();
    for piece in waiting {
        look_at_turn(at, piece);
    }
}

/// A peer has one piece less.
pub(crate) fn peer_lost(at: &mut Moment<'_>, id: SourceId, piece: PieceIndex) {
    let Some(peer) = at.sources.peer_mut(id) else {
        return;
    };
    if peer.loses(piece) && peer.counts() {
        no_more_served(at, id, std::iter::once(piece));
    }
    show_others(at, piece);
}

/// A peer answers, or does so no more.
pub(crate) fn set_serving(at: &mut Moment<'_>, id: SourceId, serving: bool) {
    set_counting(at, id, |conduct| conduct.set_serving(serving));
}

/// A peer is far too slow, or is so no more.
pub(crate) fn set_thin(at: &mut Moment<'_>, id: SourceId, thin: bool) {
    try_thin(at, id, thin);
    at.gate.finds_slow(at.now, id, thin);
}

/// Takes a peer for thin without telling it: nothing is known yet.
pub(crate) fn try_thin(at: &mut Moment<'_>, id: SourceId, thin: bool) {
    set_counting(at, id, |conduct| conduct.set_thin(thin));
}

/// Changes what is known of a peer, and counts its pieces as available or not.
fn set_counting(at: &mut Moment<'_>, id: SourceId, change: impl FnOnce(&mut Conduct)) {
    let Some(peer) = at.sources.peer_mut(id) else {
        return;
    };
    let before = peer.counts();
    change(peer.conduct_mut());
    let counts = peer.counts();
    if counts == before {
        return;
    }
    let has = peer.has().clone();
    if counts {
        for piece in has.iter() {
            piece_served(at, id, piece);
        }
    } else {
        no_more_served(at, id, has.iter());
    }
}

/// A peer serves these pieces no more. How long they take to spread is not counted from when it said to
/// have them.
pub(crate) fn no_more_served(
    at: &mut Moment<'_>,
    id: SourceId,
    pieces: impl Iterator<Item = PieceIndex>,
) {
    for piece in pieces {
        if at.book.withdrawn(id, piece)
            && let Some(peer) = at.sources.peer_mut(id)
        {
            peer.less_sole();
        }
    }
}

/// A piece that one peer alone had is here, or another peer has it, too.
pub(crate) fn no_more_sole(at: &mut Moment<'_>, piece: PieceIndex) {
    if let Some(id) = at.book.spread(at.now, piece)
        && let Some(peer) = at.sources.peer_mut(id)
    {
        peer.less_sole();
    }
}

/// How many neighbours that lack the piece come before this machine in its order.
fn rank(at: &Moment<'_>, piece: PieceIndex) -> u16 {
    let mine = order_key(piece, at.terms.node);
    let lacking = at.sources.peers().map(|(_, peer)| peer);
    let lacking = lacking.filter(|peer| !peer.has().contains(piece));
    let before = lacking
        .filter_map(|peer| peer.hello())
        .filter(|hello| order_key(piece, hello.node) < mine);
    u16::try_from(before.count()).unwrap_or(u16::MAX)
}
