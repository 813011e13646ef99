//! Whether a piece is nothing but zeros, told by its digest alone.
//!
//! A hole in a file reads as zeros. Where a piece lies in holes only, its digest tells whether it is
//! there, and nothing is read: an interrupted copy leaves much space that is reserved and not written.

use std::collections::HashMap;

use bytes::Bytes;
use swarmcopy_layout::{PieceDigest, PieceIndex};

use crate::files::usize_of;
use crate::pool::SEGMENT_LEN_MAX;
use crate::target::Target;
use crate::verify::{digest_of_same_kind, stored_len};

/// The digests of zeros, by their number and kind.
#[derive(Debug, Default)]
pub(crate) struct Zeros {
    known: HashMap<(u64, u64, Option<u32>), Option<PieceDigest>>,
}

impl Zeros {
    /// Whether `piece` of `target` has the digest of zeros. One without a digest of its own has not.
    pub(crate) fn are(&mut self, target: &Target, piece: PieceIndex) -> bool {
        let Some(digest) = target.digests().of(piece) else {
            return false;
        };
        let kind = match digest {
            PieceDigest::Merkle { leaves, .. } => Some(leaves),
            _ => None,
        };
        let (len, stored) = (
            target.layout().piece_span(piece).len(),
            stored_len(target, piece),
        );
        let known = self.known.entry((len, stored, kind));
        let zeros = known.or_insert_with(|| digest_of_same_kind(digest, stored, &parts(len)));
        *zeros == Some(digest)
    }
}

/// So many zeros, in parts that share their memory.
fn parts(len: u64) -> Vec<Bytes> {
    let part = Bytes::from(vec![0; usize_of(len).min(SEGMENT_LEN_MAX)]);
    let mut rest = usize_of(len);
    let mut parts = Vec::new();
    while rest > 0 {
        let next = part.slice(..rest.min(part.len()));
        rest -= next.len();
        parts.push(next);
    }
    parts
}
