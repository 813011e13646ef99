//! The .torrent file (BEP 3, 12, 19, 27, 47, 52): reading, checking and building.
//!
//! What must stay true: a [`Torrent`] is consistent in itself (pieces cover exactly the files, both
//! versions of a hybrid describe the same files, piece layers hash to their roots), every path
//! component is a plain name, and whatever is refused is refused with the name of the field.

mod build;
mod error;
mod files;
mod info;
mod layers;
mod own;
mod path;
#[cfg(test)]
mod tests;
mod torrent;
mod urls;

pub use build::{Builder, Built};
pub use error::MetainfoError;
pub use info::{Form, Info};
pub use own::{Own, Policy};
pub use torrent::Torrent;

/// Largest .torrent file and largest `info` dictionary.
pub const METADATA_LEN_MAX: usize = 32 * 1024 * 1024;
/// Most files, pad files included.
pub const FILES_MAX: usize = 500_000;
/// Longest piece.
pub const PIECE_LEN_MAX: u32 = 256 * 1024 * 1024;
/// Most levels of folders.
pub const PATH_DEPTH_MAX: usize = 128;
/// Most names in the paths of all files together: what a deep tree multiplies must stay in memory.
pub const PATH_NAMES_MAX: usize = 6_000_000;
/// Most clashes of file names that are solved by renaming, and most tries for one.
pub const RENAMES_MAX: usize = 50;
/// Most values in one .torrent file.
const NODE_MAX: usize = 6_000_000;

/// One file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct File {
    /// Names below the torrent's top folder; for a single file just its name. Each is a plain name:
    /// no separator, no control character, neither `.` nor `..`, never empty.
    pub path: Vec<String>,
    /// Another last name to be used on disk, because an earlier file or a folder has this path.
    pub renamed: Option<String>,
    /// Length in bytes; 0 for symbolic links.
    pub len: u64,
    /// Padding between files (BEP 47): zero bytes, never written to disk.
    pub pad: bool,
    /// The file may be executed.
    pub executable: bool,
    /// The file is hidden on systems that know such a flag.
    pub hidden: bool,
    /// The file is a symbolic link to this path below the torrent's top folder. Whether to make it
    /// is for the writer to decide; nothing says that the target exists or that links end.
    pub symlink: Option<Vec<String>>,
    /// Root of the file's SHA-256 tree (BEP 52).
    pub pieces_root: Option<[u8; 32]>,
}

impl File {
    /// A plain file.
    pub fn new(path: Vec<String>, len: u64) -> Self {
        Self {
            path,
            len,
            ..Self::default()
        }
    }

    /// The same file with the executable flag.
    #[must_use]
    pub fn with_executable(self, executable: bool) -> Self {
        Self { executable, ..self }
    }

    /// The same file with the root of its SHA-256 tree.
    #[must_use]
    pub fn with_pieces_root(self, root: [u8; 32]) -> Self {
        Self {
            pieces_root: Some(root),
            ..self
        }
    }

    /// Padding of this length.
    pub fn padding(len: u64) -> Self {
        let path = vec![".pad".to_owned(), len.to_string()];
        Self {
            path,
            len,
            pad: true,
            ..Self::default()
        }
    }

    /// The names to use on disk: the path, with its last name replaced if it was renamed.
    pub fn disk_path(&self) -> impl Iterator<Item = &str> {
        let last = self
            .renamed
            .as_deref()
            .or(self.path.last().map(String::as_str));
        let folders = self
            .path
            .split_last()
            .map(|(_, folders)| folders)
            .unwrap_or_default();
        folders.iter().map(String::as_str).chain(last)
    }
}
