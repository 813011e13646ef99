//! What may be read now: the rules R1 and R4 for single pieces.
//!
//! A plan names pieces that nobody serves, in extents of slots held here (or taken from others with
//! notice), in an order that every holder of the slot follows.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use super::config::{Hours, Isolated};
use super::gate::{NO_SLOT, OriginGate};
use super::own::{Found, Lock, Own, lock_allows, run_in};
use super::standing::Standing;
use super::table::bit;
use super::view::{ReadPlan, View};
use super::window::Others;
use crate::{Instant, OriginKind, OriginTag, Reason, SourceId};

/// An origin that had nothing to be read is looked through again after this: a look costs O(pieces).
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// With so few extents ahead a holder tells at once where it is.
const TAIL: u32 = 4;

impl OriginGate {
    /// The next run of pieces to read from `source`, at most `pieces_max`; they count as in hand
    /// until `have` or `read_ended`. Amortised O(1) per piece passed.
    pub fn next_read(
        &mut self,
        now: Instant,
        source: SourceId,
        view: &View<'_>,
        pieces_max: u32,
    ) -> Option<ReadPlan> {
        self.now = self.now.max(now);
        if !self.may_begin(now) || pieces_max == 0 {
            return None;
        }
        let origin = self.origins.iter().find(|origin| origin.source == source)?;
        if now < origin.idle_until {
            return None;
        }
        let (tag, kind) = (origin.tag, origin.kind);
        let fast = self.licence.as_ref()?.is_fast();
        let others = Others {
            serving: view.serving,
            copied: view.copied,
            link_goodput: self.link.burst(),
        };
        let run = if fast {
            self.any_run(now, view, tag, pieces_max)
        } else if self.window.is_full(now, others, self.reads.len()) {
            self.limited = true;
            self.explain(Reason::DeniedWindow, Some(source), None);
            return None;
        } else {
            self.slot_run(now, (tag, kind), view, pieces_max)
        };
        let Some((first, count)) = run else {
            self.rest_origin(now, source);
            return None;
        };
        let piece = self.layout.piece(first)?;
        let reason = self.why(fast, view.peers_slow);
        let plan = ReadPlan::new(self.licence.as_ref()?, piece, count, reason);
        #[cfg(any(debug_assertions, feature = "invariants"))]
        super::invariants::plan(self, now, source, view, &plan);
        for index in first..first.saturating_add(count) {
            let reader = if fast {
                NO_SLOT
            } else {
                self.reader_of(now, index)
            };
            if let Some(own) = self.own_mut(reader) {
                own.reads += 1;
                own.has_read = true;
            }
            self.reads.insert(index, reader);
        }
        Some(plan)
    }

    /// This origin has nothing that may be read: it is looked through again a little later.
    fn rest_origin(&mut self, now: Instant, source: SourceId) {
        let origin = self.origins.iter_mut().find(|it| it.source == source);
        if let Some(origin) = origin {
            origin.idle_until = now + LOOK_AGAIN;
        }
    }

    fn why(&self, fast: bool, peers_slow: bool) -> Reason {
        match self.standing {
            _ if fast => Reason::OriginFast,
            _ if peers_slow => Reason::OriginPeersSlow,
            Standing::CutOff => Reason::OriginIsolated,
            _ => Reason::OriginSlotHeld,
        }
    }

    /// The own slot under which this piece is read: the one that took its extent, even where its home is held
    /// here, too, by now, and perhaps being given back.
    pub(super) fn reader_of(&self, now: Instant, piece: u32) -> u32 {
        let extent = self.extents.extent_of(piece);
        let takes = |own: &&Own| {
            let stolen = own
                .stolen
                .filter(|it| it.all(&self.extents).any(|one| one == extent));
            own.is_open(now) && stolen.is_some_and(|it| it.open_at <= now)
        };
        let home = self.extents.slot_of(extent);
        let thief = self.own.iter().find(takes).map(|own| own.slot);
        thief.unwrap_or(if self.owns(home) { home } else { NO_SLOT })
    }

