//! One link's share of a rate limit, taken in small portions before bytes are moved.
//!
//! What must stay true: waiting for a portion survives being dropped and begun again, so that a
//! link keeps its place in the limit's queue.

use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use swarmcopy_sources::Limiter;

type Waiting = Pin<Box<dyn Future<Output = u64> + Send>>;

/// Bytes that a link may move now.
pub(crate) struct Allowance {
    limiter: Option<Arc<Limiter>>,
    granted: u64,
    short: bool,
    waiting: Option<Waiting>,
}

impl Allowance {
    pub(crate) fn new(limiter: Option<Arc<Limiter>>) -> Self {
        Self {
            limiter,
            granted: 0,
            short: false,
            waiting: None,
        }
    }

    /// How much may be moved now.
    pub(crate) fn available(&self) -> u64 {
        let limit = self.limiter.as_ref().and_then(|limiter| limiter.rate());
        limit.map_or(u64::MAX, |_| self.granted)
    }

    /// Counts what was moved.
    pub(crate) fn spend(&mut self, bytes: u64) {
        self.granted = self.granted.saturating_sub(bytes);
    }

    /// Says that `bytes` are wanted; true if that much is there.
    pub(crate) fn want(&mut self, bytes: u64) -> bool {
        let enough = self.available() >= bytes;
        self.short |= !enough;
        enough
    }

    /// Waits for the next portion; for ever unless [`want`](Self::want) came away short. May be
    /// dropped at any await.
    pub(crate) async fn more(&mut self) {
        let (Some(limiter), true) = (&self.limiter, self.short) else {
            return pending().await;
        };
        let waiting = self.waiting.get_or_insert_with(|| {
            let limiter = Arc::clone(limiter);
            Box::pin(async move {
                let portion = limiter.quantum();
                limiter.acquire(portion).await;
                portion
            })
        });
        let portion = waiting.as_mut().await;
        self.waiting = None;
        self.short = false;
        self.granted = self.granted.saturating_add(portion);
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance")
            .field("granted", &self.granted)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_nothing_waits_for_a_portion() {
        for limiter in [None, Some(Arc::new(Limiter::new(None)))] {
            assert!(Allowance::new(limiter).want(u64::MAX));
        }
        let limited = Arc::new(Limiter::new(Some(1000)));
        assert!(!Allowance::new(Some(limited)).want(1));
    }
}
