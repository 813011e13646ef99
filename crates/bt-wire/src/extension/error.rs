//! Why a message of the extension protocol can't be used.

use thiserror::Error;

/// Says why an extended message can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The message is not bencode, or too long.
    #[error("cannot read extended message: {0}")]
    Bencode(#[from] crate::bencode::BencodeError),
    /// A field is missing or malformed.
    #[error("cannot read extended message: bad {0}")]
    Field(&'static str),
}
