//! How long a source takes until the first byte of an answer.
//!
//! Only requests to an idle source tell it: what waits behind other requests of ours measures our own queue.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers that are remembered: a path may change.
const KEPT: usize = 16;

/// The latest answers of one source.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    latest: VecDeque<Duration>,
    /// The shortest of them: it is asked for far more often than it changes.
    base: Option<Duration>,
}

impl Latency {
    /// An answer began so long after it was asked for.
    pub(crate) fn add(&mut self, took: Duration) {
        self.latest.truncate(KEPT - 1);
        self.latest.push_front(took);
        self.base = self.latest.iter().copied().min();
    }

    /// The shortest: what the way there and back takes.
    pub(crate) fn base(&self) -> Option<Duration> {
        self.base
    }

    /// What nine of ten answers take at most.
    pub(crate) fn p90(&self) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.latest.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() * 9 / 10).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    #[test]
    fn the_shortest_and_nearly_the_longest_are_told() {
        let mut latency = Latency::default();
        assert_eq!((latency.base(), latency.p90()), (None, None));
        (1..=10).for_each(|ms| latency.add(ms * MILLI));
        assert_eq!(latency.base(), Some(MILLI));
        assert_eq!(latency.p90(), Some(10 * MILLI));
    }

    #[test]
    fn a_way_that_became_longer_is_learned() {
        let mut latency = Latency::default();
        latency.add(MILLI);
        (0..KEPT).for_each(|_| latency.add(200 * MILLI));
        assert_eq!(latency.base(), Some(200 * MILLI));
    }
}
