//! The errors that a copy ends with.

use crate::{Error, ErrorKind};

/// The caller ended it.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted")
        .with_hint("the state is saved: the next copy goes on from here")
}
