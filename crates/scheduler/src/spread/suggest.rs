//! Who is asked to be the first to take a piece, and who asks us.

use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use super::counting::look_at_turn;
use super::order_key;
use super::turns::has_free_turn;
use crate::moment::Moment;
use crate::{Action, NodeId, SourceId};

/// A peer wants us to be the first to take a piece of it.
pub(crate) fn suggested(at: &mut Moment<'_>, id: SourceId, piece: PieceIndex) {
    at.book.suggested(piece);
    look_at_turn(at, piece);
    if let Some(peer) = at.sources.peer_mut(id) {
        peer.hints_mut().give(piece);
    }
    at.queue.push(id);
}

/// Asks one neighbour to take a piece that hardly any of them has: in turn, and the more often
/// the faster it passes on what it has.
pub(crate) fn suggest(at: &mut Moment<'_>, piece: PieceIndex) {
    if at.book.availability().serving_of(piece) > 1 {
        return;
    }
    let now = at.now;
    let took = at.sources.peers().filter_map(|(_, it)| it.hints().took());
    let mut took: Vec<Duration> = took.collect();
    took.sort_unstable();
    let tuning = &at.terms.tuning;
    let usual = took.first().copied().unwrap_or(tuning.look_soon);
    let quarter = took
        .get(took.len() / 4)
        .copied()
        .unwrap_or(tuning.look_soon);
    let readers: Vec<NodeId> = at.gate.readers(now).collect();
    let has_turns = has_free_turn(at);
    let lacking = at.sources.peers_mut().filter_map(|(id, peer)| {
        let node = peer.hello()?.node;
        // who lacked nothing of ours until now gets a turn as soon as it asks for one
        let may_ask = peer.unchoked() || has_turns && !peer.interested();
        let asks = may_ask && !peer.has().contains(piece);
        // in turn among those that are alike
        let hints = peer.hints();
        let times = hints.would_take(now, usual).as_micros() / usual.as_micros().max(1);
        let class = (times + 1).ilog2() / 2;
        // all others wait for whom it is suggested to
        let is_slow = hints
            .takes(now)
            .is_some_and(|it| it > quarter * tuning.suggest_slow);
        let key = (
            is_slow,
            class,
            !peer.unchoked(),
            readers.contains(&node),
            hints.told(),
            order_key(piece, node),
        );
        asks.then_some((key, id, peer))
    });
    if let Some((_, source, peer)) = lacking.min_by_key(|(key, ..)| *key) {
        peer.hints_mut().tell(now, piece);
        at.act(Action::Suggest { source, piece });
    }
}
