//! The hash trees of BitTorrent v2 (BEP 52): 16 KiB leaves, piece layers and file roots.
//!
//! A file is cut into 16 KiB leaves (the last may be short); leaves behind its end count as 32 zero bytes.
//! The root over the leaves of one piece is its entry in the file's piece layer, the root over that layer is
//! the file's `pieces root`. A file no longer than one piece has no layer: its root covers only the least
//! power of two of leaves that holds it.
//!
//! What must stay true: memory grows with the real leaves, never with a claimed width.
//!
//! ```
//! use swarmcopy_digest::merkle::{layer_root, piece_root};
//!
//! let (piece_len, file) = (32 << 10, vec![7_u8; 70_000]);
//! let layer: Vec<_> = file
//!     .chunks(32 << 10)
//!     .map(|piece| piece_root(&[piece], piece_len, 70_000))
//!     .collect::<Result<_, _>>()?;
//! let pieces_root = layer_root(&layer, piece_len)?;
//! assert_ne!(pieces_root, layer[0]);
//! # Ok::<(), swarmcopy_digest::merkle::MerkleError>(())
//! ```

use crate::Sha256Digest;
use crate::many::sha256_ropes;
use crate::rope::Rope;

/// The length of a leaf: 16 KiB.
pub const LEAF_LEN: u32 = 1 << 14;

const LEAF_BYTES: usize = 1 << 14;

/// What a leaf behind the end of a file counts as.
const ZERO_LEAF: Sha256Digest = [0; 32];

/// Says why a tree cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MerkleError {
    /// The piece length is not a power of two of at least 16 KiB.
    #[error("piece length {0} is not a power of two of at least 16 KiB")]
    PieceLen(u64),
    /// There are more hashes than the tree has places.
    #[error("{hashes} hashes do not fit a tree of {places} places")]
    TooMany {
        /// The hashes given.
        hashes: usize,
        /// The places at the bottom of the tree.
        places: u64,
    },
}

/// Returns the hash of each 16 KiB leaf of the bytes in `parts`; the last may cover less.
///
/// No bytes have no leaves.
pub fn sha256_leaves(parts: &[&[u8]]) -> Vec<Sha256Digest> {
    let mut rope = Rope::new(parts);
    let mut leaves = Vec::new();
    while rope.len() > 0 {
        leaves.push(rope.split_front(LEAF_BYTES));
    }
    sha256_ropes(&leaves)
}

/// Returns the root over `leaves`, padded with zero leaves to the next power of two; zeros for no leaf.
pub fn merkle_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    let depth = leaves
        .len()
        .checked_next_power_of_two()
        .map_or(usize::BITS, usize::trailing_zeros);
    root(leaves.to_vec(), depth, ZERO_LEAF)
}

/// Returns the root over one piece: its entry in the piece layer of a file of `file_len` bytes.
///
/// For a file no longer than `piece_len` this is the file's `pieces root`.
///
/// # Errors
/// When `piece_len` is not one of BEP 52, or `parts` are longer than the piece can be.
pub fn piece_root(
    parts: &[&[u8]],
    piece_len: u64,
    file_len: u64,
) -> Result<Sha256Digest, MerkleError> {
    let whole = leaves_of_piece(piece_len)?;
    let places = match file_len
        .div_ceil(u64::from(LEAF_LEN))
        .checked_next_power_of_two()
    {
        Some(of_file) if file_len <= piece_len => of_file,
        _ => whole,
    };
    let leaves = sha256_leaves(parts);
    check_fits(leaves.len(), places)?;
    Ok(root(leaves, places.trailing_zeros(), ZERO_LEAF))
}

/// Returns the `pieces root` of a file from its piece layer, of which each hash covers `piece_len` bytes.
///
/// # Errors
/// When `piece_len` is not one of BEP 52.
pub fn layer_root(layer: &[Sha256Digest], piece_len: u64) -> Result<Sha256Digest, MerkleError> {
    let pad = zero_root(leaves_of_piece(piece_len)?.trailing_zeros());
    let depth = layer
        .len()
        .checked_next_power_of_two()
        .map_or(usize::BITS, usize::trailing_zeros);
    Ok(root(layer.to_vec(), depth, pad))
}

/// Folds `layer` upwards `depth` times; what is missing at the bottom counts as `pad`.
fn root(mut layer: Vec<Sha256Digest>, depth: u32, mut pad: Sha256Digest) -> Sha256Digest {
    for _ in 0..depth {
        if layer.len() % 2 == 1 {
            layer.push(pad);
        }
        layer = parents(&layer);
        pad = parent(&pad, &pad);
    }
    layer.first().copied().unwrap_or(pad)
}

fn parents(layer: &[Sha256Digest]) -> Vec<Sha256Digest> {
    let (pairs, _) = layer.as_chunks::<2>();
    let parts: Vec<[&[u8]; 1]> = pairs.iter().map(|pair| [pair.as_flattened()]).collect();
    let ropes: Vec<Rope<'_>> = parts.iter().map(|parts| Rope::new(parts)).collect();
    sha256_ropes(&ropes)
}

fn parent(left: &Sha256Digest, right: &Sha256Digest) -> Sha256Digest {
    crate::sha256([*left, *right].as_flattened())
}

/// The root of a tree of `depth` in which every leaf is zero.
fn zero_root(depth: u32) -> Sha256Digest {
    (0..depth).fold(ZERO_LEAF, |hash, _| parent(&hash, &hash))
}

fn leaves_of_piece(piece_len: u64) -> Result<u64, MerkleError> {
    if piece_len.is_power_of_two() && piece_len >= u64::from(LEAF_LEN) {
        return Ok(piece_len / u64::from(LEAF_LEN));
    }
    Err(MerkleError::PieceLen(piece_len))
}

fn check_fits(hashes: usize, places: u64) -> Result<(), MerkleError> {
    if u64::try_from(hashes).is_ok_and(|hashes| hashes <= places) {
        return Ok(());
    }
    Err(MerkleError::TooMany { hashes, places })
}
