//! What a person names: a path, an http(s) address or a magnet link, of a .torrent or a metalink.
//!
//! What it is, is told by its first bytes and not by its name. What must stay true: no more than
//! `DOCUMENT_LEN_MAX` bytes are read, whatever is claimed; an address of a plain file is copied only
//! where its server tells a hash of it (RFC 6249).

mod find;
mod finding;
mod magnet;
mod named;
mod plain;
mod read;
mod web;
mod words;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use swarmcopy_address::{Shown, in_text};
use swarmcopy_bt_wire::magnet::Magnet;

pub use finding::{Asked, Finding};
pub(crate) use magnet::unusable;
pub use named::DOCUMENT_LEN_MAX;
pub(crate) use named::Named;
pub(crate) use web::Web;
pub(crate) use words::failed;

/// What names a content.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The path of a .torrent or a metalink.
    Path(PathBuf),
    /// A magnet link.
    Magnet(String),
    /// An http(s) address of a .torrent, a metalink, a text that is a magnet link, or a file.
    Url(String),
}

/// An address without its secrets, of a magnet link what it names.
impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => {
                let path = path.to_string_lossy();
                f.debug_tuple("Path").field(&in_text(&path)).finish()
            }
            Self::Magnet(link) => f
                .debug_tuple("Magnet")
                .field(&link.parse::<Magnet>())
                .finish(),
            Self::Url(url) => f.debug_tuple("Url").field(&Shown(url)).finish(),
        }
    }
}

impl What {
    /// Tells addresses and magnet links from paths.
    ///
    /// ```
    /// use swarmcopy::What;
    /// assert_eq!(What::of("http://h/x".into()), What::Url("http://h/x".into()));
    /// assert_eq!(What::of("C:\\x".into()), What::Path("C:\\x".into()));
    /// ```
    pub fn of(text: OsString) -> Self {
        // what was pasted may have a blank or the end of its line with it
        let pasted = text.to_str().map(str::trim);
        let begins = |with: &str| {
            let head = pasted.and_then(|text| text.get(..with.len()));
            head.is_some_and(|head| head.eq_ignore_ascii_case(with))
        };
        match pasted {
            Some(link) if begins("magnet:") => Self::Magnet(link.to_owned()),
            Some(url) if begins("http://") || begins("https://") => Self::Url(url.to_owned()),
            _ => Self::Path(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        assert_eq!(
            What::of("MAGNET:?xt=x".into()),
            What::Magnet("MAGNET:?xt=x".into())
        );
        for url in [
            "https://s/a",
            "Http://s/a",
            "http://ü.example/a",
            "HTTPS://ü",
        ] {
            assert_eq!(What::of(url.into()), What::Url(url.into()));
        }
        for pasted in [" http://s/a", "http://s/a\n", "\thttp://s/a \r\n"] {
            assert_eq!(What::of(pasted.into()), What::Url("http://s/a".into()));
        }
        for path in [
            "CS5.torrent",
            " CS5.torrent",
            "//server/share/CS5.torrent",
            "http",
            "ü",
            "C:\\x",
        ] {
            assert_eq!(What::of(path.into()), What::Path(path.into()));
        }
    }
}
