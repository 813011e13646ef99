//! What was found under a name, told by its first bytes.

use std::fmt;

use swarmcopy_metalink::{Address, Document};

use super::words::failed;
use crate::Error;
use crate::metalink::Place;
use crate::provenance::Provenance;

/// The longest .torrent or metalink that is read, in bytes.
pub const DOCUMENT_LEN_MAX: usize = 32 * 1024 * 1024;

/// What was found under a name.
pub(crate) enum Named {
    /// The bytes of a .torrent.
    Torrent(Vec<u8>, Provenance),
    /// A metalink, or what headers say in its stead, and where it lies.
    Metalink(Box<Document>, Place),
    /// A magnet link, and where it was found.
    Magnet(String, Provenance),
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torrent(..) => "Torrent",
            Self::Metalink(..) => "Metalink",
            Self::Magnet(..) => "Magnet",
        })
    }
}

impl Named {
    /// Tells by the first bytes what a document is. `shown` names it where it is none.
    pub(super) fn of_bytes(bytes: Vec<u8>, place: Place, shown: &str) -> Result<Self, Error> {
        match Kind::of(&bytes) {
            Kind::Metalink => {
                let base = place.url.as_ref();
                let base = base.and_then(|base| Address::try_from(base).ok());
                let document = Document::parse(&bytes, base.as_ref())
                    .map_err(|error| failed(&format!("cannot read {shown}: {error}")))?;
                Ok(Self::Metalink(Box::new(document), place))
            }
            Kind::Magnet => {
                let link = String::from_utf8_lossy(&bytes);
                Ok(Self::Magnet(link.trim().to_owned(), place.from))
            }
            // what is nothing of all that is refused with the field of a torrent that is missing
            Kind::Torrent | Kind::Other => Ok(Self::Torrent(bytes, place.from)),
        }
    }
}

/// What a document looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Torrent,
    Metalink,
    Magnet,
    Other,
}

impl Kind {
    pub(super) fn of(bytes: &[u8]) -> Self {
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

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::what::words::shown;

    #[test]
    fn no_message_shows_a_password() {
        let url = Url::parse("http://me:secret@h:1/a.torrent?b=c").unwrap();
        assert_eq!(shown(&url), "http://h:1/a.torrent?b=..");
        let place = Place::of_url(&url, Provenance::Internet);
        let told = Named::of_bytes(b"<metalink".to_vec(), place, &shown(&url));
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("h:1/a.torrent") && !told.contains("secret"),
            "{told}"
        );
    }

    #[test]
    fn a_link_that_was_fetched_is_trusted_as_far_as_where_it_came_from() {
        let url = Url::parse("http://h/link").unwrap();
        let place = Place::of_url(&url, Provenance::Internet);
        let named = Named::of_bytes(b" magnet:?xt=x\n".to_vec(), place, "x").unwrap();
        assert!(
            matches!(named, Named::Magnet(link, Provenance::Internet) if link == "magnet:?xt=x")
        );
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
