//! The time of a swarm as its decisions are told of it: counted from its start.

use swarmcopy_scheduler::Instant as Moment;
use tokio::time::Instant;

/// When the swarm began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// What time it is.
    pub(crate) fn now(self) -> Moment {
        let micros = self.start.elapsed().as_micros();
        Moment::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}