    /// A run of anything missing, first of what no peer serves.
    fn any_run(
        &mut self,
        now: Instant,
        view: &View<'_>,
        tag: OriginTag,
        max: u32,
    ) -> Option<(u32, u32)> {
        for spare_available in [true, false] {
            let eligible = |piece: PieceIndex| {
                let index = piece.value();
                !self.reads.contains_key(&index) && !self.marks.is_bad(now, tag, index)
            };
            let served = if spare_available {
                view.available
            } else {
                &self.none
            };
            let sets = (view.missing, served);
            let found = ascending_run(sets, self.cursor, max, &eligible)
                .or_else(|| ascending_run(sets, 0, max, &eligible));
            if let Some((first, count)) = found {
                self.cursor = first + count;
                return Some((first, count));
            }
        }
        None
    }

    /// A run of the slots held here, with its slot.
    fn slot_run(
        &mut self,
        now: Instant,
        origin: (OriginTag, OriginKind),
        view: &View<'_>,
        max: u32,
    ) -> Option<(u32, u32)> {
        let slots = usize::try_from(self.table.slots()).unwrap_or(usize::MAX);
        let ready = |own: &Own| own.is_open(now) && lock_allows(own.lock, origin.1);
        if self.own.len() == slots && self.own.iter().all(ready) {
            return self.solo_run(now, origin.0, view, max);
        }
        self.own.sort_by_key(|own| own.reads);
        for place in 0..self.own.len() {
            let Some(mut one) = self.own.get(place).copied() else {
                break;
            };
            if one.dry.is_some() || !ready(&one) {
                continue;
            }
            let slot = one.slot;
            let eligible = |piece: u32| self.is_eligible(now, view, origin.0, slot, piece);
            let found = find_run(&mut one, now, &self.extents, max, &eligible);
            let moved = self.note_found(now, &mut one, (found, view.narrowed));
            self.own
                .get_mut(place)
                .into_iter()
                .for_each(|own| *own = one);
            if moved {
                let flags = self.flags(now);
                self.tell_own(now, place, flags);
            }
            if let Found::Run { first, count, .. } = found {
                return Some((first, count));
            }
        }
        None
    }

    /// Keeps what a look found; whether others should hear at once where the slot is read now.
    fn note_found(&mut self, now: Instant, one: &mut Own, found: (Found, bool)) -> bool {
        match found.0 {
            Found::Run { extent, .. } if one.stolen.is_none() && extent != one.extent => {
                one.extent = extent;
                one.extents_ahead(&self.extents) <= TAIL
            }
            Found::Run { .. } | Found::Later => false,
            // what one origin lacks says nothing about the slot
            Found::Nothing if found.1 => {
                one.stolen = None;
                false
            }
            Found::Nothing => {
                one.dry = Some(now);
                one.stolen = None;
                self.wake = Instant::ZERO;
                false
            }
        }
    }

    /// Who holds every slot reads the content from front to back, in long runs.
    fn solo_run(
        &mut self,
        now: Instant,
        tag: OriginTag,
        view: &View<'_>,
        max: u32,
    ) -> Option<(u32, u32)> {
        if self.own.iter().all(|own| own.dry.is_some()) {
            return None;
        }
        let eligible = |piece: PieceIndex| {
            let slot = self.extents.slot_of_piece(piece.value());
            self.is_eligible(now, view, tag, slot, piece.value())
        };
        let sets = (view.missing, view.available);
        let run = ascending_run(sets, self.cursor, max, &eligible)
            .or_else(|| ascending_run(sets, 0, max, &eligible));
        let Some((first, count)) = run else {
            if !view.narrowed {
                self.own.iter_mut().for_each(|own| own.dry = Some(now));
                self.wake = Instant::ZERO;
            }
            return None;
        };
        self.cursor = first + count;
        let slot = self.extents.slot_of_piece(first);
        let extent = self.extents.extent_of(first);
        self.own_mut(slot)
            .into_iter()
            .for_each(|own| own.extent = extent);
        Some((first, count))
    }

