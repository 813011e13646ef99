//! Finding the files of a tree that is to be shared.
//!
//! What must stay true: only regular files inside the tree are found, each under a path that every
//! machine can read; folders that are links are never entered, so the walk ends. What is left out is
//! said in a warning, never silently, unless it was asked for.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use globset::GlobSet;
use swarmcopy_layout::RelPath;

use crate::{Error, ErrorKind};

/// A file that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Where it lies on this disk.
    pub(crate) path: PathBuf,
    /// Its path in the content.
    pub(crate) rel: RelPath,
    /// Its state when it was found.
    pub(crate) stamp: Stamp,
}

/// What tells that a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its length in bytes.
    pub(crate) len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// All files of a tree, unsorted, and what was left out.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) files: Vec<Found>,
    pub(crate) warnings: Vec<String>,
}

/// What is left out on purpose.
#[derive(Debug)]
pub(crate) struct Exclude {
    patterns: GlobSet,
    paths: Vec<PathBuf>,
}

impl Exclude {
    /// Leaves out what a pattern matches, by its whole path or by any name in it, and the `paths`
    /// (as they are below the canonical root).
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] naming a pattern that can't be read.
    pub(crate) fn new(patterns: &[String], paths: Vec<PathBuf>) -> Result<Self, Error> {
        Ok(Self {
            patterns: crate::select::patterns(patterns)?,
            paths,
        })
    }

    /// A folder that is left out is not entered, so a name further up needs no look.
    fn covers(&self, root: &Path, path: &Path) -> bool {
        let below = path.strip_prefix(root).unwrap_or(path);
        let name = path.file_name().map(Path::new);
        self.patterns.is_match(below)
            || name.is_some_and(|name| self.patterns.is_match(name))
            || self.paths.iter().any(|own| own == path)
    }
}

/// Finds all files below the folder `root`, which must be canonical.
///
/// # Errors
/// When a folder can't be read, or a file has a name that not every machine can read.
pub(crate) fn walk(root: &Path, exclude: &Exclude) -> Result<Walk, Error> {
    let mut walk = Walk::default();
    let mut folders: Vec<(PathBuf, Option<RelPath>)> = vec![(root.to_path_buf(), None)];
    while let Some((folder, rel)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
            let entry = entry.map_err(|error| unreadable(&folder, &error))?;
            let path = entry.path();
            // before its name is looked at: what is left out may be called as it likes
            if exclude.covers(root, &path) {
                continue;
            }
            let rel = below(rel.as_ref(), &entry)?;
            match kind_of(root, &entry).map_err(|error| unreadable(&path, &error))? {
                Kind::Folder => folders.push((path, Some(rel))),
                Kind::File(stamp) => walk.files.push(Found { path, rel, stamp }),
                Kind::Other(why) => walk.warnings.push(format!("left out {rel}: {why}")),
            }
            check_count(&walk)?;
        }
    }
    Ok(walk)
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Failed,
        format!("cannot read {}: {error}", path.display()),
    )
}

fn check_count(walk: &Walk) -> Result<(), Error> {
    let most = swarmcopy_layout::files_max;
    if walk.files.len() <= most && walk.warnings.len() <= most {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Failed,
        format!("more than {most} files"),
    ))
}

/// The path of `entry` in the content.
fn below(folder: Option<&RelPath>, entry: &DirEntry) -> Result<RelPath, Error> {
    let refused = |why: &str| {
        let message = format!("cannot take {}: {why}", entry.path().display());
        Err(Error::new(ErrorKind::Failed, message)
            .with_hint("rename it, or leave it out with --exclude"))
    };
    let os_name = entry.file_name();
    let Some(name) = os_name.to_str() else {
        return refused("its name is not UTF-8");
    };
    let names = folder.into_iter().flat_map(RelPath::names).chain([name]);
    RelPath::from_names(names).or_else(|error| refused(&error.to_string()))
}

