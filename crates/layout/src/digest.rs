//! The digests that the pieces of a content must have.
//!
//! One entry per piece, in order. SHA-1 digests come from BEP 3's `pieces`; merkle roots over
//! 16 KiB leaves from BEP 52's piece layers; plain digests of SHA-2 from Metalink.

use std::collections::BTreeMap;

use crate::{FileIndex, PieceIndex};

/// The digest of one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum PieceDigest {
    /// SHA-1 of the piece's bytes (BEP 3).
    Sha1([u8; 20]),
    /// SHA-256 of the piece's bytes (RFC 5854).
    Sha256([u8; 32]),
    /// SHA-384 of the piece's bytes (RFC 5854).
    Sha384([u8; 48]),
    /// SHA-512 of the piece's bytes (RFC 5854).
    Sha512([u8; 64]),
    /// Root of the SHA-256 merkle tree over the piece's 16 KiB leaves, padded with zero hashes to
    /// `leaves` leaves (BEP 52).
    Merkle {
        /// The root.
        root: [u8; 32],
        /// How many leaves the tree has: a power of two.
        leaves: u32,
    },
    /// None of its own: the file that it is a part of has a [`FileDigest`].
    WithFile,
}

/// The digest of a whole file, where its pieces have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[non_exhaustive]
pub enum FileDigest {
    /// SHA-1 of the file's bytes.
    Sha1([u8; 20]),
    /// SHA-256 of the file's bytes.
    Sha256([u8; 32]),
    /// SHA-384 of the file's bytes.
    Sha384([u8; 48]),
    /// SHA-512 of the file's bytes.
    Sha512([u8; 64]),
}

/// The digests of all pieces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PieceDigests {
    pieces: Vec<PieceDigest>,
    files: BTreeMap<FileIndex, FileDigest>,
}

impl PieceDigests {
    /// Takes one digest per piece, in order.
    pub fn new(digests: Vec<PieceDigest>) -> Self {
        Self {
            pieces: digests,
            files: BTreeMap::new(),
        }
    }

    /// The same, with the digests of the files whose pieces are [`PieceDigest::WithFile`].
    #[must_use]
    pub fn with_files(mut self, files: impl IntoIterator<Item = (FileIndex, FileDigest)>) -> Self {
        self.files = files.into_iter().collect();
        self
    }

    /// The digest of `file`, if it is verified as a whole.
    pub fn of_file(&self, file: FileIndex) -> Option<FileDigest> {
        self.files.get(&file).copied()
    }

    /// The files that are verified as a whole.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (FileIndex, FileDigest)> {
        self.files.iter().map(|(file, digest)| (*file, *digest))
    }

    /// The digest of `piece`, if the list is that long.
    pub fn of(&self, piece: PieceIndex) -> Option<PieceDigest> {
        self.pieces
            .get(usize::try_from(piece.value()).ok()?)
            .copied()
    }

    /// How many pieces have a digest.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether no piece has a digest.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}
