//! Where the files of a content may lie in a share: under the names that were given, or under those of
//! a copy of ours.
//!
//! What must stay true: no place lies outside the share's folder.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use swarmcopy_layout::{FoundNames, Layout, Platform, RelPath};

use crate::Shape;

/// Where the content `name` may lie in `folder`, the likeliest first.
pub(super) fn of_content(folder: &Path, name: &RelPath) -> Vec<PathBuf> {
    let names = name.source_paths(Platform::HERE);
    if let [only] = names.as_slice() {
        return vec![folder.join(only)];
    }
    let folder = swarmcopy_sys::path::verbatim(folder);
    names.iter().map(|name| folder.join(name)).collect()
}

/// Where the files of one content may lie.
#[derive(Debug)]
pub(super) struct Places {
    root: PathBuf,
    shape: Shape,
    names: FoundNames,
}

impl Places {
    /// Of the content that lies at `root`: its folder, or the one file.
    pub(super) fn new(root: PathBuf, shape: Shape, layout: &Layout) -> Self {
        let paths = layout.files().map(|(_, file)| file.path());
        let names = FoundNames::new(paths, Platform::HERE);
        Self { root, shape, names }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the file at `path` may lie, the likeliest first.
    pub(super) fn of_file(&self, path: &RelPath) -> Vec<PathBuf> {
        if self.shape == Shape::File {
            return vec![self.root.clone()];
        }
        let verbatim = swarmcopy_sys::path::verbatim(&self.root);
        let is_there = &mut |at: &Path| verbatim.join(at).exists();
        match self.names.paths(path, is_there).as_slice() {
            [only] => vec![self.root.join(only)],
            names => names.iter().map(|name| verbatim.join(name)).collect(),
        }
    }
}

/// Does `act` at the first place where something lies.
pub(super) fn first<T>(
    places: &[PathBuf],
    mut act: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let mut done = Err(ErrorKind::NotFound.into());
    for place in places {
        done = act(place);
        match &done {
            Err(error) if is_absent(error) => {}
            _ => return done,
        }
    }
    done
}

/// Whether nothing lies there, or nothing can.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
}
