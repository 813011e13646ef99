//! What is decided as time passes: claims, heartbeats, giving back.
//!
//! Cost: O(slots) per call; the content's pieces are looked through at most a few times a second,
//! and only while a slot is free or its holder brings nothing.

use std::time::Duration;

use super::config::{GuardUse, Hours, Mode};
use super::gate::OriginGate;
use super::gossip::News;
use super::hold::{STARVE, Standing};
use super::message::{SlotRecord, flags};
use super::own::{Lock, Own};
use super::table::{DEAD, EXCUSES, NOBODY, bit};
use super::view::View;
use crate::{Instant, MachineClass, NodeId, OriginKind, Reason};

/// How often a holder tells that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often slow things are looked at.
const TICK: Duration = Duration::from_millis(500);
/// What is to be read is looked up at most this often.
const LOOK: Duration = Duration::from_millis(100);
/// Longest back-off before a claim.
const BACK_MAX: Duration = Duration::from_millis(500);
/// How many claimants the back-off is made for.
const CLAIMANTS: f64 = 4096.0;
/// A claim must have reached others before it is used.
const SETTLE: Duration = Duration::from_millis(100);
/// Machines by radio or from afar wait this long while one by cable is known.
const WIRED_FIRST: Duration = Duration::from_secs(10);
/// A machine whose link is known to be slow lets others go first.
const SLOW_LAST: Duration = Duration::from_secs(2);
/// A holder that is slow for this long gives back, and does not claim for the other.
const SLOW: Duration = Duration::from_secs(5);
const SLOW_REST: Duration = Duration::from_secs(30);
/// A holder whose origin is down for this long lets others try, and rests a little.
const DOWN: Duration = Duration::from_secs(5);
const DOWN_REST: Duration = Duration::from_secs(4);
/// A holder that brings nothing for this long is none; longer if it says why.
const STALL: Duration = Duration::from_secs(15);
const STALL_SLOW_MAX: Duration = Duration::from_secs(45);
const STALL_EXCUSED: Duration = Duration::from_secs(60);
/// A look at what appeared in the swarm of a silent slot.
const STALL_LOOK: Duration = Duration::from_secs(5);
/// An extent taken by another machine may be on its way for this long after its last word.
pub(super) const CEDED: Duration = Duration::from_secs(10);
/// Peers count as too slow when they bring less than 1/10 of the link for this long.
const CRAWL: Duration = Duration::from_secs(2);

impl OriginGate {
    /// Does what is due. Call when `next_timeout` is reached; calling more often does no harm.
    pub(crate) fn timeout(&mut self, now: Instant, view: &View<'_>) {
        self.account(now);
        self.complete = view.pieces_left == 0;
        if view.peers > 0 {
            self.hold.contact(now);
        }
        self.standing = self.hold.standing(now, view.peers > 0);
        if now >= self.tick_at {
            self.tick(now, view);
            self.tick_at = now + TICK;
        }
        if self.config.mode == Mode::Protect {
            self.keep_own(now, view);
            self.claim_free(now, view);
            self.beat(now);
        }
        self.gossip.refresh(now, self.table.known());
        self.wake = self.next_wake(now);
        #[cfg(any(debug_assertions, feature = "invariants"))]
        super::invariants::after_timeout(self, now);
    }

