//! Jobs that were called off so that another source can do them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Instant, JobId, SourceId};

/// Work to take over is looked for at most this often: it means a look at each job.
const TAKE_OVER_EVERY: Duration = Duration::from_millis(20);

/// Jobs that were called off so that another source can do them.
#[derive(Debug)]
pub(crate) struct Thefts {
    jobs: BTreeMap<JobId, SourceId>,
    looked_at: Option<Instant>,
}

impl Thefts {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            jobs: BTreeMap::new(),
            looked_at: None,
        }
    }

    /// Whether it is time to look for work to take over again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let waits = |at: Instant| now.since(at) < TAKE_OVER_EVERY;
        !self.looked_at.is_some_and(waits)
    }

    /// Work to take over is looked for.
    pub(crate) fn looked(&mut self, now: Instant) {
        self.looked_at = Some(now);
    }

    /// A job is called off for this source.
    pub(crate) fn add(&mut self, job: JobId, thief: SourceId) {
        self.jobs.insert(job, thief);
    }

    /// The source for which a job that ended was called off.
    pub(crate) fn take(&mut self, job: JobId) -> Option<SourceId> {
        self.jobs.remove(&job)
    }
}
