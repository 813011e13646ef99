//! Which piece a peer should bring next: a begun one, else one in doubt, else the rarest of a sample.

use swarmcopy_layout::{PieceIndex, PieceSet};

use super::credit::{QueueRule, Room, may_begin};
use crate::book::Book;
use crate::moment::Moment;
use crate::source::Sources;
use crate::source::peer::Peer;
use crate::{Instant, SourceId, Tuning};

/// The peer that may be asked, and what keeps it from being asked for a piece.
struct Candidate<'a> {
    now: Instant,
    id: SourceId,
    peer: &'a Peer,
    sources: &'a Sources,
    book: &'a Book,
    queue: QueueRule<'a>,
    tuning: &'a Tuning,
    busy: bool,
    /// This machine reads the origin.
    reads: bool,
}

/// The piece that this peer should bring next.
pub(crate) fn pick(at: &mut Moment<'_>, id: SourceId) -> Option<PieceIndex> {
    let source = at.sources.get(id)?;
    let peer = source.peer()?;
    let queue = QueueRule::among(at.sources, at.terms);
    let candidate = Candidate {
        now: at.now,
        id,
        peer,
        sources: at.sources,
        book: at.book,
        queue,
        tuning: &at.terms.tuning,
        busy: source.flow().in_flight() >= queue.len(source) / at.terms.tuning.spared_part,
        reads: at.gate.may_open(at.now),
    };
    let ledger = at.book.ledger();
    if let Some(piece) = ledger.loose().find(|it| candidate.may_bring(*it)) {
        return Some(piece);
    }
    if !may_begin(at, Room::Some) {
        return None;
    }
    let in_doubt = candidate.doubted().find(|it| candidate.may_bring(*it));
    if in_doubt.is_some() {
        return in_doubt;
    }
    // whoever has nothing else to do does not wait for its turn
    let nothing = ledger.is_idle() && !at.book.fresh().is_hinted();
    let idle = nothing || at.gate.peer_has_room(id);
    let except = if idle { ledger.closed() } else { ledger.shut() };
    candidate.rarest(except, at.rng)
}

impl Candidate<'_> {
    fn may_bring(&self, piece: PieceIndex) -> bool {
        self.peer.has().contains(piece) && self.is_for(piece) && self.spares(piece)
    }

    /// Whether the piece need not be left to others, and the peer need not be kept for other pieces.
    fn spares(&self, piece: PieceIndex) -> bool {
        let serving = self.book.availability().serving_of(piece);
        // a reader of the origin leaves nothing that it could read to who may never answer: its slot
        // would look read to the end; and nobody waits for that with the last pieces
        let waits = if serving == 0 {
            self.reads
        } else {
            self.book.ends()
        };
        if !self.peer.serving() && waits {
            return false;
        }
        // who alone has pieces is kept free for them, where others have the rest
        let alone = self.peer.sole() > 0;
        !alone || serving <= 1 || !self.busy && !self.has_other(piece)
    }

    /// Whether another peer that alone has nothing has the piece, and room for it.
    fn has_other(&self, piece: PieceIndex) -> bool {
        let others = self.sources.iter();
        let mut others = others.filter(|(_, it)| it.flow().in_flight() < self.queue.len(it));
        others.any(|(_, other)| {
            other.peer().is_some_and(|other| {
                other.sole() == 0 && other.may_be_asked(self.now) && other.has().contains(piece)
            })
        })
    }

    /// Whether a begun piece may be asked of this peer: one in doubt is another's as long as that may be asked.
    fn is_for(&self, piece: PieceIndex) -> bool {
        let owner = self.book.doubts().owner(piece);
        let owner = owner.filter(|owner| *owner != self.id);
        let owner = owner.and_then(|owner| self.sources.peer(owner));
        !owner.is_some_and(|owner| owner.may_be_asked(self.now))
    }

    /// Open pieces in doubt, without those that this peer brought in vain and another may bring.
    fn doubted(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        let elsewhere = move |piece: PieceIndex| {
            let mut others = self.sources.peers().filter(|(other, _)| *other != self.id);
            others.any(|(_, peer)| {
                peer.serving() && peer.may_be_asked(self.now) && peer.has().contains(piece)
            })
        };
        let all = self.book.doubts().all();
        let open = all.filter(move |(piece, last)| *last != Some(self.id) || !elsewhere(*piece));
        let open = open.map(|(piece, _)| piece);
        open.filter(|piece| !self.book.ledger().closed().contains(*piece))
    }

    /// The rarest piece of a random sample of those that it has.
    fn rarest(&self, except: &PieceSet, rng: &mut fastrand::Rng) -> Option<PieceIndex> {
        let has = self.peer.has();
        let mut best: Option<(u16, PieceIndex)> = None;
        let places = self.tuning.sample_places.max(1);
        for _ in 0..places {
            let mut at = rng.u32(..has.capacity().max(1));
            let mut wrapped = false;
            for _ in 0..self.tuning.sample / places {
                let mut next = has.next_without(at, except);
                if next.is_none() && !wrapped {
                    wrapped = true;
                    next = has.next_without(0, except);
                }
                let Some(piece) = next else { break };
                at = piece.value() + 1;
                let holders = self.book.availability().serving_of(piece);
                if best.is_none_or(|(least, _)| holders < least) && self.spares(piece) {
                    best = Some((holders, piece));
                }
            }
            best?;
        }
        best.map(|(_, piece)| piece)
    }
}
