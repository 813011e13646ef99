//! Which slots have something to read, looked up at most ten times a second: a look costs O(missing pieces).

use std::time::Duration;

use crate::Instant;
use crate::table::bit;

/// What is to be read is looked up at most this often.
const LOOK: Duration = Duration::from_millis(100);

/// Slots with something to read, as last looked.
#[derive(Debug, Default)]
pub(super) struct Work {
    mask: u64,
    at: Option<Instant>,
}

impl Work {
    /// Whether the slot has something to read; `look` looks for all.
    pub(super) fn has(&mut self, now: Instant, slot: u32, look: impl FnOnce() -> u64) -> bool {
        if self.at.is_none_or(|at| now.since(at) >= LOOK) {
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
