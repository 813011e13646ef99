//! When each piece arrived and where from, for those who draw it.
//!
//! All of them are kept only if the copy's options ask for it: that grows with the number of pieces.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use crate::{Arrival, SourceKind};

/// The arrivals of one copy.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    kept: bool,
    /// The kind that was last asked for bytes of a piece that is on its way.
    asked: BTreeMap<PieceIndex, SourceKind>,
    all: Vec<Arrival>,
}

impl Arrivals {
    pub(crate) fn new(kept: bool) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// Bytes of these pieces are asked for.
    pub(crate) fn asked(&mut self, pieces: impl Iterator<Item = PieceIndex>, kind: SourceKind) {
        self.asked.extend(pieces.map(|piece| (piece, kind)));
    }

    /// A piece is verified; gives the kind of the source that was last asked for bytes of it.
    pub(crate) fn verified(&mut self, piece: PieceIndex, at: Duration) -> Option<SourceKind> {
        let kind = self.asked.remove(&piece)?;
        if self.kept {
            self.all.push(Arrival {
                piece: piece.value(),
                at,
                kind,
            });
        }
        Some(kind)
    }

    /// All of them, in the order in which they came.
    pub(crate) fn take(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.all)
    }
}
