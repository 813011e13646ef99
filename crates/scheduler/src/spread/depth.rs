//! How many requests to keep open at a peer: enough to keep it busy, and no more than it takes.
//!
//! Counted in blocks of 16 KiB, whatever the length that was agreed on. What must stay true: no more
//! requests are open than the peer takes, and at least so many that one is on its way while another
//! is being asked for.

use std::time::Duration;

use swarmcopy_layout::BLOCK_LEN;

pub use super::climb::{REQUESTS_MIN, REQUESTS_OPEN_MAX};

use super::climb::Climb;
use super::throughput::Throughput;
use crate::Instant;

/// Requests that are kept open at a peer that does not say how many it takes (`reqq`).
pub const REQUESTS_DEFAULT: usize = 250;
/// Requests for long blocks that are kept open at least.
pub const REQUESTS_LONG_MIN: usize = 4;
/// The time worth of requests to keep open at a peer that answers at once.
const AHEAD: Duration = Duration::from_millis(250);
/// Blocks between two looks at the throughput.
const LOOK_EVERY: u64 = 8;
/// A write is worth it for this part of all requests.
const WORTH_PARTS: usize = 8;

/// How deep the queue of requests at one peer is.
#[derive(Debug)]
pub struct Depth {
    throughput: Throughput,
    climb: Climb,
    come: u64,
    /// Blocks of 16 KiB that come in [`AHEAD`].
    ahead: usize,
    /// Blocks of 16 KiB that one request asks for.
    times: usize,
    requests_max: usize,
}

impl Depth {
    /// The depth at a peer of which nothing is known.
    pub fn new(now: Instant) -> Self {
        Self {
            throughput: Throughput::new(now),
            climb: Climb::new(now),
            come: 0,
            ahead: 0,
            times: 1,
            requests_max: REQUESTS_DEFAULT,
        }
    }

    /// Takes how many requests the peer says to keep, and how long blocks are.
    pub fn agree(&mut self, requests_max: Option<usize>, block_len: u64) {
        let most = requests_max.unwrap_or(REQUESTS_DEFAULT);
        self.requests_max = most.clamp(1, REQUESTS_OPEN_MAX);
        let times = usize::try_from(block_len / u64::from(BLOCK_LEN));
        self.times = times.unwrap_or(usize::MAX).max(1);
    }

    /// Counts a block that came while `open` others were asked for.
    pub fn came(&mut self, now: Instant, len: u64, open: usize) {
        let open = open.saturating_add(1).saturating_mul(self.times);
        self.throughput.add(now, len);
        self.climb.block(now, len, open);
        self.come = self.come.saturating_add(1);
        if self.come.is_multiple_of(LOOK_EVERY) {
            let ahead = u64::try_from(AHEAD.as_micros()).unwrap_or(u64::MAX);
            let bytes = self.throughput.per_second(now).saturating_mul(ahead) / 1_000_000;
            let blocks = bytes.div_ceil(u64::from(BLOCK_LEN));
            self.ahead = usize::try_from(blocks).unwrap_or(usize::MAX);
        }
    }

    /// How many more requests may go out while `open` are, and the peer owes answers to `taken_back` others.
    pub fn room(&self, open: usize, taken_back: usize) -> usize {
        // a peer that never answers what was taken back must not block the link for good
        let owed = taken_back.min(self.requests_max / 2);
        let takes = self.requests_max.saturating_sub(open.saturating_add(owed));
        self.requests().saturating_sub(open).min(takes)
    }

    /// Whether asking is worth a write while so many requests are open.
    pub fn is_worth_asking(&self, open: usize) -> bool {
        let room = self.requests().saturating_sub(open);
        room > 0 && (room >= self.requests() / WORTH_PARTS || open == 0)
    }

    /// Whether the peer has as much to answer as it takes: what is slow then is the peer, or the way
    /// from it.
    pub fn is_full(&self, open: usize) -> bool {
        open.saturating_mul(4) >= self.requests().saturating_mul(3)
    }

    /// Bytes a second that the peer sends as of `now`.
    pub fn rate(&mut self, now: Instant) -> u64 {
        self.throughput.per_second(now)
    }

    /// How many requests to keep open.
    fn requests(&self) -> usize {
        let blocks = self.ahead.max(self.climb.depth()).max(REQUESTS_MIN);
        blocks
            .div_ceil(self.times)
            .max(REQUESTS_LONG_MIN)
            .min(self.requests_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_depth_covers_a_quarter_of_a_second() {
        let mut depth = Depth::new(Instant::ZERO);
        // 6.4 MB/s: a block every 2.5 ms, asked for 100 blocks ahead of its arrival
        for block in 0..4000u64 {
            depth.came(Instant::from_micros(block * 2500), 16_000, 100);
        }
        assert!((90..=110).contains(&depth.ahead), "{}", depth.ahead);
    }

    #[test]
    fn no_more_is_asked_for_than_the_peer_takes() {
        let mut depth = Depth::new(Instant::ZERO);
        depth.agree(Some(3), BLOCK_LEN.into());
        assert_eq!(
            (depth.room(0, 0), depth.room(2, 0), depth.room(3, 0)),
            (3, 1, 0)
        );
        assert_eq!(depth.room(0, 2), 2, "it owes answers");
        depth.agree(None, u64::from(BLOCK_LEN) * 100);
        assert_eq!(depth.room(0, 0), REQUESTS_LONG_MIN);
    }
}
