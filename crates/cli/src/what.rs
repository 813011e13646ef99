//! The argument WHAT: the path of a .torrent, an address, a magnet link.
//!
//! What must stay true: no more than `torrent_len_max` bytes are read, whatever the file claims.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser, ValueParser, ValueParserFactory};
use swarmcopy::{Error, ErrorKind};

use crate::not_built::not_built;

/// The longest .torrent that is read, in bytes.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const torrent_len_max: u64 = 32 * 1024 * 1024;

/// What is to be copied, served, checked or shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The path of a file.
    Path(PathBuf),
    /// A magnet link.
    Magnet(String),
    /// An http(s) address of a file.
    Url(String),
}

impl What {
    fn of(text: OsString) -> Self {
        let lower = text
            .to_string_lossy()
            .get(..8)
            .unwrap_or_default()
            .to_ascii_lowercase();
        match text.to_str() {
            Some(link) if lower.starts_with("magnet:") => Self::Magnet(link.to_owned()),
            Some(url) if lower.starts_with("http://") || lower == "https://" => {
                Self::Url(url.to_owned())
            }
            _ => Self::Path(text.into()),
        }
    }

    /// The bytes of the .torrent.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for kinds that are not built yet.
    pub(crate) fn torrent(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Path(path) => read(path),
            Self::Magnet(_) => {
                Err(not_built("copying by a magnet link")
                    .with_hint("give the path of the .torrent"))
            }
            Self::Url(_) => Err(not_built("fetching a .torrent from a URL")
                .with_hint("download the .torrent and give its path")),
        }
    }
}

impl ValueParserFactory for What {
    type Parser = ValueParser;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new()
            .try_map(|text| Ok::<_, Infallible>(Self::of(text)))
            .into()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let extension = path.extension().map(OsStr::to_ascii_lowercase);
    if extension.is_some_and(|text| text == "meta4" || text == "metalink") {
        return Err(not_built("reading a metalink").with_hint("give the path of the .torrent"));
    }
    let failed = |why: &dyn std::fmt::Display| {
        Error::new(
            ErrorKind::Failed,
            format!("cannot read {}: {why}", path.display()),
        )
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(torrent_len_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= torrent_len_max) {
        return Ok(bytes);
    }
    Err(failed(&format!(
        "it is longer than the {torrent_len_max} bytes that a .torrent may have"
    )))
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
        assert_eq!(
            What::of("https://s/a".into()),
            What::Url("https://s/a".into())
        );
        assert_eq!(
            What::of("Http://s/a".into()),
            What::Url("Http://s/a".into())
        );
        for path in [
            "CS5.torrent",
            "//server/share/CS5.torrent",
            "http",
            "ü",
            "C:\\x",
        ] {
            assert_eq!(What::of(path.into()), What::Path(path.into()));
        }
    }
}
