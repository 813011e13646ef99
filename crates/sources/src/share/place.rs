//! Where a content's files lie in a share.

use std::path::{Path, PathBuf};

use swarmcopy_layout::{Platform, RelPath};

use crate::Shape;

/// Where the file at `path` lies below `root`.
pub(super) fn file_path(root: &Path, shape: Shape, path: &RelPath) -> PathBuf {
    match shape {
        Shape::File => root.to_path_buf(),
        Shape::Tree => root.join(path.to_path(Platform::HERE)),
    }
}
