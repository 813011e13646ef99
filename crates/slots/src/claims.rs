//! When a free slot is claimed, and when this machine lets others go first.
//!
//! A slot is claimed when nobody holds it, something in it is to be read, and the back-off has
//! passed without another's claim.

use std::sync::Arc;
use std::time::Duration;

use crate::access::Access;
use crate::barren::Barren;
use crate::heirs::is_outdone;
use crate::measures::Measures;
use crate::neighbour::Neighbour;
use crate::room::Room;
use crate::standing::Standing;
use crate::table::{bit, median_of};
use crate::tuning::Tuning;
use crate::{Instant, MachineClass};

/// What the neighbours can do for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Near {
    /// None may read.
    Nobody,
    /// Some may read.
    Able,
    /// Some that may read have, and this machine never could.
    Proven,
}

/// Who else may want the slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rivals {
    /// Machines that may read, this one included, as far as they count.
    machines: u32,
    /// Some of them have a better line.
    are_wired: bool,
    near: Near,
    /// Some are faster.
    are_faster: bool,
}

/// Who else may want a slot; `None` = nobody else is there. `link` = what this machine's link brings.
pub(super) fn rivals(
    now: Instant,
    link: u64,
    access: &Access,
    measures: &Measures,
    room: &Room,
) -> Option<Rivals> {
    let none = matches!(access.standing(), Standing::Alone | Standing::CutOff);
    if none && room.machines(now, 2) == 1 {
        return None;
    }
    let median = median_of(&room.table().goodputs_beside(room.me(), now));
    let slow = link > 0 && median.is_some_and(|median| link.saturating_mul(2) < median);
    let tuning = &access.config().tuning;
    let is_wired = access.config().class == MachineClass::Wired;
    let gossip = room.gossip();
    let able = || gossip.iter().filter(|one| one.may_read());
    let has_read = |one: &Neighbour| gossip.bytes_of(one.node()) > 0;
    let near = if measures.origin_bytes() == 0 && able().any(has_read) {
        Near::Proven
    } else if able().next().is_some() {
        Near::Able
    } else {
        Near::Nobody
    };
    Some(Rivals {
        machines: room.machines(now, tuning.claimants().1 / tuning.claimants_each),
        are_wired: !is_wired && gossip.knows_wired(),
        near,
        are_faster: slow || is_outdone(now, room, measures),
    })
}

/// When this machine claims.
#[derive(Debug)]
pub(super) struct Claims {
    tuning: Arc<Tuning>,
    /// When each slot is to be claimed.
    at: Vec<Option<Instant>>,
    /// Slots that their holder offered to this machine, until then.
    offered: u64,
    offered_until: Instant,
    /// It claims later than others until then: they read faster.
    modest_until: Instant,
    /// Since when it reads more slowly than others.
    slow_since: Option<Instant>,
    barren: Barren,
    rng: fastrand::Rng,
}

impl Claims {
    pub(super) fn new(tuning: &Arc<Tuning>, slots: u32, rng: fastrand::Rng, now: Instant) -> Self {
        let mut claims = Self {
            tuning: Arc::clone(tuning),
            at: Vec::new(),
            offered: 0,
            offered_until: now,
            modest_until: now,
            slow_since: None,
            barren: Barren::new(tuning, now),
            rng,
        };
        claims.shrink(slots);
        claims
    }

    /// There are so many slots.
    pub(super) fn shrink(&mut self, slots: u32) {
        self.at = vec![None; usize::try_from(slots).unwrap_or(0)];
    }

    fn set(&mut self, slot: u32, at: Option<Instant>) {
        let index = usize::try_from(slot).unwrap_or(usize::MAX);
        let cell = self.at.get_mut(index).into_iter();
        cell.for_each(|set| *set = at);
    }

    /// There is no reason to claim the slot.
    pub(super) fn forget(&mut self, slot: u32) {
        self.set(slot, None);
    }

