//! What can go wrong with a store, and what the caller can do about it.
//!
//! Every message names the path or the piece; [`StoreError::kind`] tells what kind of remedy there is.

use std::io;
use std::path::{Path, PathBuf};

use swarmcopy_layout::{RelPath, Span};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No space, quota or file length left.
    Full,
    /// The file system takes no writes.
    ReadOnly,
    /// The account may not do this.
    Permission,
    /// A file or folder is not there.
    Missing,
    /// Something else lies in the place of a file or folder: a link, or the other of the two.
    Obstructed,
    /// Another process holds the copy.
    Busy,
    /// Another program holds a file open.
    Held,
    /// The name or the whole path is longer than the disk can hold.
    NameTooLong,
    /// The system lets nobody open more files.
    OutOfFiles,
    /// The bytes that came are not those of the content.
    Wrong,
    /// The content or the caller's demand can't be served at all.
    Refused,
    /// Anything else the system reports.
    Other,
}

impl StoreErrorKind {
    /// What kind of failure of a disk `cause` is.
    pub fn of(cause: &io::Error) -> Self {
        use io::ErrorKind as Io;
        match cause.kind() {
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge | Io::WriteZero => Self::Full,
            Io::ReadOnlyFilesystem => Self::ReadOnly,
            Io::PermissionDenied => Self::Permission,
            Io::NotFound | Io::UnexpectedEof => Self::Missing,
            // a folder that is to be made where a file stands already exists
            Io::NotADirectory | Io::IsADirectory | Io::AlreadyExists | Io::InvalidInput => {
                Self::Obstructed
            }
            Io::InvalidFilename => Self::NameTooLong,
            Io::ExecutableFileBusy => Self::Held,
            _ if swarmcopy_sys::held::is_held(cause) => Self::Held,
            _ if swarmcopy_sys::retry::is_out_of_files(cause) => Self::OutOfFiles,
            _ => Self::Other,
        }
    }
}

/// Why a store can't do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused an operation on a path.
    #[error("cannot {action} {}: {cause}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// Another process writes the same copy.
    #[error("cannot lock {}: another process writes this copy", path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// Pieces are longer than can be assembled.
    #[error("cannot assemble pieces of {len} bytes: the limit is {max}")]
    PieceTooLong {
        /// The length asked for.
        len: u64,
        /// The longest that is taken.
        max: u64,
    },
    /// There is not one digest per piece.
    #[error("cannot verify {pieces} pieces with {digests} digests")]
    DigestCount {
        /// Pieces of the layout.
        pieces: u32,
        /// Digests given.
        digests: usize,
    },
    /// Two files of the content would be one on this disk.
    #[error("cannot store {first} and {second} as two files: this disk takes their names for one")]
    SameName {
        /// One file.
        first: RelPath,
        /// The other.
        second: RelPath,
    },
    /// A name for the content that is no single name.
    #[error("cannot store content under the name {name}: it is not a single name")]
    Name {
        /// The name.
        name: RelPath,
    },
    /// The place of a staged copy is taken.
    #[error("cannot publish the staged copy: {} is not empty", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// Bytes were asked for that are not verified yet.
    #[error("cannot read bytes of piece {piece}: it is not verified")]
    NotVerified {
        /// The piece.
        piece: u32,
    },
    /// Bytes were asked for that the content does not have.
    #[error("cannot read {span}: the content ends before")]
    OutOfRange {
        /// The bytes.
        span: Span,
    },
    /// A buffer is not as long as the bytes asked for.
    #[error("cannot read {span} into a buffer of {len} bytes")]
    BufferLen {
        /// The bytes.
        span: Span,
        /// The buffer's length.
        len: usize,
    },
    /// Not all pieces are there.
    #[error("cannot finish the copy: {missing} pieces are missing")]
    Incomplete {
        /// How many lack.
        missing: u32,
    },
    /// Files that have a hash as a whole alone don't have it.
    #[error("cannot publish the copy: {}", wrong_files(first, *count))]
    WholeFile {
        /// The first of them.
        first: RelPath,
        /// How many they are.
        count: usize,
    },
    /// The store was opened for reading only, or is closed.
    #[error("cannot {action}: the store takes no writes")]
    Closed {
        /// What was tried.
        action: &'static str,
    },
}

impl StoreError {
    pub(crate) fn disk(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Disk {
            action,
            path: path.to_owned(),
            cause,
        }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Disk { cause, .. } => StoreErrorKind::of(cause),
            Self::Locked { .. } => StoreErrorKind::Busy,
            Self::Occupied { .. } => StoreErrorKind::Obstructed,
            Self::WholeFile { .. } => StoreErrorKind::Wrong,
            _ => StoreErrorKind::Refused,
        }
    }

    /// The path it is about, if any.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Disk { path, .. } | Self::Locked { path } | Self::Occupied { path } => Some(path),
            _ => None,
        }
    }
}

fn wrong_files(first: &RelPath, count: usize) -> String {
    match count {
        0 | 1 => format!("{first} does not have its hash"),
        _ => format!("{first} and {} more do not have their hashes", count - 1),
    }
}
