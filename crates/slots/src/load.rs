//! Whether this machine's link has more to do than it can, or less: who should read the origin is told by that.
//!
//! A link's speed shows only while it is full, so links are not compared: a machine that can't keep up with what is
//! there loses nothing by leaving the origin to one that has all there is and could take more.
//! Founded on looks a tenth of a second apart; a look that shows the contrary ends a belief at once.

use std::sync::Arc;

use crate::Instant;
use crate::rate::Rate;
use crate::tuning::Tuning;

/// What a link can do is forgotten by this part with each look.
const FORGET_PARTS: u64 = 64;

/// What a look shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Pieces can be had that nobody was asked for yet.
    Behind,
    /// All that can be had is here or asked for, and this machine can't read the origin on its own.
    Waiting,
    /// Neither.
    Even,
}

/// How this machine's link has fared lately.
#[derive(Debug)]
pub(super) struct Load {
    tuning: Arc<Tuning>,
    look: Look,
    since: Instant,
    looked: Instant,
    intake: Rate,
    /// What it took in a moment ago.
    before: u64,
    before_at: Instant,
    grows: bool,
    /// What it took in while it read and could take no more, and when that was last seen.
    capacity: Option<(u64, Instant)>,
}

impl Load {
    pub(super) fn new(tuning: &Arc<Tuning>, now: Instant) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            look: Look::Even,
            since: now,
            looked: now,
            intake: Rate::default(),
            before: 0,
            before_at: now,
            grows: true,
            capacity: None,
        }
    }

    /// Bytes came, from whatever source.
    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        self.intake.add(now, bytes);
    }

    /// Whether it takes in most of so many bytes a second.
    pub(super) fn takes_in(&self, link: u64) -> bool {
        let intake = self.intake.value().unwrap_or(0);
        link > 0 && intake.saturating_mul(100) >= link.saturating_mul(self.tuning.full_percent)
    }

    /// Whether it is time for a look.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.looked + self.tuning.look
    }

    /// A look showed this, of a machine that reads the origin or does not; whether what is told of it changed.
    pub(super) fn looks(&mut self, now: Instant, look: Look, reads: bool) -> bool {
        let told = (self.waits(now) > 0, self.capacity(now) > 0);
        self.looked = now;
        if now >= self.before_at + self.tuning.lasting {
            let rate = self.intake.value().unwrap_or(0);
            self.grows =
                rate.saturating_mul(100) > self.before.saturating_mul(self.tuning.grows_percent);
            (self.before, self.before_at) = (rate, now);
        }
        if look != self.look {
            (self.look, self.since) = (look, now);
        }
        if reads && self.is_behind(now) {
            let known = self.capacity(now);
            let known = known - known / FORGET_PARTS;
            let rate = self.intake.value().unwrap_or(0);
            // what still grows is no limit
            if !self.grows {
                self.capacity = Some((rate.max(known), now));
            }
        }
        told != (self.waits(now) > 0, self.capacity(now) > 0)
    }

    /// Bytes a second that it takes in at most, as was seen while it read; 0 = not known.
    pub(super) fn capacity(&self, now: Instant) -> u64 {
        let known = self
            .capacity
            .filter(|(_, at)| now.since(*at) < self.tuning.memory);
        known.map_or(0, |(rate, _)| rate)
    }

    /// Whether it has more to take than it can.
    pub(super) fn is_behind(&self, now: Instant) -> bool {
        self.look == Look::Behind && now.since(self.since) >= self.tuning.lasting
    }

    /// Bytes a second that it takes in while it has more to take than it can; 0 = it has not.
    pub(super) fn behind(&self, now: Instant) -> u64 {
        let intake = self.intake.value().unwrap_or(0);
        if self.is_behind(now) { intake } else { 0 }
    }

    /// Bytes a second that it takes in while it could take more; 0 = it could not, or is not known to.
    pub(super) fn waits(&self, now: Instant) -> u64 {
        let waits = self.look == Look::Waiting && now.since(self.since) >= self.tuning.lasting;
        let intake = self.intake.value().unwrap_or(0).max(1);
        if waits { intake } else { 0 }
    }

    /// Whether a machine that waits and takes in so many bytes a second gets all that is read.
    pub(super) fn is_matched_by(&self, other: u64) -> bool {
        let mine = self.intake.value().unwrap_or(0);
        other > 0 && other.saturating_mul(100) >= mine.saturating_mul(self.tuning.pace_percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Instant = |ms| Instant::from_micros(ms * 1000);

    #[test]
    fn what_lasts_is_believed_and_the_contrary_ends_it() {
        let mut load = Load::new(&Arc::default(), MS(0));
        load.add(MS(100), 1000);
        load.add(MS(500), 100_000);
        assert!(!load.looks(MS(100), Look::Waiting, false));
        assert_eq!(load.waits(MS(350)), 0);
        assert!(load.waits(MS(700)) > 1);
        assert!(load.looks(MS(800), Look::Behind, false));
        assert!(load.waits(MS(800)) == 0 && !load.is_behind(MS(1050)));
        assert!(load.is_behind(MS(1400)));
        assert!(!load.looks(MS(1500), Look::Even, false));
        assert!(!load.is_behind(MS(9000)));
    }

    #[test]
    fn what_a_link_can_do_is_known_once_it_grows_no_more_while_it_reads() {
        let known = |reads: bool, ramp: u64| {
            let mut load = Load::new(&Arc::default(), MS(0));
            for step in 1..=20 {
                load.add(MS(step * 100), 100_000 + step * ramp);
                load.looks(MS(step * 100), Look::Behind, reads);
            }
            load.capacity(MS(2000))
        };
        let full = known(true, 0);
        assert!((900_000..1_100_000).contains(&full), "{full}");
        assert_eq!(known(false, 0), 0);
        assert_eq!(known(true, 100_000), 0);
    }

    #[test]
    fn who_takes_in_far_less_waits_for_more_than_the_reading() {
        let mut load = Load::new(&Arc::default(), MS(0));
        load.add(MS(500), 500_000);
        assert!(load.is_matched_by(800_000));
        assert!(!load.is_matched_by(100_000));
        assert!(!load.is_matched_by(0));
    }
}
