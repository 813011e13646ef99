//! What is known of a mirror's files: refusals, redirects, validators.
//!
//! What must stay true: a file that was refused is not asked for again while the refusal holds, and the
//! memory for all notes is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use swarmcopy_layout::FileIndex;
use url::Url;

use super::answer::Refusal;

/// Most files whose redirect or validator is remembered.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const files_known_max: usize = 4096;
/// How long a refusal holds: a mirror may be filled while we read it.
const REFUSED_FOR: Duration = Duration::from_mins(2);

/// Notes on the files of one mirror.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    refused: Mutex<BTreeMap<u32, (Refusal, Instant)>>,
    known: Mutex<BTreeMap<u32, Known>>,
}

/// What helps to ask for a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Where redirects led to.
    pub(crate) moved: Option<Url>,
    /// Its strong entity tag.
    pub(crate) etag: Option<String>,
    /// Its length was asked for, and is the content's.
    pub(crate) is_sized: bool,
}

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
        if !known.contains_key(&file.value()) && known.len() >= files_known_max {
            known.pop_first();
        }
        change(known.entry(file.value()).or_default());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
