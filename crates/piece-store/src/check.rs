//! Compares a copy with what it should be: damaged, missing and extra files.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use swarmcopy_layout::{FileEntry, FileIndex, PieceIndex, PieceSet, RelPath};

use crate::disk::{Disk, Entry, FolderDisk, Links};
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
    /// Files of the right length that hold wrong bytes.
    pub damaged: Vec<RelPath>,
    /// Files of the right length that share a bad piece: one of each group at least holds wrong bytes, and
    /// the digest does not tell which.
    pub suspects: Vec<Vec<RelPath>>,
    /// Files that share a bad piece with one that is known to be wrong, and are else right: nothing is known
    /// of those of their bytes.
    pub unproven: Vec<RelPath>,
    /// Files that can't be read, each with the reason.
    pub unreadable: Vec<(RelPath, String)>,
    /// Files and links that the content does not have, relative to its folder.
    pub extra: Vec<PathBuf>,
    /// Folders in which no file of the content lies, relative to its folder.
    pub extra_folders: Vec<PathBuf>,
    /// The pieces that are right.
    pub good: PieceSet,
}

impl CheckReport {
    /// Whether every byte is right; extra files do not matter.
    pub fn is_whole(&self) -> bool {
        let there = self.missing.is_empty() && self.wrong_len.is_empty();
        let readable = self.unreadable.is_empty();
        there && readable && self.damaged.is_empty() && self.good.is_full()
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
    let pool = Pool::new(POOL_BYTES_MAX);
    let files = Files::as_found(Arc::new(target.clone()), disk, pool);
    check_found(&files, target, threads, report)
}

fn check_found(
    files: &Files,
    target: &Target,
    threads: usize,
    report: &(dyn Fn(PieceIndex, bool) + Sync),
) -> Result<CheckReport, StoreError> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        threads => threads,
    };
    let mut result = check_files(target, files, threads, &|piece, right| {
        report(piece, right);
        Ok(())
    })?;
    match find_extra(target, files) {
        Ok((extra, folders)) => {
            result.extra = extra;
            result.extra_folders = folders;
        }
        Err(error) => {
            let told = (target.name().clone(), error.to_string());
            result.unreadable.push(told);
        }
    }
    Ok(result)
}

/// Checks what lies in the place of each file, extra ones aside. An error of `report` ends the check.
pub(crate) fn check_files(
    target: &Target,
    files: &Files,
    threads: usize,
    report: &(dyn Fn(PieceIndex, bool) -> Result<(), StoreError> + Sync),
) -> Result<CheckReport, StoreError> {
    let layout = target.layout();
    let mut checking = Checking {
        target,
        files,
        absent: HashSet::new(),
        wrong: BTreeSet::new(),
        result: CheckReport::default(),
    };
    checking.find_absent();
    let wanted = target.wanted();
    let good = Mutex::new(PieceSet::empty(layout.pieces()));
    let unread = Mutex::new(PieceSet::empty(layout.pieces()));
    let handle = |piece, right: Result<bool, StoreError>| {
        let list = match right {
            Ok(true) => Some(&good),
            Ok(false) => None,
            Err(_) => Some(&unread),
        };
        if let Some(list) = list {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            list.insert(piece);
        }
        report(piece, matches!(right, Ok(true)))
    };
    scan(target, files, &wanted, threads, &handle)?;
    checking.result.good = good.into_inner().unwrap_or_else(PoisonError::into_inner);
    checking.find_unreadable(&unread.into_inner().unwrap_or_else(PoisonError::into_inner));
    // what is not wanted can't be wrong
    for piece in layout.piece_indexes().filter(|it| !wanted.contains(*it)) {
        checking.result.good.insert(piece);
    }
    checking.find_wrong_wholes();
    checking.find_damaged();
    Ok(checking.result)
}

/// A check under way.
struct Checking<'a> {
    target: &'a Target,
    files: &'a Files,
    /// Files that are listed already: missing, of another length, not to be read.
    absent: HashSet<FileIndex>,
    /// Files that hold wrong bytes for certain.
    wrong: BTreeSet<FileIndex>,
    result: CheckReport,
}

