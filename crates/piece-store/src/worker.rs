//! The threads that verify filled pieces and write the good ones.
//!
//! What must stay true: bytes that are not verified never reach the disk; a piece is reported as
//! right only after its bytes are written; neighbours are written together; the bytes of all pieces
//! between being filled and being written (or found wrong) are counted.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

/// Bytes filled and not yet written before readers on own threads pause: enough to keep the workers
/// busy, and few enough to be still in the processor's cache when they are hashed and written.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const unwritten_bytes_max: u64 = 24 * 1024 * 1024;
/// The same in pieces, where these are long: so many are hashed side by side with profit.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const unwritten_pieces_max: u64 = 12;
/// Longest pause of such a reader.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);

/// Filled pieces that wait for a worker. Their number is bounded by the assemblies: a piece is
/// filled only after it was handed out, and that is bounded in bytes.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Pieces were settled.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Filled>,
    /// Of pieces that wait or are at work.
    unwritten_bytes: u64,
    at_work: usize,
    stop: bool,
}

impl Queue {
    pub(crate) fn push(&self, filled: Filled) {
        let mut state = self.lock();
        state.unwritten_bytes = state.unwritten_bytes.saturating_add(filled.span.len());
        state.waiting.push_back(filled);
        drop(state);
        self.changed.notify_one();
    }

    /// Waits while more bytes are unwritten than it pays to run ahead of the disk, but not for long:
    /// whoever asks may be the one they wait for.
    pub(crate) fn wait_room(&self, piece_len: u64) {
        let most = unwritten_bytes_max.max(piece_len.saturating_mul(unwritten_pieces_max));
        let state = self.lock();
        if state.unwritten_bytes > most {
            let full = |state: &mut State| !state.stop && state.unwritten_bytes > most;
            drop(self.room.wait_timeout_while(state, ROOM_WAIT_MAX, full));
        }
    }

    /// Counts a piece out that is written or was wrong.
    fn settled(&self, len: u64) {
        let mut state = self.lock();
        state.unwritten_bytes = state.unwritten_bytes.saturating_sub(len);
        drop(state);
        self.room.notify_all();
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
        self.room.notify_all();
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
    for run in runs(good) {
        settle_run(shared, run);
    }
}

/// Writes a run, or leaves it to the worker that writes its file already: two that write one file
/// wait for each other in the kernel, and the time of one is lost.
fn settle_run(shared: &Shared, run: Vec<Filled>) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return;
    };
    let span = Span::between(first.span.start(), last.span.end());
    let Some(file) = shared.files.only_file(span) else {
        return write_run(shared, run);
    };
    let mut next = shared.writing.begin(file, run);
    while let Some(pieces) = next {
        for run in runs(pieces) {
            write_run(shared, run);
        }
        next = shared.writing.next(file);
    }
}

/// Cuts pieces into runs of neighbours.
fn runs(mut pieces: Vec<Filled>) -> Vec<Vec<Filled>> {
    pieces.sort_unstable_by_key(|filled| filled.piece);
    let mut runs: Vec<Vec<Filled>> = Vec::new();
    for filled in pieces {
        match runs.last_mut() {
            Some(run) if run.last().map(|last| last.span.end()) == Some(filled.span.start()) => {
                run.push(filled);
            }
            _ => runs.push(vec![filled]),
        }
    }
    runs
}

fn write_run(shared: &Shared, run: Vec<Filled>) {
    match write(shared, &run) {
        // by value: each piece's memory is free for the next one at once
        Ok(()) => run
            .into_iter()
            .for_each(|filled| handle_right(shared, filled)),
        Err(error) => {
            for filled in run {
                shared.assemblies.reopen(filled.piece);
                shared.queue.settled(filled.span.len());
            }
            (shared.events)(StoreEvent::Failed(error));
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

fn handle_right(shared: &Shared, filled: Filled) {
    let piece = filled.piece;
    shared.have().insert(piece);
    let liars = shared.blame().handle_right(&filled);
    let len = filled.span.len();
    shared.cache.insert(piece, filled.span, filled.parts);
    shared.queue.settled(len);
    (shared.events)(StoreEvent::PieceOk { piece });
    for sender in liars {
        (shared.events)(StoreEvent::Liar { sender });
    }
}

fn handle_bad(shared: &Shared, filled: &Filled) {
    let senders = shared.blame().handle_bad(filled);
    shared.assemblies.reopen(filled.piece);
    shared.queue.settled(filled.span.len());
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
