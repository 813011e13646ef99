//! Numbers for sources: one counter for peers, shares and mirrors of a content.
//!
//! What must stay true: a number is given once, because the scheduler never forgets one.

use std::sync::atomic::{AtomicU32, Ordering};

use swarmcopy_scheduler::SourceId;

/// Gives each source of a content its number; shared by everything that brings sources.
#[derive(Debug, Default)]
pub struct SourceIds(AtomicU32);

impl SourceIds {
    /// Starts at 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the next number.
    pub fn next(&self) -> SourceId {
        SourceId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
