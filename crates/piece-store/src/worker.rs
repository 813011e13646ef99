//! The threads that verify filled pieces and write the good ones.
//!
//! What must stay true: bytes that are not verified never reach the disk; a piece is reported as
//! right only after its bytes are written; neighbours are written together.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use swarmcopy_layout::{FileIndex, PieceIndex, Span};

use crate::assembly::Filled;
use crate::error::StoreError;
use crate::store::{Shared, StoreEvent};
use crate::verify::{batch_pieces_max, verify};

/// Bytes that one worker takes at once: half of what is usually on the way, so that one can hash
/// while another writes.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const batch_bytes_max: u64 = 32 * 1024 * 1024;

/// Filled pieces that wait for a worker. Their number is bounded by the assemblies: a piece is
/// filled only after it was handed out, and that is bounded in bytes.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Filled>,
    at_work: usize,
    stop: bool,
}

impl Queue {
    pub(crate) fn push(&self, filled: Filled) {
        self.lock().waiting.push_back(filled);
        self.changed.notify_one();
    }

    /// Waits for pieces and takes what is there, up to a batch; `None` when it is over.
    fn take(&self) -> Option<Vec<Filled>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.stop {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.at_work += 1;
        Some(state.take_batch())
    }

    fn done(&self) {
        self.lock().at_work -= 1;
        self.changed.notify_all();
    }

    /// Waits until nothing is waiting or at work.
    pub(crate) fn wait_idle(&self) {
        let mut state = self.lock();
        while state.at_work > 0 || !state.waiting.is_empty() {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the workers once nothing waits any more.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_batch(&mut self) -> Vec<Filled> {
        let mut batch = Vec::new();
        let mut bytes: u64 = 0;
        while batch.len() < batch_pieces_max
            && let Some(next) = self.waiting.front()
        {
            bytes = bytes.saturating_add(next.span.len());
            if bytes > batch_bytes_max && !batch.is_empty() {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}

/// Works until the queue is stopped.
pub(crate) fn run(shared: &Shared) {
    while let Some(batch) = shared.queue.take() {
        handle_batch(shared, batch);
        shared.queue.done();
    }
}

fn handle_batch(shared: &Shared, batch: Vec<Filled>) {
    let pieces: Vec<_> = batch
        .iter()
        .map(|filled| (filled.piece, filled.parts.as_slice()))
        .collect();
    let right = verify(&shared.target, &pieces);
    let mut good = Vec::with_capacity(batch.len());
    for (filled, right) in batch.into_iter().zip(right) {
        if right {
            good.push(filled);
        } else {
            handle_bad(shared, &filled);
        }
    }
    good.sort_unstable_by_key(|filled| filled.piece);
    let neighbours = |a: &Filled, b: &Filled| a.span.end() == b.span.start();
    for run in good.chunk_by(neighbours) {
        match write(shared, run) {
            Ok(()) => run.iter().for_each(|filled| handle_right(shared, filled)),
            Err(error) => {
                for filled in run {
                    shared.assemblies.reopen(filled.piece);
                }
                (shared.events)(StoreEvent::Failed(error));
            }
        }
    }
}

/// Writes neighbouring pieces and notes them for the journal.
fn write(shared: &Shared, run: &[Filled]) -> Result<(), StoreError> {
    let Some(first) = run.first() else {
        return Ok(());
    };
    let parts: Vec<_> = run
        .iter()
        .flat_map(|filled| filled.parts.iter().cloned())
        .collect();
    shared.files.write(first.span.start(), &parts)?;
    let pieces: Vec<PieceIndex> = run.iter().map(|filled| filled.piece).collect();
    shared.note(&pieces);
    Ok(())
}

fn handle_right(shared: &Shared, filled: &Filled) {
    shared
        .cache
        .insert(filled.piece, filled.span, filled.parts.clone());
    shared.have().insert(filled.piece);
    let liars = shared.blame().handle_right(filled);
    (shared.events)(StoreEvent::PieceOk {
        piece: filled.piece,
    });
    for sender in liars {
        (shared.events)(StoreEvent::Liar { sender });
    }
}

fn handle_bad(shared: &Shared, filled: &Filled) {
    let senders = shared.blame().handle_bad(filled);
    shared.assemblies.reopen(filled.piece);
    (shared.events)(StoreEvent::PieceBad {
        piece: filled.piece,
        senders,
    });
}

impl Shared {
    /// Notes pieces whose bytes are on the disk, so that the journal records them.
    pub(crate) fn note(&self, pieces: &[PieceIndex]) {
        let Some(syncer) = &self.syncer else { return };
        let layout = self.target.layout();
        let spans = || pieces.iter().map(|piece| layout.piece_span(*piece));
        let slices = spans().flat_map(|span| self.files.stored_slices(span));
        let files: BTreeSet<FileIndex> = slices.map(|slice| slice.file).collect();
        syncer.note(pieces, files, spans().map(Span::len).sum());
    }
}
