//! What an earlier run left: pieces to trust, and pieces to hash again.
//!
//! What must stay true: a piece is trusted only if the journal records it and each of its files has
//! the length and time of change that the journal recorded for it last. Whatever else lies on the
//! disk is hashed before it counts.

use swarmcopy_layout::{FileSlice, PieceSet};

use crate::disk::FileStat;
use crate::error::StoreError;
use crate::files::{Files, usize_of};
use crate::journal::{Recorded, stamp};
use crate::target::Target;

/// What a store found when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resume {
    /// Verified by an earlier run and untouched since.
    pub have: PieceSet,
    /// Something lies there that must be hashed before it counts.
    pub recheck: PieceSet,
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    len: u64,
    trusted: bool,
}

/// Compares the files with what was recorded.
pub(crate) fn resume(
    target: &Target,
    files: &Files,
    recorded: &Recorded,
) -> Result<Resume, StoreError> {
    let layout = target.layout();
    let mut found = vec![Found::default(); layout.files().len()];
    let vacant = files.is_vacant();
    for (file, _) in target.stored_files().filter(|_| !vacant) {
        let Some(stat) = files.stat(file)? else {
            continue;
        };
        if let Some(entry) = found.get_mut(usize_of(u64::from(file.value()))) {
            *entry = look(stat, recorded.stamps.get(&file.value()).copied());
        }
    }
    let mut have = PieceSet::empty(layout.pieces());
    let mut recheck = have.clone();
    let of = |slice: &FileSlice| {
        found
            .get(usize_of(u64::from(slice.file.value())))
            .copied()
            .unwrap_or_default()
    };
    for piece in layout.piece_indexes() {
        let span = layout.piece_span(piece);
        let lies = |slice: FileSlice| of(&slice).len >= slice.offset + slice.span.len();
        if !files.stored_slices(span).all(lies) {
            continue;
        }
        let trusted = files.stored_slices(span).all(|slice| of(&slice).trusted);
        if trusted && recorded.pieces.contains(piece) {
            have.insert(piece);
        } else if files.holds_data(span) {
            recheck.insert(piece);
        }
    }
    Ok(Resume { have, recheck })
}

fn look(stat: FileStat, recorded: Option<u32>) -> Found {
    Found {
        len: stat.len,
        trusted: recorded == Some(stamp(stat)),
    }
}
