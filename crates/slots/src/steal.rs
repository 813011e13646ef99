//! Slots with nothing left: the last one held takes work from others (R4), or it is given back (R3).
//!
//! Work is taken from the far end of a slot, with notice, and only where its holder has said lately
//! where it is: so the two never read the same.

use std::time::Duration;

use super::gate::OriginGate;
use super::message::flags;
use super::own::{Own, Stolen};
use super::table::bit;
use super::view::View;
use crate::Instant;

/// How often a holder without work looks for some.
const STEAL_EVERY: Duration = Duration::from_millis(250);
/// A live holder keeps the extents up to so many places ahead.
const STEAL_AHEAD: u32 = 2;
/// Work is taken for so long at most, and in so many extents.
const STEAL_TIME: Duration = Duration::from_secs(2);
pub(super) const TAKEN_MAX: u32 = 32;

impl OriginGate {
    /// Slots held here that have nothing left: the last takes from others (R4), or all are given
    /// back (R3).
    pub(super) fn use_up(&mut self, now: Instant, view: &View<'_>) {
        self.find_dry(now, view);
        for place in 0..self.own.len() {
            let kept = self.own.iter().filter(|own| own.leaving.is_none()).count();
            let Some(own) = self.own.get(place) else {
                break;
            };
            let idle = own.reads == 0 && own.leaving.is_none() && own.dry.is_some();
            if !idle || now < own.open_at {
                continue;
            }
            let steal = if kept == 1 {
                self.extents_to_take(now, view, own)
            } else {
                None
            };
            let taken = steal.is_none() && self.is_taken_from(now, view, own.slot);
            let Some(own) = self.own.get_mut(place) else {
                break;
            };
            if let Some((extent, count)) = steal {
                own.stolen = Some(Stolen {
                    extent,
                    count,
                    open_at: now + self.notice,
                });
                own.dry = None;
                let flags = self.flags(now);
                self.tell_own(now, place, flags);
            } else {
                // what peers say to have, or what another took, is not on its way from here: if they don't
                // bring it, the slot is needed
                let done = own.has_read && !taken;
                own.leaving = Some(if done { flags::DONE } else { 0 });
            }
        }
    }

    /// Looks whether idle slots have work, in case nobody asked for a read.
    fn find_dry(&mut self, now: Instant, view: &View<'_>) {
        if now < self.steal_at {
            return;
        }
        self.steal_at = now + STEAL_EVERY;
        let idle = self
            .own
            .iter()
            .any(|own| own.reads == 0 && own.stolen.is_none());
        if idle && !self.is_refused() {
            let work = self.slots_with_work(now, view);
            let own = self
                .own
                .iter_mut()
                .filter(|own| own.reads == 0 && own.stolen.is_none());
            own.for_each(|own| own.dry = (work & bit(own.slot) == 0).then_some(now));
        }
    }

    /// Whether another says that it reads pieces of the slot, and may not bring them. O(missing pieces).
    fn is_taken_from(&self, now: Instant, view: &View<'_>, slot: u32) -> bool {
        let mut from = 0;
        while let Some(piece) = view.missing.next_without(from, view.available) {
            let extent = self.extents.extent_of(piece.value());
            let of_slot = self.extents.slot_of(extent) == slot;
            let claimed = || self.gossip.is_claimed(now, piece.value(), &self.table);
            if of_slot && (self.is_ceded(now, slot, extent) || claimed()) {
                return true;
            }
            from = piece.value() + 1;
        }
        false
    }

    /// Extents to take from another slot, the first and how many: from the far end of a slow holder's, else of the
    /// fullest. O(missing pieces).
    fn extents_to_take(&self, now: Instant, view: &View<'_>, own: &Own) -> Option<(u32, u32)> {
        let slots = usize::try_from(self.table.slots()).ok()?;
        let mut best: Vec<(u32, Option<u32>)> = vec![(0, None); slots];
        let mut from = 0;
        while let Some(piece) = view.missing.next_without(from, view.available) {
            let index = piece.value();
            from = index + 1;
            let extent = self.extents.extent_of(index);
            let slot = self.extents.slot_of(extent);
            if slot == own.slot || self.denied_piece(now, view, slot, index).is_some() {
                continue;
            }
            if let Some((count, far)) = best.get_mut(usize::try_from(slot).ok()?) {
                *count += 1;
                let place = self.extents.place_in(slot, extent);
                *far = (*far).max(place);
            }
        }
        let takable = (0u32..).zip(best).filter_map(|(slot, (count, far))| {
            let record = self.table.cell(slot)?.record;
            self.table.is_current(now, slot).then_some(())?;
            let current = self.extents.place_in(slot, record.extent)?;
            let far = far.filter(|far| *far >= current.saturating_add(STEAL_AHEAD))?;
            let slow = record.goodput > 0 && record.goodput.saturating_mul(2) < self.goodput;
            let most = far - (current + STEAL_AHEAD) + 1;
            let taken = self.share_of(most, record.goodput);
            let first = self.extents.nth(slot, far + 1 - taken)?;
            Some(((slow, count), (first, taken)))
        });
        takable.max_by_key(|(rank, _)| *rank).map(|(_, run)| run)
    }

    /// How many of so many extents this machine takes from a holder that reads at this rate: both should end at the
    /// same time.
    fn share_of(&self, extents: u32, rate: u64) -> u32 {
        let (mine, its) = (self.goodput, rate);
        let all = mine.saturating_add(its);
        let share = if mine == 0 || its == 0 {
            u64::from(extents) / 2
        } else {
            u64::from(extents) * mine / all
        };
        let len = u64::from(self.extents.len_max()) * self.layout.piece_len();
        let timely = mine.saturating_mul(STEAL_TIME.as_secs()) / len.max(1);
        let taken = u32::try_from(share.min(timely)).unwrap_or(u32::MAX);
        taken.clamp(1, TAKEN_MAX.min(extents.max(1)))
    }
}
