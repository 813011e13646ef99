//! Claims: when a free slot is taken, and by whom of the many who could.
//!
//! A slot is claimed when nobody holds it, something in it is to be read, and the back-off has
//! passed without another's claim.

use std::time::Duration;

use super::config::Hours;
use super::drive::FIRST_BEAT;
use super::gate::{Life, OriginGate};
use super::message::SlotRecord;
use super::neighbour::Neighbour;
use super::own::Own;
use super::standing::Standing;
use super::table::{Cell, DEAD, NOBODY, bit};
use super::view::View;
use crate::{Instant, MachineClass, NodeId, Reason};

/// What is to be read is looked up at most this often.
const LOOK: Duration = Duration::from_millis(100);
/// Time between the first and the second of many claims, on the average: the first is heard meanwhile.
const BACK_STEP: Duration = Duration::from_millis(60);
/// How many claimants the back-off is made for: so many for each that is known, because a machine
/// knows some of its room only.
const CLAIMANTS_EACH: u32 = 16;
const CLAIMANTS: (u32, u32) = (64, 4096);
/// Least and longest time for which the last pieces of a slot that was read to its end are waited for.
const SPREAD_TIME: (Duration, Duration) = (Duration::from_secs(1), DEAD);
/// Machines by radio or from afar wait this long while one by cable is known.
const WIRED_FIRST: Duration = Duration::from_secs(10);
/// A machine whose link is known to be slow lets others go first.
const SLOW_LAST: Duration = Duration::from_secs(2);

impl OriginGate {
    /// Whether slots may be claimed at all now.
    fn denied_claim(&self, now: Instant) -> Option<Reason> {
        if self.licence.is_none() {
            return Some(Reason::DeniedNever);
        }
        if self.hours == Hours::Closed {
            return Some(Reason::DeniedHours);
        }
        if self.standing == Standing::Listening || now < self.company.learned_at() {
            return Some(Reason::DeniedHoldOff);
        }
        let idle = self.life != Life::Copying || self.origins.is_empty() || self.must_wait();
        idle.then_some(Reason::DeniedNotHolder)
    }

    /// Machines that may read, as known here, counted up to `max`.
    pub(super) fn machines(&self, now: Instant, max: u32) -> u32 {
        let me = self.config.node;
        let mut count = 1;
        let mut nodes: Vec<NodeId> = Vec::new();
        let near = self
            .gossip
            .iter()
            .filter(|one| one.may_read())
            .map(|one| one.node);
        let far = (0..self.table.slots()).filter_map(|slot| self.table.live_holder(now, slot));
        for node in near.chain(far) {
            if count >= max {
                break;
            }
            if node != me && !nodes.contains(&node) {
                nodes.push(node);
                count += 1;
            }
        }
        count
    }

    /// How many slots this machine may hold (T_solo).
    pub(super) fn limit(&self, now: Instant) -> usize {
        let slots = self.table.slots();
        let limit = match self.standing {
            Standing::Alone | Standing::CutOff => slots,
            Standing::Listening => return self.own.len(),
            Standing::Unsure if self.company.silent_until().is_some_and(|at| at > now) => 1,
            Standing::Unsure | Standing::Together => slots.div_ceil(self.machines(now, slots)),
        };
        usize::try_from(limit).unwrap_or(1)
    }

    /// Claims free slots whose time has come.
    pub(super) fn claim_free(&mut self, now: Instant, view: &View<'_>) {
        let limit = self.limit(now);
        let allowed = self.denied_claim(now).is_none() && self.own.len() < limit;
        for slot in 0..self.table.slots() {
            let free = allowed && self.own.len() < limit && self.is_free(now, slot);
            if !free || !self.has_work(now, view, slot) {
                self.set_claim_at(slot, None);
                continue;
            }
            let set = self
                .claim_at
                .get(usize::try_from(slot).unwrap_or(0))
                .copied()
                .flatten();
            let at = match set {
                Some(at) => at,
                None if self.is_offered(now, slot) => {
                    self.offered.0 &= !bit(slot);
                    now
                }
                None => now + self.back_off(now, view.link_goodput),
            };
            if at > now {
                self.set_claim_at(slot, Some(at));
            } else {
                self.set_claim_at(slot, None);
                self.claim(now, slot);
            }
        }
    }

    fn is_offered(&self, now: Instant, slot: u32) -> bool {
        self.offered.0 & bit(slot) != 0 && now < self.offered.1
    }

    pub(super) fn set_claim_at(&mut self, slot: u32, at: Option<Instant>) {
        let index = usize::try_from(slot).unwrap_or(usize::MAX);
        self.claim_at
            .get_mut(index)
            .into_iter()
            .for_each(|set| *set = at);
    }

