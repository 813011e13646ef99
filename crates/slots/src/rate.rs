//! How fast a source delivers, from the bytes it brought while asked.

use std::time::Duration;

use crate::Instant;

/// Shortest time over which a rate is taken.
const WINDOW: Duration = Duration::from_millis(200);

/// A moving rate in bytes a second. Time in which nothing was asked does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rate {
    value: Option<u64>,
    bytes: u64,
    /// Time of this window before the last pause.
    before: Duration,
    since: Instant,
    last: Instant,
}

impl Rate {
    /// The source was idle and is asked now: the pause does not count.
    pub fn resume(&mut self, now: Instant) {
        self.before += self.last.since(self.since);
        self.since = now;
        self.last = now;
    }

    /// Counts bytes that came.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.last = now;
        let elapsed = self.before + now.since(self.since);
        if elapsed < WINDOW {
            return;
        }
        let micros = u64::try_from(elapsed.as_micros())
            .unwrap_or(u64::MAX)
            .max(1);
        let fresh = self.bytes.saturating_mul(1_000_000) / micros;
        self.value = Some(
            self.value
                .map_or(fresh, |old| (old.saturating_add(fresh)) / 2),
        );
        self.bytes = 0;
        self.before = Duration::ZERO;
        self.since = now;
    }

    /// The rate in bytes a second, once a window is full.
    pub fn value(&self) -> Option<u64> {
        self.value
    }

    /// How long `bytes` will take, if the rate is known.
    pub fn time_for(&self, bytes: u64) -> Option<Duration> {
        let rate = self.value?.max(1);
        Some(Duration::from_micros(
            bytes.saturating_mul(1_000_000) / rate,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_source_has_its_rate() {
        let mut rate = Rate::default();
        rate.resume(Instant::ZERO);
        for tenth in 1..=20 {
            rate.add(Instant::from_micros(tenth * 100_000), 1_000_000);
        }
        assert_eq!(rate.value(), Some(10_000_000));
        assert_eq!(rate.time_for(5_000_000), Some(Duration::from_millis(500)));
    }

    #[test]
    fn short_spells_add_up_to_a_rate() {
        let mut rate = Rate::default();
        for second in 0..5 {
            let start = Instant::from_micros(second * 1_000_000);
            rate.resume(start);
            rate.add(start + Duration::from_millis(50), 500_000);
        }
        assert_eq!(rate.value(), Some(10_000_000));
    }

    #[test]
    fn idle_time_does_not_count() {
        let mut rate = Rate::default();
        rate.resume(Instant::ZERO);
        rate.add(Instant::from_micros(200_000), 2_000_000);
        let later = Instant::from_micros(60_000_000);
        rate.resume(later);
        rate.add(later + WINDOW, 2_000_000);
        assert_eq!(rate.value(), Some(10_000_000));
    }
}
