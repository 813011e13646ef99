//! What is wrong with a table, and what its files are.

use super::columns::Problem;
use crate::metainfo::error::MetainfoError;
use crate::metainfo::file::File;

/// Whether a file of a torrent has bytes of its own.
pub(super) fn is_stored(file: &File) -> bool {
    !file.pad && file.symlink.is_none()
}

/// A fault of the column with this name.
pub(super) fn fault(column: &str, problem: Problem) -> MetainfoError {
    let dot = if column.is_empty() { "" } else { "." };
    MetainfoError::field(format!("swarmcopy.tree{dot}{column}"), problem)
}
