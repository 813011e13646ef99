//! Pieces that were wrong when several sources had sent parts of them.
//!
//! Nobody is put out for such a piece: the other parts may have come from the honest. It is asked for again before others
//! are begun, and of one peer alone, so that the next word of it is a proof: it is wrong, and all of it came from one;
//! or it is right, and the blocks that differ tell who lied. What must stay true: a piece waits for its peer only while
//! that peer may be asked; and who brought it in vain is not the first to be asked again.

use std::collections::BTreeMap;

use swarmcopy_layout::PieceIndex;

use crate::SourceId;

#[derive(Debug, Default)]
struct Doubt {
    /// Who is to bring all of it.
    owner: Option<SourceId>,
    /// Who was, when it was last wrong.
    last: Option<SourceId>,
}

/// The pieces in doubt.
#[derive(Debug, Default)]
pub(crate) struct Doubts(BTreeMap<PieceIndex, Doubt>);

impl Doubts {
    /// The piece was wrong; `shared` if several had sent parts of it.
    pub(crate) fn wrong(&mut self, piece: PieceIndex, shared: bool) {
        if shared {
            self.0.entry(piece).or_default();
        }
        if let Some(doubt) = self.0.get_mut(&piece) {
            doubt.last = doubt.owner.take();
        }
    }

    /// The piece is right.
    pub(crate) fn right(&mut self, piece: PieceIndex) {
        self.0.remove(&piece);
    }

    /// The piece is begun, and asked of this peer: if it is in doubt, for all of it.
    pub(crate) fn begun(&mut self, piece: PieceIndex, of: SourceId) {
        if let Some(doubt) = self.0.get_mut(&piece) {
            doubt.owner = Some(of);
        }
    }

    /// A source is gone.
    pub(crate) fn gone(&mut self, source: SourceId) {
        for doubt in self.0.values_mut() {
            doubt.owner = doubt.owner.filter(|owner| *owner != source);
        }
    }

    /// Who is to bring all of the piece, if it is in doubt.
    pub(crate) fn owner(&self, piece: PieceIndex) -> Option<SourceId> {
        self.0.get(&piece)?.owner
    }

    /// All pieces in doubt, each with who brought it in vain.
    pub(crate) fn all(&self) -> impl Iterator<Item = (PieceIndex, Option<SourceId>)> + '_ {
        self.0.iter().map(|(piece, doubt)| (*piece, doubt.last))
    }
}
