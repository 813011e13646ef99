//! What was left out of a document, and why: the reader says so of every entry.
//!
//! The list is bounded: beyond `DROPPED_MAX` entries are counted only. Nothing of a document is
//! repeated at length, and what is repeated is for people: it is quoted when shown.

use crate::excerpt::excerpt;
use crate::hash::HashError;
use crate::limits::{DROPPED_MAX, URLS_MAX};
use crate::path::PathError;
use std::fmt;
use swarmcopy_address::in_text;

/// The kind of an entry that was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A whole file.
    File,
    /// The size of a file; the file stays, of unknown size.
    Size,
    /// A hash of a file.
    Hash,
    /// A piece list.
    Pieces,
    /// A mirror.
    Url,
    /// A metaurl.
    MetaUrl,
    /// A priority or preference; its URL stays, with the lowest priority.
    Priority,
    /// A location; its URL stays.
    Location,
    /// A number of connections; its URL or file stays.
    Connections,
    /// The origin of the document.
    Origin,
    /// A share.
    Share,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Size => "size",
            Self::Hash => "hash",
            Self::Pieces => "piece list",
            Self::Url => "url",
            Self::MetaUrl => "metaurl",
            Self::Priority => "priority",
            Self::Location => "location",
            Self::Connections => "number of connections",
            Self::Origin => "origin",
            Self::Share => "share",
        })
    }
}

/// Why an entry was dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// An attribute that must be there is not.
    #[error("attribute {0} is missing")]
    Missing(&'static str),
    /// A path that does not stay inside.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A hash, or a list of them, that cannot be one.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A second entry where there is one (a size, a hash of the same kind).
    #[error("there is one already, and it differs")]
    Repeated,
    /// The path is taken: by an earlier file, or by a file where this one needs a folder.
    #[error("another file is in the way")]
    Clash,
    /// Not a whole number in the range that holds here.
    #[error("value is no number from {min} to {max}")]
    Number {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Not the two letters of a country.
    #[error("value is not a country of two letters")]
    Country,
    /// No path that could be a folder's.
    #[error("value is no location")]
    Location,
    /// No URL.
    #[error("url cannot be read: {0}")]
    Url(String),
    /// A relative URL in a document whose own URL is not known.
    #[error("url is relative and the document has none of its own")]
    Relative,
    /// A URL of a scheme that is not fetched here.
    #[error("scheme {0:?} is not supported")]
    Scheme(String),
    /// A metaurl to something that is neither a torrent nor a metalink.
    #[error("media type {0:?} is not supported")]
    MediaType(String),
    /// More than [`URLS_MAX`] for one file, or more shares than are taken.
    #[error("there are too many: a file has at most {URLS_MAX}")]
    TooMany,
}

impl Reason {
    /// Whether the document is at fault. If not, the entry may be of use to others, and is not
    /// here: an `rsync` mirror, a hash unknown here.
    pub fn is_fault(&self) -> bool {
        let of_no_use = matches!(
            self,
            Self::Scheme(_) | Self::MediaType(_) | Self::Hash(HashError::Kind(_)) | Self::TooMany
        );
        !of_no_use
    }
}

/// An entry that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// What it was.
    pub what: Part,
    /// The name of the file it belongs to, as written, cut to [`EXCERPT_LEN_MAX`](crate::limits::EXCERPT_LEN_MAX) characters.
    pub file: Option<String>,
    /// What it said, cut as well.
    pub value: String,
    /// Why it was left out.
    pub reason: Reason,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.what, self.value)?;
        match &self.file {
            Some(file) if self.what != Part::File => write!(f, " of {file:?}")?,
            _ => {}
        }
        write!(f, ": {}", self.reason)
    }
}

/// The report being made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) unlisted: u64,
    /// The file that is being read.
    pub(crate) file: Option<String>,
}

impl Report {
    pub(crate) fn push(&mut self, what: Part, value: &str, reason: impl Into<Reason>) {
        if self.dropped.len() >= DROPPED_MAX {
            self.unlisted = self.unlisted.saturating_add(1);
            return;
        }
        let (file, value) = (self.file.clone(), excerpt(&in_text(value)));
        self.dropped.push(Dropped {
            what,
            file,
            value,
            reason: reason.into(),
        });
    }
}
