//! Makes verified pieces safe on the disk, then records them; a thread of its own.
//!
//! Writers never wait for the disk: they note what they wrote, and every 2 s or 256 MiB the noted
//! files are synchronised and their pieces recorded. What must stay true: a piece is recorded only
//! after the files that hold it were synchronised, all its bytes having been written before; after
//! a failed synchronisation nothing of that batch is ever recorded (the system may have dropped the
//! bytes and report the next attempt as a success).

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use swarmcopy_layout::{FileIndex, PieceIndex};

use crate::error::StoreError;
use crate::files::Files;
use crate::journal::{Journal, Record, stamp};

/// Longest time that written pieces wait for being recorded.
const BATCH_AGE_MAX: Duration = Duration::from_secs(2);
/// Most bytes that wait for being recorded.
const BATCH_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Syncer {
    files: Arc<Files>,
    pending: Mutex<Pending>,
    changed: Condvar,
    /// `None` once the copy is complete. Taken for the whole of a flush, before `pending`.
    journal: Mutex<Option<Journal>>,
}

#[derive(Debug, Default)]
struct Pending {
    pieces: Vec<PieceIndex>,
    files: BTreeSet<FileIndex>,
    bytes: u64,
    since: Option<Instant>,
    stop: bool,
    /// A synchronisation failed: the copy can't be finished in this run.
    broken: bool,
}

impl Syncer {
    pub(crate) fn new(files: Arc<Files>, journal: Journal) -> Self {
        Self {
            files,
            pending: Mutex::default(),
            changed: Condvar::new(),
            journal: Mutex::new(Some(journal)),
        }
    }

    /// Notes pieces whose bytes are all written or were found on the disk.
    pub(crate) fn note(&self, pieces: &[PieceIndex], files: BTreeSet<FileIndex>, bytes: u64) {
        let mut pending = self.pending();
        pending.pieces.extend_from_slice(pieces);
        pending.files.extend(files);
        pending.bytes = pending.bytes.saturating_add(bytes);
        pending.since.get_or_insert_with(Instant::now);
        drop(pending);
        self.changed.notify_all();
    }

    /// Flushes when it is time, until told to stop; reports what fails.
    pub(crate) fn run(&self, report: &dyn Fn(StoreError)) {
        while self.wait() {
            if let Err(error) = self.flush() {
                report(error);
            }
        }
    }

    /// Waits until a batch is due; tells whether to go on.
    fn wait(&self) -> bool {
        let mut pending = self.pending();
        loop {
            if pending.stop {
                return false;
            }
            let Some(since) = pending.since else {
                pending = self
                    .changed
                    .wait(pending)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = BATCH_AGE_MAX.saturating_sub(since.elapsed());
            if pending.bytes >= BATCH_BYTES_MAX || left.is_zero() {
                return true;
            }
            let waited = self.changed.wait_timeout(pending, left);
            pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Synchronises and records what is noted so far. Blocks.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (pieces, files) = self.pending().take();
        let Some(journal) = journal.as_mut() else {
            return Ok(());
        };
        if pieces.is_empty() {
            return Ok(());
        }
        let done = self.sync(&files).and_then(|stamps| {
            let pieces = pieces.iter().map(|piece| Record::Piece(piece.value()));
            journal.append(&stamps.into_iter().chain(pieces).collect::<Vec<_>>())
        });
        match &done {
            Ok(()) => tracing::debug!(pieces = pieces.len(), "recorded"),
            Err(error) => {
                tracing::debug!(%error, "not recorded");
                self.pending().broken = true;
            }
        }
        done
    }

    /// Synchronises what is noted so far without recording it: the copy is about to be complete, and
    /// its journal removed. Blocks.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        let _journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, files) = self.pending().take();
        let done = self.sync_files(&files);
        if done.is_err() {
            self.pending().broken = true;
        }
        done
    }

    fn sync_files(&self, files: &BTreeSet<FileIndex>) -> Result<(), StoreError> {
        let paths: Vec<_> = files.iter().map(|file| self.files.path_of(*file)).collect();
        let first = paths.first().cloned().unwrap_or_default();
        let failed = |cause| self.files.error("synchronise", &first, cause);
        self.files.disk().sync(&paths).map_err(failed)
    }

    fn sync(&self, files: &BTreeSet<FileIndex>) -> Result<Vec<Record>, StoreError> {
        self.sync_files(files)?;
        let mut stamps = Vec::with_capacity(files.len());
        for file in files {
            if let Some(stat) = self.files.stat(*file)? {
                stamps.push(Record::Stamp {
                    file: file.value(),
                    stamp: stamp(stat),
                });
            }
        }
        Ok(stamps)
    }

    /// Whether a synchronisation failed at any time.
    pub(crate) fn is_broken(&self) -> bool {
        self.pending().broken
    }

    /// Takes the journal out, to remove it.
    pub(crate) fn take_journal(&self) -> Option<Journal> {
        self.journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Ends [`Syncer::run`].
    pub(crate) fn stop(&self) {
        self.pending().stop = true;
        self.changed.notify_all();
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn take(&mut self) -> (Vec<PieceIndex>, BTreeSet<FileIndex>) {
        self.bytes = 0;
        self.since = None;
        (
            std::mem::take(&mut self.pieces),
            std::mem::take(&mut self.files),
        )
    }
}
