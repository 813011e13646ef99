//! Pieces that a peer said to have and has not: by its own word, or because it refuses them again and again.
//!
//! No I/O. What must stay true: nothing that the peer lacks is asked of it until it says to have it.

use std::collections::{BTreeMap, BTreeSet};

use swarmcopy_layout::{PieceIndex, Span};

use super::block::Cutter;

/// A piece whose blocks were refused so often counts as lacking.
const REFUSALS_MAX: u32 = 3;
/// Pieces of which refusals are counted.
const REFUSED_MAX: usize = 256;

/// What one peer lacks.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    pieces: BTreeSet<PieceIndex>,
    /// How often blocks of a piece were refused.
    refused: BTreeMap<PieceIndex, u32>,
}

impl Lacking {
    /// The peer has this piece no more.
    pub(super) fn insert(&mut self, piece: PieceIndex) {
        self.pieces.insert(piece);
    }

    /// The peer has this piece.
    pub(super) fn has(&mut self, piece: PieceIndex) {
        self.pieces.remove(&piece);
        self.refused.remove(&piece);
    }

    /// A block was refused although we are let ask; true if the piece counts as lacking now.
    pub(super) fn refuses(&mut self, piece: PieceIndex) -> bool {
        if self.refused.len() >= REFUSED_MAX {
            self.refused.clear();
        }
        let times = self.refused.entry(piece).or_insert(0);
        *times = times.saturating_add(1);
        *times >= REFUSALS_MAX
    }

    /// The first piece that the peer lacks of a span.
    pub(super) fn find_in(&self, span: Span, cutter: &Cutter) -> Option<Span> {
        let mut lacking = self.pieces.iter().map(|piece| cutter.span_of(*piece));
        lacking.find(|lack| !lack.intersection(span).is_empty())
    }
}