    /// Whether nobody holds the slot, nor are its last pieces still on their way.
    pub(super) fn is_free(&self, now: Instant, slot: u32) -> bool {
        if self.owns(slot) || self.table.live_holder(now, slot).is_some() {
            return false;
        }
        if !self.table.is_done(slot) {
            return true;
        }
        // pieces that a far too slow neighbour still passes on say nothing of the last ones
        let trickles = self.gossip.iter().any(|one| one.slow.0);
        let lately = self.table.cell(slot).map_or(now, |cell| {
            let came = if trickles { cell.grew } else { cell.progress };
            came.max(cell.grew)
        });
        now >= lately + self.spread_time()
    }

    /// How long what somebody read may be on its way to this machine: two pieces at the rate of its link.
    fn spread_time(&self) -> Duration {
        if self.gossip.iter().next().is_none() {
            return Duration::ZERO;
        }
        let two = self.layout.piece_len().saturating_mul(2_000_000);
        let micros = two.checked_div(self.link.burst());
        micros
            .map_or(SPREAD_TIME.0, Duration::from_micros)
            .clamp(SPREAD_TIME.0, SPREAD_TIME.1)
    }

    pub(super) fn has_work(&mut self, now: Instant, view: &View<'_>, slot: u32) -> bool {
        if self.work_at.is_none_or(|at| now.since(at) >= LOOK) {
            self.work = self.slots_with_work(now, view);
            self.work_at = Some(now);
        }
        self.work & bit(slot) != 0
    }

    /// Exponential suppression (RFC 5401): many wait, one claims.
    fn back_off(&mut self, now: Instant, link: u64) -> Duration {
        let none = matches!(self.standing, Standing::Alone | Standing::CutOff);
        if none && self.machines(now, 2) == 1 {
            return Duration::ZERO;
        }
        let known = self.machines(now, CLAIMANTS.1 / CLAIMANTS_EACH);
        let claimants = (known * CLAIMANTS_EACH).clamp(CLAIMANTS.0, CLAIMANTS.1);
        let x = 1.0 - self.rng.f64();
        let mut wait = BACK_STEP.mul_f64((f64::from(claimants).ln() + x.ln()).max(0.0));
        if self.config.class != MachineClass::Wired && self.gossip.knows_wired() {
            wait += WIRED_FIRST;
        }
        let median = median_of(&self.goodputs(now));
        let slow = link > 0 && median.is_some_and(|median| link.saturating_mul(2) < median);
        let modest = slow || now < self.modest_until || self.is_outdone(now);
        if modest && self.gossip.iter().any(Neighbour::may_read) {
            wait += SLOW_LAST;
        }
        wait + self.barren.later()
    }

    /// What the other live holders bring each, the least first.
    pub(super) fn goodputs(&self, now: Instant) -> Vec<u64> {
        let mut all: Vec<u64> = (0..self.table.slots())
            .filter(|slot| !self.owns(*slot) && self.table.live_holder(now, *slot).is_some())
            .filter_map(|slot| self.table.cell(slot).map(|cell| cell.record.goodput))
            .filter(|goodput| *goodput > 0)
            .collect();
        all.sort_unstable();
        all
    }

    fn claim(&mut self, now: Instant, slot: u32) {
        let spread = self.spread_time();
        let settled = |cell: &Cell| (cell.record, cell.settled(spread));
        let Some((old, settled)) = self.table.cell(slot).map(settled) else {
            return;
        };
        let start = self
            .extents
            .place_in(slot, old.extent)
            .filter(|_| old.term > 0)
            .unwrap_or(0);
        let settle = if self.gossip.iter().next().is_none() {
            Duration::ZERO
        } else {
            self.notice
        };
        let mut own = Own::new(slot, now + settle, start);
        own.again_at = own.open_at.max(settled);
        own.extent = self.extents.nth(slot, start).unwrap_or(0);
        // what it began to read before it lost the slot may still be under way
        let reads = self.reads.values().filter(|of| **of == slot).count();
        own.reads = u32::try_from(reads).unwrap_or(u32::MAX);
        let record = SlotRecord {
            slot,
            term: old.term.saturating_add(1),
            holder: self.config.node,
            heartbeat: 1,
            extent: own.extent,
            extents: 1,
            origin_bytes: self.origin_bytes,
            ..SlotRecord::default()
        };
        if self.own.is_empty() {
            self.barren.excused(now);
            self.beat_at = now + FIRST_BEAT;
            self.holds_since = now;
            (self.beat_from, self.beat_bytes) = (now, self.origin_bytes);
            self.slow_since = None;
        }
        self.own.push(own);
        self.slots_ever |= bit(slot);
        self.table.set(now, record);
        self.gossip.spread(now, bit(slot), None);
        self.ask_locks(now);
        let reason = if old.holder == NOBODY {
            Reason::SlotClaimed
        } else {
            Reason::SlotTakenOver
        };
        self.explain(reason, None, None);
    }
}

/// The median of sorted values; the lower one of two.
pub(super) fn median_of(sorted: &[u64]) -> Option<u64> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}
