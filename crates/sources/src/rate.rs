//! A limit on bytes per second that many readers share.
//!
//! A bucket that may go into debt: a reader takes what it needs as soon as nothing is owed, and whoever comes
//! next waits until that is paid. So a rate holds for pieces of any size, and a reader that is dropped
//! while it waits has taken nothing. What must stay true: readers are served in the order they came.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// What a bucket that was idle may give at once, as time at its rate.
const BURST: Duration = Duration::from_millis(100);
/// The least that an idle bucket gives at once: one block.
const BURST_MIN: u64 = 16 * 1024;
/// The most that [`Limiter::quantum`] tells.
const QUANTUM_MAX: u64 = 1024 * 1024;

/// A shared limit in bytes per second.
#[derive(Debug)]
pub struct Limiter {
    bucket: Mutex<Bucket>,
    /// One permit: who holds it is the next to be served.
    turn: Semaphore,
    changed: Notify,
}

#[derive(Debug)]
struct Bucket {
    /// Bytes per second; `None` is no limit.
    rate_bytes: Option<u64>,
    /// When everything taken so far is paid. Lies in the past while the bucket fills.
    paid_at: Instant,
}

impl Limiter {
    /// Makes a limit of `rate_bytes` per second; `None` and 0 let everything pass.
    ///
    /// Needs no runtime, but tells time by tokio's clock.
    pub fn new(rate_bytes: Option<u64>) -> Self {
        Self {
            bucket: Mutex::new(Bucket {
                rate_bytes: rate_bytes.filter(|rate| *rate > 0),
                paid_at: Instant::now(),
            }),
            turn: Semaphore::new(1),
            changed: Notify::new(),
        }
    }

    /// Changes the rate, for those who wait too: what is owed is paid at the new rate.
    pub fn set_rate(&self, rate_bytes: Option<u64>) {
        self.bucket()
            .set_rate(rate_bytes.filter(|rate| *rate > 0), Instant::now());
        self.changed.notify_waiters();
    }

    /// The rate in bytes per second, if there is a limit.
    pub fn rate(&self) -> Option<u64> {
        self.bucket().rate_bytes
    }

    /// A good number of bytes to take at a time: 50 ms worth, within 4 KiB and 1 MiB.
    pub fn quantum(&self) -> u64 {
        self.rate()
            .map_or(QUANTUM_MAX, |rate| (rate / 20).clamp(4096, QUANTUM_MAX))
    }

    /// Waits until `bytes` may pass. May be dropped at any time: then nothing was taken.
    pub async fn acquire(&self, bytes: u64) {
        if bytes == 0 || self.rate().is_none() {
            return;
        }
        let Ok(_turn) = self.turn.acquire().await else {
            return;
        };
        loop {
            let changed = self.changed.notified();
            let Some(ready_at) = self.bucket().take(bytes, Instant::now()) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep_until(ready_at) => {}
                () = changed => {}
            }
        }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn set_rate(&mut self, rate_bytes: Option<u64>, now: Instant) {
        let owed = self.paid_at.saturating_duration_since(now);
        let owed_bytes = owed.as_nanos() * u128::from(self.rate_bytes.unwrap_or(0)) / 1_000_000_000;
        let owed_bytes = u64::try_from(owed_bytes).unwrap_or(u64::MAX);
        self.paid_at = now + rate_bytes.map_or(Duration::ZERO, |rate| time_of(owed_bytes, rate));
        self.rate_bytes = rate_bytes;
    }

    /// Takes `bytes`, or tells when to try again.
    fn take(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        let rate = self.rate_bytes?;
        if self.paid_at > now {
            return Some(self.paid_at);
        }
        let burst = BURST.max(time_of(BURST_MIN, rate));
        let oldest = now.checked_sub(burst).unwrap_or(now);
        self.paid_at = self.paid_at.max(oldest) + time_of(bytes, rate);
        None
    }
}

/// How long `bytes` take at `rate`, at most a day.
fn time_of(bytes: u64, rate: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.max(1));
    let day = Duration::from_hours(24);
    u64::try_from(nanos)
        .map_or(day, Duration::from_nanos)
        .min(day)
}

/// Waits until `bytes` may pass all of `limits`.
pub(crate) async fn acquire_all(limits: &[std::sync::Arc<Limiter>], bytes: u64) {
    for limit in limits {
        limit.acquire(bytes).await;
    }
}

