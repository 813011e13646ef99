//! How messages show what was named.

use std::path::Path;

use swarmcopy_address::{Shown, typed};
use url::Url;

use crate::{Error, ErrorKind};

/// An address as messages show it: without the name and password that may be in it.
pub(crate) fn shown(url: &Url) -> String {
    Shown(url).to_string()
}

/// A path as messages show it: it may be an address that was written wrongly.
pub(crate) fn path(path: &Path) -> String {
    typed(&path.to_string_lossy()).into_owned()
}

/// Something that can't be read or makes no sense.
pub(crate) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}
