//! How messages show what was named.

use url::Url;

use crate::{Error, ErrorKind};

/// An address as messages show it: without the name and password that may be in it.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // an address that can hold no login has none
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

/// Something that can't be read or makes no sense.
pub(crate) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}
