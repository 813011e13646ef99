//! One more fetch for a peer.
//!
//! Peers get whole pieces while they are fast and short spans while they are slow or unknown,
//! enough of them that their links never run dry.

use swarmcopy_layout::BLOCK_LEN;

use super::credit::{QueueRule, Room, may_begin, thin_queue_len};
use super::pick::pick;
use super::takeover::{may_take_over, take_over};
use super::thin::is_too_late;
use crate::SourceId;
use crate::moment::Moment;

/// What came of the wish to ask a peer for more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filled {
    /// It was asked.
    Asked,
    /// It has nothing to be asked for.
    Nothing,
    /// It could be asked, if there was credit.
    NoCredit,
}

/// Asks a peer for one more span.
pub(crate) fn fill_peer(at: &mut Moment<'_>, id: SourceId) -> Filled {
    let Some(source) = at.sources.get(id) else {
        return Filled::Nothing;
    };
    let Some(peer) = source.peer().filter(|it| it.may_be_asked(at.now)) else {
        return Filled::Nothing;
    };
    if is_too_late(at, id) {
        return Filled::Nothing;
    }
    let flow = source.flow();
    let queue = QueueRule::among(at.sources, at.terms).len(source);
    let idle = !flow.is_asked();
    let full = flow.in_flight() >= queue;
    let unknown = flow.rate().is_none();
    // others wait until a slot that is given back is read to its end
    let piece_len = at.terms.layout.piece_len();
    if at.gate.leaving() > 0 && at.book.ledger().outstanding_of_others() >= piece_len {
        return Filled::NoCredit;
    }
    // a suggestion is worth a longer queue, but not at a peer that is far too slow
    let may_wait =
        !peer.thin() || flow.in_flight() < thin_queue_len(source, &at.terms.tuning).max(queue);
    if may_wait && take_suggestion(at, id) {
        return Filled::Asked;
    }
    if full {
        return Filled::Nothing;
    }
    let Some(piece) = pick(at, id) else {
        if idle && may_take_over(at) {
            take_over(at, id);
        }
        return if may_begin(at, Room::Some) {
            Filled::Nothing
        } else {
            Filled::NoCredit
        };
    };
    at.book.begin_for(piece, id);
    let Some(run) = at.book.ledger().free_run(piece) else {
        return Filled::Nothing;
    };
    let tuning = &at.terms.tuning;
    let len = if queue >= tuning.queue_whole() || unknown {
        queue
    } else {
        queue / 2
    };
    let len = len.clamp(tuning.span_min, tuning.span_max);
    let len = len - len % u64::from(BLOCK_LEN);
    at.fetch(id, run.head(len));
    Filled::Asked
}

/// Asks for a suggested piece as a whole, because nobody else has it; whether there was one.
fn take_suggestion(at: &mut Moment<'_>, id: SourceId) -> bool {
    let has_hint = |at: &Moment<'_>| at.sources.peer(id).is_some_and(|it| it.hints().has_given());
    if !has_hint(at) || !may_begin(at, Room::All) {
        return false;
    }
    let closed = at.book.ledger().closed();
    let peer = at.sources.peer_mut(id);
    let Some(piece) = peer.and_then(|peer| peer.take_hint(closed)) else {
        return false;
    };
    at.book.begin_for(piece, id);
    if let Some(run) = at.book.ledger().free_run(piece) {
        at.fetch(id, run.head(at.terms.tuning.span_max));
    }
    true
}
