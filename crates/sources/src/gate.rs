//! The permit as the reading parts hold it.
//!
//! What must stay true: nothing reads an origin without a gate, and a gate can be made of a permit alone.

use std::sync::Arc;

use swarmcopy_layout::{Layout, Span};
use swarmcopy_scheduler::OriginPermit;

use crate::SourceError;

/// A permit, shared by the fetches of one opened origin.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<OriginPermit>);

impl Gate {
    pub(crate) fn new(permit: OriginPermit) -> Self {
        Self(Arc::new(permit))
    }

    /// Fails once the permit is revoked.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        if self.0.is_live() {
            Ok(())
        } else {
            Err(SourceError::CalledOff)
        }
    }
}

/// The part of `span` up to the end of the piece it starts in: what may be read after one look at
/// the gate.
pub(crate) fn up_to_piece_end(layout: &Layout, span: Span) -> Span {
    let piece = layout
        .piece_at(span.start())
        .map(|piece| layout.piece_span(piece));
    piece.map_or(span, |piece| span.intersection(piece))
}
