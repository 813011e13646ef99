//! How much may be asked for: of all sources together, and of one peer at a time.
//!
//! The bytes of begun pieces count against a budget; of it peers get what they bring in a while.

use crate::Tuning;
use crate::arrival::bytes_in;
use crate::moment::Moment;
use crate::source::peer::Peer;
use crate::source::{Source, Sources};
use crate::terms::Terms;

/// How much of the credit may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    /// All of it: for pieces that nobody else has.
    All,
    /// What peers bring in a while: for pieces that others have.
    Some,
}

/// Whether the credit allows one more piece to be begun. What can be had elsewhere leaves some
/// room for what can't.
pub(crate) fn may_begin(at: &Moment<'_>, room: Room) -> bool {
    let piece_len = at.terms.layout.piece_len();
    let ledger = at.book.ledger();
    // what is half here may wait for a source that is gone: it never keeps the rest from being begun
    let waits = if ledger.is_idle() {
        ledger.loose_len()
    } else {
        0
    };
    let with_one = |bytes: u64| bytes.saturating_sub(waits).saturating_add(piece_len);
    let outstanding = with_one(ledger.outstanding());
    let budget = at.terms.budget_bytes;
    match room {
        Room::All => outstanding <= budget,
        Room::Some => {
            let others = with_one(ledger.outstanding_of_others());
            let most = (budget / 4 * 3).max(piece_len * 2);
            outstanding <= most && others <= credit(at)
        }
    }
}

/// Bytes that may be asked of peers at a time.
fn credit(at: &Moment<'_>) -> u64 {
    let tuning = &at.terms.tuning;
    let time = tuning.queue_long().max(at.measures.way_time());
    let all = bytes_in(time, at.measures.best_rate());
    let all = all.max(tuning.credit_min(at.terms.layout.piece_len()));
    if at.gate.is_reading() {
        at.measures.share_of(all)
    } else {
        all
    }
}

/// How long a peer's queue should last, and how long a piece is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRule<'a> {
    tuning: &'a Tuning,
    piece_len: u64,
    few: bool,
}

impl<'a> QueueRule<'a> {
    /// What holds among these sources.
    pub(crate) fn among(sources: &Sources, terms: &'a Terms) -> Self {
        Self {
            tuning: &terms.tuning,
            piece_len: terms.layout.piece_len(),
            few: sources.len() <= terms.tuning.sources_few,
        }
    }

    /// Bytes that should be asked of a peer at a time: what it brings in a moment or on its way here, and a piece at
    /// least if that does not take it long. A piece in few hands is whole sooner, but what waits in a slow peer's
    /// queue can't be asked of a faster one.
    pub(crate) fn len(self, source: &Source) -> u64 {
        let tuning = self.tuning;
        // of a peer whose rate is not known a piece, for that can be passed on
        let piece = self.piece_len.min(tuning.span_max);
        let ours = source.peer().is_some_and(Peer::is_ours);
        let time = match (ours, self.few) {
            (false, _) => tuning.queue_stock,
            (true, true) => tuning.queue_long(),
            (true, false) => tuning.queue,
        };
        let time = time.max(source.flow().way_time(tuning));
        source.flow().rate().map_or(piece, |rate| {
            let (least, most) = tuning.queue_bytes();
            bytes_in(time, rate)
                .max(piece.min(bytes_in(tuning.piece_time, rate)))
                .clamp(least, most)
        })
    }
}

/// What may wait in the queue of a peer that is far too slow.
pub(crate) fn thin_queue_len(source: &Source, tuning: &Tuning) -> u64 {
    let rate = source.flow().rate();
    rate.map_or(tuning.span_max, |rate| bytes_in(tuning.piece_time, rate))
}
