//! Bytes of one window after another: the rate of the last, and the best that one had.

use std::time::Duration;

use crate::Instant;

/// How fast bytes come or go. Whoever asks says when a window ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meter {
    since: Instant,
    bytes: u64,
    peak: u64,
}

impl Meter {
    /// Counts bytes.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Bytes of this window.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How long this window lasts.
    pub(crate) fn lasts(&self, now: Instant) -> Duration {
        now.since(self.since)
    }

    /// Ends the window: its bytes a second, and what percentage that is of the best, which decays by one part in `decay`
    /// before; `None` = it never does.
    pub(crate) fn end(&mut self, now: Instant, decay: Option<u64>) -> Ended {
        let millis = u64::try_from(self.lasts(now).as_millis()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1000) / millis.max(1);
        let known = self.peak - decay.map_or(0, |parts| self.peak / parts.max(1));
        self.peak = rate.max(known);
        (self.since, self.bytes) = (now, 0);
        Ended {
            rate,
            peak: self.peak,
        }
    }
}

/// A window that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    rate: u64,
    peak: u64,
}

impl Ended {
    /// Whether its rate is this percentage of the best at least.
    pub(crate) fn is_at_least(self, percent: u64) -> bool {
        self.rate.saturating_mul(100) >= self.peak.saturating_mul(percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn the_best_decays_and_a_window_is_measured_by_what_is_left_of_it() {
        let mut meter = Meter::default();
        let mut end = |second: u64, bytes, decay| {
            meter.add(bytes);
            meter.end(Instant::from_micros(second * SECOND), decay)
        };
        assert!(end(1, 1000, Some(2)).is_at_least(100));
        let half = end(2, 500, Some(2));
        assert!(half.is_at_least(100));
        let kept = end(3, 250, None);
        assert!(kept.is_at_least(50) && !kept.is_at_least(51));
    }
}
