//! The connections whose first words are waited for.
//!
//! What must stay true: there are never more than the limit, and one address can't take the places of others.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// All of them, oldest first.
#[derive(Debug)]
pub(super) struct Hearing {
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    turns: VecDeque<(u64, IpAddr, CancellationToken)>,
}

/// A place among them, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    hearing: Arc<Hearing>,
    id: u64,
    pushed_out: CancellationToken,
}

impl Hearing {
    /// Room for so many.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            state: Mutex::default(),
        }
    }

    /// Takes a place; when there is none, that of the oldest at the address that has most.
    pub(super) fn begin(hearing: &Arc<Self>, ip: IpAddr) -> Turn {
        let mut state = hearing.state();
        if state.turns.len() >= hearing.max {
            state.push_one_out();
        }
        state.next += 1;
        let (id, pushed_out) = (state.next, CancellationToken::new());
        state.turns.push_back((id, ip, pushed_out.clone()));
        drop(state);
        Turn {
            hearing: Arc::clone(hearing),
            id,
            pushed_out,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push_one_out(&mut self) {
        let mut crowds: HashMap<IpAddr, usize> = HashMap::new();
        for (_, ip, _) in &self.turns {
            *crowds.entry(*ip).or_default() += 1;
        }
        let most = crowds.into_iter().max_by_key(|(ip, count)| (*count, *ip));
        let oldest = self
            .turns
            .iter()
            .position(|(_, ip, _)| Some(*ip) == most.map(|most| most.0));
        if let Some((_, _, turn)) = oldest.and_then(|at| self.turns.remove(at)) {
            turn.cancel();
        }
    }
}

impl Turn {
    /// Does something, unless the place is taken before it is done.
    pub(super) async fn run_until_pushed_out(self, what: impl Future<Output = ()>) {
        self.pushed_out.run_until_cancelled(what).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.hearing.state();
        state.turns.retain(|(id, ..)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::testing::soon;

    #[tokio::test]
    async fn the_oldest_of_the_most_crowded_address_makes_room() {
        let hearing = Arc::new(Hearing::new(3));
        let ip = |last: u8| IpAddr::from([10, 0, 0, last]);
        let other = Hearing::begin(&hearing, ip(2));
        let first = Hearing::begin(&hearing, ip(1));
        let second = Hearing::begin(&hearing, ip(1));
        let newcomer = Hearing::begin(&hearing, ip(3));
        assert!(first.pushed_out.is_cancelled());
        for kept in [&other, &second, &newcomer] {
            assert!(!kept.pushed_out.is_cancelled());
        }
        soon(first.run_until_pushed_out(pending())).await;
        assert_eq!(hearing.state().turns.len(), 3);
        drop(second);
        let again = Hearing::begin(&hearing, ip(1));
        assert!(!other.pushed_out.is_cancelled() && !again.pushed_out.is_cancelled());
    }
}