enum Kind {
    Folder,
    File(Stamp),
    Other(&'static str),
}

fn kind_of(root: &Path, entry: &DirEntry) -> io::Result<Kind> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return Ok(Kind::Folder);
    }
    if kind.is_symlink() {
        return link_kind(root, &entry.path());
    }
    if !kind.is_file() {
        return Ok(Kind::Other("neither file nor folder"));
    }
    Ok(Kind::File(Stamp::of(&entry.metadata()?)))
}

fn link_kind(root: &Path, link: &Path) -> io::Result<Kind> {
    let Ok(target) = fs::canonicalize(link) else {
        return Ok(Kind::Other("a link that leads nowhere"));
    };
    if !target.starts_with(root) {
        return Ok(Kind::Other("a link that leaves the tree"));
    }
    let metadata = fs::metadata(&target)?;
    Ok(match metadata.file_type() {
        kind if kind.is_file() => Kind::File(Stamp::of(&metadata)),
        kind if kind.is_dir() => Kind::Other("a link to a folder"),
        _ => Kind::Other("neither file nor folder"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("tree");
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        for (path, bytes) in [
            ("b", "2"),
            ("a", ""),
            ("sub/c.tmp", "3"),
            ("sub/deep/d", "4"),
        ] {
            fs::write(root.join(path), bytes).unwrap();
        }
        (dir, root)
    }

    fn walked(root: &Path, patterns: &[&str]) -> (Vec<String>, Vec<String>) {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let walk = walk(root, &Exclude::new(&patterns, Vec::new()).unwrap()).unwrap();
        let mut files: Vec<String> = walk.files.iter().map(|f| f.rel.to_string()).collect();
        files.sort();
        (files, walk.warnings)
    }

    #[test]
    fn all_files_are_found_and_empty_ones_too() {
        let (_dir, root) = tree();
        let (files, warnings) = walked(&root, &[]);
        assert_eq!(files, ["a", "b", "sub/c.tmp", "sub/deep/d"]);
        assert!(warnings.is_empty());
    }

    #[test]
    fn a_pattern_matches_a_whole_path_or_any_name() {
        let (_dir, root) = tree();
        assert_eq!(walked(&root, &["*.tmp"]).0, ["a", "b", "sub/deep/d"]);
        assert_eq!(walked(&root, &["deep/"]).0, ["a", "b", "sub/c.tmp"]);
        assert_eq!(walked(&root, &["sub/deep/*"]).0, ["a", "b", "sub/c.tmp"]);
        assert_eq!(walked(&root, &["sub"]).0, ["a", "b"]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_a_usage_error() {
        let error = Exclude::new(&["a[".to_owned()], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }

    #[cfg(unix)]
    #[test]
    fn only_links_to_files_inside_are_followed() {
        use std::os::unix::fs::symlink;
        let (dir, root) = tree();
        fs::write(dir.path().join("outside"), "x").unwrap();
        symlink("../b", root.join("sub/to_file")).unwrap();
        symlink("sub", root.join("to_folder")).unwrap();
        symlink("../outside", root.join("leaves")).unwrap();
        symlink("gone", root.join("broken")).unwrap();
        let (files, mut warnings) = walked(&root, &[]);
        warnings.sort();
        assert_eq!(files, ["a", "b", "sub/c.tmp", "sub/deep/d", "sub/to_file"]);
        assert_eq!(
            warnings,
            [
                "left out broken: a link that leads nowhere",
                "left out leaves: a link that leaves the tree",
                "left out to_folder: a link to a folder"
            ]
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_utf8_is_an_error_that_names_it() {
        use std::os::unix::ffi::OsStrExt;
        let (_dir, root) = tree();
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
        fs::write(root.join(name), "x").unwrap();
        let error = walk(&root, &Exclude::new(&[], Vec::new()).unwrap()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("caf") && message.contains("UTF-8"),
            "{message}"
        );
    }
}
