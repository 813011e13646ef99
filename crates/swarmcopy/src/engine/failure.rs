//! The errors that a copy ends with.

use swarmcopy_piece_store::{StoreError, StoreErrorKind};

use crate::{Error, ErrorKind};

/// The caller ended it.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
        .with_hint("the state is saved: the next copy goes on from here")
}

/// The store can't go on.
pub(crate) fn disk_failed(error: &StoreError) -> Error {
    let kind = match error.kind() {
        StoreErrorKind::Full
        | StoreErrorKind::ReadOnly
        | StoreErrorKind::Permission
        | StoreErrorKind::Held
        | StoreErrorKind::Obstructed => ErrorKind::Disk,
        StoreErrorKind::Wrong => ErrorKind::Mismatch,
        _ => ErrorKind::Failed,
    };
    let failed = Error::new(kind, error.to_string());
    if matches!(error, StoreError::SameName { .. }) {
        return failed.with_hint(
            "choose files with `select`, copy to a disk that tells the names apart, or rename one \
             and make the torrent again",
        );
    }
    match error.kind() {
        StoreErrorKind::Full => failed.with_hint("free some space and start the copy again"),
        StoreErrorKind::ReadOnly | StoreErrorKind::Permission => {
            failed.with_hint("choose a folder that this account may write to")
        }
        StoreErrorKind::Held => failed
            .with_hint("close the program that has it open, then start the same command again"),
        StoreErrorKind::Obstructed => {
            failed.with_hint("choose another folder, or move away what stands in its place")
        }
        StoreErrorKind::Wrong => failed
            .with_hint("a mirror sends other bytes; what was wrong is removed, the rest is kept"),
        _ => failed,
    }
}
