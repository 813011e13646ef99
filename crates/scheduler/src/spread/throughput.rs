//! Bytes a second over the last two seconds.

use std::time::Duration;

use crate::Instant;

/// Buckets of the window.
const BUCKETS: usize = 8;
/// Buckets beside the current one.
const BUCKETS_BEHIND: u64 = 7;
/// Time that one bucket covers.
const BUCKET_TIME: Duration = Duration::from_millis(250);

/// What came lately.
#[derive(Debug)]
pub(super) struct Throughput {
    buckets: [u64; BUCKETS],
    /// The bucket that is being filled, counted from `start`.
    current: u64,
    start: Instant,
}

impl Throughput {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            buckets: [0; BUCKETS],
            current: 0,
            start: now,
        }
    }

    /// Counts `bytes` that came at `now`.
    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        self.turn(now);
        if let Some(bucket) = self.buckets.get_mut(slot(self.current)) {
            *bucket = bucket.saturating_add(bytes);
        }
    }

    /// Bytes a second as of `now`.
    pub(super) fn per_second(&mut self, now: Instant) -> u64 {
        self.turn(now);
        let age = micros(now.since(self.start));
        let bucket = micros(BUCKET_TIME);
        // all buckets but the current are whole
        let whole = self.current.min(BUCKETS_BEHIND).saturating_mul(bucket);
        let covered = whole.saturating_add(age % bucket).max(bucket / 10);
        let bytes: u64 = self.buckets.iter().sum();
        bytes.saturating_mul(1_000_000) / covered
    }

    /// Empties the buckets that time has passed by.
    fn turn(&mut self, now: Instant) {
        let at = micros(now.since(self.start)) / micros(BUCKET_TIME);
        for passed in (self.current.saturating_add(1)..=at).rev().take(BUCKETS) {
            if let Some(bucket) = self.buckets.get_mut(slot(passed)) {
                *bucket = 0;
            }
        }
        self.current = self.current.max(at);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn slot(bucket: u64) -> usize {
    usize::try_from(bucket).unwrap_or(0) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_rate_is_found_and_forgotten() {
        let at = |millis: u64| Instant::from_micros(millis * 1000);
        let mut throughput = Throughput::new(Instant::ZERO);
        for step in 0..400 {
            throughput.add(at(step * 10), 10_000);
        }
        let found = throughput.per_second(at(4000));
        assert!((900_000..1_200_000).contains(&found), "{found}");
        assert_eq!(throughput.per_second(at(60_000)), 0);
    }
}