    /// When `timeout` is to be called; changes with every event.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        (self.wake < Instant::from_micros(u64::MAX)).then_some(self.wake)
    }

    fn account(&mut self, now: Instant) {
        let open = self.own.iter().filter(|own| own.is_open(self.now)).count();
        let passed = u64::try_from(now.since(self.now).as_micros()).unwrap_or(u64::MAX);
        let open = u64::try_from(open).unwrap_or(0);
        self.reader_us = self.reader_us.saturating_add(passed.saturating_mul(open));
        self.now = self.now.max(now);
    }

    fn next_wake(&self, now: Instant) -> Instant {
        let idle = self.complete && self.own.is_empty();
        let slots = 0..self.table.slots();
        let deaths = slots.filter(|slot| !idle && !self.owns(*slot));
        let deaths = deaths.filter_map(|slot| self.table.live_until(now, slot));
        let own = self.own.iter().map(|own| own.open_at);
        let locks = self.own.iter().filter_map(|own| match own.lock {
            Lock::Refused { again, .. } => Some(again),
            _ => None,
        });
        let stolen = self
            .own
            .iter()
            .filter_map(|own| own.stolen.map(|it| it.open_at));
        let times = self.claim_at.iter().flatten().copied();
        let single = [
            (!idle).then_some(self.tick_at),
            (!self.own.is_empty()).then_some(self.beat_at),
            self.hold.next_change(now).filter(|_| !idle),
            Some(self.no_claim_before),
        ];
        let later = deaths.chain(own).chain(locks).chain(stolen).chain(times);
        let later = later
            .chain(single.into_iter().flatten())
            .filter(|at| *at > now);
        let sends = [self.gossip.next_flush(), self.gossip.next_full()]
            .into_iter()
            .flatten();
        later
            .chain(sends)
            .min()
            .unwrap_or(Instant::from_micros(u64::MAX))
    }

    /// Whether slots may be claimed at all now.
    fn denied_claim(&self, now: Instant) -> Option<Reason> {
        if self.licence.is_none() {
            return Some(Reason::DeniedNever);
        }
        if self.hours == Hours::Closed {
            return Some(Reason::DeniedHours);
        }
        if now < self.hold.ends() || self.standing == Standing::Seeking {
            return Some(Reason::DeniedHoldOff);
        }
        let idle = self.complete || self.closed || self.origins.is_empty() || self.must_wait();
        (idle || now < self.no_claim_before).then_some(Reason::DeniedNotHolder)
    }

    /// Machines that may read, as known here, counted up to `max`.
    pub(super) fn machines(&self, now: Instant, max: u32) -> u32 {
        let me = self.config.node;
        let mut count = 1;
        let mut nodes: Vec<NodeId> = Vec::new();
        let near = self
            .gossip
            .iter()
            .filter(|one| one.reads)
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
            Standing::Alone | Standing::Isolated => slots,
            Standing::Seeking => return self.own.len(),
            Standing::Unsure if self.hold.silent_until().is_some_and(|at| at > now) => 1,
            Standing::Unsure | Standing::Together => slots.div_ceil(self.machines(now, slots)),
        };
        usize::try_from(limit).unwrap_or(1)
    }

    /// Claims free slots whose time has come.
    fn claim_free(&mut self, now: Instant, view: &View<'_>) {
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

    fn set_claim_at(&mut self, slot: u32, at: Option<Instant>) {
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
        let lately = self
            .table
            .cell(slot)
            .map_or(now, |cell| cell.progress.max(cell.grew));
        !self.table.is_done(slot) || now >= lately + DEAD
    }

    fn has_work(&mut self, now: Instant, view: &View<'_>, slot: u32) -> bool {
        if self.work_at.is_none_or(|at| now.since(at) >= LOOK) {
            self.work = self.slots_with_work(now, view);
            self.work_at = Some(now);
        }
        self.work & bit(slot) != 0
    }

    /// Exponential suppression (RFC 5401): many wait, one claims.
    fn back_off(&mut self, now: Instant, link: u64) -> Duration {
        let none = matches!(self.standing, Standing::Alone | Standing::Isolated);
        if none && self.machines(now, 2) == 1 {
            return Duration::ZERO;
        }
        let x = 1.0 - self.rng.f64();
        let mut wait = BACK_MAX.mul_f64((1.0 + x.ln() / CLAIMANTS.ln()).max(0.0));
        if self.config.class != MachineClass::Wired && self.gossip.knows_wired() {
            wait += WIRED_FIRST;
        }
        let median = self.median_goodput(now);
        if link > 0 && median.is_some_and(|median| link.saturating_mul(2) < median) {
            wait += SLOW_LAST;
        }
        wait
    }

    /// The median goodput of the other live holders; the lower one of two.
    fn median_goodput(&self, now: Instant) -> Option<u64> {
        let mut all: Vec<u64> = (0..self.table.slots())
            .filter(|slot| !self.owns(*slot) && self.table.live_holder(now, *slot).is_some())
            .filter_map(|slot| self.table.cell(slot).map(|cell| cell.record.goodput))
            .filter(|goodput| *goodput > 0)
            .collect();
        all.sort_unstable();
        all.get(all.len().saturating_sub(1) / 2).copied()
    }

    fn claim(&mut self, now: Instant, slot: u32) {
        let Some(old) = self.table.cell(slot).map(|cell| cell.record) else {
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
            SETTLE
        };
        let mut own = Own::new(slot, now, now + settle, start);
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
            origin_bytes: self.origin_bytes,
            ..SlotRecord::default()
        };
        if self.own.is_empty() {
            self.beat_at = now + HEARTBEAT;
            (self.beat_from, self.beat_bytes) = (now, self.origin_bytes);
            self.slow_since = None;
        }
        self.own.push(own);
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

    /// Another machine's claim won (R2): reads end at the next piece boundary.
    pub(super) fn lose(&mut self, now: Instant, slot: u32) {
        let Some(place) = self.own.iter().position(|own| own.slot == slot) else {
            return;
        };
        let own = self.own.remove(place);
        if own.lock != Lock::None {
            self.guards.push_back((slot, false));
        }
        let layout = &self.layout;
        let reads = self.reads.iter().filter(|(_, of)| **of == slot);
        self.cancels
            .extend(reads.filter_map(|(piece, _)| layout.piece(*piece)));
        self.gossip
            .counted(now, self.config.node, self.origin_bytes, News::Alone);
        self.explain(Reason::SlotLost, None, None);
    }

    pub(super) fn release(&mut self, now: Instant, slot: u32, flags: u32) {
        let Some(place) = self.own.iter().position(|own| own.slot == slot) else {
            return;
        };
        let own = self.own.remove(place);
        if own.lock != Lock::None {
            self.guards.push_back((slot, false));
        }
        self.publish_release(now, slot, flags, own.resume(&self.extents));
        self.gossip
            .counted(now, self.config.node, self.origin_bytes, News::Alone);
        self.explain(Reason::SlotReleased, None, None);
    }

    pub(super) fn publish_release(&mut self, now: Instant, slot: u32, flags: u32, extent: u32) {
        let Some(old) = self.table.cell(slot).map(|cell| cell.record) else {
            return;
        };
        let term = old.term.saturating_add(1);
        self.table.set(
            now,
            SlotRecord {
                slot,
                term,
                flags,
                extent,
                ..SlotRecord::default()
            },
        );
        self.gossip.spread(now, bit(slot), None);
    }

    /// Looks after the slots held here: whether to keep, to give back, to take from others.
    fn keep_own(&mut self, now: Instant, view: &View<'_>) {
        if self.own.is_empty() {
            return;
        }
        if self.must_leave() {
            let flags = if self.complete { flags::DONE } else { 0 };
            self.leave_all(flags);
        }
        self.shed(now);
        self.retry_locks(now);
        self.use_up(now, view);
        let over = |own: &&Own| own.reads == 0 && own.leaving.is_some();
        while let Some((slot, flags)) = self
            .own
            .iter()
            .find(over)
            .map(|own| (own.slot, own.leaving.unwrap_or(0)))
        {
            self.release(now, slot, flags);
        }
    }

    /// Whether every slot must be given back.
    pub(super) fn must_leave(&self) -> bool {
        self.complete
            || self.closed
            || self.hours == Hours::Closed
            || self.origins.is_empty()
            || self.must_wait()
    }

    fn leave_all(&mut self, flags: u32) {
        for own in &mut self.own {
            own.leaving.get_or_insert(flags);
        }
    }

    /// Gives back what others could hold (T_solo), one slot a second, and all when the origin is down
    /// for this machine.
    fn shed(&mut self, now: Instant) {
        let others = self.machines(now, 2) > 1;
        if others && self.down_since.is_some_and(|at| now >= at + DOWN) {
            self.leave_all(0);
            self.no_claim_before = now + DOWN_REST;
        }
        let limit = self.limit(now);
        let kept = self.own.iter().filter(|own| own.leaving.is_none()).count();
        if kept > limit && now >= self.solo_at {
            self.solo_at = now + HEARTBEAT;
            let last = self.own.iter_mut().filter(|own| own.leaving.is_none());
            last.max_by_key(|own| own.slot)
                .into_iter()
                .for_each(|own| own.leaving = Some(0));
        }
    }

    pub(super) fn ask_locks(&mut self, now: Instant) {
        let shares = self
            .origins
            .iter()
            .any(|origin| origin.kind == OriginKind::Share);
        if self.config.guard != GuardUse::Active || !shares {
            return;
        }
        for own in self.own.iter_mut().filter(|own| own.lock == Lock::None) {
            own.lock = Lock::Asked {
                since: now,
                refused: None,
            };
            self.guards.push_back((own.slot, true));
        }
    }

    /// Tells that this machine lives, and how it fares.
    fn beat(&mut self, now: Instant) {
        if self.own.is_empty() || now < self.beat_at {
            return;
        }
        self.beat_at = now + HEARTBEAT;
        self.measure(now);
        let flags = self.flags(now);
        for place in 0..self.own.len() {
            self.tell_own(now, place, flags);
        }
        self.limited = false;
    }

    /// Tells one slot's state at once.
    pub(super) fn tell_own(&mut self, now: Instant, place: usize, flags: u32) {
        let Some(own) = self.own.get(place) else {
            return;
        };
        let (slot, extent) = (own.slot, own.stolen.map_or(own.extent, |it| it.extent));
        let lock_flag = match own.lock {
            Lock::Refused { .. }
            | Lock::Asked {
                refused: Some(_), ..
            } => flags::NO_LOCK,
            Lock::Leaked => flags::UNGUARDED,
            _ => 0,
        };
        let Some(mut record) = self.table.cell(slot).map(|cell| cell.record) else {
            return;
        };
        record.heartbeat = record.heartbeat.saturating_add(1);
        record.flags = flags | lock_flag;
        record.goodput = self.goodput;
        record.base_latency_us = self.base_latency_us;
        record.extent = extent;
        record.origin_bytes = self.origin_bytes;
        self.table.set(now, record);
        self.gossip
            .counted(now, record.holder, record.origin_bytes, News::InRecord);
        self.gossip.spread(now, bit(slot), None);
    }

    pub(super) fn flags(&self, now: Instant) -> u32 {
        let limited = self.limited || self.config.rate_bytes.is_some() || self.window.was_full(now);
        let down = if self.down_since.is_some() {
            flags::ORIGIN_DOWN
        } else {
            0
        };
        down | if limited { flags::LIMITED } else { 0 }
    }

    /// Measures the goodput per slot; a holder that is slow by its own fault gives back (T_slow).
    fn measure(&mut self, now: Instant) {
        let passed = u64::try_from(now.since(self.beat_from).as_millis())
            .unwrap_or(1)
            .max(1);
        let bytes = self.origin_bytes.saturating_sub(self.beat_bytes);
        let slots = u64::try_from(self.own.len()).unwrap_or(1).max(1);
        self.goodput = bytes.saturating_mul(1000) / passed / slots;
        (self.beat_from, self.beat_bytes) = (now, self.origin_bytes);
        let reading = self.own.iter().any(|own| own.reads > 0);
        let excused = !reading || self.flags(now) != 0;
        let median = self.median_goodput(now);
        let slow = median.is_some_and(|median| self.goodput.saturating_mul(2) < median);
        if excused || !slow {
            self.slow_since = None;
        } else if now.since(*self.slow_since.get_or_insert(now)) >= SLOW {
            self.slow_since = None;
            self.no_claim_before = now + SLOW_REST;
            self.leave_all(0);
            self.wake(now);
        }
    }

    /// Looks at slow things.
    fn tick(&mut self, now: Instant, view: &View<'_>) {
        self.ceded.retain(|_, (_, at)| now.since(*at) < CEDED);
        self.note_crawling(now, view.link_goodput);
        let useless = now.since(self.useful_at) >= STARVE;
        let starving = !self.complete && useless && self.own.is_empty();
        if starving != self.starving {
            self.starving = starving;
            self.gossip.greet_all(now);
        }
        if !self.complete && self.standing == Standing::Together {
            self.doubt_idle(now, view);
        }
        if self.own.iter().any(|own| own.lock == Lock::Leaked) {
            let leaked = self.own.iter().filter(|own| own.lock == Lock::Leaked);
            self.guards.extend(leaked.map(|own| (own.slot, true)));
        }
    }

    fn note_crawling(&mut self, now: Instant, link: u64) {
        let per_second = self.tick_bytes.saturating_mul(2);
        self.tick_bytes = 0;
        if self.complete || link == 0 || per_second.saturating_mul(10) >= link {
            self.crawling_since = None;
        } else {
            self.crawling_since.get_or_insert(now);
        }
    }

    /// Whether next to nothing comes although peers have the pieces (R1, exception).
    pub(super) fn is_crawling(&self, now: Instant) -> bool {
        self.crawling_since.is_some_and(|at| now >= at + CRAWL)
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
            if holder == self.config.node || now.since(cell.progress) < STALL_LOOK {
                continue;
            }
            if self.has_appeared(now, view, slot) || !self.has_work(now, view, slot) {
                self.table.progressed(now, slot);
                continue;
            }
            let stalled = now.since(cell.progress);
            if cell.record.flags & EXCUSES != 0 {
                if stalled >= STALL_EXCUSED {
                    self.table.doubt(slot);
                }
            } else if stalled >= self.stall(&cell.record) {
                self.table.ban(now, holder);
            }
        }
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
