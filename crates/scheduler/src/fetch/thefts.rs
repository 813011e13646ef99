//! Jobs that were called off so that another source can do them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Instant, JobId, SourceId};

/// Jobs that were called off so that another source can do them.
#[derive(Debug)]
pub(crate) struct Thefts {
    jobs: BTreeMap<JobId, SourceId>,
    looked_at: Option<Instant>,
    every: Duration,
}

impl Thefts {
    /// None yet; work to take over is looked for once in this time: it means a look at each job.
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            jobs: BTreeMap::new(),
            looked_at: None,
        }
    }

    /// Whether it is time to look for work to take over again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let waits = |at: Instant| now.since(at) < self.every;
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
