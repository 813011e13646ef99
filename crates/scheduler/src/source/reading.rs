//! What this machine reads of origins: which are read, the pieces that are being read, the permits that were given.

use std::collections::BTreeSet;

use swarmcopy_layout::PieceIndex;

use crate::permit::{self, OriginPermit, PermitKeeper};
use crate::{Instant, SourceId};

/// What this machine reads of origins.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The origins that are read; the others are spare.
    chosen: Vec<SourceId>,
    /// When they are chosen anew.
    choose_at: Instant,
    /// Pieces that the gate let us read and whose reading has not ended.
    pieces: BTreeSet<PieceIndex>,
    /// How many slots are being given back.
    leaving: usize,
    /// How many permits were given.
    epoch: u64,
    /// This machine's part of the origin's budget as last told.
    rate: Option<u64>,
}

impl Reading {
    /// Nothing is read.
    pub(crate) fn new() -> Self {
        Self {
            chosen: Vec::new(),
            choose_at: Instant::ZERO,
            pieces: BTreeSet::new(),
            leaving: 0,
            epoch: 0,
            rate: None,
        }
    }

    /// Whether it is time to choose the origins that are read.
    pub(crate) fn is_choice_due(&self, now: Instant) -> bool {
        now >= self.choose_at
    }

    /// They are chosen anew by then at the latest.
    pub(crate) fn choose_by(&mut self, at: Instant) {
        self.choose_at = self.choose_at.min(at);
    }

    /// These are read from now on, and chosen anew then.
    pub(crate) fn choose(&mut self, chosen: impl Iterator<Item = SourceId>, next: Instant) {
        self.choose_at = next;
        self.chosen.clear();
        self.chosen.extend(chosen);
    }

    /// Whether this origin is read.
    pub(crate) fn is_chosen(&self, id: SourceId) -> bool {
        self.chosen.contains(&id)
    }

    /// Mints the next permit.
    pub(crate) fn permit(&mut self, id: SourceId) -> (OriginPermit, PermitKeeper) {
        self.epoch += 1;
        permit::mint(id, self.epoch)
    }

    /// The reading of these pieces began.
    pub(crate) fn began(&mut self, pieces: impl Iterator<Item = PieceIndex>) {
        self.pieces.extend(pieces);
    }

    /// The reading of a piece ended; whether it had begun.
    pub(crate) fn ended(&mut self, piece: PieceIndex) -> bool {
        self.pieces.remove(&piece)
    }

    /// So many slots are being given back; whether that is more than before.
    pub(crate) fn leaves(&mut self, leaving: usize) -> bool {
        std::mem::replace(&mut self.leaving, leaving) < leaving
    }

    /// This is the part of the origin's budget; whether it changed.
    pub(crate) fn limited(&mut self, rate: Option<u64>) -> bool {
        std::mem::replace(&mut self.rate, rate) != rate
    }
}
