//! What the loop and the keeper of the locks tell each other.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use swarmcopy_scheduler::LockWord;

/// What the keeper tells the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardNews {
    /// How it went with the lock of this slot.
    Slot { slot: u32, lock: LockWord },
    /// The locks reach all machines: one was refused that nobody here holds.
    ReachesServer,
}

/// Where orders wait for the keeper: the last word on each slot.
#[derive(Debug, Default)]
pub(super) struct Desk {
    orders: Mutex<Orders>,
    bell: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct Orders {
    pub(super) slots: BTreeMap<u32, bool>,
    pub(super) closed: bool,
}

impl Desk {
    /// Changes the orders, and wakes the keeper.
    pub(super) fn with(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_one();
    }

    /// Waits for orders until `at`; `None` when there will be no more.
    pub(super) fn next(&self, at: Option<Instant>) -> Option<BTreeMap<u32, bool>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if orders.closed {
                return None;
            }
            let left = at.map(|at| at.saturating_duration_since(Instant::now()));
            if !orders.slots.is_empty() || left.is_some_and(|left| left.is_zero()) {
                return Some(std::mem::take(&mut orders.slots));
            }
            orders = match left {
                Some(left) => {
                    let woken = self.bell.wait_timeout(orders, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .bell
                    .wait(orders)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
