//! Whether pieces have their digests, several side by side.
//!
//! What must stay true: a piece without a digest is never right, unless its file has one.

use bytes::Bytes;
use swarmcopy_digest::{Sha384, Sha512, merkle, sha1_many, sha1_side_by_side_min, sha256_many};
use swarmcopy_layout::{BLOCK_LEN, PieceDigest, PieceIndex};

use crate::files::{u64_of, usize_of};
use crate::target::Target;

/// Pieces that are hashed side by side at most: what the widest vector registers take.
pub(crate) const BATCH_PIECES_MAX: usize = 16;

/// How many pieces of `target` must be there at least to be hashed side by side with profit.
pub(crate) fn side_by_side_min(target: &Target) -> usize {
    let first = target.layout().piece(0);
    match first.and_then(|piece| target.digests().of(piece)) {
        Some(PieceDigest::Sha1(_)) => sha1_side_by_side_min(),
        _ => 1,
    }
}

/// Tells for each piece whether its bytes (all of them, in order) have its digest.
pub(crate) fn verify(target: &Target, pieces: &[(PieceIndex, &[Bytes])]) -> Vec<bool> {
    let digests: Vec<_> = pieces
        .iter()
        .map(|(piece, _)| target.digests().of(*piece))
        .collect();
    let slices: Vec<Vec<&[u8]>> = pieces
        .iter()
        .map(|(_, parts)| parts.iter().map(AsRef::as_ref).collect())
        .collect();
    let side_by_side = |is: fn(&PieceDigest) -> bool| -> Vec<&[&[u8]]> {
        slices
            .iter()
            .zip(&digests)
            .filter(|(_, digest)| digest.as_ref().is_some_and(is))
            .map(|(parts, _)| parts.as_slice())
            .collect()
    };
    let sha1s = side_by_side(|digest| matches!(digest, PieceDigest::Sha1(_)));
    let mut sha1s = sha1_many(&sha1s).into_iter();
    let sha256s = side_by_side(|digest| matches!(digest, PieceDigest::Sha256(_)));
    let mut sha256s = sha256_many(&sha256s).into_iter();
    let mut right = Vec::with_capacity(pieces.len());
    for (((piece, _), digest), parts) in pieces.iter().zip(&digests).zip(&slices) {
        right.push(match *digest {
            Some(PieceDigest::Sha1(want)) => sha1s.next() == Some(want),
            Some(PieceDigest::Sha256(want)) => sha256s.next() == Some(want),
            Some(PieceDigest::Merkle { root, leaves }) => {
                let stored = stored_len(target, *piece);
                merkle_root(&cut(parts, stored), leaves) == Some(root)
            }
            Some(PieceDigest::Sha384(want)) => sha384(parts) == want,
            Some(PieceDigest::Sha512(want)) => sha512(parts) == want,
            // its file is proven before the copy is published
            Some(PieceDigest::WithFile) => true,
            _ => false,
        });
    }
    right
}

/// The digest that `parts` have, of the kind of `digest`; `None` if there is no such kind for a piece.
/// `stored` is how many bytes come before a pad.
pub(crate) fn digest_of_same_kind(
    digest: PieceDigest,
    stored: u64,
    parts: &[Bytes],
) -> Option<PieceDigest> {
    let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
    match digest {
        PieceDigest::Sha1(_) => sha1_many(&[&parts])
            .into_iter()
            .next()
            .map(PieceDigest::Sha1),
        PieceDigest::Sha256(_) => sha256_many(&[&parts])
            .into_iter()
            .next()
            .map(PieceDigest::Sha256),
        PieceDigest::Sha384(_) => Some(PieceDigest::Sha384(sha384(&parts))),
        PieceDigest::Sha512(_) => Some(PieceDigest::Sha512(sha512(&parts))),
        PieceDigest::Merkle { leaves, .. } => {
            let root = merkle_root(&cut(&parts, stored), leaves)?;
            Some(PieceDigest::Merkle { root, leaves })
        }
        _ => None,
    }
}

fn sha384(parts: &[&[u8]]) -> [u8; 48] {
    let mut hasher = Sha384::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hasher = Sha512::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

fn merkle_root(parts: &[&[u8]], leaves: u32) -> Option<[u8; 32]> {
    let len = u64::from(leaves).checked_mul(u64::from(BLOCK_LEN))?;
    merkle::piece_root(parts, len, len).ok()
}

/// How many bytes of `piece` come before its first pad: the trees of BEP 52 cover one file.
pub(crate) fn stored_len(target: &Target, piece: PieceIndex) -> u64 {
    let layout = target.layout();
    let span = layout.piece_span(piece);
    let pad = layout.slices(span).find(|slice| {
        layout
            .file(slice.file)
            .is_some_and(|file| file.attributes().pad)
    });
    pad.map_or(span.len(), |pad| pad.span.start() - span.start())
}

/// The first `len` bytes of `parts`.
fn cut<'a>(parts: &[&'a [u8]], len: u64) -> Vec<&'a [u8]> {
    let mut rest = len;
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        let take = rest.min(u64_of(part.len()));
        rest -= take;
        kept.extend(part.get(..usize_of(take)).filter(|part| !part.is_empty()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shape;
    use std::sync::Arc;
    use swarmcopy_layout::{Attributes, Layout, PieceDigests, RelPath};

    #[test]
    fn pieces_of_each_kind_are_told_right_from_wrong() {
        let path = |path: &str| RelPath::parse(path).unwrap();
        let mut builder = Layout::builder(32 << 10).file(path("a"), (32 << 10) + 20_000);
        builder.push(path("pad"), (32 << 10) - 20_000, Attributes::pad());
        builder = builder.file(path("b"), 5 + 2 * (32 << 10));
        let layout = Arc::new(builder.build().unwrap());
        let first = vec![1; 32 << 10];
        let mut second = vec![2; 20_000];
        let root = merkle::piece_root(&[&second], 32 << 10, 52_768).unwrap();
        second.resize(32 << 10, 0);
        let digests = vec![
            PieceDigest::Sha1(swarmcopy_digest::sha1(&first)),
            PieceDigest::Merkle { root, leaves: 2 },
            PieceDigest::Sha512(sha512(&[&first[..9], &first[9..]])),
            PieceDigest::Sha384(sha384(&[&first])),
            PieceDigest::Sha256(swarmcopy_digest::sha256(b"third")),
        ];
        let digests = Arc::new(PieceDigests::new(digests));
        let target = Target::new(path("n"), Shape::Tree, layout, digests, [0; 32]).unwrap();
        let piece = |index| target.layout().piece(index).unwrap();
        let (first, second) = ([Bytes::from(first)], [Bytes::from(second)]);
        let third = [Bytes::from_static(b"third")];
        let right = [
            (4, &third),
            (0, &first),
            (1, &second),
            (2, &first),
            (3, &first),
        ];
        let right = right.map(|(at, bytes)| (piece(at), bytes.as_slice()));
        assert_eq!(verify(&target, &right), [true; 5]);
        let wrong = [
            (1, &first),
            (4, &second),
            (0, &third),
            (2, &second),
            (3, &second),
        ];
        let wrong = wrong.map(|(at, bytes)| (piece(at), bytes.as_slice()));
        assert_eq!(verify(&target, &wrong), [false; 5]);
    }
}
