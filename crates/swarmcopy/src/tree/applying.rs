//! A copy on its way to be as it is wanted: what the steps of that share.

use std::path::{Path, PathBuf};

use swarmcopy_layout::{FileEntry, Platform, RelPath};

use super::folders::Folders;
use super::plan::Plan;
use super::tally::Tally;
use crate::select::Selection;
use crate::{Error, disk};

/// What the steps share.
pub(super) struct Applying<'a> {
    pub(super) root: &'a Path,
    pub(super) plan: &'a Plan,
    /// The files that have bytes; `None` for one that is not wanted.
    pub(super) files: Vec<Option<&'a FileEntry>>,
    pub(super) selection: Selection,
    pub(super) folders: Folders,
    pub(super) tally: Tally,
    /// Whether access lists are wanted, and known.
    pub(super) access: bool,
}

impl Applying<'_> {
    /// Whether a folder lies at `path`: of a selection, only some are made.
    pub(super) fn is_there(&self, path: &RelPath) -> bool {
        self.root.join(path.to_path(Platform::HERE)).is_dir()
    }

    /// Where `path` lies; its folders are there and no links.
    pub(super) fn place(&mut self, path: &RelPath) -> Result<PathBuf, Error> {
        let shown = || self.root.join(path.to_path(Platform::HERE));
        let place = self.folders.place(path);
        place.map_err(|error| disk::failed("finish", &shown(), &error))
    }
}
