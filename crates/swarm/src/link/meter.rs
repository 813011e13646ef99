//! How fast a link is: what the depth of requests is made of, and when a peer counts as snubbing.

use std::time::Duration;

use swarmcopy_layout::BLOCK_LEN;
use tokio::time::Instant;

use super::climb::Climb;

/// Buckets of the rate's window.
const BUCKETS: usize = 8;
/// Buckets beside the current one.
const BUCKETS_BEHIND: u64 = 7;
/// Time that one bucket covers.
const BUCKET_TIME: Duration = Duration::from_millis(250);
/// Samples kept for the slow tenth.
const SAMPLES: usize = 64;
/// The time worth of requests to keep open at a peer that answers at once.
const AHEAD: Duration = Duration::from_millis(250);
/// A peer is snubbing after this long without a byte, at least.
const SNUB_MIN: Duration = Duration::from_secs(2);

/// Bytes a second over the last two seconds.
#[derive(Debug)]
pub(crate) struct Rate {
    buckets: [u64; BUCKETS],
    /// The bucket that is being filled, counted from `start`.
    current: u64,
    start: Instant,
}

impl Rate {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            buckets: [0; BUCKETS],
            current: 0,
            start: now,
        }
    }

    /// Counts `bytes` that came at `now`.
    pub(crate) fn add(&mut self, bytes: u64, now: Instant) {
        self.turn(now);
        if let Some(bucket) = self.buckets.get_mut(slot(self.current)) {
            *bucket = bucket.saturating_add(bytes);
        }
    }

    /// Bytes a second as of `now`.
    pub(crate) fn per_second(&mut self, now: Instant) -> u64 {
        self.turn(now);
        let age = micros(now.saturating_duration_since(self.start));
        let bucket = micros(BUCKET_TIME);
        // all buckets but the current are whole
        let whole = self.current.min(BUCKETS_BEHIND).saturating_mul(bucket);
        let covered = whole.saturating_add(age % bucket).max(bucket / 10);
        let bytes: u64 = self.buckets.iter().sum();
        bytes.saturating_mul(1_000_000) / covered
    }

    /// Empties the buckets that time has passed by.
    fn turn(&mut self, now: Instant) {
        let at = micros(now.saturating_duration_since(self.start)) / micros(BUCKET_TIME);
        for passed in (self.current.saturating_add(1)..=at).rev().take(BUCKETS) {
            if let Some(bucket) = self.buckets.get_mut(slot(passed)) {
                *bucket = 0;
            }
        }
        self.current = self.current.max(at);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn slot(bucket: u64) -> usize {
    usize::try_from(bucket).unwrap_or(0) % BUCKETS
}

/// The slow tenth of the last samples.
#[derive(Debug, Default)]
struct SlowTenth {
    samples: Vec<Duration>,
    next: usize,
}

impl SlowTenth {
    fn add(&mut self, sample: Duration) {
        if self.samples.len() < SAMPLES {
            self.samples.push(sample);
        } else if let Some(old) = self.samples.get_mut(self.next) {
            *old = sample;
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    fn value(&self) -> Duration {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        sorted
            .get(sorted.len().saturating_mul(9) / 10)
            .copied()
            .unwrap_or_default()
    }
}

/// What is known of a peer's speed.
#[derive(Debug)]
pub(crate) struct Meter {
    rate: Rate,
    climb: Climb,
    gaps: SlowTenth,
    last_block: Option<Instant>,
    blocks: u64,
    depth: usize,
    snub_after: Duration,
}

impl Meter {
    /// Blocks between two looks at the depth.
    const LOOK_EVERY: u64 = 8;

    pub(crate) fn new(now: Instant) -> Self {
        Self {
            rate: Rate::new(now),
            climb: Climb::new(now),
            gaps: SlowTenth::default(),
            last_block: None,
            blocks: 0,
            depth: 0,
            snub_after: SNUB_MIN,
        }
    }

    /// Counts a block of `len` bytes, asked for at `asked`, that came while as many bytes as `open`
    /// blocks of 16 KiB were asked for.
    pub(crate) fn block(&mut self, now: Instant, asked: Instant, open: usize, len: u64) {
        self.rate.add(len, now);
        self.climb.block(now, len, open);
        let since = self.last_block.unwrap_or(asked).max(asked);
        self.gaps.add(now.saturating_duration_since(since));
        self.last_block = Some(now);
        self.blocks = self.blocks.saturating_add(1);
        if self.blocks.is_multiple_of(Self::LOOK_EVERY) {
            let rate = self.rate.per_second(now);
            let bytes = rate.saturating_mul(micros(AHEAD)) / 1_000_000;
            let blocks = bytes.div_ceil(u64::from(BLOCK_LEN));
            self.depth = usize::try_from(blocks).unwrap_or(usize::MAX);
            self.snub_after = self.gaps.value().saturating_mul(8).max(SNUB_MIN);
        }
    }

    /// How many blocks of 16 KiB to keep asked for, before the peer's own limit.
    pub(crate) fn depth(&self) -> usize {
        self.depth.max(self.climb.depth())
    }

    /// How long the peer may send nothing while it is asked.
    pub(crate) fn snub_after(&self) -> Duration {
        self.snub_after
    }

    /// Bytes a second as of `now`.
    pub(crate) fn rate(&mut self, now: Instant) -> u64 {
        self.rate.per_second(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn a_steady_rate_is_found_and_forgotten() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        for step in 0..400 {
            rate.add(10_000, at(start, step * 10));
        }
        let found = rate.per_second(at(start, 4000));
        assert!((900_000..1_200_000).contains(&found), "{found}");
        assert_eq!(rate.per_second(at(start, 60_000)), 0);
    }

    #[tokio::test]
    async fn depth_covers_a_quarter_of_a_second() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        // 6.4 MB/s: a block every 2.5 ms, asked for 100 blocks ahead of its arrival
        for block in 0..4000u64 {
            let now = at(start, block * 5 / 2);
            meter.block(now, now, 100, 16_000);
        }
        assert!((90..=110).contains(&meter.depth), "{}", meter.depth);
        assert_eq!(meter.snub_after(), SNUB_MIN);
    }

    #[tokio::test]
    async fn a_slow_peer_gets_more_time_before_it_counts_as_snubbing() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        for block in 1..=16 {
            meter.block(
                at(start, block * 1000),
                at(start, (block - 1) * 1000),
                1,
                16_384,
            );
        }
        assert_eq!(meter.snub_after(), Duration::from_secs(8));
    }
}
