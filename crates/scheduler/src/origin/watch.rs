//! What is watched: whether this machine is slow, whether others bring what they promised.
//!
//! Looked at with each heartbeat or twice a second; the pieces of a slot are counted only when
//! nothing of it came for seconds.

use std::time::Duration;

use super::claim::median_of;
use super::gate::{Life, OriginGate};
use super::message::SlotRecord;
use super::neighbour::Neighbour;
use super::own::{Lock, Own};
use super::standing::Standing;
use super::table::EXCUSES;
use super::view::View;
use crate::{Instant, NodeId};

/// A holder that is slow for this long gives back, and does not claim for the other.
const SLOW: Duration = Duration::from_secs(5);
const SLOW_REST: Duration = Duration::from_secs(30);
/// It is slow when it brings less than this part of what others do.
const SLOW_FACTOR: u64 = 2;
/// The same while too much of what it read is nowhere else.
const SLOW_FACTOR_WAITING: u64 = 4;
/// A link is slow when it brings less than this part of what the better quarter of the others do.
const SLOW_LINK_FACTOR: u64 = 2;
/// A holder gives way to a machine that has nothing to read, if that one's link is so many percent of its own.
const OUTRUN_PERCENT: u64 = 160;
/// The same where there are more machines than slots.
const OUTRUN_CROWDED_PERCENT: u64 = 200;
/// So many machines for each slot are tried as readers where nobody knows who is fast, and only while more is left
/// to read than this takes.
const TRIALS_EACH: usize = 3;
const TRIAL_LEFT: Duration = Duration::from_secs(3);
/// Who passes on too slowly for the others claims again after this, if nobody else did.
const THIN_REST: Duration = Duration::from_secs(30);
/// Who gives back for its link claims again after this, if nobody else did.
const LINK_REST: Duration = Duration::from_secs(5);
/// A holder that brings nothing for this long is none; longer if it says why.
const STALL: Duration = Duration::from_secs(15);
const STALL_SLOW_MAX: Duration = Duration::from_secs(45);
const STALL_EXCUSED: Duration = Duration::from_mins(1);
/// The same, besides the time of four pieces, of a holder of whose slot nothing came yet.
const STALL_UNPROVEN: Duration = Duration::from_secs(4);
/// A look at what appeared in the swarm of a silent slot.
const STALL_LOOK: Duration = Duration::from_secs(5);
/// So long after that it can't be taken again by the same machine.
const CEDED_KNOWN: Duration = Duration::from_secs(30);
/// Who lacks pieces, reads none and gets none for this long starves.
const STARVE: Duration = Duration::from_secs(10);
/// An extent taken by another machine may be on its way for this long after its last word.
pub(super) const CEDED: Duration = Duration::from_secs(5);

impl OriginGate {
    /// Measures the goodput per slot; a holder that is slow by its own fault gives back (T_slow).
    pub(super) fn measure(&mut self, now: Instant) {
        let passed = u64::try_from(now.since(self.beat_from).as_millis())
            .unwrap_or(1)
            .max(1);
        let bytes = self.origin_bytes.saturating_sub(self.beat_bytes);
        let slots = u64::try_from(self.own.len()).unwrap_or(1).max(1);
        self.goodput = bytes.saturating_mul(1000) / passed / slots;
        (self.beat_from, self.beat_bytes) = (now, self.origin_bytes);
        let reading = self.is_reading();
        let held_back = self.config.rate_bytes.is_some() || self.has_origin_in_trouble();
        // a full window excuses much, not everything: who passes on far more slowly than others read
        // holds the room up
        let waits = self.limited || self.window.was_full(now);
        let factor = if waits {
            SLOW_FACTOR_WAITING
        } else {
            SLOW_FACTOR
        };
        let others = self.goodputs(now);
        let median = median_of(&others).unwrap_or(0);
        let best = others.last().copied().unwrap_or(0);
        let slow = self.goodput.saturating_mul(factor) < median
            || self.goodput.saturating_mul(SLOW_FACTOR_WAITING) < best;
        let excused = !reading || held_back;
        if excused || !slow {
            self.slow_since = None;
        } else if now.since(*self.slow_since.get_or_insert(now)) >= SLOW {
            self.slow_since = None;
            self.rest(now, SLOW_REST);
        }
        if !excused && (self.has_slow_link() || self.is_outrun(now) || self.lets_try(now)) {
            self.rest(now, LINK_REST);
        } else if self.gossip.are_slowed() && self.gossip.others_read() {
            self.rest(now, THIN_REST);
        }
    }

    /// Gives every slot back to those that are faster, and claims later than they for a while. Who has them again
    /// within that time keeps them: nobody else took them.
    fn rest(&mut self, now: Instant, time: Duration) {
        if now < self.modest_until {
            return;
        }
        self.modest_until = now + time;
        self.leave_all(0);
        self.gossip.greet_all(now);
        self.wake(now);
    }

    /// Whether another machine has nothing to read, and a better link: what it would read is late here.
    fn is_outrun(&self, now: Instant) -> bool {
        let holders: Vec<NodeId> = self.readers(now).collect();
        let idle = |one: &&Neighbour| one.may_read() && !holders.contains(&one.node);
        let best = self
            .gossip
            .iter()
            .filter(idle)
            .map(|one| one.link_goodput)
            .max();
        // where there are more machines than slots some are always idle
        let crowded = self.machines(now, self.table.slots() + 1) > self.table.slots();
        let percent = if crowded {
            OUTRUN_CROWDED_PERCENT
        } else {
            OUTRUN_PERCENT
        };
        let mine = self.link.sustained().saturating_mul(percent) / 100;
        mine > 0 && best.is_some_and(|best| best > mine)
    }

