//! Pieces that few connected peers have: who may ask for them first.
//!
//! A piece that just left the origin is told to all neighbours of its reader in the same moment. If
//! all asked for it, it would leave the reader once for each of them while their own links stay
//! idle. So they take turns, in an order that each of them knows: only about as many machines ask
//! as there are peers that have it, and the piece spreads by doubling. Time opens it to more, so
//! that nobody waits for long for a machine that does not take its turn.

use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use crate::Instant;

/// After this time twice as many machines may ask, then three times as many.
const PATIENCE: Duration = Duration::from_millis(500);

/// The turn of this machine for one piece.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    /// How many others came before it when the first peer had the piece.
    rank: u16,
    /// When that was.
    since: Instant,
}

/// When each piece may be asked for while few peers have it.
#[derive(Debug)]
pub(crate) struct Fresh {
    turns: Vec<Turn>,
    /// The first of the turns that were waited for.
    wake_at: Option<Instant>,
}

impl Fresh {
    pub(crate) fn new(pieces: u32) -> Self {
        let len = usize::try_from(pieces).unwrap_or(usize::MAX);
        Self {
            turns: vec![Turn::default(); len],
            wake_at: None,
        }
    }

    /// The first peer has the piece; so many others come before this machine.
    pub(crate) fn seen(&mut self, since: Instant, piece: PieceIndex, rank: u16) {
        let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
        let turn = self.turns.get_mut(place);
        turn.into_iter()
            .for_each(|turn| *turn = Turn { rank, since });
    }

    /// Whether a piece that so many peers have may be asked for; if not, its turn is waited for.
    pub(crate) fn is_open(&mut self, now: Instant, piece: PieceIndex, holders: u16) -> bool {
        let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
        let Some(turn) = self.turns.get(place) else {
            return true;
        };
        // those who have it by now came before, too
        let (rank, holders) = (u32::from(turn.rank), u32::from(holders.max(1)));
        let before = (rank + 2).saturating_sub(2 * holders);
        if before == 0 {
            return true;
        }
        let open_at = turn.since + PATIENCE * before.div_ceil(holders);
        if open_at > now {
            self.wake_at = Some(self.wake_at.map_or(open_at, |at| at.min(open_at)));
        }
        open_at <= now
    }

    /// When the next turn comes that was waited for.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Whether a turn has come; it is not waited for any more.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self.wake_at.is_some_and(|at| at <= now);
        if due {
            self.wake_at = None;
        }
        due
    }
}
