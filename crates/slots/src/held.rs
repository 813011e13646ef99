//! What this machine holds: its slots, the pieces in hand, and what it read that nobody else has yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use swarmcopy_layout::{Layout, PieceIndex};

use crate::agenda::Agenda;
use crate::extent::Extents;
use crate::lock::Lock;
use crate::message::{Claim, MESSAGE_ITEMS_MAX};
use crate::own::Own;
use crate::table::bit;
use crate::tuning::Tuning;
use crate::view::View;
use crate::window::{Others, Window};
use crate::{Instant, LockWord, NodeId, OriginKind};

/// The slot of reads that have none.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// Slots, and pieces in hand.
#[derive(Debug)]
pub(super) struct Held {
    tuning: Arc<Tuning>,
    own: Vec<Own>,
    /// Pieces in hand from an origin, with their slot.
    reads: BTreeMap<u32, u32>,
    window: Window,
    /// Bit i: slot i was held here at some time.
    ever: u64,
    /// Where reading without the order of a slot goes on.
    cursor: u32,
    /// When the next slot may be given back to others.
    shed_at: Instant,
    /// When idle slots are looked through again.
    look_at: Instant,
}

impl Held {
    pub(super) fn new(tuning: &Arc<Tuning>, layout: &Layout, now: Instant) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            own: Vec::new(),
            reads: BTreeMap::new(),
            window: Window::new(tuning, layout),
            ever: 0,
            cursor: 0,
            shed_at: now,
            look_at: now,
        }
    }

    pub(super) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.own.len()
    }

    /// The slots held here.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Own> {
        self.own.iter()
    }

    pub(super) fn find(&self, slot: u32) -> Option<&Own> {
        self.own.iter().find(|own| own.slot() == slot)
    }

    pub(super) fn find_mut(&mut self, slot: u32) -> Option<&mut Own> {
        self.own.iter_mut().find(|own| own.slot() == slot)
    }

    /// The slot at this place.
    pub(super) fn nth(&self, place: usize) -> Option<Own> {
        self.own.get(place).copied()
    }

    pub(super) fn owns(&self, slot: u32) -> bool {
        self.find(slot).is_some()
    }

    /// The first slot that is held.
    pub(super) fn first(&self) -> Option<u32> {
        self.own.first().map(Own::slot)
    }

    /// The slots held here, as a mask; those that were at some time.
    pub(super) fn masks(&self) -> (u64, u64) {
        let now = self.own.iter().fold(0, |mask, own| mask | bit(own.slot()));
        (now, self.ever)
    }

    /// A slot is held from now on.
    pub(super) fn take(&mut self, mut own: Own) {
        // what it began to read before it lost the slot may still be under way
        let reads = self.reads.values().filter(|of| **of == own.slot()).count();
        own.goes_on(u32::try_from(reads).unwrap_or(u32::MAX));
        self.ever |= bit(own.slot());
        self.own.push(own);
    }

    /// A slot is held no more: its lock is let go of.
    pub(super) fn remove(&mut self, slot: u32, agenda: &mut Agenda) -> Option<Own> {
        let place = self.own.iter().position(|own| own.slot() == slot)?;
        let own = self.own.remove(place);
        if own.lock() != Lock::None {
            agenda.lock(slot, false);
        }
        Some(own)
    }

    /// The server's word on the lock for this slot.
    pub(super) fn hear_lock(
        &mut self,
        now: Instant,
        slot: u32,
        word: LockWord,
        agenda: &mut Agenda,
    ) {
        let again = now + self.tuning.tick;
        if let Some(own) = self.find_mut(slot) {
            own.hear_lock(now, again, word);
            agenda.wake(now);
        } else if word == LockWord::Held {
            agenda.lock(slot, false);
        }
    }

    /// Asks for the locks of all slots that have none.
    pub(super) fn ask_locks(&mut self, now: Instant, agenda: &mut Agenda) {
        for own in &mut self.own {
            if own.ask_lock(now) {
                agenda.lock(own.slot(), true);
            }
        }
    }

    /// Asks again for refused locks, or lets the slot `lone` go without where that is due.
    pub(super) fn retry_locks(&mut self, now: Instant, lone: Option<u32>, agenda: &mut Agenda) {
        let leaks = Some(self.tuning.leaked());
        for own in &mut self.own {
            if own.retry_lock(now, leaks.filter(|_| lone == Some(own.slot()))) {
                agenda.lock(own.slot(), true);
            }
        }
    }

    /// Asks for locks that have leaked: they may be free by now.
    pub(super) fn try_leaked_locks(&self, agenda: &mut Agenda) {
        let leaked = self.own.iter().filter(|own| own.lock() == Lock::Leaked);
        leaked.for_each(|own| agenda.lock(own.slot(), true));
    }

    /// The numbers of slots mean nothing any more.
    pub(super) fn forget_slots(&mut self) {
        self.reads.values_mut().for_each(|slot| *slot = NO_SLOT);
    }

    /// A slot was changed.
    pub(super) fn put(&mut self, own: Own) {
        self.find_mut(own.slot())
            .into_iter()
            .for_each(|it| *it = own);
    }

    /// Slots of which least is under way come first.
    pub(super) fn sort(&mut self) {
        self.own.sort_by_key(Own::reads);
    }

    /// Whether all these slots are held here and may read such an origin.
    pub(super) fn has_all(&self, now: Instant, slots: u32, kind: OriginKind) -> bool {
        u32::try_from(self.own.len()) == Ok(slots)
            && self.own.iter().all(|own| own.may_read(now, kind))
    }

    /// Every slot is to be given back.
    pub(super) fn leave_all(&mut self, flags: u32) {
        self.own.iter_mut().for_each(|own| own.leave(flags));
    }

    /// The slots are to be given back to these machines, the best first.
    pub(super) fn leave_to(&mut self, heirs: &[NodeId]) {
        let heirs = heirs.iter().cycle();
        for (own, heir) in self.own.iter_mut().zip(heirs) {
            own.leave_to(*heir);
        }
    }

    /// How many slots are not to be given back.
    pub(super) fn kept(&self) -> usize {
        self.own.iter().filter(|own| !own.is_leaving()).count()
    }

    /// Gives back what others could hold, one slot after another (T_solo).
    pub(super) fn shed(&mut self, now: Instant, limit: usize) {
        if self.kept() > limit && now >= self.shed_at {
            self.shed_at = now + self.tuning.shed_every;
            let last = self.own.iter_mut().filter(|own| !own.is_leaving());
            let last = last.max_by_key(|own| own.slot()).into_iter();
            last.for_each(|own| own.leave(0));
        }
    }

    /// A slot that is to be given back and not read any more.
    pub(super) fn left(&self) -> Option<u32> {
        let mut own = self.own.iter();
        own.find(|own| own.is_left().is_some()).map(Own::slot)
    }

    /// Whether slots without work are to be looked through now.
    pub(super) fn is_look_due(&mut self, now: Instant) -> bool {
        let due = now >= self.look_at;
        if due {
            self.look_at = now + self.tuning.steal_every;
        }
        due && self.own.iter().any(Own::is_at_rest)
    }

    /// These slots have something to read, others that rest have not.
    pub(super) fn have_work(&mut self, work: u64) {
        let resting = self.own.iter_mut().filter(|own| own.is_at_rest());
        resting.for_each(|own| own.has_work(work & bit(own.slot()) != 0));
    }

    /// Nothing is to be read under any slot.
    pub(super) fn all_dry(&mut self) {
        self.own.iter_mut().for_each(|own| own.has_work(false));
    }

    /// Where reading without the order of a slot goes on.
    pub(super) fn cursor(&self) -> u32 {
        self.cursor
    }

    pub(super) fn set_cursor(&mut self, piece: u32) {
        self.cursor = piece;
    }

    /// These pieces are read from now on, each under the slot that holds it.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        extents: &Extents,
        pieces: (u32, u32),
        fast: bool,
    ) {
        let (first, count) = pieces;
        for index in first..first.saturating_add(count) {
            let reader = if fast {
                NO_SLOT
            } else {
                self.reader_of(now, extents, index)
            };
            self.find_mut(reader).into_iter().for_each(Own::begins);
            self.reads.insert(index, reader);
        }
    }

    /// The own slot under which this piece is read: the one that took its extent, even where its home is held
    /// here, too, by now, and perhaps being given back.
    pub(super) fn reader_of(&self, now: Instant, extents: &Extents, piece: u32) -> u32 {
        let extent = extents.extent_of(piece);
        let takes = |own: &&Own| own.is_open(now) && own.has_taken(extents, extent, Some(now));
        let home = extents.slot_of(extent);
        let thief = self.own.iter().find(takes).map(Own::slot);
        thief.unwrap_or(if self.owns(home) { home } else { NO_SLOT })
    }

    /// A piece in hand is here; whether it was in hand, and whether that leaves something to decide.
    pub(super) fn came(&mut self, now: Instant, piece: PieceIndex) -> Option<bool> {
        let slot = self.reads.remove(&piece.value())?;
        self.window.read(now, piece);
        Some(self.find_mut(slot).is_some_and(Own::ends))
    }

    /// The read of a piece failed; whether it was in hand, and whether that leaves something to decide.
    pub(super) fn failed(&mut self, extents: &Extents, piece: u32) -> Option<bool> {
        let slot = self.reads.remove(&piece)?;
        self.cursor = self.cursor.min(piece);
        let own = self.find_mut(slot);
        Some(own.is_some_and(|own| {
            let decide = own.ends();
            own.fails(extents, piece);
            decide
        }))
    }

    pub(super) fn is_in_hand(&self, piece: u32) -> bool {
        self.reads.contains_key(&piece)
    }

    /// The pieces in hand of a slot.
    pub(super) fn in_hand_of(&self, slot: u32) -> impl Iterator<Item = u32> {
        let its = self.reads.iter().filter(move |(_, of)| **of == slot);
        its.map(|(piece, _)| *piece)
    }

    /// Whether something is on its way from an origin.
    pub(super) fn is_reading(&self) -> bool {
        self.own.iter().any(|own| own.reads() > 0)
    }

    /// How many slots are given back as soon as what is on its way has come.
    pub(super) fn leaving(&self) -> usize {
        let leaves = |own: &&Own| own.is_leaving() && own.reads() > 0;
        self.own.iter().filter(leaves).count()
    }

    /// Whether this piece is read under a slot that is being given back.
    pub(super) fn leaves(&self, piece: u32) -> bool {
        let slot = self.reads.get(&piece);
        slot.and_then(|slot| self.find(*slot))
            .is_some_and(Own::is_leaving)
    }

    /// What is read now, as runs.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        for (piece, slot) in &self.reads {
            if let Some(last) = claims.last_mut()
                && last.slot == *slot
                && last.first + last.count == *piece
            {
                last.count += 1;
            } else if claims.len() < MESSAGE_ITEMS_MAX {
                claims.push(Claim {
                    slot: *slot,
                    first: *piece,
                    count: 1,
                });
            } else {
                break;
            }
        }
        claims
    }

    /// A peer took a block.
    pub(super) fn uploaded(&mut self, now: Instant) {
        self.window.taken(now);
    }

    /// Whether too much of what was read is nowhere else, as last looked at.
    pub(super) fn was_full(&self, now: Instant) -> bool {
        self.window.was_full(now)
    }

    /// The same, looked at now, with what is on its way.
    pub(super) fn is_full(&mut self, now: Instant, view: &View<'_>, link_goodput: u64) -> bool {
        let others = Others {
            serving: view.serving,
            copied: view.copied,
            link_goodput,
        };
        self.window.is_full(now, others, self.reads.len())
    }

    /// Pieces in hand under slots that are held.
    #[cfg(any(debug_assertions, feature = "invariants"))]
    pub(super) fn in_hand(&self) -> usize {
        self.reads.values().filter(|slot| self.owns(**slot)).count()
    }
}
