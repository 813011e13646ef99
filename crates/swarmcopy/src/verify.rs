//! Checks a copy: every byte against its digest, every file for being there.
//!
//! What must stay true: nothing is changed; a copy counts as whole only if every piece was read and
//! has its digest.

use std::collections::HashSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use swarmcopy_layout::{Platform, RelPath};
use swarmcopy_piece_store::{CheckReport, Shape, Target, check};

use crate::{Content, Error, ErrorKind, tree};

/// Files of a tree that are looked for when a folder may be the content's own.
const LOOKED_FOR_MAX: usize = 100;

/// Files of a group that are named in a line.
const SUSPECTS_NAMED_MAX: usize = 5;
/// Most lines about what is wrong.
const FAULTS_MAX: usize = 10_000;

/// How far checking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Bytes looked at so far, pads included.
    pub checked: u64,
    /// Bytes in all, pads included.
    pub bytes: u64,
}

/// What a check went by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// Every byte was read and hashed.
    Bytes,
    /// Lengths and times, and the record of when the copy was complete on this machine.
    Record,
    /// Lengths, and the times that the torrent tells: the copy has no record here.
    Times,
    /// Lengths alone.
    Lengths,
}

/// What a check found. A file is in one list at most, but for suspects; paths are joined with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The content's name.
    pub name: String,
    /// Where the copy was looked for: its folder, or the file itself.
    pub place: PathBuf,
    /// Whether every byte is there and right. Extra files do not matter.
    pub whole: bool,
    /// What the check went by.
    pub evidence: Evidence,
    /// Files with wrong bytes or of a wrong length.
    pub damaged: Vec<String>,
    /// Groups of files that share a bad piece: at least one of each holds wrong bytes, and nothing tells which.
    pub suspects: Vec<Vec<String>>,
    /// Of a check by times: files that were changed since the copy was complete, or have another time than it.
    pub changed: Vec<String>,
    /// Files that can't be read, each with the reason.
    pub unreadable: Vec<(String, String)>,
    /// Files that are not there.
    pub missing: Vec<String>,
    /// Files that could not be proven right because they share a piece with one that is known to be wrong.
    pub unproven: Vec<String>,
    /// Files, links and folders (with a `/` at the end) that the content does not have.
    pub extra: Vec<String>,
    /// How many pieces.
    pub pieces: u32,
    /// How many of them are right.
    pub good_pieces: u32,
    /// Bytes of all files.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// Checks the copy of `content` in the folder `at`, which contains NAME or is NAME itself: both are
/// recognised by looking.
///
/// Blocks until all is read: call it from a thread that may block. `progress` is called from
/// several threads, once for each piece.
///
/// # Errors
/// [`ErrorKind::Failed`] when `at` can't be read. A copy that is not whole is no error.
///
/// ```
/// use swarmcopy::{Content, MakeOptions, make, verify};
///
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("CS5"), b"the whole suite")?;
/// let made = make(&MakeOptions::new(dir.path().join("CS5")), &|_| ())?;
/// let content = Content::torrent(std::fs::read(made.torrent)?)?;
/// assert!(verify(&content, dir.path(), &|_| ())?.whole);
/// std::fs::write(dir.path().join("CS5"), b"the hole, sweet")?;
/// assert_eq!(verify(&content, dir.path(), &|_| ())?.damaged, ["CS5"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(
    content: &Content,
    at: &Path,
    progress: &(dyn Fn(VerifyProgress) + Sync),
) -> Result<Verified, Error> {
    let start = Instant::now();
    let (folder, name) = locate(content, at)?;
    let shape = if content.is_tree() {
        Shape::Tree
    } else {
        Shape::File
    };
    let layout = content.layout();
    let (place, id) = (place_of(&folder, &name), [0; 32]);
    let (files, digests) = (Arc::clone(&content.layout), Arc::clone(&content.digests));
    let target = match &content.advice.listed {
        None => Target::new(name, shape, files, digests, id),
        Some(listed) => Target::of_some(name, shape, files, digests, id).and_then(|target| {
            target.select(&|file| {
                let at = usize::try_from(file.value()).ok();
                at.and_then(|at| listed.get(at))
                    .is_some_and(|listed| *listed)
            })
        }),
    };
    let target = target?;
    let checked = AtomicU64::new(0);
    let report = check(&folder, &target, 0, &|piece, _| {
        let len = layout.piece_span(piece).len();
        let checked = checked
            .fetch_add(len, Ordering::Relaxed)
            .saturating_add(len);
        progress(VerifyProgress {
            checked,
            bytes: layout.len(),
        });
    });
    let mut report = report?;
    let links = content.plan.links.iter();
    let links: HashSet<PathBuf> = links
        .map(|link| link.path.to_path(Platform::HERE))
        .collect();
    report.extra.retain(|path| !links.contains(path));
    Ok(verified(content, place, &report, start.elapsed()))
}

