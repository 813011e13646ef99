//! Folders that were found to be folders a moment ago.
//!
//! Looking at each folder on the way of each of 50,000 files costs more than writing them. What must
//! stay true: a folder is looked at again after [`TRUST`], and no more than `KNOWN_MAX` are known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a folder is taken for what it was.
const TRUST: Duration = Duration::from_secs(1);
/// Folders known at a time.
const KNOWN_MAX: usize = 256;

/// Folders below one root, by when they were looked at.
#[derive(Debug, Default)]
pub(super) struct KnownFolders {
    looked: Mutex<HashMap<PathBuf, Instant>>,
}

impl KnownFolders {
    /// Whether `folder` and all that lead to it were folders a moment ago.
    pub(super) fn has(&self, folder: &Path) -> bool {
        self.lock()
            .get(folder)
            .is_some_and(|looked| looked.elapsed() < TRUST)
    }

    /// Notes that `folder` and all that lead to it are folders.
    pub(super) fn insert(&self, folder: &Path) {
        let mut looked = self.lock();
        if looked.len() >= KNOWN_MAX {
            looked.clear();
        }
        looked.insert(folder.to_owned(), Instant::now());
    }

    /// Knows nothing any more.
    pub(super) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Instant>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_known_until_it_is_forgotten() {
        let known = KnownFolders::default();
        let folder = |at: usize| PathBuf::from(at.to_string());
        for at in 0..=KNOWN_MAX {
            assert!(!known.has(&folder(at)));
            known.insert(&folder(at));
            assert!(known.has(&folder(at)));
        }
        assert!(known.lock().len() <= KNOWN_MAX);
        known.forget_all();
        assert!(!known.has(&folder(KNOWN_MAX)));
    }
}
