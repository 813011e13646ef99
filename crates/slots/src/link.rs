//! What this machine's link can take, seen from the bytes that came.
//!
//! Most of the time a link waits for others, so its mean says nothing; the most that ever came in a
//! moment does. A stall of this process lets bytes pile up, so it can be twice too much.

use std::time::Duration;

use crate::Instant;
use crate::tuning::Tuning;

/// Bytes of one moment after another.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    from: Instant,
    bytes: u64,
}

impl Moments {
    /// Counts bytes; the rate of the moment that they end.
    fn add(&mut self, now: Instant, bytes: u64, len: Duration) -> Option<u64> {
        self.bytes = self.bytes.saturating_add(bytes);
        let passed = now.since(self.from);
        if passed < len {
            return None;
        }
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = self.bytes.saturating_mul(1000) / millis;
        (self.from, self.bytes) = (now, 0);
        Some(rate)
    }
}

/// The best rates that the link was seen to bring.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LinkPeak {
    bursts: Moments,
    burst: u64,
    moments: Moments,
    /// The best moments, the best first: one alone may be a lump.
    best: (u64, u64),
}

impl LinkPeak {
    /// Bytes came, from whatever source. A burst is counted over a look: a piece of usual length comes in several. A
    /// rate is sustained over several words of progress, which come in lumps.
    pub(super) fn add(&mut self, now: Instant, bytes: u64, tuning: &Tuning) {
        let burst = self.bursts.add(now, bytes, tuning.look);
        self.burst = self.burst.max(burst.unwrap_or(0));
        if let Some(rate) = self.moments.add(now, bytes, tuning.sustained()) {
            self.best = match self.best {
                (best, _) if rate > best => (rate, best),
                (best, next) => (best, next.max(rate)),
            };
        }
    }

    /// Bytes a second at the best moment, which may be twice too much; 0 before anything came.
    pub(super) fn burst(self) -> u64 {
        self.burst
    }

    /// Bytes a second that it brought for a while; 0 before that.
    pub(super) fn sustained(self) -> u64 {
        self.best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_moment_counts() {
        let mut link = LinkPeak::default();
        for ms in (0..=4000).step_by(50) {
            let bytes = if (2000..2500).contains(&ms) {
                50_000
            } else {
                5_000
            };
            link.add(Instant::from_micros(ms * 1000), bytes, &Tuning::default());
        }
        let best = link.burst();
        assert!((850_000..1_150_000).contains(&best), "{best}");
    }

    #[test]
    fn what_comes_in_lumps_is_no_faster_than_what_trickles() {
        let (mut lumps, mut trickle) = (LinkPeak::default(), LinkPeak::default());
        for ms in (0..=6000).step_by(10) {
            let now = Instant::from_micros(ms * 1000);
            trickle.add(now, 3000, &Tuning::default());
            if ms % 500 == 0 {
                lumps.add(now, 150_000, &Tuning::default());
            }
        }
        let (lumps, trickle) = (lumps.sustained(), trickle.sustained());
        assert!(lumps * 3 <= trickle * 4, "{lumps} {trickle}");
    }
}
