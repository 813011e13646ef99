//! Who is served: bounded turns for the peers that want something.
//!
//! There is no tit-for-tat: inside a site everybody works for the same end. Machines of ours come
//! first; where more want a turn than there are, one turn goes on every few seconds. Who reads the
//! origin serves few of other people's clients meanwhile: they all ask for what is rarest at once,
//! and get it from the others soon.

use crate::moment::Moment;
use crate::source::peer::Peer;
use crate::{Action, SourceId};

/// A peer wants pieces of ours.
pub(crate) fn peer_interested(at: &mut Moment<'_>, id: SourceId) {
    if let Some(peer) = at.sources.peer_mut(id) {
        peer.set_interested(true);
    }
    next_upload(at);
}

/// It wants none any more.
pub(crate) fn peer_not_interested(at: &mut Moment<'_>, id: SourceId) {
    if let Some(peer) = at.sources.peer_mut(id) {
        peer.set_interested(false);
    }
    choke(at, id);
    next_upload(at);
}

/// Gives free turns to peers that wait for one: machines of ours first, then who waited longest.
pub(crate) fn next_upload(at: &mut Moment<'_>) {
    let stock_max = stock_max(at);
    loop {
        if !has_free_turn(at) {
            return;
        }
        let stock_full = stock_served(at).count() >= stock_max;
        let waiting = at.sources.peers().filter(|(_, peer)| {
            peer.interested() && !peer.unchoked() && (!stock_full || peer.is_ours())
        });
        let next = waiting.min_by_key(|(_, peer)| (!peer.is_ours(), peer.unchoked_at()));
        let Some((id, _)) = next else { return };
        unchoke(at, id);
    }
}

/// Whether one more peer may be served.
pub(crate) fn has_free_turn(at: &Moment<'_>) -> bool {
    let served = at.sources.peers().filter(|(_, peer)| peer.unchoked());
    served.count() < at.terms.uploads_max
}

/// How many of other people's clients may be served.
fn stock_max(at: &Moment<'_>) -> usize {
    let ours = |peer: &Peer| peer.is_ours() && peer.interested();
    let reads = at.gate.may_open(at.now) && at.book.left() > 0;
    if reads && at.sources.peers().any(|(_, peer)| ours(peer)) {
        at.terms.tuning.upload_stock
    } else {
        at.terms.uploads_max
    }
}

fn stock_served(at: &Moment<'_>) -> impl Iterator<Item = SourceId> {
    let peers = at.sources.peers();
    let stock = peers.filter(|(_, peer)| !peer.is_ours() && peer.unchoked());
    stock.map(|(id, _)| id)
}

/// Takes the longest turn away while somebody waits.
pub(crate) fn turn_uploads(at: &mut Moment<'_>) {
    let now = at.now;
    let stock_max = stock_max(at);
    let surplus: Vec<SourceId> = stock_served(at).skip(stock_max).collect();
    for id in surplus {
        choke(at, id);
    }
    next_upload(at);
    let waits = |peer: &Peer| peer.interested() && !peer.unchoked();
    if !at.sources.peers().any(|(_, peer)| waits(peer)) {
        return;
    }
    let peers = at.sources.peers();
    let longest = peers
        .filter(|(_, peer)| {
            peer.unchoked() && now.since(peer.unchoked_at()) >= at.terms.tuning.upload_turn
        })
        .min_by_key(|(_, peer)| peer.unchoked_at());
    if let Some((id, _)) = longest {
        choke(at, id);
        next_upload(at);
    }
}

/// Lets a peer ask.
pub(crate) fn unchoke(at: &mut Moment<'_>, source: SourceId) {
    let now = at.now;
    if at
        .sources
        .peer_mut(source)
        .is_some_and(|it| it.unchoke(now))
    {
        at.act(Action::Unchoke { source });
    }
}

fn choke(at: &mut Moment<'_>, source: SourceId) {
    if at.sources.peer_mut(source).is_some_and(Peer::choke) {
        at.act(Action::Choke { source });
    }
}