/// The folder that contains the copy, and the copy's name in it.
pub(crate) fn locate(content: &Content, at: &Path) -> Result<(PathBuf, RelPath), Error> {
    let at = std::fs::canonicalize(at)
        .map_err(|error| failed(&format!("cannot read {}: {error}", at.display())))?;
    let inside = content.places_in(&at);
    if !inside.iter().any(|place| place.exists()) && is_content(content, &at) {
        let own = at.file_name().and_then(name_of);
        if let (Some(folder), Some(name)) = (at.parent(), own) {
            return Ok((folder.to_path_buf(), name));
        }
    }
    if at.is_dir() {
        return Ok((at, content.name.clone()));
    }
    Err(failed(&format!("{} is no folder", at.display())))
}

/// Where the copy lies.
pub(crate) fn place_of(folder: &Path, name: &RelPath) -> PathBuf {
    let names = name.source_paths(Platform::HERE).into_iter();
    let mut places = names.map(|name| folder.join(name));
    let found = places.find(|place| place.exists());
    found.unwrap_or_else(|| folder.join(name.to_path(Platform::HERE)))
}

/// Whether `at` looks like the content itself and not like the folder that contains it.
fn is_content(content: &Content, at: &Path) -> bool {
    if !content.is_tree() {
        return at.is_file();
    }
    let mut files = content
        .layout()
        .files()
        .filter(|(_, file)| !file.attributes().pad);
    files
        .by_ref()
        .take(LOOKED_FOR_MAX)
        .any(|(_, file)| has(at, file.path()))
}

/// Whether a file or folder lies at `path` in `folder`, under whichever of its names.
fn has(folder: &Path, path: &RelPath) -> bool {
    let folder = swarmcopy_sys::path::verbatim(folder);
    let mut paths = path.source_paths(Platform::HERE).into_iter();
    paths.any(|path| folder.join(path).exists())
}

/// The name of a file or folder of this disk.
fn name_of(name: &std::ffi::OsStr) -> Option<RelPath> {
    let bytes = name.as_encoded_bytes();
    let plain = name.to_string_lossy().replace('\\', "_");
    Some(RelPath::from_names([plain]).ok()?.with_given([bytes]))
}

/// How the times, modes, flags, empty folders and links of the copy in the folder `at` differ from those of
/// `content`: each a path and what is wrong there. Blocks.
///
/// # Errors
/// [`ErrorKind::Failed`] when `at` can't be read.
pub fn differences(content: &Content, at: &Path) -> Result<Vec<(String, String)>, Error> {
    let (folder, name) = locate(content, at)?;
    let place = place_of(&folder, &name);
    Ok(tree::differences(&place, &content.tree_job()))
}

