//! Piece layers (BEP 52): the SHA-256 digests of a file's pieces, kept outside `info`.
//!
//! What must stay true: a layer that is kept hashes to the root of its file; nothing else is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Info, MetainfoError};
use crate::bencode::Value;
use crate::peer::BLOCK_LEN;

const FIELD: &str = "piece layers";

/// Reads and verifies the layers; a layer may be missing (it can be asked of peers).
pub(super) fn read_layers(
    value: &Value<'_>,
    info: &Info,
) -> Result<BTreeMap<[u8; 32], Bytes>, MetainfoError> {
    let entries = value
        .as_dict()
        .ok_or_else(|| MetainfoError::field(FIELD, "not a dictionary"))?;
    let lens: BTreeMap<[u8; 32], u64> = info
        .files
        .iter()
        .filter_map(|file| Some((file.pieces_root?, file.len)))
        .collect();
    let mut layers = BTreeMap::new();
    for (root, layer) in entries {
        let known = <[u8; 32]>::try_from(root).ok();
        let known = known.and_then(|root| Some((root, *lens.get(&root)?)));
        let (root, len) =
            known.ok_or_else(|| MetainfoError::field(FIELD, "no file has this root"))?;
        if len <= u64::from(info.piece_length) {
            // the root itself is the digest of the only piece
            continue;
        }
        let (digests, rest) = layer.as_bytes().unwrap_or_default().as_chunks::<32>();
        let expected = len.div_ceil(u64::from(info.piece_length));
        if u64::try_from(digests.len()) != Ok(expected) || !rest.is_empty() {
            return Err(MetainfoError::field(
                FIELD,
                "a layer does not fit the length of its file",
            ));
        }
        if root_of(digests, info.piece_length) != root {
            return Err(MetainfoError::field(
                FIELD,
                "a layer does not hash to its root",
            ));
        }
        layers.insert(root, Bytes::copy_from_slice(digests.as_flattened()));
    }
    Ok(layers)
}

/// Computes the root over a layer, filled up with subtrees of zero blocks to a power of two.
pub(super) fn root_of(digests: &[[u8; 32]], piece_length: u32) -> [u8; 32] {
    let mut filler = [0; 32];
    let mut blocks = piece_length.checked_div(BLOCK_LEN).unwrap_or_default();
    while blocks > 1 {
        filler = pair(&filler, &filler);
        blocks /= 2;
    }
    let mut layer = digests.to_vec();
    while layer.len() > 1 {
        if layer.len() % 2 == 1 {
            layer.push(filler);
        }
        layer = layer
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[left, right]| pair(left, right))
            .collect();
        filler = pair(&filler, &filler);
    }
    layer.first().copied().unwrap_or_default()
}

fn pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}
