//! How much may be asked for: of all sources together, and of one peer at a time.
//!
//! The bytes of begun pieces count against a budget; of it peers get what they bring in a while.

use std::time::Duration;

use crate::arrival::bytes_in;
use crate::moment::Moment;
use crate::source::peer::Peer;
use crate::source::{Source, Sources};
use crate::terms::Terms;

/// Time for which a peer's queue should last: what waits there can't be asked of another.
pub(crate) const QUEUE: Duration = Duration::from_millis(250);
/// The same where there are few sources: then there is hardly another, and a far peer must have enough to do.
const QUEUE_LONG: Duration = Duration::from_millis(500);
/// The same of other people's clients. Some look at what is asked of them only twice a second: who asks for
/// no more than came in half a second never gets more.
const QUEUE_STOCK: Duration = Duration::from_millis(1500);
const SOURCES_FEW: usize = 4;
/// A piece is asked for as a whole where it is here within this time.
const PIECE_TIME: Duration = Duration::from_secs(2);
/// Least and most bytes asked of one peer at a time.
const QUEUE_BYTES: (u64, u64) = (64 << 10, 16 << 20);
/// Most bytes asked of a peer whose rate is not known: a piece, for that can be passed on.
const QUEUE_AT_START: u64 = 4 << 20;
/// Least and most bytes of one fetch from a peer.
pub(crate) const SPAN_BYTES: (u64, u64) = (32 << 10, 4 << 20);
/// Time for which all that is asked of peers should last: it waits for its turn in several uplinks.
const CREDIT: Duration = Duration::from_millis(500);
/// The least of it in pieces and in bytes.
const CREDIT_PIECES_MIN: u64 = 6;
const CREDIT_BYTES_MIN: u64 = 6 << 20;

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
    let time = CREDIT.max(at.measures.way_time());
    let all = bytes_in(time, at.measures.best_rate())
        .max(at.terms.layout.piece_len() * CREDIT_PIECES_MIN)
        .max(CREDIT_BYTES_MIN);
    if at.gate.is_reading() {
        at.measures.share_of(all)
    } else {
        all
    }
}

/// How long a peer's queue should last, and how long a piece is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueRule {
    piece_len: u64,
    few: bool,
}

impl QueueRule {
    /// What holds among these sources.
    pub(crate) fn among(sources: &Sources, terms: &Terms) -> Self {
        Self {
            piece_len: terms.layout.piece_len(),
            few: sources.len() <= SOURCES_FEW,
        }
    }

    /// Bytes that should be asked of a peer at a time: what it brings in a moment or on its way here, and a piece at
    /// least if that does not take it long. A piece in few hands is whole sooner, but what waits in a slow peer's
    /// queue can't be asked of a faster one.
    pub(crate) fn len(self, source: &Source) -> u64 {
        let piece = self.piece_len.min(QUEUE_AT_START);
        let ours = source.peer().is_some_and(Peer::is_ours);
        let time = match (ours, self.few) {
            (false, _) => QUEUE_STOCK,
            (true, true) => QUEUE_LONG,
            (true, false) => QUEUE,
        };
        let time = time.max(source.flow().way_time());
        source.flow().rate().map_or(piece, |rate| {
            bytes_in(time, rate)
                .max(piece.min(bytes_in(PIECE_TIME, rate)))
                .clamp(QUEUE_BYTES.0, QUEUE_BYTES.1)
        })
    }
}

/// What may wait in the queue of a peer that is far too slow.
pub(crate) fn thin_queue_len(source: &Source) -> u64 {
    let rate = source.flow().rate();
    rate.map_or(QUEUE_AT_START, |rate| bytes_in(PIECE_TIME, rate))
}
