//! Why a service can't be made or started.

use std::io;

use swarmcopy::{Error, ErrorKind};

/// What could not be done, and what to do.
pub(super) fn failed(what: &str, error: &io::Error) -> Error {
    let failed = Error::new(ErrorKind::Failed, format!("cannot {what}: {error}"));
    match error.kind() {
        io::ErrorKind::PermissionDenied => failed.with_hint("do it as an administrator"),
        _ => failed,
    }
}
