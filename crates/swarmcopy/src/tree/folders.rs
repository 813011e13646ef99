//! The folders on the way to what is changed.
//!
//! What must stay true: no change is made below a folder that is a link or no folder at all.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use swarmcopy_layout::{Platform, RelPath};
use swarmcopy_sys::fs;

/// The folders of a copy that were looked at.
#[derive(Debug)]
pub(super) struct Folders {
    root: PathBuf,
    known: HashSet<String>,
}

impl Folders {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            known: HashSet::new(),
        }
    }

    /// Where `path` lies, once all folders above it are proven to be folders.
    pub(super) fn place(&mut self, path: &RelPath) -> io::Result<PathBuf> {
        self.walk(path, |folder| fs::symlink_metadata(folder).map(|_| ()))?;
        Ok(self.root.join(path.to_path(Platform::HERE)))
    }

    /// Does as [`place`](Self::place), and makes the folders that are missing.
    pub(super) fn make_way(&mut self, path: &RelPath) -> io::Result<PathBuf> {
        self.walk(path, |folder| match fs::create_dir(folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        })?;
        Ok(self.root.join(path.to_path(Platform::HERE)))
    }

    /// Makes the folder `path` itself, if it is missing.
    pub(super) fn make(&mut self, path: &RelPath) -> io::Result<PathBuf> {
        let place = self.make_way(path)?;
        match fs::create_dir(&place) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => check(&place)?,
            made => made?,
        }
        Ok(place)
    }

    fn walk(&mut self, path: &RelPath, touch: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
        let Some((folders, _)) = path.as_str().rsplit_once('/') else {
            return Ok(());
        };
        if self.known.contains(folders) {
            return Ok(());
        }
        let disk = path.to_path(Platform::HERE);
        let mut above: Vec<&Path> = disk.ancestors().skip(1).collect();
        above.retain(|folder| !folder.as_os_str().is_empty());
        for folder in above.into_iter().rev() {
            let place = self.root.join(folder);
            touch(&place)?;
            check(&place)?;
        }
        self.known.insert(folders.to_owned());
        Ok(())
    }
}

/// Refuses what is no folder, or a link to one.
pub(super) fn check(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    let what = if found.is_symlink() {
        "it is a link, which is not followed"
    } else if found.is_dir() {
        return Ok(());
    } else {
        "it is no folder"
    };
    let message = format!("{}: {what}", folder.display());
    Err(io::Error::new(ErrorKind::NotADirectory, message))
}