    /// Whether the slot, which is free and has work, is claimed now; `None` as rivals = nobody else is there.
    pub(super) fn is_due(
        &mut self,
        now: Instant,
        slot: u32,
        rivals: impl FnOnce() -> Option<Rivals>,
    ) -> bool {
        let index = usize::try_from(slot).unwrap_or(0);
        let at = match self.at.get(index).copied().flatten() {
            Some(at) => at,
            None if self.offered & bit(slot) != 0 && now < self.offered_until => {
                self.offered &= !bit(slot);
                now
            }
            None => now + rivals().map_or(Duration::ZERO, |rivals| self.back_off(now, rivals)),
        };
        let is_due = at <= now;
        self.set(slot, (!is_due).then_some(at));
        is_due
    }

    /// When the next slot is to be claimed.
    pub(super) fn times(&self) -> impl Iterator<Item = Instant> {
        self.at.iter().flatten().copied()
    }

    /// Exponential suppression (RFC 5401): many wait, one claims.
    fn back_off(&mut self, now: Instant, rivals: Rivals) -> Duration {
        let tuning = &self.tuning;
        let (least, most) = tuning.claimants();
        let claimants = (rivals.machines * tuning.claimants_each).clamp(least, most);
        let x = 1.0 - self.rng.f64();
        let mut wait = tuning
            .back_step
            .mul_f64((f64::from(claimants).ln() + x.ln()).max(0.0));
        if rivals.are_wired {
            wait += tuning.wired_first;
        }
        if rivals.near != Near::Nobody && (rivals.are_faster || self.is_modest(now)) {
            wait += tuning.slow_last;
        }
        wait + self.barren.later(rivals.near == Near::Proven)
    }

    /// A holder gives slots back and wants this machine to have them: they are claimed at once, where they are free.
    pub(super) fn offered(&mut self, now: Instant, offers: u64) {
        let open = if now < self.offered_until {
            self.offered
        } else {
            0
        };
        (self.offered, self.offered_until) = (open | offers, now + self.tuning.offer);
        for (slot, at) in (0..).zip(&mut self.at) {
            if offers & bit(slot) != 0 {
                *at = None;
            }
        }
    }

    /// Whether it lets others claim first.
    pub(super) fn is_modest(&self, now: Instant) -> bool {
        now < self.modest_until
    }

    /// Lets others claim first for so long.
    pub(super) fn modest(&mut self, now: Instant, time: Duration) {
        self.modest_until = now + time;
    }

    /// Whether others should read instead of this machine.
    pub(super) fn yields(&self, now: Instant) -> bool {
        self.barren.is_barren() || self.is_modest(now)
    }

    /// The first slot is held from now on.
    pub(super) fn begins(&mut self, now: Instant) {
        self.barren.excused(now);
        self.slow_since = None;
    }

    /// An origin brought bytes; whether that was news.
    pub(super) fn brought(&mut self, now: Instant) -> bool {
        self.barren.brought(now)
    }

    /// Whether its turn brought nothing for too long, and is over by that; `refused` = all origins refuse. `None` = it
    /// can't be blamed.
    pub(super) fn is_in_vain(&mut self, now: Instant, refused: Option<bool>, others: bool) -> bool {
        let Some(refused) = refused else {
            self.barren.excused(now);
            return false;
        };
        let is_over = self.barren.is_over(now, refused) && others;
        if is_over {
            self.barren.ends(now);
        }
        is_over
    }

    /// It reads more slowly than others, or not; whether that went on for too long.
    pub(super) fn is_too_slow(&mut self, now: Instant, slow: bool) -> bool {
        let since = if slow {
            *self.slow_since.get_or_insert(now)
        } else {
            now
        };
        let is_too_slow = slow && now.since(since) >= self.tuning.slow;
        if !slow || is_too_slow {
            self.slow_since = None;
        }
        is_too_slow
    }
}
