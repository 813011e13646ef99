//! What is watched: whether this machine is slow or starves, whether others bring what they promised.
//!
//! Looked at with each heartbeat or twice a second; the pieces of a slot are counted only when
//! nothing of it came for seconds.

use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::cell::{Cell, Verdict};
use crate::held::Held;
use crate::measures::Measures;
use crate::message::SlotRecord;
use crate::room::Room;
use crate::sight::Sight;
use crate::table::median_of;
use crate::tuning::Tuning;
use crate::view::View;
use crate::work::Work;

/// What this machine does itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mine<'a> {
    pub(super) held: &'a Held,
    pub(super) measures: &'a Measures,
    /// Bytes a second for all readers together.
    pub(super) rate_bytes: Option<u64>,
}

/// How long a holder of whose slot nothing comes is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience<'a> {
    tuning: &'a Tuning,
    /// If nothing came since it took the slot.
    unproven: Duration,
    /// Bytes of four pieces.
    four: u64,
    /// The time of four pieces at the budget of one slot.
    at_budget: Duration,
}

impl<'a> Patience<'a> {
    fn new(now: Instant, room: &Room, mine: Mine<'a>) -> Self {
        let of = mine.measures;
        let tuning = of.tuning();
        let piece_len = room.extents().piece_len();
        let two = piece_len.saturating_mul(2_000_000);
        let time_at = |rate: u64| two.checked_div(rate).map(Duration::from_micros);
        let pieces = time_at(of.link().burst())
            .unwrap_or_default()
            .min(tuning.stall);
        // the fastest of the readers tells what the origin gives: one that says to be slow among fast ones is not
        // waited for
        let best = room
            .table()
            .goodputs_beside(room.me(), now)
            .last()
            .copied()
            .unwrap_or(0);
        // who reads several pieces side by side has none of them for long
        let told = time_at(best.max(of.goodput())).unwrap_or_default() * tuning.pieces_abreast;
        let four = piece_len.saturating_mul(4);
        let slots = u64::from(room.slots());
        Self {
            tuning,
            unproven: tuning.stall_unproven + pieces.max(told.min(tuning.stall_slow_max())),
            four,
            at_budget: mine.rate_bytes.map_or(Duration::ZERO, |rate| {
                Duration::from_secs(four.saturating_mul(slots) / rate.max(1))
            }),
        }
    }

    /// After how long a slot is looked at.
    fn look(&self) -> Duration {
        self.tuning.dead().min(self.unproven)
    }

    fn proven(&self, record: &SlotRecord) -> Duration {
        let at_goodput = self
            .four
            .checked_div(record.goodput)
            .map(Duration::from_secs);
        let measured = at_goodput.unwrap_or_default();
        let stall = self.tuning.stall;
        let slow = measured.min(self.tuning.stall_slow_max());
        stall.max(slow).max(self.at_budget)
    }

    /// What becomes of a holder.
    fn judge(&self, now: Instant, cell: &Cell) -> Verdict {
        let stalled = now.since(cell.progress());
        if cell.brought().is_none() && stalled >= self.unproven {
            Verdict::Doubted
        } else if cell.is_excused() {
            if stalled >= self.tuning.stall_excused() {
                Verdict::Doubted
            } else {
                Verdict::Waits
            }
        } else if stalled >= self.proven(cell.record()) {
            Verdict::Banned
        } else {
            Verdict::Waits
        }
    }
}

/// Whether who reads so much a second is slow beside others, the least first; `waits` = too much of what it read is
/// nowhere else.
pub(super) fn is_slow(tuning: &Tuning, goodput: u64, waits: bool, others: &[u64]) -> bool {
    // a full window excuses much, not everything: who passes on far more slowly than others read
    // holds the room up
    let far = tuning.slow_factor * 2;
    let factor = if waits { far } else { tuning.slow_factor };
    let median = median_of(others).unwrap_or(0);
    let best = others.last().copied().unwrap_or(0);
    goodput.saturating_mul(factor) < median || goodput.saturating_mul(far) < best
}

/// What is looked at from time to time.
#[derive(Debug)]
pub(super) struct Watch {
    tuning: Arc<Tuning>,
    tick_at: Instant,
    /// When a byte or a piece last came.
    useful_at: Instant,
    starving: bool,
    /// Pieces of each slot that were here or available when last counted, and when.
    seen: Vec<(u32, Instant)>,
}

impl Watch {
    pub(super) fn new(tuning: &Arc<Tuning>, slots: u32, now: Instant) -> Self {
        let mut watch = Self {
            tuning: Arc::clone(tuning),
            tick_at: now,
            useful_at: now,
            starving: false,
            seen: Vec::new(),
        };
        watch.shrink(slots, now);
        watch
    }

    /// There are so many slots.
    pub(super) fn shrink(&mut self, slots: u32, now: Instant) {
        self.seen = vec![(0, now); usize::try_from(slots).unwrap_or(0)];
    }

    /// Whether it is time to look.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.tick_at;
        if is_due {
            self.tick_at = now + self.tuning.tick;
        }
        is_due
    }

    /// When it is time to look.
    pub(super) fn next(&self) -> Instant {
        self.tick_at
    }

    /// Something came.
    pub(super) fn useful(&mut self, now: Instant) {
        self.useful_at = now;
    }

    /// Looks whether this machine starves, which lacks pieces and reads none, or not; whether that is news.
    pub(super) fn starves(&mut self, now: Instant, lacks: bool) -> bool {
        let starving = lacks && now.since(self.useful_at) >= self.tuning.starve;
        std::mem::replace(&mut self.starving, starving) != starving
    }

    pub(super) fn is_starving(&self) -> bool {
        self.starving
    }

    /// Whether pieces of a slot turned up in the swarm since the last look, which `progress` says to be long ago.
    fn has_appeared(
        &mut self,
        now: Instant,
        (slot, progress): (u32, Instant),
        count: impl FnOnce() -> u32,
    ) -> bool {
        let index = usize::try_from(slot).unwrap_or(usize::MAX);
        let look_every = self.tuning.dead();
        let is_long_ago = |at: Instant| now.since(at) >= look_every;
        let Some((seen, at)) = self.seen.get_mut(index) else {
            return false;
        };
        if !is_long_ago(progress) || !is_long_ago(*at) {
            return false;
        }
        let count = count();
        let more = count > *seen;
        (*seen, *at) = (count, now);
        more
    }

    /// Holders that speak but bring nothing are none (T_stall).
    pub(super) fn doubt_idle(
        &mut self,
        (now, room): (Instant, &mut Room),
        view: &View<'_>,
        mine: Mine<'_>,
        work: &mut Work,
    ) {
        for slot in 0..room.slots() {
            let holder = room.table().live_holder(now, slot);
            let Some(cell) = room.table().cell(slot).copied() else {
                continue;
            };
            if holder.is_none_or(|holder| holder == room.me()) {
                continue;
            }
            let patience = Patience::new(now, room, mine);
            if now.since(cell.progress()) < patience.look() {
                continue;
            }
            let sight = Sight::new(now, view, room, mine.held);
            let silent = (slot, cell.progress());
            let verdict = if self.has_appeared(now, silent, || sight.count_present(slot)) {
                Verdict::Brings
            } else if !work.has(now, slot, || sight.work()) {
                Verdict::Rests
            } else {
                patience.judge(now, &cell)
            };
            room.judged(now, slot, verdict);
        }
    }
}
