//! Pieces whose bytes lie at hand elsewhere, such as in an older copy.
//!
//! Whoever knows where they may lie lends them; they are hashed before they are written, as all bytes
//! are. What must stay true: a piece that nobody lends right is left as it was.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, PieceSet, Span};

use crate::assembly::Filled;
use crate::error::StoreError;
use crate::files::{u64_of, usize_of};
use crate::pool::SEGMENT_LEN_MAX;
use crate::shared::Shared;
use crate::verify::{BATCH_PIECES_MAX, verify};
use crate::worker;

/// Bytes that one thread reads before it hashes them.
const BATCH_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How often a piece is tried.
const ATTEMPTS_MAX: usize = 4;

/// Somebody who may have bytes of the content.
pub trait Lender: Sync {
    /// Fills `buffer` with what may be the bytes of `span`, which lies in one piece; another guess for
    /// each `attempt`, from 0. Tells whether it could.
    fn lend(&self, span: Span, attempt: usize, buffer: &mut [u8]) -> bool;
}

/// Takes those of `pieces` that `lender` has right; `report` hears of each of them.
pub(crate) fn adopt(
    shared: &Shared,
    pieces: &PieceSet,
    threads: usize,
    lender: &dyn Lender,
    report: &(dyn Fn(PieceIndex) + Sync),
) -> Result<PieceSet, StoreError> {
    let piece_len = shared.target.layout().piece_len().max(1);
    let batch_len = usize_of(BATCH_BYTES_MAX / piece_len).clamp(1, BATCH_PIECES_MAX);
    let queue = Mutex::new(pieces.iter());
    let taken = Mutex::new(PieceSet::empty(pieces.capacity()));
    let failed = Mutex::new(None);
    let work = || {
        loop {
            let batch: Vec<PieceIndex> = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.by_ref().take(batch_len).collect()
            };
            let stopped = || failed.lock().unwrap_or_else(PoisonError::into_inner);
            if batch.is_empty() || stopped().is_some() {
                return;
            }
            let done = adopt_batch(shared, batch, lender, &|piece| {
                let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                taken.insert(piece);
                drop(taken);
                report(piece);
            });
            if let Err(error) = done {
                *stopped() = Some(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(taken.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

fn adopt_batch(
    shared: &Shared,
    mut batch: Vec<PieceIndex>,
    lender: &dyn Lender,
    report: &dyn Fn(PieceIndex),
) -> Result<(), StoreError> {
    for attempt in 0..ATTEMPTS_MAX {
        let lent: Vec<Filled> = batch
            .iter()
            .filter_map(|piece| borrow(shared, *piece, attempt, lender))
            .collect();
        let pieces: Vec<_> = lent
            .iter()
            .map(|filled| (filled.piece, filled.parts.as_slice()))
            .collect();
        let right = verify(&shared.target, &pieces);
        batch.clear();
        let mut good = Vec::new();
        for (filled, right) in lent.into_iter().zip(right) {
            if right {
                good.push(filled);
            } else {
                batch.push(filled.piece);
            }
        }
        for run in worker::runs(good) {
            worker::write(shared, &run)?;
            for filled in run {
                shared.assemblies.shut(filled.piece);
                shared.keep(&filled);
                report(filled.piece);
            }
        }
    }
    Ok(())
}

/// The bytes that may be those of `piece`.
fn borrow(
    shared: &Shared,
    piece: PieceIndex,
    attempt: usize,
    lender: &dyn Lender,
) -> Option<Filled> {
    let span = shared.target.layout().piece_span(piece);
    let mut parts: Vec<Bytes> = Vec::new();
    let mut rest = span;
    while !rest.is_empty() {
        let run = rest.head(u64_of(SEGMENT_LEN_MAX));
        let mut segment = shared.pool.take(usize_of(run.len()));
        if !lender.lend(run, attempt, segment.as_mut_slice()) {
            return None;
        }
        parts.push(segment.freeze());
        rest = rest.after(run.len());
    }
    Some(Filled {
        piece,
        span,
        parts,
        senders: Vec::new(),
    })
}