/// The smallest quantum of `limits`; `None` if no limit is set.
pub(crate) fn quantum_of(limits: &[std::sync::Arc<Limiter>]) -> Option<u64> {
    limits
        .iter()
        .filter(|limit| limit.rate().is_some())
        .map(|limit| limit.quantum())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const WINDOW: Duration = Duration::from_secs(5);

    /// Readers that take `unit` bytes at a time for some windows.
    #[derive(Clone, Copy)]
    struct Taking {
        readers: usize,
        unit: u64,
        windows: u32,
        /// How long each waits before it tries anew.
        patience: Duration,
    }

    fn taking(readers: usize, unit: u64, windows: u32) -> Taking {
        let patience = Duration::MAX;
        Taking {
            readers,
            unit,
            windows,
            patience,
        }
    }

    impl Taking {
        /// When units were taken, in order.
        async fn run(self, limit: &Arc<Limiter>) -> Vec<Duration> {
            let start = Instant::now();
            let tasks: Vec<_> = (0..self.readers)
                .map(|_| tokio::spawn(self.read(Arc::clone(limit), start)))
                .collect();
            let mut all = Vec::new();
            for task in tasks {
                all.extend(task.await.unwrap());
            }
            all.sort_unstable();
            all
        }

        async fn read(self, limit: Arc<Limiter>, start: Instant) -> Vec<Duration> {
            let mut got = Vec::new();
            loop {
                let waiting = limit.acquire(self.unit);
                let served = tokio::time::timeout(self.patience, waiting).await;
                if start.elapsed() >= WINDOW * self.windows {
                    return got;
                }
                if served.is_ok() {
                    got.push(start.elapsed());
                }
            }
        }
    }

    /// The least and the most bytes of any 5 s, each window beginning where a unit was taken.
    fn least_and_most(taken: &[Duration], unit: u64, windows: u32) -> (u64, u64) {
        let whole = |start: &&Duration| **start + WINDOW <= WINDOW * windows;
        let sums = taken.iter().enumerate().filter(|(_, start)| whole(start));
        let sums = sums.map(|(at, start)| {
            let end = taken.partition_point(|time| *time < *start + WINDOW);
            unit * u64::try_from(end - at).unwrap()
        });
        let sums: Vec<_> = sums.collect();
        (*sums.iter().min().unwrap(), *sums.iter().max().unwrap())
    }

    fn assert_within_5_percent(got: u64, want: u64) {
        assert!(got.abs_diff(want) * 20 <= want, "{got} bytes, not {want}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_holds_within_5_percent_over_any_5_seconds() {
        const WINDOWS: u32 = 4;
        for rate in [131_072u64, 1_000_000, 12_500_000, 125_000_000] {
            let limit = Limiter::new(Some(rate));
            // what peers, mirrors and shares take at a time: blocks, frames of HTTP, a quantum
            let units = [
                4096,
                16 * 1024,
                64 * 1024,
                256 * 1024,
                1 << 20,
                limit.quantum(),
            ];
            let fit = |unit: &u64| unit * 8 <= rate && rate <= unit * 2000;
            for unit in units.into_iter().filter(fit) {
                for readers in [1, 7, 60] {
                    // the burst of a bucket that was never used
                    let limit = Arc::new(Limiter::new(Some(rate)));
                    let taken = taking(readers, unit, WINDOWS).run(&limit).await;
                    let (least, most) = least_and_most(&taken, unit, WINDOWS);
                    assert_within_5_percent(least, 5 * rate);
                    assert_within_5_percent(most, 5 * rate);
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_holds_for_readers_that_give_up_waiting_and_come_back() {
        let (limit, unit) = (Arc::new(Limiter::new(Some(1_000_000))), 16 * 1024);
        let impatient = Taking {
            patience: Duration::from_millis(50),
            ..taking(10, unit, 6)
        };
        let taken = impatient.run(&limit).await;
        let (least, most) = least_and_most(&taken, unit, 6);
        assert_within_5_percent(least, 5_000_000);
        assert_within_5_percent(most, 5_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_earns_no_more_than_the_burst() {
        let limit = Arc::new(Limiter::new(Some(1_000_000)));
        tokio::time::sleep(Duration::from_mins(10)).await;
        let taken = taking(2, 16 * 1024, 2).run(&limit).await;
        let (least, most) = least_and_most(&taken, 16 * 1024, 2);
        assert_within_5_percent(least, 5_000_000);
        assert_within_5_percent(most, 5_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_rate_holds_for_those_who_wait() {
        let limit = Arc::new(Limiter::new(Some(1)));
        limit.acquire(1 << 20).await; // goes into debt for days
        let waiting = tokio::spawn({
            let limit = Arc::clone(&limit);
            async move { limit.acquire(1).await }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        limit.set_rate(Some(1 << 20));
        tokio::time::timeout(Duration::from_secs(2), waiting)
            .await
            .unwrap()
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_takes_no_time() {
        let limit = Limiter::new(None);
        let start = Instant::now();
        for _ in 0..1000 {
            limit.acquire(u64::MAX).await;
        }
        assert_eq!(Instant::now(), start);
        assert_eq!(Limiter::new(Some(0)).rate(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_is_dropped_has_taken_nothing() {
        let limit = Limiter::new(Some(1000));
        limit.acquire(20_000).await;
        let start = Instant::now();
        let given_up = tokio::time::timeout(Duration::from_millis(1), limit.acquire(1 << 40)).await;
        assert!(given_up.is_err());
        limit.acquire(1).await;
        assert!(
            start.elapsed() < Duration::from_secs(21),
            "{:?}",
            start.elapsed()
        );
    }
}
