//! Why a whole document is refused, or cannot be written.

use crate::excerpt::excerpt;

/// A document that is not taken. No part of it is: what can be read around an entry is
/// [`Dropped`](crate::Dropped) instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More of something than a limit allows.
    #[error("cannot read metalink: more than {max} {what} (byte {at})")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit, one of [`limits`](crate::limits).
        max: usize,
        /// Where in the document.
        at: u64,
    },
    /// A document type, which could define entities.
    #[error("cannot read metalink: it has a DOCTYPE (byte {at})")]
    DocType {
        /// Where in the document.
        at: u64,
    },
    /// An entity that is none of the five of XML, or a character that XML does not have.
    #[error("cannot read metalink: unknown entity {name:?} (byte {at})")]
    Entity {
        /// The reference.
        name: String,
        /// Where in the document.
        at: u64,
    },
    /// Not UTF-8.
    #[error("cannot read metalink: it is not UTF-8")]
    Encoding,
    /// Not well-formed.
    #[error("cannot read metalink: {reason} (byte {at})")]
    Xml {
        /// What is wrong.
        reason: String,
        /// Where in the document.
        at: u64,
    },
    /// XML, but no `metalink` element of version 3 or 4 at its root.
    #[error("cannot read metalink: the document is something else")]
    NotMetalink,
    /// Text to be written that XML cannot hold: control characters.
    #[error("cannot write metalink: {0:?} has characters that XML lacks")]
    Unwritable(String),
    /// More to be written than the reader takes.
    #[error("cannot write metalink: more than {max} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The limit, one of [`limits`](crate::limits).
        max: usize,
    },
}

impl Error {
    pub(crate) fn unwritable(text: &str) -> Self {
        Self::Unwritable(excerpt(text))
    }
}
