//! Why a .torrent file is refused, with the name of the field.

use thiserror::Error;

use crate::bencode::BencodeError;

/// Says why metainfo can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetainfoError {
    /// The file is no bencode, or too large.
    #[error("cannot read torrent: {0}")]
    Bencode(#[from] BencodeError),
    /// A field is missing, malformed or contradicts another one.
    #[error("cannot use torrent: {field}: {problem}")]
    Field {
        /// The field, such as `info.piece length` or `info.files[3].path`.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl MetainfoError {
    pub(super) fn field(field: impl Into<String>, problem: &'static str) -> Self {
        Self::Field {
            field: field.into(),
            problem,
        }
    }
}
