//! Which slots have something to read, looked up at most ten times a second: a look costs O(missing pieces).

use std::time::Duration;

use crate::Instant;
use crate::table::bit;

/// Slots with something to read, as last looked.
#[derive(Debug)]
pub(super) struct Work {
    every: Duration,
    mask: u64,
    at: Option<Instant>,
}

impl Work {
    /// Nothing was looked up yet; it is at most this often.
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            mask: 0,
            at: None,
        }
    }

    /// Whether the slot has something to read; `look` looks for all.
    pub(super) fn has(&mut self, now: Instant, slot: u32, look: impl FnOnce() -> u64) -> bool {
        if self.at.is_none_or(|at| now.since(at) >= self.every) {
            self.mask = look();
            self.at = Some(now);
        }
        self.mask & bit(slot) != 0
    }

    /// The slots mean something else.
    pub(super) fn forget(&mut self) {
        self.at = None;
    }
}
