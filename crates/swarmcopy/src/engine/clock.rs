//! The engine's clock: real time as the scheduler counts it.

use std::time::{Duration, Instant};

use swarmcopy_scheduler::Instant as Moment;

/// Counts from the start of a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Now, as the scheduler counts.
    pub(crate) fn now(&self) -> Moment {
        Moment::from_micros(u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// When the runtime should wake for `moment`.
    pub(crate) fn at(&self, moment: Moment) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.start + Duration::from_micros(moment.micros()))
    }
}
