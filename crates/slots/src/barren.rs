//! A holder that reads nothing lets others try: whether its turn at the origin brings anything.
//!
//! Founded on the bytes that origins bring to this machine. A turn without any ends sooner where every origin
//! refuses; each barren turn makes the next one longer, because a first answer may take long. The first byte ends
//! all of it.

use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::tuning::Tuning;

/// The turns of this machine at the origin.
#[derive(Debug)]
pub(super) struct Barren {
    tuning: Arc<Tuning>,
    /// Since when it could read and got nothing.
    since: Instant,
    /// Barren turns in a row.
    turns: u32,
}

impl Barren {
    pub(super) fn new(tuning: &Arc<Tuning>, now: Instant) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            since: now,
            turns: 0,
        }
    }

    /// An origin brought bytes; whether that was news.
    pub(super) fn brought(&mut self, now: Instant) -> bool {
        self.since = now;
        std::mem::take(&mut self.turns) > 0
    }

    /// Nothing is to be read now, or something else holds reading up.
    pub(super) fn excused(&mut self, now: Instant) {
        self.since = now;
    }

    /// Whether this turn has brought nothing for too long; `refused` = all origins refuse.
    pub(super) fn is_over(&self, now: Instant, refused: bool) -> bool {
        let tuning = &self.tuning;
        let turn = if refused {
            tuning.turn_refused()
        } else {
            tuning.turn
        };
        now.since(self.since) >= turn * (1 << self.turns.min(tuning.turn_doublings_max))
    }

    /// The turn ends without a byte.
    pub(super) fn ends(&mut self, now: Instant) {
        self.turns = self.turns.saturating_add(1);
        self.since = now;
    }

    /// Whether the last turn brought nothing: others should read instead.
    pub(super) fn is_barren(&self) -> bool {
        self.turns > 0
    }

    /// How much later than others this machine claims: where `others` could read and it never could, also later than
    /// the slow.
    pub(super) fn later(&self, others: bool) -> Duration {
        let each = if others {
            self.tuning.slow_last
        } else {
            self.tuning.later()
        };
        each * self.turns.min(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(1_000_000);

    #[test]
    fn each_barren_turn_is_longer_and_a_byte_ends_that() {
        let (mut barren, mut now) = (Barren::new(&Arc::default(), START), START);
        for turn in [2, 4, 8, 16, 16] {
            let end = now + Duration::from_secs(turn);
            assert!(!barren.is_over(end - Duration::from_millis(1), false));
            assert!(barren.is_over(end, false), "{turn}");
            barren.ends(end);
            now = end;
        }
        assert_eq!(barren.later(false), Duration::from_secs(2));
        assert_eq!(barren.later(true), Duration::from_secs(4));
        assert!(barren.brought(now));
        assert!(!barren.brought(now));
        assert_eq!(barren.later(true), Duration::ZERO);
        assert!(barren.is_over(now + Duration::from_millis(500), true));
    }
}
