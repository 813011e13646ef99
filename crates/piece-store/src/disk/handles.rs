//! Open files, the most recently used ones.
//!
//! What must stay true: no more than `OPEN_FILES_MAX` are kept, pinned ones aside; a pinned file
//! stays open until it is unpinned (it carries a lock).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files kept open.
pub(crate) const OPEN_FILES_MAX: usize = 192;

/// What a file was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Access {
    /// What it takes to synchronise a file or to mark it: a file of an earlier run may have become
    /// read-only, which only Windows minds.
    pub(crate) const SETTLE: Self = if cfg!(windows) {
        Self::Write
    } else {
        Self::Read
    };
}

#[derive(Debug, Default)]
pub(crate) struct Handles {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<PathBuf, Handle>,
    /// Path of each file that is not pinned, by the turn of its last use.
    by_turn: BTreeMap<u64, PathBuf>,
    turn: u64,
}

#[derive(Debug)]
struct Handle {
    file: Arc<File>,
    access: Access,
    /// `None` for a pinned one.
    turn: Option<u64>,
}

impl Handles {
    /// The open file at `path`, if it was opened for this.
    pub(crate) fn find(&self, path: &Path, access: Access) -> Option<Arc<File>> {
        let mut state = self.lock();
        let state = &mut *state;
        let handle = state
            .files
            .get_mut(path)
            .filter(|handle| handle.access >= access)?;
        if let Some(turn) = &mut handle.turn
            && let Some(path) = state.by_turn.remove(turn)
        {
            state.turn += 1;
            *turn = state.turn;
            state.by_turn.insert(state.turn, path);
        }
        Some(Arc::clone(&handle.file))
    }

    /// Keeps `file`; closes the one that was not used for longest if there are too many.
    pub(crate) fn keep(&self, path: &Path, file: File, access: Access) -> Arc<File> {
        let file = Arc::new(file);
        let mut state = self.lock();
        if state
            .files
            .get(path)
            .is_some_and(|handle| handle.turn.is_none())
        {
            return file;
        }
        state.forget(path);
        state.turn += 1;
        let turn = state.turn;
        state.by_turn.insert(turn, path.to_owned());
        let handle = Handle {
            file: Arc::clone(&file),
            access,
            turn: Some(turn),
        };
        state.files.insert(path.to_owned(), handle);
        let mut closed = Vec::new();
        while state.by_turn.len() > OPEN_FILES_MAX
            && let Some((_, oldest)) = state.by_turn.pop_first()
        {
            closed.extend(state.files.remove(&oldest));
        }
        // closing waits for a network disk: others need the lock meanwhile
        drop(state);
        drop(closed);
        file
    }

    /// Keeps `file` until [`Handles::close`].
    pub(crate) fn pin(&self, path: &Path, file: Arc<File>) {
        let mut state = self.lock();
        state.forget(path);
        let handle = Handle {
            file,
            access: Access::Write,
            turn: None,
        };
        state.files.insert(path.to_owned(), handle);
    }

    /// Closes the file at `path`, pinned or not.
    pub(crate) fn close(&self, path: &Path) {
        self.lock().forget(path);
    }

    /// Closes all files that are not pinned.
    pub(crate) fn close_all(&self) {
        let mut state = self.lock();
        state.by_turn.clear();
        state.files.retain(|_, handle| handle.turn.is_none());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, path: &Path) {
        if let Some(turn) = self.files.remove(path).and_then(|handle| handle.turn) {
            self.by_turn.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_was_not_used_for_longest_is_closed() {
        let handles = Handles::default();
        let path = |at: usize| PathBuf::from(at.to_string());
        for at in 0..OPEN_FILES_MAX {
            handles.keep(&path(at), tempfile::tempfile().unwrap(), Access::Write);
        }
        assert!(handles.find(&path(0), Access::Read).is_some());
        handles.keep(
            &path(OPEN_FILES_MAX),
            tempfile::tempfile().unwrap(),
            Access::Write,
        );
        assert!(handles.find(&path(0), Access::Read).is_some());
        assert!(handles.find(&path(1), Access::Read).is_none());
        assert_eq!(handles.lock().files.len(), OPEN_FILES_MAX);
    }

    #[test]
    fn a_file_opened_for_reading_is_not_found_for_writing() {
        let handles = Handles::default();
        handles.keep(Path::new("a"), tempfile::tempfile().unwrap(), Access::Read);
        assert!(handles.find(Path::new("a"), Access::Write).is_none());
        handles.pin(Path::new("a"), Arc::new(tempfile::tempfile().unwrap()));
        handles.close_all();
        assert!(handles.find(Path::new("a"), Access::Write).is_some());
        handles.close(Path::new("a"));
        assert!(handles.find(Path::new("a"), Access::Read).is_none());
    }
}
