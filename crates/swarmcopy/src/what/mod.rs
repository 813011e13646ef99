//! What a person names: a path, an http(s) address or a magnet link, of a .torrent or a metalink.
//!
//! What it is, is told by its first bytes and not by its name. What must stay true: no more than
//! `document_len_max` bytes are read, whatever is claimed; an address of a plain file is copied only
//! where its server tells a hash of it (RFC 6249).

mod magnet;
mod plain;
mod web;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use swarmcopy_metalink::Document;
use url::Url;

use crate::metalink::Place;
use crate::{Content, CopyOptions, Error, ErrorKind, Session, metalink};
pub(crate) use plain::name_of;
pub(crate) use web::Web;

/// The longest .torrent or metalink that is read, in bytes.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const document_len_max: usize = 32 * 1024 * 1024;

/// What names a content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The path of a .torrent or a metalink.
    Path(PathBuf),
    /// A magnet link.
    Magnet(String),
    /// An http(s) address of a .torrent, a metalink, a text that is a magnet link, or a file.
    Url(String),
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
}

/// What was found under a name.
#[derive(Debug)]
pub(crate) enum Named {
    /// The bytes of a .torrent.
    Torrent(Vec<u8>),
    /// A metalink, or what headers say in its stead, and where it lies.
    Metalink(Box<Document>, Place),
    /// A magnet link.
    Magnet(String),
}

impl Named {
    /// Reads what `what` names. May be dropped at any await.
    pub(crate) async fn read(what: &What, web: &Web) -> Result<Self, Error> {
        match what {
            What::Magnet(link) => Ok(Self::Magnet(link.clone())),
            What::Url(url) => plain::read(url, web).await,
            What::Path(path) => {
                let owned = path.clone();
                let bytes = tokio::task::spawn_blocking(move || read(&owned)).await;
                let bytes = bytes.map_err(|error| failed(&error))??;
                Self::of_bytes(bytes, Place::of_path(path), &path.display().to_string())
            }
        }
    }

    /// Fetches a document that another one names. May be dropped at any await.
    pub(crate) async fn fetch(url: &Url, web: &Web) -> Result<Self, Error> {
        let fetched = web.fetch(url.as_str()).await?;
        let at = fetched.url().unwrap_or(url);
        let place = Place::of_url(at);
        let shown = shown(at);
        match fetched.body {
            Some(body) => Self::of_bytes(body, place, &shown),
            None => Err(failed(&format!("{shown} is no .torrent and no metalink"))),
        }
    }

    /// Tells by the first bytes what a document is. `shown` names it where it is none.
    fn of_bytes(bytes: Vec<u8>, place: Place, shown: &str) -> Result<Self, Error> {
        match Kind::of(&bytes) {
            Kind::Metalink => {
                let document = Document::parse(&bytes, place.url.as_ref())
                    .map_err(|error| failed(&format!("cannot read {shown}: {error}")))?;
                Ok(Self::Metalink(Box::new(document), place))
            }
            Kind::Magnet => {
                let link = String::from_utf8_lossy(&bytes);
                Ok(Self::Magnet(link.trim().to_owned()))
            }
            // what is nothing of all that is refused with the field of a torrent that is missing
            Kind::Torrent | Kind::Other => Ok(Self::Torrent(bytes)),
        }
    }
}

/// An address as messages show it: without the name and password that may be in it.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // an address that can hold no login has none
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

/// What a document looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Torrent,
    Metalink,
    Magnet,
    Other,
}

impl Kind {
    fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let bytes = bytes.trim_ascii_start();
        let begins = |with: &[u8]| {
            let head = bytes.get(..with.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(with))
        };
        if bytes.first() == Some(&b'd') && bytes.get(1).is_some_and(u8::is_ascii_digit) {
            Self::Torrent
        } else if begins(b"magnet:?") {
            Self::Magnet
        } else if begins(b"<?xml") || begins(b"<metalink") || begins(b"<!--") {
            Self::Metalink
        } else {
            Self::Other
        }
    }
}

impl Session {
    /// Finds out what `what` names and makes a content of it. The .torrents and metalinks that a
    /// metalink leads to are fetched, and the peers, trackers and addresses of a magnet link are
    /// asked for its description, besides the peers and trackers of `options`. A magnet link waits
    /// until some peer answers, as long as the time-out or the deadline of the options allow.
    ///
    /// May be dropped at any await.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] when it can't be read or makes no sense, [`ErrorKind::Incomplete`] when
    /// no peer described the content of a magnet link in time.
    pub async fn find(&self, what: &What, options: &CopyOptions) -> Result<Content, Error> {
        let web = Web::new(options)?;
        let mut named = Named::read(what, &web).await?;
        let mut link = None;
        if let Named::Magnet(text) = &named {
            let magnet = magnet::parse(text)?;
            named = Named::Torrent(magnet::torrent(&magnet, &self.inner, options, &web).await?);
            link = Some(magnet);
        }
        let content = match named {
            Named::Torrent(bytes) => Content::torrent(bytes)?,
            Named::Metalink(document, place) => metalink::content(*document, &place, &web).await?,
            Named::Magnet(_) => return Err(failed(&"a magnet link leads to another")),
        };
        let mut content = content.options(options.clone());
        if let Some(magnet) = link {
            magnet::advise(&magnet, &mut content);
        }
        Ok(content)
    }
}

impl Place {
    fn of_path(path: &Path) -> Self {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        Self {
            url: None,
            folder: Some(folder),
            stem: stem.unwrap_or_default(),
        }
    }

    fn of_url(url: &Url) -> Self {
        let name = plain::name_of(url).unwrap_or_default();
        let stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem);
        Self {
            stem: stem.to_owned(),
            url: Some(url.clone()),
            folder: None,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let refused =
        |why: &dyn std::fmt::Display| failed(&format!("cannot read {}: {why}", path.display()));
    let file = File::open(path).map_err(|error| refused(&error))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(document_len_max).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| refused(&error))?;
    if bytes.len() <= document_len_max {
        return Ok(bytes);
    }
    Err(refused(&format!(
        "it is longer than the {document_len_max} bytes that a .torrent or a metalink may have"
    )))
}

pub(crate) fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_password() {
        let url = Url::parse("http://me:secret@h:1/a.torrent?b=c").unwrap();
        assert_eq!(shown(&url), "http://h:1/a.torrent?b=c");
        let told = Named::of_bytes(b"<metalink".to_vec(), Place::of_url(&url), &shown(&url));
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("h:1/a.torrent") && !told.contains("secret"),
            "{told}"
        );
    }

    #[test]
    fn addresses_are_told_from_paths() {
        assert_eq!(
            What::of("MAGNET:?xt=x".into()),
            What::Magnet("MAGNET:?xt=x".into())
        );
        for url in ["https://s/a", "Http://s/a"] {
            assert_eq!(What::of(url.into()), What::Url(url.into()));
        }
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

    #[test]
    fn a_document_is_told_by_its_first_bytes() {
        for (bytes, kind) in [
            (&b"d8:announce"[..], Kind::Torrent),
            (b"\xef\xbb\xbf<?xml version='1.0'?>", Kind::Metalink),
            (b"\n <metalink xmlns='x'/>", Kind::Metalink),
            (b"Magnet:?xt=x\n", Kind::Magnet),
            (b"<!DOCTYPE html>", Kind::Other),
            (b"data", Kind::Other),
            (b"", Kind::Other),
        ] {
            assert_eq!(Kind::of(bytes), kind, "{bytes:?}");
        }
    }
}
