//! Pieces that few connected peers have: who may ask for them first.
//!
//! A piece that just left the origin is told to all neighbours of its reader in the same moment. If
//! all asked for it, it would leave the reader once for each of them while their own links stay
//! idle. So they take turns, in an order that each of them knows: one machine asks while one peer has
//! it, all from the second on. Time opens it to more, so that nobody waits for long for a machine that
//! does not take its turn.

use std::collections::BTreeSet;
use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use crate::{Instant, SourceId, Tuning};

/// The turn of this machine for one piece.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    /// How many others came before it when the first peer had the piece.
    rank: u16,
    /// When that was.
    since: Instant,
    /// The peer that has it wants this machine to be the first.
    suggested: bool,
    /// The only peer that has it.
    sole: Option<SourceId>,
    /// When it may be asked for, while that is waited for.
    open_at: Option<Instant>,
}

/// When each piece may be asked for while few peers have it.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// Shortest and longest time after which the next machine may ask, too.
    patience: (Duration, Duration),
    /// The same for the last pieces: all else is done, so who has one can serve several.
    patience_at_end: Duration,
    /// The shortest time that is told apart from none, and how fast the measure of such times moves.
    second_after_min: Duration,
    steps: u32,
    turns: Vec<Turn>,
    /// How long it takes until a second peer has a piece, for half of the pieces.
    second_after: Duration,
    /// Neighbours suggest pieces: who is to be the first hears of it.
    hinted: bool,
    /// The turns that are waited for.
    waiting: BTreeSet<(Instant, PieceIndex)>,
}

impl Fresh {
    pub(crate) fn new(pieces: u32, tuning: &Tuning) -> Self {
        let len = usize::try_from(pieces).unwrap_or(usize::MAX);
        Self {
            turns: vec![Turn::default(); len],
            patience: tuning.turn_patience,
            patience_at_end: tuning.look_soon,
            steps: tuning.turn_steps,
            second_after_min: tuning.search,
            second_after: tuning.search,
            hinted: false,
            waiting: BTreeSet::new(),
        }
    }

    /// The first peer serves the piece, since when; so many others come before this machine.
    pub(crate) fn seen(&mut self, first: (Instant, SourceId), piece: PieceIndex, rank: u16) {
        if let Some(turn) = self.turn_mut(piece) {
            (turn.rank, turn.since) = (rank, first.0);
            turn.sole = Some(first.1);
        }
    }

    /// Whether neighbours say who is to be the first, so that others need not guess.
    pub(crate) fn is_hinted(&self) -> bool {
        self.hinted
    }

    /// A peer that has the piece wants this machine to take it first.
    pub(crate) fn suggested(&mut self, piece: PieceIndex) {
        self.hinted = true;
        if let Some(turn) = self.turn_mut(piece) {
            turn.suggested = true;
        }
    }

    fn turn_mut(&mut self, piece: PieceIndex) -> Option<&mut Turn> {
        self.turns.get_mut(usize::try_from(piece.value()).ok()?)
    }

    /// A second peer has the piece, or this machine; the peer that had it alone.
    pub(crate) fn spread(&mut self, now: Instant, piece: PieceIndex) -> Option<SourceId> {
        let turn = self.turn_mut(piece)?;
        let sole = turn.sole.take()?;
        let took = now.since(turn.since);
        let step = self.second_after / self.steps;
        // half of them are sooner: a few that had to wait for a turn do not make all others wait as long
        self.second_after = if took > self.second_after {
            (self.second_after + step).min(self.patience.1)
        } else {
            self.second_after.saturating_sub(step)
        }
        .max(self.second_after_min);
        Some(sole)
    }

    /// A peer serves the piece no more; whether it was the only one.
    pub(crate) fn withdrawn(&mut self, peer: SourceId, piece: PieceIndex) -> bool {
        let turn = self.turn_mut(piece);
        let sole = turn.and_then(|it| it.sole.take_if(|sole| *sole == peer));
        sole.is_some()
    }

    /// Whether a piece that so many peers have may be asked for; if not, its turn is waited for.
    pub(crate) fn is_open(
        &mut self,
        now: Instant,
        piece: PieceIndex,
        holders: u16,
        ends: bool,
    ) -> bool {
        let patience = if ends {
            self.patience_at_end
        } else {
            (self.second_after * 3).clamp(self.patience.0, self.patience.1)
        };
        let Some(turn) = self.turn_mut(piece) else {
            return true;
        };
        // whoever has it passes it on, and serves one after another
        let waits = turn.rank > 0 && holders <= 1 && !turn.suggested;
        let open_at = turn.since + patience * u32::from(turn.rank);
        let open_at = Some(open_at).filter(|at| waits && *at > now);
        let known = std::mem::replace(&mut turn.open_at, open_at);
        if known != open_at {
            if let Some(at) = known {
                self.waiting.remove(&(at, piece));
            }
            self.waiting.extend(open_at.map(|at| (at, piece)));
        }
        open_at.is_none()
    }

    /// The pieces whose turns are waited for.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.waiting.iter().map(|(_, piece)| *piece)
    }

    /// When the next turn comes that is waited for.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    /// The next piece whose turn has come.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<PieceIndex> {
        let (at, piece) = self.waiting.pop_first()?;
        if at > now {
            self.waiting.insert((at, piece));
            return None;
        }
        if let Some(turn) = self.turn_mut(piece) {
            turn.open_at = None;
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);
    const PEER: SourceId = SourceId(1);

    fn piece(index: u32) -> PieceIndex {
        let layout = swarmcopy_layout::Layout::builder(16 << 10);
        let path = swarmcopy_layout::RelPath::parse("f").unwrap();
        let layout = layout.file(path, 100 * (16 << 10)).build().unwrap();
        layout.piece(index).unwrap()
    }

    /// How long this machine waits for its turn after pieces spread within these times.
    fn waits_after(times: impl Iterator<Item = Duration>) -> Duration {
        let (mut fresh, mut now) = (Fresh::new(100, &Tuning::default()), Instant::ZERO);
        for took in times {
            fresh.seen((now, PEER), piece(0), 1);
            now = now + took;
            fresh.spread(now, piece(0));
        }
        fresh.seen((now, PEER), piece(1), 1);
        assert!(!fresh.is_open(now, piece(1), 1, false));
        fresh.wake_at().unwrap().since(now)
    }

    #[test]
    fn a_few_pieces_that_wait_long_do_not_make_others_wait() {
        let times = (0..100).map(|at| {
            if at % 8 == 0 {
                5000 * MILLI
            } else {
                100 * MILLI
            }
        });
        assert_eq!(waits_after(times), Tuning::default().turn_patience.0);
    }

    #[test]
    fn turns_come_later_where_all_pieces_take_long() {
        let waits = waits_after(std::iter::repeat_n(1000 * MILLI, 100));
        assert!(waits > 2000 * MILLI && waits < 4000 * MILLI, "{waits:?}");
    }
}
