//! What is watched: whether this machine is slow, whether others bring what they promised.
//!
//! Looked at with each heartbeat or twice a second; the pieces of a slot are counted only when
//! nothing of it came for seconds.

use std::time::Duration;

use super::claim::median_of;
use super::gate::{Life, OriginGate};
use super::message::SlotRecord;
use super::own::Lock;
use super::standing::Standing;
use super::table::EXCUSES;
use super::view::View;
use crate::Instant;

/// A holder that is slow for this long gives back, and does not claim for the other.
const SLOW: Duration = Duration::from_secs(5);
const SLOW_REST: Duration = Duration::from_secs(30);
/// It is slow when it brings less than this part of what others do.
const SLOW_FACTOR: u64 = 2;
/// The same while too much of what it read is nowhere else.
const SLOW_FACTOR_WAITING: u64 = 4;
/// A link is slow when it brings less than this part of what the better quarter of the others do.
const SLOW_LINK_FACTOR: u64 = 2;
/// Who gives back for its link claims again after this, if nobody else did.
const LINK_REST: Duration = Duration::from_secs(5);
/// A holder that brings nothing for this long is none; longer if it says why.
const STALL: Duration = Duration::from_secs(15);
const STALL_SLOW_MAX: Duration = Duration::from_secs(45);
const STALL_EXCUSED: Duration = Duration::from_mins(1);
/// A look at what appeared in the swarm of a silent slot.
const STALL_LOOK: Duration = Duration::from_secs(5);
/// Who lacks pieces, reads none and gets none for this long starves.
const STARVE: Duration = Duration::from_secs(10);
/// An extent taken by another machine may be on its way for this long after its last word.
pub(super) const CEDED: Duration = Duration::from_secs(10);
/// Peers count as too slow when they bring less than 1/10 of the link for this long.
const CRAWL: Duration = Duration::from_secs(2);

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
        if !excused && self.has_slow_link() {
            self.rest(now, LINK_REST);
        }
    }

    /// Gives every slot back to those that are faster, and claims none for a while.
    fn rest(&mut self, now: Instant, time: Duration) {
        self.no_claim_before = now + time;
        self.leave_all(0);
        self.wake(now);
    }

    /// Whether the links of many that could read instead are far better: all holders may be slow, and
    /// none of them could tell by the others.
    pub(super) fn has_slow_link(&self) -> bool {
        let mine = self.link.goodput();
        let good = self.gossip.good_link().unwrap_or(0);
        mine > 0 && mine.saturating_mul(SLOW_LINK_FACTOR) < good
    }

    /// Looks at slow things.
    pub(super) fn tick(&mut self, now: Instant, view: &View<'_>) {
        self.ceded.retain(|_, (_, until)| *until > now);
        self.note_crawling(now, view.link_goodput);
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

    fn note_crawling(&mut self, now: Instant, link: u64) {
        let per_second = self.tick_bytes.saturating_mul(2);
        self.tick_bytes = 0;
        if self.life != Life::Copying || link == 0 || per_second.saturating_mul(10) >= link {
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
