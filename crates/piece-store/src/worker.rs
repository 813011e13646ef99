//! The threads that verify filled pieces and write the good ones.
//!
//! What must stay true: bytes that are not verified never reach the disk; a piece is reported as
//! right only after its bytes are written; neighbours are written together; every piece taken from
//! the queue is settled with it.

use swarmcopy_layout::{PieceIndex, Span};

use crate::assembly::Filled;
use crate::error::StoreError;
use crate::event::StoreEvent;
use crate::shared::Shared;
use crate::verify::verify;

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
pub(crate) fn runs(mut pieces: Vec<Filled>) -> Vec<Vec<Filled>> {
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
            tracing::debug!(%error, "not written");
            for filled in run {
                shared.assemblies.reopen(filled.piece);
                shared.queue.settled(filled.span.len());
            }
            (shared.events)(StoreEvent::Failed(error));
        }
    }
}

/// Writes neighbouring pieces and notes them for the journal.
pub(crate) fn write(shared: &Shared, run: &[Filled]) -> Result<(), StoreError> {
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
    shared.keep(&filled);
    let liars = shared.blame().handle_right(&filled);
    let len = filled.span.len();
    shared.cache.insert(piece, filled.span, filled.parts);
    shared.queue.settled(len);
    (shared.events)(StoreEvent::PieceOk { piece });
    for sender in liars {
        (shared.events)(StoreEvent::Liar { sender, piece });
    }
}

fn handle_bad(shared: &Shared, filled: &Filled) {
    let senders = shared.blame().handle_bad(filled);
    tracing::debug!(piece = filled.piece.value(), ?senders, "a piece is wrong");
    shared.assemblies.reopen(filled.piece);
    shared.queue.settled(filled.span.len());
    (shared.events)(StoreEvent::PieceBad {
        piece: filled.piece,
        senders,
    });
}
