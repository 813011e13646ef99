//! Hashes pieces that lie on the disk, with several threads and several pieces side by side.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::error::{StoreError, StoreErrorKind};
use crate::files::{Files, usize_of};
use crate::target::Target;
use crate::verify::{BATCH_PIECES_MAX, verify};

/// Bytes that one thread reads before it hashes them.
const BATCH_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Hears of each piece, from several threads: whether its bytes on the disk are right, or why they can't
/// be read. An error that it gives ends the scan.
pub(crate) type Report<'a> =
    dyn Fn(PieceIndex, Result<bool, StoreError>) -> Result<(), StoreError> + Sync + 'a;

/// Calls `report` with each of `pieces`, in no order; those whose files are missing or too short are not
/// right. Stops at the first error of `report`.
pub(crate) fn scan(
    target: &Target,
    files: &Files,
    pieces: &PieceSet,
    threads: usize,
    report: &Report<'_>,
) -> Result<(), StoreError> {
    let batch_len = BATCH_BYTES_MAX / target.layout().piece_len().max(1);
    let batch_len = usize::try_from(batch_len)
        .unwrap_or(usize::MAX)
        .clamp(1, BATCH_PIECES_MAX);
    let batches = usize_of(u64::from(pieces.len())).div_ceil(batch_len);
    let queue = Mutex::new(pieces.iter());
    let failed = Mutex::new(None);
    let work = || {
        loop {
            let batch: Vec<PieceIndex> = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.by_ref().take(batch_len).collect()
            };
            let stopped = failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some();
            if batch.is_empty() || stopped {
                return;
            }
            if let Err(error) = scan_batch(target, files, &batch, report) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(batches) {
            scope.spawn(work);
        }
        work();
    });
    failed
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .map_or(Ok(()), Err)
}

fn scan_batch(
    target: &Target,
    files: &Files,
    batch: &[PieceIndex],
    report: &Report<'_>,
) -> Result<(), StoreError> {
    let mut read: Vec<(PieceIndex, Vec<Bytes>)> = Vec::with_capacity(batch.len());
    for piece in batch {
        match files.read(target.layout().piece_span(*piece)) {
            Ok(parts) => read.push((*piece, parts)),
            Err(error) if is_absent(&error) => report(*piece, Ok(false))?,
            Err(error) => report(*piece, Err(error))?,
        }
    }
    let pieces: Vec<_> = read
        .iter()
        .map(|(piece, parts)| (*piece, parts.as_slice()))
        .collect();
    for ((piece, _), right) in pieces.iter().zip(verify(target, &pieces)) {
        report(*piece, Ok(right))?;
    }
    Ok(())
}

/// Whether a file is just not there, or something else is in its place.
pub(crate) fn is_absent(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Missing | StoreErrorKind::Obstructed
    )
}