fn verified(
    content: &Content,
    place: PathBuf,
    report: &CheckReport,
    elapsed: Duration,
) -> Verified {
    let texts = |paths: &[RelPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let unreadable = report.unreadable.iter();
    let unreadable = unreadable.map(|(path, why)| (path.to_string(), why.clone()));
    let mut damaged = texts(&report.damaged);
    damaged.extend(report.wrong_len.iter().map(|(path, _)| path.to_string()));
    damaged.sort_unstable();
    let text = |path: &PathBuf| {
        let names: Vec<_> = path.iter().map(|name| name.to_string_lossy()).collect();
        names.join("/")
    };
    let mut extra: Vec<String> = report.extra.iter().map(text).collect();
    // where the torrent tells of its folders
    if content.plan.root.is_some() {
        let wanted = content.plan.folders.iter();
        let wanted: HashSet<PathBuf> = wanted
            .map(|(path, _)| path.to_path(Platform::HERE))
            .collect();
        let folders = report.extra_folders.iter();
        let folders = folders.filter(|path| !wanted.contains(*path));
        extra.extend(folders.map(|path| text(path) + "/"));
    }
    Verified {
        name: content.name().to_owned(),
        place,
        whole: report.is_whole(),
        evidence: Evidence::Bytes,
        damaged,
        suspects: report.suspects.iter().map(|group| texts(group)).collect(),
        changed: Vec::new(),
        unreadable: unreadable.collect(),
        missing: texts(&report.missing),
        unproven: texts(&report.unproven),
        extra,
        pieces: content.layout().pieces(),
        good_pieces: u32::try_from(
            content
                .layout()
                .piece_indexes()
                .filter(|p| report.good.contains(*p))
                .count(),
        )
        .unwrap_or(u32::MAX),
        bytes: content.layout().bytes(),
        elapsed,
    }
}

/// What is wrong, in words: one line for each file, or for each group of which nothing tells which it is.
pub(crate) fn faults(report: &CheckReport) -> Vec<String> {
    let damaged = report.damaged.iter();
    let damaged = damaged.chain(report.wrong_len.iter().map(|(path, _)| path));
    let damaged = damaged.map(|path| format!("damaged: {path}"));
    let missing = report.missing.iter().map(|path| format!("missing: {path}"));
    let suspects = report.suspects.iter().map(|group| {
        let first = group.iter().take(SUSPECTS_NAMED_MAX);
        let first: Vec<String> = first.map(ToString::to_string).collect();
        let more = match group.len().saturating_sub(SUSPECTS_NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("damaged: one of {}{more}", first.join(", "))
    });
    let unreadable = report.unreadable.iter().map(|(_, why)| why.clone());
    let all = damaged.chain(missing).chain(suspects).chain(unreadable);
    all.take(FAULTS_MAX).collect()
}

fn failed(error: &dyn Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MakeOptions, PieceLen, make};
    use std::fs;

    fn tree() -> (tempfile::TempDir, Content) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("CS5");
        fs::create_dir_all(root.join("sub")).unwrap();
        for (name, len) in [
            ("a", 16 << 10),
            ("b", 32 << 10),
            ("sub/c", 10),
            ("sub/empty", 0),
        ] {
            fs::write(root.join(name), vec![7; len]).unwrap();
        }
        let mut options = MakeOptions::new(&root);
        options.piece_len = PieceLen::Bytes(16 << 10);
        let made = make(&options, &|_| ()).unwrap();
        let content = Content::torrent(fs::read(made.torrent).unwrap()).unwrap();
        (dir, content)
    }

    #[test]
    fn a_whole_copy_is_recognised_from_inside_and_outside() {
        let (dir, content) = tree();
        let whole = |at: &Path| verify(&content, at, &|_| ()).unwrap().whole;
        assert!(whole(dir.path()));
        assert!(whole(&dir.path().join("CS5")));
        fs::rename(dir.path().join("CS5"), dir.path().join("renamed")).unwrap();
        assert!(whole(&dir.path().join("renamed")));
        assert!(!whole(dir.path()));
    }

    #[test]
    fn each_file_is_listed_for_what_is_wrong_with_it() {
        let (dir, content) = tree();
        let root = dir.path().join("CS5");
        fs::write(root.join("b"), vec![8; 32 << 10]).unwrap();
        fs::remove_file(root.join("sub/empty")).unwrap();
        fs::write(root.join("sub/c"), "longer than it was").unwrap();
        fs::write(root.join("sub/new"), "x").unwrap();
        let found = verify(&content, dir.path(), &|_| ()).unwrap();
        assert!(!found.whole);
        assert_eq!(found.damaged, ["b", "sub/c"]);
        assert_eq!(found.missing, ["sub/empty"]);
        assert_eq!(found.extra, ["sub/new"]);
        assert_eq!((found.good_pieces, found.pieces), (1, 4));
    }

    #[test]
    fn a_missing_empty_file_makes_a_copy_incomplete() {
        let (dir, content) = tree();
        fs::remove_file(dir.path().join("CS5/sub/empty")).unwrap();
        assert!(!verify(&content, dir.path(), &|_| ()).unwrap().whole);
    }

    #[test]
    fn extra_files_do_not_matter() {
        let (dir, content) = tree();
        fs::write(dir.path().join("CS5/extra"), "x").unwrap();
        assert!(verify(&content, dir.path(), &|_| ()).unwrap().whole);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let (dir, content) = tree();
        let error = verify(&content, &dir.path().join("gone"), &|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
    }
}