    /// Whether `piece` may be read under `slot` as far as the piece itself is concerned (R1).
    pub(super) fn is_eligible(
        &self,
        now: Instant,
        view: &View<'_>,
        tag: OriginTag,
        slot: u32,
        piece: u32,
    ) -> bool {
        self.denied_piece(now, view, slot, piece).is_none() && !self.marks.is_bad(now, tag, piece)
    }

    pub(super) fn denied_piece(
        &self,
        now: Instant,
        view: &View<'_>,
        slot: u32,
        piece: u32,
    ) -> Option<Reason> {
        let Some(index) = self.layout.piece(piece) else {
            return Some(Reason::DeniedNotHolder);
        };
        if !view.missing.contains(index) || self.reads.contains_key(&piece) {
            return Some(Reason::DeniedClaimed);
        }
        if view.available.contains(index) {
            return Some(Reason::DeniedAvailable);
        }
        let ceded = self.is_ceded(now, slot, self.extents.extent_of(piece));
        (ceded || self.gossip.is_claimed(now, piece, &self.table)).then_some(Reason::DeniedClaimed)
    }

    /// Whether another machine took this extent from its slot.
    pub(super) fn is_ceded(&self, now: Instant, slot: u32, extent: u32) -> bool {
        let home = self.extents.slot_of(extent);
        if home != slot
            && self.table.live_holder(now, home).is_some()
            && self
                .table
                .cell(home)
                .is_some_and(|cell| cell.record.extent == extent)
        {
            // taken with notice, but its own holder got there first
            return true;
        }
        let Some((node, until)) = self.ceded.get(&extent) else {
            return false;
        };
        if *node == self.config.node || *until <= now {
            return false;
        }
        let own = self.own.iter().find(|own| own.slot == slot);
        let reading = own.is_some_and(|own| own.extent == extent && own.reads > 0);
        let mut taken = own.and_then(|own| own.stolen).into_iter();
        let taken_by_me = taken.any(|it| it.all(&self.extents).any(|one| one == extent));
        !(reading || taken_by_me && self.config.node < *node)
    }

    /// Slots with a piece that is to be read, as a mask. One pass over the missing pieces, which
    /// skips the rest of an extent as soon as one was found there.
    pub(super) fn slots_with_work(&self, now: Instant, view: &View<'_>) -> u64 {
        let all = (0..self.table.slots()).fold(0, |mask, slot| mask | bit(slot));
        let served = view.available;
        let (mut mask, mut from) = (0, 0);
        while let Some(piece) = view.missing.next_without(from, served) {
            let index = piece.value();
            from = index + 1;
            let extent = self.extents.extent_of(index);
            let slot = self.extents.slot_of(extent);
            let wrong = view.wrong.is_some_and(|wrong| wrong.contains(piece));
            if self.is_ceded(now, slot, extent) || wrong {
                continue;
            }
            mask |= bit(slot);
            if mask == all {
                break;
            }
            from = self.extents.pieces_of(extent).1;
        }
        mask
    }

    /// How many pieces of a slot are here or available. O(pieces of the slot).
    pub(super) fn count_present(&self, view: &View<'_>, slot: u32) -> u32 {
        let mut count = 0;
        for place in 0..self.extents.count(slot) {
            let Some(extent) = self.extents.nth(slot, place) else {
                continue;
            };
            let (first, end) = self.extents.pieces_of(extent);
            let pieces = (first..end).filter_map(|index| self.layout.piece(index));
            let present =
                |p: &PieceIndex| !view.missing.contains(*p) || view.available.contains(*p);
            count += u32::try_from(pieces.filter(present).count()).unwrap_or(u32::MAX);
        }
        count
    }

