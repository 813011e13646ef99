//! How messages show what was named.

use swarmcopy_address::Shown;
use url::Url;

use crate::{Error, ErrorKind};

/// An address as messages show it: without the name and password that may be in it.
pub(crate) fn shown(url: &Url) -> String {
    Shown(url).to_string()
}

/// Something that can't be read or makes no sense.
pub(crate) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}
