//! What may be read under which slot, as things stand: the rules R1 and R4 for single pieces.
//!
//! Nobody serves it, nobody took it with notice, nobody said to read it. Looks through all missing pieces are rare:
//! each costs O(missing pieces).

use swarmcopy_layout::PieceIndex;

use crate::extent::TAKEN_MAX;
use crate::held::Held;
use crate::room::Room;
use crate::table::{bit, bits};
use crate::view::View;
use crate::{Instant, OriginTag, Reason};

/// All that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) now: Instant,
    pub(super) view: &'a View<'a>,
    pub(super) room: &'a Room,
    pub(super) held: &'a Held,
}

impl<'a> Sight<'a> {
    pub(super) fn new(now: Instant, view: &'a View<'a>, room: &'a Room, held: &'a Held) -> Self {
        Self {
            now,
            view,
            room,
            held,
        }
    }

    /// Whether another machine took this extent from its slot.
    fn is_ceded(&self, slot: u32, extent: u32) -> bool {
        let own = self.held.find(slot);
        self.room.rights().is_ceded(self.now, slot, extent, own)
    }

    fn is_claimed(&self, piece: u32) -> bool {
        let room = self.room;
        room.gossip().is_claimed(self.now, piece, room.table())
    }

    /// Why `piece` is not to be read under `slot`, if that is so.
    pub(super) fn denied(&self, slot: u32, piece: u32) -> Option<Reason> {
        let extents = self.room.extents();
        let Some(index) = extents.piece(piece) else {
            return Some(Reason::DeniedNotHolder);
        };
        if !self.view.missing.contains(index) || self.held.is_in_hand(piece) {
            return Some(Reason::DeniedClaimed);
        }
        if self.view.available.contains(index) {
            return Some(Reason::DeniedAvailable);
        }
        let ceded = self.is_ceded(slot, extents.extent_of(piece));
        (ceded || self.is_claimed(piece)).then_some(Reason::DeniedClaimed)
    }

    /// Whether `piece` may be read under `slot` from this origin as far as the piece itself is concerned (R1).
    pub(super) fn is_eligible(&self, tag: OriginTag, slot: u32, piece: u32) -> bool {
        self.denied(slot, piece).is_none() && !self.is_bad(tag, piece)
    }

    /// Whether the piece is not to be read from that origin now, by the word of others.
    pub(super) fn is_bad(&self, tag: OriginTag, piece: u32) -> bool {
        self.room.marks().is_bad(self.now, tag, piece)
    }

    /// Slots with a piece that is to be read, as a mask. One pass over the missing pieces, which
    /// skips the rest of an extent as soon as one was found there.
    pub(super) fn work(&self) -> u64 {
        let all = bits(self.room.slots());
        let extents = self.room.extents();
        let (mut mask, mut from) = (0, 0);
        while let Some(piece) = self.view.missing.next_without(from, self.view.available) {
            let index = piece.value();
            from = index + 1;
            let extent = extents.extent_of(index);
            let slot = extents.slot_of(extent);
            let wrong = self.view.wrong.is_some_and(|wrong| wrong.contains(piece));
            if self.is_ceded(slot, extent) || wrong {
                continue;
            }
            mask |= bit(slot);
            if mask == all {
                break;
            }
            from = extents.pieces_of(extent).1;
        }
        mask
    }

    /// Whether something is to be read under a slot that is held here, or is on its way.
    pub(super) fn has_work(&self) -> bool {
        self.held.is_reading() || self.work() & self.held.masks().0 != 0
    }

    /// How many pieces of a slot are here or available. O(pieces of the slot).
    pub(super) fn count_present(&self, slot: u32) -> u32 {
        let extents = self.room.extents();
        let (missing, available) = (self.view.missing, self.view.available);
        let mut count = 0;
        for extent in extents.run(extents.nth(slot, 0).unwrap_or(u32::MAX), u32::MAX) {
            let (first, end) = extents.pieces_of(extent);
            let pieces = (first..end).filter_map(|index| extents.piece(index));
            let present = |p: &PieceIndex| !missing.contains(*p) || available.contains(*p);
            count += u32::try_from(pieces.filter(present).count()).unwrap_or(u32::MAX);
        }
        count
    }

    /// Whether another says that it reads pieces of the slot, and may not bring them. O(missing pieces).
    pub(super) fn is_taken_from(&self, slot: u32) -> bool {
        let extents = self.room.extents();
        let mut from = 0;
        while let Some(piece) = self.view.missing.next_without(from, self.view.available) {
            let extent = extents.extent_of(piece.value());
            let of_slot = extents.slot_of(extent) == slot;
            if of_slot && (self.is_ceded(slot, extent) || self.is_claimed(piece.value())) {
                return true;
            }
            from = piece.value() + 1;
        }
        false
    }

    /// Extents to take from another slot than `own`, the first and how many: from the far end of a slow holder's, else
    /// of the fullest. O(missing pieces).
    pub(super) fn takable(&self, own: u32, goodput: u64) -> Option<(u32, u32)> {
        let (extents, table) = (self.room.extents(), self.room.table());
        let (ahead, time) = (
            self.held.tuning().steal_ahead,
            self.held.tuning().steal_time,
        );
        let slots = usize::try_from(table.slots()).ok()?;
        let mut best: Vec<(u32, Option<u32>)> = vec![(0, None); slots];
        let mut from = 0;
        while let Some(piece) = self.view.missing.next_without(from, self.view.available) {
            let index = piece.value();
            from = index + 1;
            let extent = extents.extent_of(index);
            let slot = extents.slot_of(extent);
            if slot == own || self.denied(slot, index).is_some() {
                continue;
            }
            if let Some((count, far)) = best.get_mut(usize::try_from(slot).ok()?) {
                *count += 1;
                let place = extents.place_in(slot, extent);
                *far = (*far).max(place);
            }
        }
        let all = (0u32..).zip(best).filter_map(|(slot, (count, far))| {
            let record = table.record(slot)?;
            table.is_current(self.now, slot).then_some(())?;
            let current = extents.place_in(slot, record.extent)?;
            let far = far.filter(|far| *far >= current.saturating_add(ahead))?;
            let slow = record.goodput > 0 && record.goodput.saturating_mul(2) < goodput;
            let timely = goodput.saturating_mul(time.as_secs()) / extents.len_bytes().max(1);
            let most = far - (current + ahead) + 1;
            let taken = share_of(most, (goodput, record.goodput), timely);
            let first = extents.nth(slot, far + 1 - taken)?;
            Some(((slow, count), (first, taken)))
        });
        all.max_by_key(|(rank, _)| *rank).map(|(_, run)| run)
    }
}

/// How many of so many extents this machine takes from a holder, which read at these rates: both should end at the
/// same time; and no more than are timely.
fn share_of(extents: u32, (mine, its): (u64, u64), timely: u64) -> u32 {
    let all = mine.saturating_add(its);
    let share = if mine == 0 || its == 0 {
        u64::from(extents) / 2
    } else {
        u64::from(extents) * mine / all
    };
    let taken = u32::try_from(share.min(timely)).unwrap_or(u32::MAX);
    taken.clamp(1, TAKEN_MAX.min(extents.max(1)))
}