    /// Whether an origin may be open: permits live exactly as long as this is true.
    pub fn may_open(&self, now: Instant) -> bool {
        self.may_begin(now) || self.is_reading()
    }

    /// How many slots are given back as soon as what is on its way has come, from an origin that answers.
    pub fn leaving(&self) -> usize {
        let leaves = |own: &&Own| own.leaving.is_some() && own.reads > 0;
        if self.is_refused() {
            return 0;
        }
        self.own.iter().filter(leaves).count()
    }

    /// Whether this piece is read under a slot that is being given back.
    pub fn leaves(&self, piece: PieceIndex) -> bool {
        let slot = self.reads.get(&piece.value());
        let own = slot.and_then(|slot| self.own.iter().find(|own| own.slot == *slot));
        own.is_some_and(|own| own.leaving.is_some())
    }

    /// Whether something is on its way from an origin.
    pub fn is_reading(&self) -> bool {
        self.own.iter().any(|own| own.reads > 0)
    }

    /// Whether new reads may begin.
    fn may_begin(&self, now: Instant) -> bool {
        let Some(licence) = &self.licence else {
            return false;
        };
        let opens = |own: &Own| own.is_open(now) && self.can_use(own.lock);
        !self.must_leave() && (licence.is_fast() || self.own.iter().any(opens))
    }

    pub(super) fn can_use(&self, lock: Lock) -> bool {
        self.origins
            .iter()
            .any(|origin| lock_allows(lock, origin.kind))
    }

    /// Whether the policy lets an isolated machine only wait.
    pub(super) fn must_wait(&self) -> bool {
        self.standing == Standing::CutOff && self.config.isolated == Isolated::Wait
    }

    /// Why `piece` is not, or is, to be read from `source` now.
    pub fn reason(
        &self,
        now: Instant,
        source: SourceId,
        view: &View<'_>,
        piece: PieceIndex,
    ) -> Reason {
        let index = piece.value();
        let Some(licence) = &self.licence else {
            return Reason::DeniedNever;
        };
        if self.hours == Hours::Closed {
            return Reason::DeniedHours;
        }
        let origin = self.origins.iter().find(|it| it.source == source);
        let tag = origin.map(|it| it.tag);
        if tag.is_some_and(|tag| self.marks.is_bad(now, tag, index)) {
            return Reason::DeniedBadData;
        }
        if licence.is_fast() {
            return Reason::OriginFast;
        }
        let slot = self.extents.slot_of_piece(index);
        let Some(own) = self.own.iter().find(|own| own.slot == slot) else {
            let holding = self.own.is_empty() && now < self.company.learned_at();
            return if holding {
                Reason::DeniedHoldOff
            } else {
                Reason::DeniedNotHolder
            };
        };
        if origin.is_some_and(|it| !lock_allows(own.lock, it.kind)) {
            return Reason::DeniedGuard;
        }
        if self.window.was_full(now) {
            return Reason::DeniedWindow;
        }
        self.denied_piece(now, view, slot, index)
            .unwrap_or_else(|| self.why(false, view.peers_slow))
    }
}

/// The next run of a slot, or of the extent that it took from another.
fn find_run(
    own: &mut Own,
    now: Instant,
    extents: &super::extent::Extents,
    max: u32,
    eligible: &dyn Fn(u32) -> bool,
) -> Found {
    let Some(stolen) = own.stolen else {
        return own.find(now, extents, max, eligible);
    };
    if now < stolen.open_at {
        return Found::Later;
    }
    // from the far end: by the time it meets the slot's holder that one has heard of it
    let all: Vec<u32> = stolen.all(extents).collect();
    let run = all.into_iter().rev().find_map(|extent| {
        let (first, end) = extents.pieces_of(extent);
        let (first, count) = run_in(first, end, max, eligible)?;
        Some(Found::Run {
            first,
            count,
            extent,
        })
    });
    run.unwrap_or(Found::Nothing)
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
