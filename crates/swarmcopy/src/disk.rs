//! Errors of the local disk: one kind, with what to do about each.
//!
//! What must stay true: whatever the disk refuses ends with [`ErrorKind::Disk`], the path and the
//! system's reason.

use std::io;
use std::path::Path;

use swarmcopy_piece_store::{StoreError, StoreErrorKind};

use crate::{Error, ErrorKind};

/// The disk refused to do `action` with `path`.
pub(crate) fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot {action} {}: {error}", path.display());
    with_hint(
        Error::new(ErrorKind::Disk, message),
        StoreErrorKind::of(error),
    )
}

/// The store can't go on.
pub(crate) fn store_failed(error: &StoreError) -> Error {
    let kind = match error {
        StoreError::Disk { .. } | StoreError::Occupied { .. } => ErrorKind::Disk,
        StoreError::WholeFile { .. } => ErrorKind::Mismatch,
        _ => ErrorKind::Failed,
    };
    let failed = Error::new(kind, error.to_string());
    match error {
        StoreError::Locked { .. } => failed,
        StoreError::SameName { .. } => failed.with_hint(
            "choose files with `select`, copy to a disk that tells the names apart, or rename one \
             and make the torrent again",
        ),
        _ => with_hint(failed, error.kind()),
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        store_failed(&error)
    }
}

fn with_hint(error: Error, kind: StoreErrorKind) -> Error {
    let hint = match kind {
        StoreErrorKind::Full => "free some space and start the copy again",
        StoreErrorKind::ReadOnly | StoreErrorKind::Permission => {
            "choose a folder that this account may write to"
        }
        StoreErrorKind::Obstructed => {
            "choose another folder, or move away what stands in its place"
        }
        StoreErrorKind::Held => "close the program that has it open, then start the copy again",
        StoreErrorKind::NameTooLong => "choose a folder with a shorter path, or another disk",
        StoreErrorKind::OutOfFiles => "raise the limit of open files (ulimit -n)",
        StoreErrorKind::Wrong => {
            "a mirror sends other bytes; what was wrong is removed, the rest is kept"
        }
        StoreErrorKind::Other if error.kind() == ErrorKind::Disk => {
            "what is verified is kept: the next copy goes on once the disk works"
        }
        _ => return error,
    };
    error.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_disk_refuses_is_of_one_kind_and_names_the_path() {
        // EIO, ENOSPC, EROFS, EACCES, EDQUOT, ENAMETOOLONG, EMFILE, EINTR, EAGAIN, ENOENT
        for code in [5, 28, 30, 13, 122, 36, 24, 4, 11, 2] {
            let cause = || io::Error::from_raw_os_error(code);
            let told = failed("write", Path::new("d/f"), &cause());
            assert_eq!(told.kind(), ErrorKind::Disk, "{told}");
            assert!(told.to_string().starts_with("cannot write d/f: "), "{told}");
            let store = StoreError::Disk {
                action: "write",
                path: "d/f".into(),
                cause: cause(),
            };
            assert_eq!(store_failed(&store).to_string(), told.to_string());
            assert_eq!(store_failed(&store).kind(), ErrorKind::Disk);
        }
    }
}
