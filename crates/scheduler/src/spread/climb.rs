//! How deep the queue of requests must be for peers that answer in bursts.
//!
//! No I/O. A quarter of a second's worth of requests is enough for a peer that answers at once, but
//! some clients look at their queue only twice a second, and then the depth itself sets the rate.
//! That can't be told from a slow line by waiting times, only by trying: the depth is doubled as
//! long as that pays, and now and then tried one step higher or lower. What must stay true: a peer
//! whose line is the limit ends with a short queue.

use std::time::Duration;

use crate::Instant;

/// Requests that are kept open at a peer, whatever it takes.
pub const REQUESTS_OPEN_MAX: usize = 500;
/// Requests for blocks of 16 KiB that are kept open from the start; of longer ones as many as ask
/// for the same bytes.
pub const REQUESTS_MIN: usize = 16;
/// Time over which a depth is judged.
const WINDOW: Duration = Duration::from_millis(500);
/// Windows without gain before a step is taken back: the first may belong to the old depth.
const WINDOWS_PER_STEP: u32 = 2;
/// Time between trials of another depth.
const REST: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// Deeper, in hope of more.
    Up,
    /// Shallower, in hope of no less.
    Down,
    /// None until then; the next one goes the other way than the last.
    Rest { until: Instant, next_up: bool },
}

/// Finds a depth by trial.
#[derive(Debug)]
pub(super) struct Climb {
    depth: usize,
    /// The depth that is known to pay, and bytes a second with it.
    proven: (usize, u64),
    trial: Trial,
    windows: u32,
    start: Instant,
    bytes: u64,
    open_max: usize,
}

impl Climb {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            depth: REQUESTS_MIN,
            proven: (REQUESTS_MIN, 0),
            trial: Trial::Up,
            windows: 0,
            start: now,
            bytes: 0,
            open_max: 0,
        }
    }

    /// The depth to use now.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Counts a block that came while `open` requests were open.
    pub(super) fn block(&mut self, now: Instant, len: u64, open: usize) {
        self.bytes = self.bytes.saturating_add(len);
        self.open_max = self.open_max.max(open);
        let age = now.since(self.start);
        if age < WINDOW {
            return;
        }
        let micros = u64::try_from(age.as_micros()).unwrap_or(u64::MAX).max(1);
        let rate = self.bytes.saturating_mul(1_000_000) / micros;
        let limited = self.open_max.saturating_mul(4) >= self.depth.saturating_mul(3);
        (self.start, self.bytes, self.open_max) = (now, 0, 0);
        // where there is nothing to ask for, or nothing came for long, no depth is proven
        if limited && age < WINDOW * 4 {
            self.judge(now, rate);
        }
    }

    fn judge(&mut self, now: Instant, rate: u64) {
        let (depth, before) = self.proven;
        self.windows = self.windows.saturating_add(1);
        let over = self.windows >= WINDOWS_PER_STEP;
        match self.trial {
            Trial::Up if rate > before.saturating_add(before / 10) => {
                self.proven = (self.depth, rate);
                self.step(Trial::Up, self.depth.saturating_mul(2));
            }
            Trial::Up if over => self.rest(now, depth, false),
            Trial::Down if over && rate >= before.saturating_sub(before / 10) => {
                self.proven = (self.depth, rate);
                self.rest(now, self.depth, false);
            }
            Trial::Down if over => self.rest(now, depth, true),
            Trial::Rest { until, next_up } if now >= until => {
                self.proven = (self.depth, rate);
                let next = if next_up {
                    self.depth.saturating_mul(2)
                } else {
                    self.depth / 2
                };
                self.step(if next_up { Trial::Up } else { Trial::Down }, next);
            }
            _ => {}
        }
    }

    fn step(&mut self, trial: Trial, depth: usize) {
        self.depth = depth.clamp(REQUESTS_MIN, REQUESTS_OPEN_MAX);
        self.trial = trial;
        self.windows = 0;
    }

    fn rest(&mut self, now: Instant, depth: usize, next_up: bool) {
        self.step(
            Trial::Rest {
                until: now + REST,
                next_up,
            },
            depth,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 16 * 1024;

    /// Runs a peer for some seconds: it sends at most `line` bytes a second, and looks at its
    /// requests every `pulse`.
    fn depth_after(seconds: u64, line: u64, pulse: Duration) -> usize {
        let start = Instant::ZERO;
        let mut climb = Climb::new(start);
        let mut now = start;
        while now < start + Duration::from_secs(seconds) {
            let micros = u64::try_from(pulse.as_micros()).unwrap();
            let room = (line * micros / 1_000_000 / BLOCK).max(1);
            let blocks = room.min(u64::try_from(climb.depth()).unwrap());
            now = now + pulse;
            let open = climb.depth();
            for _ in 0..blocks {
                climb.block(now, BLOCK, open);
            }
        }
        climb.depth()
    }

    #[test]
    fn a_peer_that_answers_in_bursts_is_asked_deeper() {
        let depth = depth_after(10, 1_000_000_000, Duration::from_millis(500));
        assert_eq!(depth, REQUESTS_OPEN_MAX);
    }

    #[test]
    fn a_slow_line_keeps_a_short_queue() {
        for seconds in [5, 60, 300] {
            let depth = depth_after(seconds, 400_000, Duration::from_millis(41));
            assert!(depth <= 2 * REQUESTS_MIN, "{depth} after {seconds} s");
        }
    }
}
