//! The copies of a session by content: each content runs once.
//!
//! What must stay true: who adds a content that is being added waits for that to end; after the session was shut down
//! nothing is added.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ContentId;

/// What runs, of whatever kind a handle is.
#[derive(Debug)]
pub(crate) struct Registry<H> {
    state: Mutex<State<H>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<H> {
    closed: bool,
    adding: BTreeSet<ContentId>,
    running: BTreeMap<ContentId, H>,
}

/// Why a content has no place.
#[derive(Debug)]
pub(crate) enum NoPlace<H> {
    /// It runs already.
    Running(H),
    /// Nothing is added any more.
    Closed,
}

/// A place for a content that is being added; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a, H> {
    registry: &'a Registry<H>,
    id: ContentId,
}

impl<H: Clone> Registry<H> {
    pub(crate) fn new() -> Self {
        let state = State {
            closed: false,
            adding: BTreeSet::new(),
            running: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Takes the place of a content. May be dropped at any await.
    pub(crate) async fn place(&self, id: ContentId) -> Result<Place<'_, H>, NoPlace<H>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // heard of from now on
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if state.closed {
                    return Err(NoPlace::Closed);
                }
                if let Some(running) = state.running.get(&id) {
                    return Err(NoPlace::Running(running.clone()));
                }
                if state.adding.insert(id) {
                    return Ok(Place { registry: self, id });
                }
            }
            changed.await;
        }
    }

    /// What runs, by content.
    pub(crate) fn running(&self) -> Vec<H> {
        self.state().running.values().cloned().collect()
    }

    /// What runs of this content.
    pub(crate) fn get(&self, id: ContentId) -> Option<H> {
        self.state().running.get(&id).cloned()
    }

    /// A content runs no more.
    pub(crate) fn remove(&self, id: ContentId) {
        self.state().running.remove(&id);
        self.changed.notify_waiters();
    }

    /// Nothing is added from now on.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> Place<'_, H> {
    /// The content runs from now on; `false` where the registry was closed in the meantime.
    pub(crate) fn fill(self, handle: H) -> bool {
        let state = self.registry.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if !state.closed {
            state.running.insert(self.id, handle);
        }
        !state.closed
    }
}

impl<H> Drop for Place<'_, H> {
    fn drop(&mut self) {
        let state = self.registry.state.lock();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.adding.remove(&self.id);
        drop(state);
        self.registry.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ContentId = ContentId::new([7; 20]);

    #[tokio::test]
    async fn who_adds_what_is_being_added_waits_and_gets_it() {
        let registry = Registry::new();
        let place = registry.place(ID).await.unwrap();
        let second = registry.place(ID);
        let fill = async {
            tokio::task::yield_now().await;
            assert!(place.fill("first"));
        };
        let (second, ()) = tokio::join!(second, fill);
        assert!(matches!(second, Err(NoPlace::Running("first"))));
        assert_eq!(registry.running(), ["first"]);
        registry.remove(ID);
        assert!(registry.place(ID).await.is_ok());
    }

    #[tokio::test]
    async fn a_place_that_is_given_up_goes_to_the_next() {
        let registry = Registry::<&str>::new();
        let place = registry.place(ID).await.unwrap();
        let (second, ()) = tokio::join!(registry.place(ID), async { drop(place) });
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn nothing_is_added_once_it_is_closed() {
        let registry = Registry::new();
        let place = registry.place(ID).await.unwrap();
        registry.close();
        assert!(!place.fill("late"));
        assert!(registry.get(ID).is_none());
        assert!(matches!(registry.place(ID).await, Err(NoPlace::Closed)));
    }
}
