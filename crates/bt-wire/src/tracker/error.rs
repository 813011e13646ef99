//! Why a tracker's message can't be used.

use thiserror::Error;

/// Says why a tracker's message can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// The tracker refused, in its own words.
    #[error("tracker refused: {0}")]
    Refused(String),
    /// The reply is not bencode.
    #[error("cannot read tracker reply: {0}")]
    Bencode(#[from] crate::bencode::BencodeError),
    /// A field is missing or malformed.
    #[error("cannot read tracker message: bad {0}")]
    Field(&'static str),
}
