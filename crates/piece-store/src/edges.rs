//! Pieces at the edges of a selection: files that nobody wants hold a part of them.
//!
//! Such a piece is fetched whole, but only the part of the wanted files is written. Its bytes are kept
//! in memory, so that machines with the same selection can have it from this one. What must stay
//! true: no more than `KEPT_BYTES_MAX` bytes are kept.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, Span};

use crate::assembly::Filled;
use crate::cache::HotCache;

/// Bytes of such pieces that are kept.
const KEPT_BYTES_MAX: u64 = 64 << 20;

/// The pieces of one copy.
#[derive(Debug)]
pub(crate) struct Edges {
    pieces: HotCache,
    bytes: Mutex<u64>,
}

impl Default for Edges {
    fn default() -> Self {
        let pieces = HotCache::new(KEPT_BYTES_MAX);
        pieces.set_wanted(true);
        Self {
            pieces,
            bytes: Mutex::default(),
        }
    }
}

impl Edges {
    /// Keeps a piece; tells whether there was room for it.
    pub(crate) fn insert(&self, filled: &Filled) -> bool {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let more = bytes.saturating_add(filled.span.len());
        if more > KEPT_BYTES_MAX {
            return false;
        }
        *bytes = more;
        self.pieces
            .insert(filled.piece, filled.span, filled.parts.clone());
        true
    }

    /// The bytes of `span`, a part of `piece`, if they are kept.
    pub(crate) fn find(&self, piece: PieceIndex, span: Span) -> Option<Vec<Bytes>> {
        self.pieces.find(piece, span)
    }
}
