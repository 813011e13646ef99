//! Bytes from the network on their way into the sink, as mirrors of all kinds bring them.
//!
//! What must stay true: bytes outside the wanted span are left out and told, and the permit is looked at before
//! each piece and each file.

use swarmcopy_layout::{Layout, Span};

use crate::gate::{Gate, up_to_piece_end};
use crate::{SourceError, SpanSink};

/// Where the wanted part of a file goes.
#[derive(Debug)]
pub(crate) struct Intake<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) gate: &'a Gate,
    pub(crate) sink: &'a SpanSink,
    /// The bytes of the content that are wanted.
    pub(crate) want: Span,
}

impl Intake<'_> {
    /// Takes `bytes`, which lie at `at` in the content.
    pub(crate) fn put(&self, at: u64, bytes: &[u8]) -> Result<(), SourceError> {
        let mut rest = Span::new(at, len_of(bytes)).intersection(self.want);
        let skipped = len_of(bytes) - rest.len();
        if skipped > 0 {
            self.sink.passed(skipped);
        }
        while !rest.is_empty() {
            let part = up_to_piece_end(self.layout, rest);
            if part.start() == self.want.start() || self.is_piece_start(part.start()) {
                self.gate.check()?;
            }
            let from = usize::try_from(part.start() - at).unwrap_or(usize::MAX);
            let to = usize::try_from(part.end() - at).unwrap_or(usize::MAX);
            if let Some(bytes) = bytes.get(from..to) {
                self.sink.put(part.start(), bytes);
            }
            rest = rest.after(part.len());
        }
        Ok(())
    }

    fn is_piece_start(&self, at: u64) -> bool {
        let piece = self.layout.piece_at(at);
        piece.is_some_and(|piece| self.layout.piece_span(piece).start() == at)
    }
}

/// The length of some bytes.
pub(crate) fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
