//! The uplink that all links of a swarm share: which of them may send is decided by
//! [`Uplink`](swarmcopy_scheduler::spread::uplink::Uplink), here links wait for it.
//!
//! What must stay true: a link whose turn has come is woken, and one that ends gives its turn back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use swarmcopy_scheduler::spread::uplink::{Uplink, Urgency};
use swarmcopy_scheduler::{Instant as Moment, SourceId};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock::Clock;

/// Who waits looks this often whether somebody's turn is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The uplink, and what wakes each link.
#[derive(Debug)]
pub(crate) struct SharedUplink {
    clock: Clock,
    line: Mutex<Line>,
}

#[derive(Debug)]
struct Line {
    uplink: Uplink,
    links: BTreeMap<SourceId, Arc<Notify>>,
}

impl SharedUplink {
    /// For a content of so many pieces.
    pub(crate) fn new(clock: Clock, pieces: u32) -> Arc<Self> {
        let line = Line {
            uplink: Uplink::new(pieces),
            links: BTreeMap::new(),
        };
        Arc::new(Self {
            clock,
            line: Mutex::new(line),
        })
    }

    /// Asks the uplink, and wakes the links whose turn has come by that.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&mut Uplink) -> T) -> T {
        let mut line = self.line();
        let answer = ask(&mut line.uplink);
        while let Some(next) = line.uplink.poll_turn() {
            if let Some(come) = line.links.get(&next) {
                // the link may have several writers; the one that looks later finds the permit
                come.notify_waiters();
                come.notify_one();
            }
        }
        answer
    }

    /// What time it is for the decisions of a swarm.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One link's place in the line, whichever of its connections asks; given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    uplink: Arc<SharedUplink>,
    link: SourceId,
    come: Arc<Notify>,
    /// It is served or waits.
    in_line: AtomicBool,
    waits: AtomicBool,
}

impl Place {
    pub(crate) fn new(uplink: &Arc<SharedUplink>, link: SourceId) -> Self {
        let come = Arc::<Notify>::default();
        uplink.line().links.insert(link, Arc::clone(&come));
        Self {
            uplink: Arc::clone(uplink),
            link,
            come,
            in_line: AtomicBool::new(false),
            waits: AtomicBool::new(false),
        }
    }

    /// Says that there is something to send, and how urgent it is; whether it is this link's turn.
    pub(crate) fn want(&self, urgency: Urgency) -> bool {
        self.in_line.store(true, Ordering::Relaxed);
        let now = self.uplink.clock.now();
        let served = self.uplink.ask(|it| it.want(now, self.link, urgency));
        self.waits.store(!served, Ordering::Relaxed);
        served
    }

    /// Counts what was sent.
    pub(crate) fn spend(&self, bytes: u64) {
        let now = self.uplink.clock.now();
        self.uplink.ask(|it| it.spend(now, self.link, bytes));
    }

    /// There is nothing to send for now.
    pub(crate) fn give_back(&self) {
        self.waits.store(false, Ordering::Relaxed);
        if self.in_line.swap(false, Ordering::Relaxed) {
            let now = self.uplink.clock.now();
            self.uplink.ask(|it| it.give_back(now, self.link));
        }
    }

    /// Waits, where a turn is waited for, until it is worth asking again. May be dropped.
    pub(crate) async fn come(&self) {
        if self.waits.load(Ordering::Relaxed) {
            let _ = timeout(LOOK_EVERY, self.come.notified()).await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.give_back();
        self.uplink.line().links.remove(&self.link);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whose_turn_has_come_is_woken() {
        let uplink = SharedUplink::new(Clock::start(), 1);
        let mut links: Vec<_> = (0..)
            .map(|it| Place::new(&uplink, SourceId(it)))
            .take(8)
            .collect();
        let mut waiting = Vec::new();
        while waiting.is_empty() {
            let link = links.pop().unwrap();
            if !link.want(Urgency::Rest) {
                waiting.push(link);
            } else {
                links.insert(0, link);
            }
        }
        let started = Instant::now();
        drop(links);
        waiting[0].come().await;
        assert_eq!(Instant::now(), started);
        assert!(waiting[0].want(Urgency::Rest));
    }
}
