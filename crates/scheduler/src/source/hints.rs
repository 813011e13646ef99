//! Suggestions between this machine and one peer, both ways: which pieces it is asked to take first, and how long it
//! takes until it has one.

use std::collections::VecDeque;
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::Instant;

/// Most suggestions of one peer that are kept.
const SUGGESTIONS_MAX: usize = 32;
/// Suggestions of which it is remembered that they were not taken yet.
const SUGGESTED_OPEN_MAX: usize = 16;

/// What was suggested by one peer and to it.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    /// Pieces that it suggested and that were not asked for yet.
    given: Vec<PieceIndex>,
    /// How many pieces were suggested to it.
    told: u32,
    /// Pieces that were suggested to it and that it has not got, since when.
    open: VecDeque<(PieceIndex, Instant)>,
    /// How long it took, on the average, until it had a piece that was suggested to it.
    took: Option<Duration>,
}

impl Hints {
    /// It suggests a piece.
    pub(crate) fn give(&mut self, piece: PieceIndex) {
        if self.given.len() < SUGGESTIONS_MAX {
            self.given.push(piece);
        }
    }

    /// Whether it suggested something that was not asked for yet.
    pub(crate) fn has_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// The next piece that it suggested, and has, and that is not closed.
    pub(crate) fn take(&mut self, has: &PieceSet, closed: &PieceSet) -> Option<PieceIndex> {
        self.given.retain(|piece| !closed.contains(*piece));
        let at = self.given.iter().position(|piece| has.contains(*piece))?;
        Some(self.given.remove(at))
    }

    /// A piece is suggested to it.
    pub(crate) fn tell(&mut self, now: Instant, piece: PieceIndex) {
        self.told += 1;
        self.open.truncate(SUGGESTED_OPEN_MAX - 1);
        self.open.push_front((piece, now));
    }

    /// How many pieces were suggested to it.
    pub(crate) fn told(&self) -> u32 {
        self.told
    }

    /// It has one more piece, which was perhaps suggested to it.
    pub(crate) fn gained(&mut self, now: Instant, piece: PieceIndex) {
        let mut open = self.open.iter();
        if let Some(at) = open.position(|(other, _)| *other == piece)
            && let Some((_, since)) = self.open.remove(at)
        {
            let took = now.since(since);
            self.took = Some(self.took.map_or(took, |mean| (mean * 3 + took) / 4));
        }
    }

    /// How long it took, on the average, until it had a suggested piece.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.took
    }

    /// How long it takes until it has a suggested piece, so far as is known: the one that it waits for
    /// counts, too.
    pub(crate) fn takes(&self, now: Instant) -> Option<Duration> {
        let oldest = self.open.back();
        let waits = oldest.map(|(_, since)| now.since(*since));
        self.took.max(waits)
    }

    /// How long it would be until it had one more piece that is suggested to it; `usual` is what
    /// others take.
    pub(crate) fn would_take(&self, now: Instant, usual: Duration) -> Duration {
        let least = self.took.map_or(usual, |_| Duration::ZERO);
        let takes = self.takes(now).unwrap_or_default().max(least);
        let open = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        takes * open.saturating_add(1)
    }
}
