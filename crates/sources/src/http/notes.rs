//! What is known of a mirror's files: refusals, redirects, validators.
//!
//! What must stay true: a file that was refused is not asked for again for a moment, and the
//! memory for all notes is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use swarmcopy_address::{ShownAll, debug_shown};
use swarmcopy_layout::FileIndex;
use url::Url;

use super::answer::Refusal;
use super::target::Spelling;

/// Most files whose redirect or validator is remembered.
const FILES_KNOWN_MAX: usize = 4096;
/// How long a refusal holds: it spares the server the other questions of the same moment. Whoever decides what is
/// asked may want to know a moment later whether the file is there now.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// Notes on the files of one mirror.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    refused: Mutex<BTreeMap<u32, (Refusal, Instant)>>,
    known: Mutex<BTreeMap<u32, Known>>,
}

/// What helps to ask for a file.
#[derive(Clone, Default)]
pub(crate) struct Known {
    /// Where redirects led to.
    pub(crate) moved: Option<Url>,
    /// Its strong entity tag.
    pub(crate) etag: Option<String>,
    /// Which name it has there, as far as that is known.
    pub(crate) spelling: Spelling,
    /// Its length was asked for, and is the content's.
    pub(crate) is_sized: bool,
}

debug_shown!(Known {
    etag, spelling, is_sized;
    moved: ShownAll(moved),
});

impl Notes {
    /// Why the file is not to be asked for, if so.
    pub(crate) fn refusal(&self, file: FileIndex) -> Option<Refusal> {
        let mut refused = locked(&self.refused);
        let (refusal, at) = *refused.get(&file.value())?;
        if at.elapsed() < REFUSED_FOR {
            return Some(refusal);
        }
        refused.remove(&file.value());
        None
    }

    pub(crate) fn refuse(&self, file: FileIndex, refusal: Refusal) {
        tracing::debug!(file = file.value(), %refusal, "a file is left to others");
        locked(&self.refused).insert(file.value(), (refusal, Instant::now()));
    }

    pub(crate) fn known(&self, file: FileIndex) -> Known {
        locked(&self.known)
            .get(&file.value())
            .cloned()
            .unwrap_or_default()
    }

    /// Changes what is known of a file; if too many are known, another is forgotten.
    pub(crate) fn learn(&self, file: FileIndex, change: impl FnOnce(&mut Known)) {
        let mut known = locked(&self.known);
        if !known.contains_key(&file.value()) && known.len() >= FILES_KNOWN_MAX {
            known.pop_first();
        }
        change(known.entry(file.value()).or_default());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use swarmcopy_layout::{Layout, RelPath};

    use super::*;

    #[test]
    fn a_refusal_holds_for_a_moment_only() {
        let builder = Layout::builder(16).file(RelPath::parse("f").unwrap(), 1);
        let layout = builder.build().unwrap();
        let (file, _) = layout.files().next().unwrap();
        let notes = Notes::default();
        notes.refuse(file, Refusal::Status(404));
        assert_eq!(notes.refusal(file), Some(Refusal::Status(404)));
        let long_ago = Instant::now().checked_sub(REFUSED_FOR).unwrap();
        locked(&notes.refused).insert(file.value(), (Refusal::Status(404), long_ago));
        assert_eq!(notes.refusal(file), None);
        assert!(
            REFUSED_FOR < Duration::from_millis(1500),
            "a probe must not meet its own note"
        );
    }
}
