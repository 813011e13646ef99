//! What the gate of the origin is shown of the other parts.

use std::time::Duration;

use swarmcopy_layout::PieceSet;

use crate::book::Book;
use crate::measure::Measures;
use crate::source::Sources;
use swarmcopy_slots::View;

/// What the gate needs to know besides sets of pieces.
pub(crate) struct Facts {
    pieces_left: u32,
    link_goodput: u64,
    peers: u32,
    slow: Option<PieceSet>,
    way: Duration,
    wrong: Option<PieceSet>,
}

impl Facts {
    /// What these parts say.
    pub(crate) fn of(book: &Book, sources: &Sources, measures: &Measures) -> Self {
        let mut facts = Self {
            pieces_left: book.left(),
            link_goodput: measures.best_rate(),
            peers: 0,
            slow: None,
            way: measures.way_time() / 2,
            wrong: wrong_everywhere(sources, book.have().capacity()),
        };
        for (_, peer) in sources.peers() {
            facts.peers += 1;
            if peer.thin() {
                let none = || PieceSet::empty(book.have().capacity());
                facts.slow.get_or_insert_with(none).union_with(peer.has());
            }
        }
        facts
    }

    /// The same with sets of pieces.
    pub(crate) fn view<'a>(&'a self, missing: &'a PieceSet, book: &'a Book) -> View<'a> {
        let availability = book.availability();
        View {
            missing,
            narrowed: false,
            wrong: self.wrong.as_ref(),
            available: availability.available(),
            serving: availability.serving(),
            copied: availability.copied(),
            pieces_left: self.pieces_left,
            peers: self.peers,
            peers_slow: self.slow.is_some(),
            last: self.slow.as_ref(),
            way: self.way,
            link_goodput: self.link_goodput,
        }
    }
}

/// Pieces that each origin had with wrong bytes lately.
fn wrong_everywhere(sources: &Sources, pieces: u32) -> Option<PieceSet> {
    let mut all: Option<PieceSet> = None;
    for (_, origin) in sources.origins() {
        let mut wrong = PieceSet::empty(pieces);
        origin.gaps().wrong_now().for_each(|piece| {
            wrong.insert(piece);
        });
        if wrong.is_empty() {
            return None;
        }
        if let Some(all) = &all {
            wrong.intersect_with(all);
        }
        all = Some(wrong);
    }
    all
}
