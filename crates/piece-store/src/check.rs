//! Compares a copy with what it should be: damaged, missing and extra files.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use swarmcopy_layout::{FileEntry, FileIndex, PieceIndex, PieceSet, RelPath};

use crate::disk::{Disk, FolderDisk, Links};
use crate::error::StoreError;
use crate::files::Files;
use crate::pool::Pool;
use crate::scan::{is_absent, scan};
use crate::target::{Shape, Target};
use crate::whole;

/// Unused memory kept while checking.
const POOL_BYTES_MAX: usize = 128 << 20;

/// What a check found. A file is in one list at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// Files that are not there, or have something else in their place.
    pub missing: Vec<RelPath>,
    /// Files of another length, with it.
    pub wrong_len: Vec<(RelPath, u64)>,
    /// Files of the right length that hold bytes of a bad piece. Where a piece covers several
    /// files, all of them are listed: the digest does not tell which is bad.
    pub damaged: Vec<RelPath>,
    /// Files that share a piece with one that is missing or has another length, and are else right:
    /// nothing is known of those of their bytes.
    pub unproven: Vec<RelPath>,
    /// Files and links that the content does not have, relative to its folder.
    pub extra: Vec<PathBuf>,
    /// The pieces that are right.
    pub good: PieceSet,
}

impl CheckReport {
    /// Whether every byte is right; extra files do not matter.
    pub fn is_whole(&self) -> bool {
        let none = self.missing.is_empty() && self.wrong_len.is_empty();
        none && self.damaged.is_empty() && self.good.is_full()
    }
}

/// Checks the copy of `target` in the folder `dir`; `report` hears of each piece, in no order and
/// from several threads. Blocks.
pub fn check(
    dir: &Path,
    target: &Target,
    threads: usize,
    report: &(dyn Fn(PieceIndex, bool) + Sync),
) -> Result<CheckReport, StoreError> {
    check_on(
        Arc::new(FolderDisk::new(dir, Links::Follow)),
        target,
        threads,
        report,
    )
}

/// Does as [`check`] on a disk of the caller's.
pub fn check_on(
    disk: Arc<dyn Disk>,
    target: &Target,
    threads: usize,
    report: &(dyn Fn(PieceIndex, bool) + Sync),
) -> Result<CheckReport, StoreError> {
    let layout = target.layout();
    let pool = Pool::new(POOL_BYTES_MAX);
    let files = Files::as_found(Arc::new(target.clone()), disk, pool);
    let mut result = CheckReport::default();
    let absent = find_absent(target, &files, &mut result)?;
    let wanted = target.wanted();
    let good = Mutex::new(PieceSet::empty(layout.pieces()));
    let handle = |piece, right| {
        if right {
            good.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(piece);
        }
        report(piece, right);
    };
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        threads => threads,
    };
    scan(target, &files, &wanted, threads, &handle)?;
    result.good = good.into_inner().unwrap_or_else(PoisonError::into_inner);
    // what is not wanted can't be wrong
    for piece in layout.piece_indexes().filter(|it| !wanted.contains(*it)) {
        result.good.insert(piece);
    }
    for (file, _) in target.digests().files() {
        if !target.stores(file) || absent.contains(&file) || whole::is_right(target, &files, file)?
        {
            continue;
        }
        let span = layout.file(file).map(FileEntry::span).unwrap_or_default();
        for piece in layout.pieces_of(span) {
            result.good.remove(piece);
        }
    }
    find_damaged(target, &files, &absent, &mut result);
    result.extra = find_extra(target, &files)?;
    Ok(result)
}

/// Lists missing files and those of another length.
fn find_absent(
    target: &Target,
    files: &Files,
    result: &mut CheckReport,
) -> Result<HashSet<FileIndex>, StoreError> {
    let mut absent = HashSet::new();
    for (file, entry) in target.stored_files() {
        let found = match files.stat(file) {
            Err(error) if is_absent(&error) => None,
            found => found?,
        };
        match found.map(|stat| stat.len) {
            None => result.missing.push(entry.path().clone()),
            Some(len) if len != entry.len() => result.wrong_len.push((entry.path().clone(), len)),
            Some(_) => continue,
        }
        absent.insert(file);
    }
    Ok(absent)
}

/// Lists the other files that hold bytes of a piece that is not right.
fn find_damaged(
    target: &Target,
    files: &Files,
    absent: &HashSet<FileIndex>,
    result: &mut CheckReport,
) {
    let layout = target.layout();
    let (mut damaged, mut unproven) = (BTreeSet::new(), BTreeSet::new());
    for piece in layout
        .piece_indexes()
        .filter(|piece| !result.good.contains(*piece))
    {
        let touched: Vec<FileIndex> = files
            .stored_slices(layout.piece_span(piece))
            .map(|slice| slice.file)
            .collect();
        let known = !touched.iter().any(|file| absent.contains(file));
        let list = if known { &mut damaged } else { &mut unproven };
        list.extend(touched.into_iter().filter(|file| !absent.contains(file)));
    }
    let path = |file: &FileIndex| layout.file(*file).map(|entry| entry.path().clone());
    result.damaged = damaged.iter().filter_map(path).collect();
    result.unproven = unproven.difference(&damaged).filter_map(path).collect();
}

fn find_extra(target: &Target, files: &Files) -> Result<Vec<PathBuf>, StoreError> {
    if target.shape() == Shape::File {
        return Ok(Vec::new());
    }
    let place = target.place();
    let known: HashSet<PathBuf> = target
        .stored_files()
        .map(|(file, _)| files.path_of(file))
        .collect();
    let listed = files
        .disk()
        .list(&place)
        .map_err(|cause| files.error("list", &place, cause))?;
    let mut extra: Vec<PathBuf> = listed
        .into_iter()
        .filter(|entry| !entry.is_dir && !known.contains(&entry.path))
        .filter_map(|entry| entry.path.strip_prefix(&place).map(Path::to_owned).ok())
        .collect();
    extra.sort_unstable();
    Ok(extra)
}