impl Checking<'_> {
    /// Lists missing files, those of another length, and those that can't be looked at.
    fn find_absent(&mut self) {
        for (file, entry) in self.target.stored_files() {
            let found = match self.files.stat(file) {
                Err(error) if is_absent(&error) => Ok(None),
                found => found,
            };
            let path = || entry.path().clone();
            match found.map(|stat| stat.map(|stat| stat.len)) {
                Ok(Some(len)) if len == entry.len() => continue,
                Ok(None) => self.result.missing.push(path()),
                Ok(Some(len)) => self.result.wrong_len.push((path(), len)),
                Err(error) => self.result.unreadable.push((path(), error.to_string())),
            }
            self.absent.insert(file);
        }
    }

    /// Lists the files for which pieces could not be read: each is read alone.
    fn find_unreadable(&mut self, pieces: &PieceSet) {
        let layout = self.target.layout();
        for piece in pieces.iter() {
            for slice in self.files.stored_slices(layout.piece_span(piece)) {
                if self.absent.contains(&slice.file) {
                    continue;
                }
                if let (Err(error), Some(entry)) =
                    (self.files.read(slice.span), layout.file(slice.file))
                {
                    let told = (entry.path().clone(), error.to_string());
                    self.result.unreadable.push(told);
                    self.absent.insert(slice.file);
                }
            }
        }
    }

    /// Looks at files that have a hash of their own.
    fn find_wrong_wholes(&mut self) {
        let layout = self.target.layout();
        for (file, _) in self.target.digests().files() {
            if !self.target.stores(file) || self.absent.contains(&file) {
                continue;
            }
            match whole::is_right(self.target, self.files, file) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    let path = layout.file(file).map(|entry| entry.path().clone());
                    let told = path.map(|path| (path, error.to_string()));
                    self.result.unreadable.extend(told);
                    self.absent.insert(file);
                }
            }
            let span = layout.file(file).map(FileEntry::span).unwrap_or_default();
            for piece in layout.pieces_of(span) {
                self.result.good.remove(piece);
            }
        }
    }

    /// Finds out which of the other files bad pieces tell of. A piece of one file convicts it; one of
    /// several, of which none is known to be wrong, says that one of these is.
    fn find_damaged(&mut self) {
        let layout = self.target.layout();
        let bad = layout.piece_indexes();
        let bad = bad.filter(|piece| !self.result.good.contains(*piece));
        let groups: Vec<Vec<FileIndex>> = bad
            .map(|piece| {
                let slices = self.files.stored_slices(layout.piece_span(piece));
                slices.map(|slice| slice.file).collect()
            })
            .collect();
        for group in &groups {
            if let [file] = group.as_slice()
                && !self.absent.contains(file)
            {
                self.wrong.insert(*file);
            }
        }
        let (mut suspects, mut unproven) = (BTreeSet::new(), BTreeSet::new());
        let is_known = |file: &FileIndex| self.absent.contains(file) || self.wrong.contains(file);
        for group in groups {
            if group.iter().any(is_known) {
                unproven.extend(group.into_iter().filter(|file| !is_known(file)));
            } else if !group.is_empty() {
                suspects.insert(group);
            }
        }
        let suspected: BTreeSet<FileIndex> = suspects.iter().flatten().copied().collect();
        let path = |file: &FileIndex| layout.file(*file).map(|entry| entry.path().clone());
        let paths = |files: &Vec<FileIndex>| files.iter().filter_map(path).collect();
        self.result.damaged = self.wrong.iter().filter_map(path).collect();
        self.result.unproven = unproven.difference(&suspected).filter_map(path).collect();
        self.result.suspects = suspects.iter().map(paths).collect();
    }
}

/// The files and links, and the folders, that the content does not have.
fn find_extra(target: &Target, files: &Files) -> Result<(Vec<PathBuf>, Vec<PathBuf>), StoreError> {
    if target.shape() == Shape::File {
        return Ok(Default::default());
    }
    let place = files.place().clone();
    let known: HashSet<PathBuf> = target
        .stored_files()
        .map(|(file, _)| files.path_of(file))
        .collect();
    let known_folders: HashSet<&Path> = known
        .iter()
        .flat_map(|path| path.ancestors().skip(1))
        .collect();
    let listed = files
        .disk()
        .list(&place)
        .map_err(|cause| files.error("list", &place, cause))?;
    let is_extra = |entry: &Entry| {
        if entry.is_dir {
            !known_folders.contains(entry.path.as_path())
        } else {
            !known.contains(&entry.path)
        }
    };
    let (mut extra, mut folders) = (Vec::new(), Vec::new());
    for entry in listed.into_iter().filter(is_extra) {
        let list = if entry.is_dir {
            &mut folders
        } else {
            &mut extra
        };
        list.extend(entry.path.strip_prefix(&place).map(Path::to_owned));
    }
    extra.sort_unstable();
    folders.sort_unstable();
    Ok((extra, folders))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, Platform};
    use swarmcopy_sys::path::verbatim;

    /// A tree of files of one piece each, and what a check by the rules of Windows finds in a folder of it.
    fn checked(names: &[&str], copy: &[(&str, &str)]) -> CheckReport {
        let dir = tempfile::tempdir().unwrap();
        let mut layout = Layout::builder(16);
        let mut digests = Vec::new();
        for name in names {
            let bytes = format!("{name:<16}");
            layout = layout.file(RelPath::parse(name).unwrap(), 16);
            digests.push(PieceDigest::Sha1(swarmcopy_digest::sha1(bytes.as_bytes())));
        }
        for (stored, name) in copy {
            let folder = verbatim(&dir.path().join("CS5"));
            let path = stored.split('/').fold(folder, |path, name| path.join(name));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{name:<16}")).unwrap();
        }
        let name = RelPath::parse("CS5").unwrap();
        let (layout, digests) = (layout.build().unwrap(), PieceDigests::new(digests));
        let target = Target::new(
            name,
            Shape::Tree,
            Arc::new(layout),
            Arc::new(digests),
            [0; 32],
        );
        let target = Arc::new(target.unwrap());
        let disk = Arc::new(FolderDisk::new(dir.path(), Links::Follow));
        let files = Files::as_found_by(
            Arc::clone(&target),
            disk,
            Pool::new(POOL_BYTES_MAX),
            Platform::Windows,
        );
        check_found(&files, &target, 1, &|_, _| ()).unwrap()
    }

    #[test]
    fn files_whose_names_look_like_those_of_others_on_windows_are_told_apart() {
        let names = ["CON", "%43ON", "sub/aux.txt", "sub/%61ux.txt"];
        let stored = ["%43ON", "%2543ON", "sub/%61ux.txt", "sub/%2561ux.txt"];
        let copy: Vec<(&str, &str)> = stored.into_iter().zip(names).collect();
        let found = checked(&names, &copy);
        assert!(found.is_whole() && found.extra.is_empty(), "{found:?}");
        let found = checked(&names, &copy[..3]);
        assert_eq!(found.missing, [RelPath::parse(names[3]).unwrap()]);
        assert!(found.damaged.is_empty() && found.extra.is_empty());
        // the tree itself, under its own names
        let own: Vec<(&str, &str)> = names.into_iter().zip(names).collect();
        let found = checked(&names, &own);
        assert!(found.is_whole() && found.extra.is_empty(), "{found:?}");
    }
}
