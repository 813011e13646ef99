//! The digests that the pieces of a content must have.
//!
//! One entry per piece, in order. SHA-1 digests come from BEP 3's `pieces`; merkle roots over
//! 16 KiB leaves from BEP 52's piece layers; plain SHA-256 digests from Metalink.

use crate::PieceIndex;

/// The digest of one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum PieceDigest {
    /// SHA-1 of the piece's bytes (BEP 3).
    Sha1([u8; 20]),
    /// SHA-256 of the piece's bytes (RFC 5854).
    Sha256([u8; 32]),
    /// Root of the SHA-256 merkle tree over the piece's 16 KiB leaves, padded with zero hashes to
    /// `leaves` leaves (BEP 52).
    Merkle {
        /// The root.
        root: [u8; 32],
        /// How many leaves the tree has: a power of two.
        leaves: u32,
    },
}

/// The digests of all pieces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PieceDigests(Vec<PieceDigest>);

impl PieceDigests {
    /// Takes one digest per piece, in order.
    pub fn new(digests: Vec<PieceDigest>) -> Self {
        Self(digests)
    }

    /// The digest of `piece`, if the list is that long.
    pub fn of(&self, piece: PieceIndex) -> Option<PieceDigest> {
        self.0.get(usize::try_from(piece.value()).ok()?).copied()
    }

    /// How many pieces have a digest.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no piece has a digest.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
