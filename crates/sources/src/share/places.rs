//! Where the files of a content may lie in a share: under the names that were given, or under those of
//! a copy of ours.
//!
//! What must stay true: no place lies outside the share's folder.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use swarmcopy_layout::{Platform, RelPath};

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

/// Where the file at `path` may lie below `root`, the likeliest first.
pub(super) fn of_file(root: &Path, shape: Shape, path: &RelPath) -> Vec<PathBuf> {
    match shape {
        Shape::File => vec![root.to_path_buf()],
        Shape::Tree => of_content(root, path),
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