    /// Whether another machine should try how fast it reads: what was read by slow ones tells little of what its link
    /// can do, and it brings more than this one's nevertheless.
    fn lets_try(&self, now: Instant) -> bool {
        let crowded = self.machines(now, self.table.slots() + 1) > self.table.slots();
        let of_slots = |own: &Own| u64::from(own.extents_ahead(&self.extents));
        let ahead: u64 = self.own.iter().map(of_slots).sum();
        let left = self.layout.piece_len() * ahead * u64::from(self.extents.len_max());
        let long = left / self.goodput.max(1) >= TRIAL_LEFT.as_secs();
        let tested = self.gossip.tested();
        let untested = |one: &Neighbour| {
            let is_tested = self.gossip.bytes_of(one.node) > 0;
            one.may_read() && !is_tested && self.is_slower_than(one.link_goodput)
        };
        crowded
            && long
            && tested < usize::try_from(self.table.slots()).unwrap_or(0) * TRIALS_EACH
            && self.gossip.iter().any(untested)
    }

    /// Whether a machine with this link should read instead, if it has nothing else to do.
    pub(super) fn is_slower_than(&self, link: u64) -> bool {
        let mine = self.link.sustained().saturating_mul(OUTRUN_PERCENT) / 100;
        mine > 0 && link > mine
    }

    /// Lets others claim first for a while.
    pub(super) fn modest(&mut self, now: Instant) {
        self.modest_until = now + LINK_REST;
        self.gossip.greet_all(now);
    }

    /// Whether the links of many that could read instead are far better: all holders may be slow, and
    /// none of them could tell by the others.
    pub(super) fn has_slow_link(&self) -> bool {
        let mine = self.link.sustained();
        let good = self.gossip.good_link().unwrap_or(0);
        mine > 0 && mine.saturating_mul(SLOW_LINK_FACTOR) < good
    }

    /// Looks at slow things.
    pub(super) fn tick(&mut self, now: Instant, view: &View<'_>) {
        // what is over is remembered for a while: saying it again does not renew it
        self.ceded
            .retain(|_, (_, until)| *until + CEDED_KNOWN > now);
        let useless = now.since(self.useful_at) >= STARVE;
        let starving = self.life == Life::Copying && useless && self.own.is_empty();
        if starving != self.starving {
            self.starving = starving;
            self.gossip.greet_all(now);
        }
        if self.life == Life::Copying && self.standing == Standing::Together {
            self.doubt_idle(now, view);
        }
        if self.own.iter().any(|own| own.lock == Lock::Leaked) {
            let leaked = self.own.iter().filter(|own| own.lock == Lock::Leaked);
            self.guards.extend(leaked.map(|own| (own.slot, true)));
        }
    }

    /// Holders that speak but bring nothing are none (T_stall).
    fn doubt_idle(&mut self, now: Instant, view: &View<'_>) {
        for slot in 0..self.table.slots() {
            let Some(holder) = self.table.live_holder(now, slot) else {
                continue;
            };
            let Some(cell) = self.table.cell(slot).copied() else {
                continue;
            };
            let look = STALL_LOOK.min(self.stall_unproven());
            if holder == self.config.node || now.since(cell.progress) < look {
                continue;
            }
            let appeared =
                now.since(cell.progress) >= STALL_LOOK && self.has_appeared(now, view, slot);
            if appeared {
                self.table.progressed(now, slot);
                continue;
            }
            if !self.has_work(now, view, slot) {
                self.table.rests(now, slot);
                continue;
            }
            let stalled = now.since(cell.progress);
            let is_proven = cell.brought.is_some();
            if !is_proven && stalled >= self.stall_unproven() {
                self.table.doubt(slot);
            } else if cell.record.flags & EXCUSES != 0 {
                if stalled >= STALL_EXCUSED {
                    self.table.doubt(slot);
                }
            } else if stalled >= self.stall(&cell.record) {
                self.table.ban(now, holder);
            }
        }
    }

    /// The same for a holder of whose slot nothing came since it took it: it holds it by its word alone.
    fn stall_unproven(&self) -> Duration {
        let two = self.layout.piece_len().saturating_mul(2_000_000);
        let pieces = two
            .checked_div(self.link.burst())
            .map(Duration::from_micros);
        STALL_UNPROVEN + pieces.unwrap_or_default().min(STALL)
    }

    fn stall(&self, record: &SlotRecord) -> Duration {
        let piece_len = self.layout.piece_len().saturating_mul(4);
        let at_goodput = Duration::from_secs(piece_len / record.goodput.max(1));
        let slots = u64::from(self.table.slots());
        let at_budget = self.config.rate_bytes.map_or(Duration::ZERO, |rate| {
            Duration::from_secs(piece_len.saturating_mul(slots) / rate.max(1))
        });
        let measured = if record.goodput > 0 {
            at_goodput
        } else {
            Duration::ZERO
        };
        STALL.max(measured.min(STALL_SLOW_MAX)).max(at_budget)
    }

    /// Whether pieces of the slot turned up in the swarm since the last look.
    fn has_appeared(&mut self, now: Instant, view: &View<'_>, slot: u32) -> bool {
        let index = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some((seen, at)) = self.seen.get(index).copied() else {
            return false;
        };
        if now.since(at) < STALL_LOOK {
            return false;
        }
        let count = self.count_present(view, slot);
        self.seen
            .get_mut(index)
            .into_iter()
            .for_each(|set| *set = (count, now));
        count > seen
    }
}
