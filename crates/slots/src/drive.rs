//! What is decided as time passes: claims, heartbeats, giving back.
//!
//! Cost: O(slots) per call; the content's pieces are looked through at most a few times a second,
//! and only while a slot is free or its holder brings nothing.

use std::time::Duration;

use super::config::{GuardUse, Hours, Mode};
use super::gate::{Life, OriginGate};
use super::gossip::News;
use super::message::{SlotRecord, flags};
use super::own::{Lock, Own};
use super::table::bit;
use super::view::View;
use crate::{Instant, OriginKind, Reason};

/// How often a holder tells that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// The first time sooner: others learn how fast it reads.
pub(super) const FIRST_BEAT: Duration = Duration::from_millis(300);
/// For so long after the first slot was claimed beats follow each other like that: a slow reader shows soon.
const YOUNG: Duration = Duration::from_secs(2);
/// Slots that others could hold are given back one after another.
const SHED_EVERY: Duration = Duration::from_millis(300);
/// How often slow things are looked at.
const TICK: Duration = Duration::from_millis(500);

impl OriginGate {
    /// Does what is due. Call when `next_timeout` is reached; calling more often does no harm.
    pub fn timeout(&mut self, now: Instant, view: &View<'_>) {
        self.now = self.now.max(now);
        self.learn_way(view.way);
        if self.life != Life::Closed {
            let complete = view.pieces_left == 0;
            self.life = if complete {
                Life::Complete
            } else {
                Life::Copying
            };
        }
        if view.peers > 0 {
            self.company.contact(now);
        }
        self.standing = self.company.standing(now, view.peers > 0);
        self.gossip.says_reads(now, !self.must_leave());
        self.weigh_load(now, view);
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
    pub fn next_timeout(&self) -> Option<Instant> {
        let wake = (self.wake < Instant::from_micros(u64::MAX)).then_some(self.wake);
        [wake, self.gossip.next_flush()].into_iter().flatten().min()
    }

    fn next_wake(&self, now: Instant) -> Instant {
        let idle = self.life != Life::Copying && self.own.is_empty();
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
            self.company.next_change(now).filter(|_| !idle),
        ];
        let later = deaths.chain(own).chain(locks).chain(stolen).chain(times);
        let later = later
            .chain(single.into_iter().flatten())
            .filter(|at| *at > now);
        later
            .chain(self.gossip.next_full())
            .min()
            .unwrap_or(Instant::from_micros(u64::MAX))
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
        if let Some(heir) = own.heir {
            self.gossip.offer(heir, slot);
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
                extents: 1,
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
            let flags = if self.life == Life::Complete {
                flags::DONE
            } else {
                0
            };
            self.leave_all(flags);
        }
        self.give_way(now, view);
        self.shed(now);
        self.retry_locks(now);
        self.use_up(now, view);
        self.release_left(now);
    }

    /// Gives back the slots that are to be left and are not read any more.
    fn release_left(&mut self, now: Instant) {
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
        self.life != Life::Copying
            || self.hours == Hours::Closed
            || self.origins.is_empty()
            || self.must_wait()
    }

    pub(super) fn leave_all(&mut self, flags: u32) {
        for own in &mut self.own {
            own.leaving.get_or_insert(flags);
        }
    }

    /// Lets others try where this machine could read for a while and got nothing.
    fn give_way(&mut self, now: Instant, view: &View<'_>) {
        let opens = |own: &Own| own.is_open(now) && self.can_use(own.lock);
        let could_read = self.own.iter().any(opens) && !self.must_leave();
        let limited = self.config.rate_bytes.is_some() || self.window.was_full(now);
        let refused = self.is_refused();
        let has_work = || {
            let work = self.slots_with_work(now, view);
            self.is_reading() || self.own.iter().any(|own| work & bit(own.slot) != 0)
        };
        if !could_read || limited && !refused || !has_work() {
            self.barren.excused(now);
        } else if self.barren.is_over(now, refused) && self.gossip.others_read() {
            self.barren.ends(now);
            self.leave_all(0);
            self.gossip.greet_all(now);
        }
    }

    /// Gives back what others could hold (T_solo), one after another.
    fn shed(&mut self, now: Instant) {
        let limit = self.limit(now);
        let kept = self.own.iter().filter(|own| own.leaving.is_none()).count();
        if kept > limit && now >= self.solo_at {
            self.solo_at = now + SHED_EVERY;
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
        let young = now.since(self.holds_since) < YOUNG;
        self.beat_at = now + if young { FIRST_BEAT } else { HEARTBEAT };
        self.measure(now);
        self.release_left(now);
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
        let reads = own
            .stolen
            .map_or((own.extent, 1), |it| (it.extent, it.count));
        let slot = own.slot;
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
        (record.extent, record.extents) = reads;
        record.origin_bytes = self.origin_bytes;
        self.table.set(now, record);
        self.gossip
            .counted(now, record.holder, record.origin_bytes, News::InRecord);
        self.gossip.spread(now, bit(slot), None);
    }

    pub(super) fn flags(&self, now: Instant) -> u32 {
        let limited = self.limited || self.config.rate_bytes.is_some() || self.window.was_full(now);
        let down = if self.is_refused() {
            flags::ORIGIN_DOWN
        } else {
            0
        };
        down | if limited { flags::LIMITED } else { 0 }
    }
}
