//! What this machine's link can take, seen from the bytes that came.
//!
//! Most of the time a link waits for others, so its mean says nothing; the most that ever came in a
//! moment does. A stall of this process lets bytes pile up, so it can be twice too much.

use std::time::Duration;

use crate::Instant;

/// The moment over which bytes are counted: a piece of usual length comes in several.
const WINDOW: Duration = Duration::from_millis(100);
const WINDOWS_PER_SECOND: u64 = 10;

/// The most bytes that came in one window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LinkPeak {
    from: Instant,
    bytes: u64,
    most: u64,
}

impl LinkPeak {
    /// Bytes came, from whatever source.
    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        if now.since(self.from) >= WINDOW {
            (self.from, self.bytes) = (now, 0);
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.most = self.most.max(self.bytes);
    }

    /// Bytes a second at the best moment; 0 before anything came.
    pub(super) fn goodput(self) -> u64 {
        self.most.saturating_mul(WINDOWS_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_moment_counts() {
        let mut link = LinkPeak::default();
        for (ms, bytes) in [(1000, 100), (1500, 300), (1550, 200), (1700, 50)] {
            link.add(Instant::from_micros(ms * 1000), bytes);
        }
        assert_eq!(link.goodput(), 5000);
    }
}
