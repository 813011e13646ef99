//! When to announce next.
//!
//! No I/O. What must stay true: never sooner than the tracker's own `min interval`, and never
//! within five seconds.

use std::time::Duration;

use tokio::time::Instant;

/// Pause between announces, whatever a tracker asks for, while enough peers are known.
const PAUSE_MIN: Duration = Duration::from_secs(30);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_hours(24);
/// Pause while few peers are known.
const PAUSE_FEW: Duration = Duration::from_secs(5);
/// What chance adds to that, so that a room does not ask in step.
const PAUSE_FEW_SPREAD_MS: u64 = 5000;
/// Peers that are enough.
const ENOUGH: usize = 5;
/// First pause after nobody answered; doubled each time.
const RETRY_MIN: Duration = Duration::from_secs(5);
/// Longest pause after nobody answered.
const RETRY_MAX: Duration = Duration::from_mins(5);

/// The state of one content's announces.
#[derive(Debug)]
pub(super) struct Schedule {
    last: Instant,
    regular: Duration,
    few: Duration,
    failures: u32,
}

impl Schedule {
    /// How often [`due`](Self::due) is to be looked at, because the number of peers changes.
    pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

    pub(super) fn new(now: Instant) -> Self {
        Self {
            last: now,
            regular: PAUSE_MIN,
            few: PAUSE_FEW,
            failures: 0,
        }
    }

    /// A tracker has answered.
    pub(super) fn answered(&mut self, now: Instant, interval_s: u32, min_interval_s: Option<u32>) {
        let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
        let spread = Duration::from_millis(crate::chance::rng().u64(0..PAUSE_FEW_SPREAD_MS));
        let least = min_interval_s
            .map_or(Duration::ZERO, seconds)
            .min(PAUSE_MAX);
        self.last = now;
        self.regular = seconds(interval_s).clamp(PAUSE_MIN, PAUSE_MAX).max(least);
        self.few = (PAUSE_FEW + spread).max(least).min(self.regular);
        self.failures = 0;
    }

    /// No tracker has answered.
    pub(super) fn failed(&mut self, now: Instant) {
        self.last = now;
        self.failures = self.failures.saturating_add(1);
    }

    /// When to announce next, with `known` peers.
    pub(super) fn due(&self, known: usize) -> Instant {
        let pause = match self.failures {
            0 if known < ENOUGH => self.few,
            0 => self.regular,
            failures => pause_after(failures),
        };
        self.last + pause.min(PAUSE_MAX)
    }

    /// How long after its answer a tracker is asked again, while enough peers are known.
    pub(super) fn regular(&self) -> Duration {
        self.regular
    }

    /// How long after one more failure trackers are asked again.
    pub(super) fn after_failure(&self) -> Duration {
        pause_after(self.failures.saturating_add(1))
    }
}

fn pause_after(failures: u32) -> Duration {
    (RETRY_MIN.saturating_mul(1 << failures.min(7)) / 2).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(schedule: &Schedule, start: Instant, known: usize) -> Duration {
        schedule.due(known) - start
    }

    #[tokio::test]
    async fn intervals_are_honoured_and_a_lonely_machine_asks_sooner() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.answered(start, 1800, None);
        assert_eq!(pause(&schedule, start, 5), Duration::from_mins(30));
        assert!((5..10).contains(&pause(&schedule, start, 4).as_secs()));
        schedule.answered(start, 1800, Some(60));
        assert_eq!(pause(&schedule, start, 0), Duration::from_mins(1));
        schedule.answered(start, 1, None);
        assert_eq!(pause(&schedule, start, 9), PAUSE_MIN);
    }

    #[tokio::test]
    async fn a_dead_tracker_is_asked_less_and_less() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        let pauses: Vec<u64> = (0..8)
            .map(|_| {
                let told = schedule.after_failure();
                schedule.failed(start);
                assert_eq!(pause(&schedule, start, 0), told);
                told.as_secs()
            })
            .collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    }
}
