//! What the gate of the origin is shown of the other parts.

use std::time::Duration;

use swarmcopy_layout::PieceSet;

use super::silence::is_waited_for_in_vain;
use crate::book::Book;
use crate::measure::Measures;
use crate::source::Sources;
use crate::{Instant, Tuning};
use swarmcopy_slots::View;

/// What the gate needs to know besides sets of pieces.
pub(crate) struct Facts {
    pieces_left: u32,
    link_goodput: u64,
    peers: u32,
    slow: Option<PieceSet>,
    way: Duration,
    wrong: Option<PieceSet>,
    /// What is missing with what doubted peers are waited for in vain, if there is such.
    with_owed: Option<PieceSet>,
}

impl Facts {
    /// What these parts say.
    pub(crate) fn of(
        (book, sources): (&Book, &Sources),
        measures: &Measures,
        (now, tuning): (Instant, &Tuning),
    ) -> Self {
        let mut facts = Self {
            pieces_left: book.left(),
            link_goodput: measures.best_rate(),
            peers: 0,
            slow: None,
            way: measures.way_time() / 2,
            wrong: wrong_everywhere(sources, book.have().capacity()),
            with_owed: with_owed((book, sources), (now, tuning)),
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

    /// What may have to be read: all that is missing, with what doubted peers are waited for in vain.
    pub(crate) fn to_be_read<'a>(&'a self, book: &'a Book) -> View<'a> {
        let missing = book.ledger().missing();
        self.view(self.with_owed.as_ref().unwrap_or(missing), book)
    }

    /// Whether doubted peers are waited for in vain: that may have to be read soon.
    pub(crate) fn is_owed(&self) -> bool {
        self.with_owed.is_some()
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

/// What is missing, and what was asked of peers that are doubted and bring nothing: a machine that waits for them
/// again would not say that it needs the origin.
fn with_owed((book, sources): (&Book, &Sources), at: (Instant, &Tuning)) -> Option<PieceSet> {
    let mut all: Option<PieceSet> = None;
    // this is asked all the time, and nearly all peers serve
    for (id, _) in sources.peers().filter(|(_, peer)| !peer.serving()) {
        let source = sources.get(id).filter(|it| is_waited_for_in_vain(it, at));
        let jobs = source.into_iter().flat_map(|it| it.flow().jobs());
        for job in jobs.filter_map(|job| book.ledger().job(*job)) {
            let all = all.get_or_insert_with(|| book.ledger().missing().clone());
            for piece in book.pieces_of(job) {
                all.insert(piece);
            }
        }
    }
    all
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
