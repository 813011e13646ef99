//! How much of the link a machine that reads the origin leaves to peers.
//!
//! What it reads there nobody else can bring, and all others wait for it; so peers are asked for no more
//! than fills the link beside it. Whether the link is full is seen from the bytes that come.

use std::time::Duration;

use super::meter::Meter;
use crate::{Instant, Tuning};

/// The part of the usual credit that peers get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeersShare {
    came: Meter,
    percent: u64,
    percent_min: u64,
    /// The link is full when it brings this part of the best that it ever brought.
    full_percent: u64,
    /// The time over which bytes are counted.
    window: Duration,
}

impl PeersShare {
    pub(crate) fn new(tuning: &Tuning) -> Self {
        Self {
            came: Meter::default(),
            percent: 100,
            percent_min: tuning.share_min,
            full_percent: tuning.full_percent.0,
            window: tuning.queue,
        }
    }

    /// Bytes came, from whatever source.
    pub(crate) fn brought(&mut self, now: Instant, bytes: u64) {
        self.came.add(bytes);
        if self.came.lasts(now) < self.window {
            return;
        }
        let full = self.came.end(now, None).is_at_least(self.full_percent);
        let percent = if full {
            self.percent * 3 / 4
        } else {
            self.percent * 4 / 3 + 1
        };
        self.percent = percent.clamp(self.percent_min, 100);
    }

    /// This part of `bytes`.
    pub(crate) fn of(self, bytes: u64) -> u64 {
        bytes.saturating_mul(self.percent) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// Lets `rate` bytes come in each second from `from_ms` to `to_ms`.
    fn bring(share: &mut PeersShare, rate: u64, from_ms: u64, to_ms: u64) {
        for ms in (from_ms..to_ms).step_by(10) {
            share.brought(Instant::from_micros(ms * 1000), rate / 100);
        }
    }

    #[test]
    fn a_full_link_leaves_peers_little_and_an_idle_one_all() {
        let mut share = PeersShare::new(&Tuning::default());
        bring(&mut share, SECOND, 0, 3000);
        assert_eq!(share.of(100), 25);
        bring(&mut share, SECOND / 2, 3000, 6000);
        assert_eq!(share.of(100), 100);
    }

    #[test]
    fn who_never_brought_more_counts_as_full() {
        let mut share = PeersShare::new(&Tuning::default());
        bring(&mut share, SECOND / 2, 0, 3000);
        assert_eq!(share.of(100), 25);
        bring(&mut share, SECOND, 3000, 3300);
        bring(&mut share, SECOND / 2, 3300, 6000);
        assert_eq!(share.of(100), 100);
    }
}
