//! What an earlier run left: pieces to trust, and pieces to hash again.
//!
//! What must stay true: a piece is trusted only if the caller vouches for each of its files, or if the
//! journal records it and each of its files has the length and time of change that it recorded last.
//! Whatever else lies on the disk is hashed before it counts.

use swarmcopy_layout::{FileSlice, PieceSet};

use crate::disk::FileStat;
use crate::error::StoreError;
use crate::files::{Files, usize_of};
use crate::journal::{Recorded, stamp};
use crate::target::Target;
use crate::zeros::Zeros;

/// What a store found when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resume {
    /// Verified by an earlier run and untouched since.
    pub have: PieceSet,
    /// The same, as far as the bytes of selected files go: the rest is not here, so these pieces can't
    /// be read.
    pub hollow: PieceSet,
    /// Something lies there that must be hashed before it counts.
    pub recheck: PieceSet,
}

#[derive(Debug, Clone, Copy, Default)]
struct Found {
    len: u64,
    trusted: bool,
    /// Nobody need have recorded its pieces.
    vouched: bool,
}

/// Compares the files with what was recorded.
pub(crate) fn resume(
    target: &Target,
    files: &Files,
    recorded: &Recorded,
) -> Result<Resume, StoreError> {
    let layout = target.layout();
    let wanted = target.wanted();
    let found = look_at_all(target, files, recorded, &wanted)?;
    let mut have = PieceSet::empty(layout.pieces());
    let (mut hollow, mut recheck) = (have.clone(), have.clone());
    let mut zeros = Zeros::default();
    let of = |slice: &FileSlice| {
        found
            .get(usize_of(u64::from(slice.file.value())))
            .copied()
            .unwrap_or_default()
    };
    let lies = |slice: &FileSlice| of(slice).len >= slice.offset + slice.span.len();
    for piece in wanted.iter() {
        let span = layout.piece_span(piece);
        if !files.stored_slices(span).all(|slice| lies(&slice)) {
            continue;
        }
        let trusted = files.stored_slices(span).all(|slice| of(&slice).trusted);
        let vouched = || files.stored_slices(span).all(|slice| of(&slice).vouched);
        if trusted && (recorded.pieces.contains(piece) || vouched()) {
            let kept = if target.is_edge(piece) {
                &mut hollow
            } else {
                &mut have
            };
            kept.insert(piece);
            continue;
        }
        let mut slices = layout.slices(span);
        let all_lies = slices.all(|slice| target.is_pad(slice.file) || lies(&slice));
        if all_lies && (files.holds_data(span) || zeros.are(target, piece)) {
            recheck.insert(piece);
        }
    }
    Ok(Resume {
        have,
        hollow,
        recheck,
    })
}

/// What lies in the place of each file that holds bytes of a wanted piece.
fn look_at_all(
    target: &Target,
    files: &Files,
    recorded: &Recorded,
    wanted: &PieceSet,
) -> Result<Vec<Found>, StoreError> {
    let layout = target.layout();
    let mut found = vec![Found::default(); layout.files().len()];
    if files.is_vacant() {
        return Ok(found);
    }
    for ((file, entry), place) in layout.files().zip(&mut found) {
        if target.stores(file) && files.is_vouched(file) {
            *place = Found {
                len: entry.len(),
                trusted: true,
                vouched: true,
            };
            files.note_found(file);
            continue;
        }
        let mut pieces = layout.pieces_of(entry.span());
        let mut is_near = || pieces.any(|piece| wanted.contains(piece));
        let looked = if target.stores(file) {
            files.stat(file)?
        } else if !target.is_pad(file) && is_near() {
            // what stands in its place is nobody's concern
            files.stat(file).unwrap_or(None)
        } else {
            None
        };
        if let Some(stat) = looked {
            *place = look(stat, recorded.stamps.get(&file.value()).copied());
            if stat.len > 0 {
                files.note_found(file);
            }
        }
    }
    Ok(found)
}

fn look(stat: FileStat, recorded: Option<u32>) -> Found {
    Found {
        len: stat.len,
        trusted: recorded == Some(stamp(stat)),
        vouched: false,
    }
}
