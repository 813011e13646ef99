//! Whether a store still holds its copy.

use std::sync::{Arc, Weak};

/// Tells whether a [`Store`](crate::Store) still holds its copy: its threads, its files and the lock of its journal.
///
/// A store that is dropped is not gone at once: its threads end first, and what they hold goes with the last of them.
#[derive(Debug, Clone, Default)]
pub struct Tenure(Weak<()>);

impl Tenure {
    pub(crate) fn of(held: &Arc<()>) -> Self {
        Self(Arc::downgrade(held))
    }

    /// Whether another store may be opened on the same copy. True of one that never was of any store.
    pub fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_over_when_what_it_was_made_of_is_gone() {
        let held = Arc::new(());
        let tenure = Tenure::of(&held);
        assert!(!tenure.is_over());
        drop(held);
        assert!(tenure.is_over());
        assert!(Tenure::default().is_over());
    }
}
