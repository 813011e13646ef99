//! The search for the next run of pieces to read.
//!
//! A run names pieces that nobody serves, in extents of slots held here (or taken from others with
//! notice), in an order that every holder of the slot follows. Amortised O(1) per piece passed.

use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::held::Held;
use crate::own::Noted;
use crate::room::Room;
use crate::sight::Sight;
use crate::view::View;
use crate::walk::Found;
use crate::{Instant, OriginKind, OriginTag};

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    now: Instant,
    view: &'a View<'a>,
    room: &'a Room,
    /// The origin that is to bring it.
    origin: (OriginTag, OriginKind),
    /// Most pieces of a run.
    max: u32,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sighted {
    /// The first piece, and how many.
    pub(super) run: Option<(u32, u32)>,
    /// A slot of which others should hear at once where it is read.
    pub(super) moved: Option<u32>,
    /// A slot has nothing more to read.
    pub(super) dry: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        (now, view, room): (Instant, &'a View<'a>, &'a Room),
        origin: (OriginTag, OriginKind),
        max: u32,
    ) -> Self {
        Self {
            now,
            view,
            room,
            origin,
            max,
        }
    }

    fn sight<'b>(&'b self, held: &'b Held) -> Sight<'b> {
        Sight {
            now: self.now,
            view: self.view,
            room: self.room,
            held,
        }
    }

    /// A run of anything missing (`fast`), or of the slots held here.
    pub(super) fn run(&self, held: &mut Held, fast: bool) -> Sighted {
        if fast {
            self.any(held)
        } else {
            self.of_slots(held)
        }
    }

    /// A run of anything missing, first of what no peer serves.
    fn any(&self, held: &mut Held) -> Sighted {
        let sight = self.sight(held);
        let eligible = |piece: PieceIndex| {
            let index = piece.value();
            !held.is_in_hand(index) && !sight.is_bad(self.origin.0, index)
        };
        let none = PieceSet::empty(0);
        let mut served = [self.view.available, &none].into_iter();
        let run = served.find_map(|served| self.find(held.cursor(), served, &eligible));
        Self::goes_on(held, run)
    }

    /// A run of the slots held here.
    fn of_slots(&self, held: &mut Held) -> Sighted {
        if held.has_all(self.now, self.room.slots(), self.origin.1) {
            return self.of_all(held);
        }
        held.sort();
        let first = self.view.last.map(|last| self.in_slots(held, Some(last)));
        let first = first.filter(|sighted| sighted.run.is_some());
        first.unwrap_or_else(|| self.in_slots(held, None))
    }

    /// A run of the slots held here, without what comes `last`: where there is none of that, nothing is concluded.
    fn in_slots(&self, held: &mut Held, last: Option<&PieceSet>) -> Sighted {
        let (extents, tail) = (self.room.extents(), held.tuning().tail);
        let is_last = |piece| {
            let piece = extents.piece(piece);
            last.zip(piece).is_some_and(|(last, it)| last.contains(it))
        };
        let mut sighted = Sighted::default();
        for place in 0..held.len() {
            let Some(mut own) = held.nth(place) else {
                break;
            };
            if own.is_dry() || !own.may_read(self.now, self.origin.1) {
                continue;
            }
            let (slot, sight) = (own.slot(), self.sight(held));
            let eligible = |piece| !is_last(piece) && sight.is_eligible(self.origin.0, slot, piece);
            let found = own.find(self.now, extents, self.max, &eligible);
            if last.is_some() && !matches!(found, Found::Run { .. }) {
                continue;
            }
            match own.note((extents, tail), found, self.view.narrowed) {
                Noted::Nothing => {}
                Noted::Moved => sighted.moved = Some(slot),
                Noted::Dry => sighted.dry = true,
            }
            held.put(own);
            if let Found::Run { first, count, .. } = found {
                sighted.run = Some((first, count));
                break;
            }
        }
        sighted
    }

    /// Who holds every slot reads the content from front to back, in long runs.
    fn of_all(&self, held: &mut Held) -> Sighted {
        let mut sighted = Sighted::default();
        if held.iter().all(crate::own::Own::is_dry) {
            return sighted;
        }
        let (sight, extents) = (self.sight(held), self.room.extents());
        let eligible = |piece: PieceIndex| {
            let slot = extents.slot_of_piece(piece.value());
            sight.is_eligible(self.origin.0, slot, piece.value())
        };
        let run = self.view.last.and_then(|last| {
            let eligible = |piece: PieceIndex| !last.contains(piece) && eligible(piece);
            self.find(held.cursor(), self.view.available, &eligible)
        });
        let run = run.or_else(|| self.find(held.cursor(), self.view.available, &eligible));
        if let Some((first, _)) = run {
            let extent = extents.extent_of(first);
            let own = held.find_mut(extents.slot_of(extent)).into_iter();
            own.for_each(|own| own.reads_extent(extent));
        } else if !self.view.narrowed {
            held.all_dry();
            sighted.dry = true;
        }
        Sighted {
            dry: sighted.dry,
            ..Self::goes_on(held, run)
        }
    }

    /// The next read goes on behind this run.
    fn goes_on(held: &mut Held, run: Option<(u32, u32)>) -> Sighted {
        if let Some((first, count)) = run {
            held.set_cursor(first + count);
        }
        Sighted {
            run,
            ..Sighted::default()
        }
    }

    /// The first run of missing pieces that are not `served` and pass, at or after the cursor or else before it.
    fn find(
        &self,
        cursor: u32,
        served: &PieceSet,
        eligible: &dyn Fn(PieceIndex) -> bool,
    ) -> Option<(u32, u32)> {
        let sets = (self.view.missing, served);
        ascending_run(sets, cursor, self.max, eligible)
            .or_else(|| ascending_run(sets, 0, self.max, eligible))
    }
}

/// The first run at or after `from` of wanted pieces that pass.
fn ascending_run(
    sets: (&PieceSet, &PieceSet),
    mut from: u32,
    max: u32,
    eligible: &dyn Fn(PieceIndex) -> bool,
) -> Option<(u32, u32)> {
    let mut run: Option<(u32, u32)> = None;
    while let Some(piece) = sets.0.next_without(from, sets.1) {
        let index = piece.value();
        from = index + 1;
        match &mut run {
            None if eligible(piece) => run = Some((index, 1)),
            None => continue,
            Some((first, count)) if *first + *count == index && eligible(piece) => *count += 1,
            Some(_) => break,
        }
        if run.is_some_and(|(_, count)| count >= max) {
            break;
        }
    }
    run
}
