//! One block on the wire: a piece, an offset in it and a length.
//!
//! What must stay true: a `Block` lies inside its piece, but for the zeros behind its end that some clients ask for.

use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_bt_wire::peer::{FrameHead, Message, encode_piece_header};
use swarmcopy_layout::{BLOCK_LEN, Layout, PieceIndex, Span};

/// A block that lies in a piece of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) piece: PieceIndex,
    pub(crate) begin: u32,
    pub(crate) len: u32,
    /// The same bytes as a span of the content; shorter than `len` where zeros follow.
    pub(crate) span: Span,
}

/// What stands behind the end of a piece.
static ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

impl Block {
    /// Whether the block is what a message on the wire means.
    pub(crate) fn is(&self, index: u32, begin: u32, len: u32) -> bool {
        self.begin == begin && self.piece.value() == index && self.len == len
    }

    pub(crate) fn request(&self) -> Message {
        Message::Request {
            index: self.piece.value(),
            begin: self.begin,
            len: self.len,
        }
    }

    pub(crate) fn cancel(&self) -> Message {
        Message::Cancel {
            index: self.piece.value(),
            begin: self.begin,
            len: self.len,
        }
    }

    pub(crate) fn reject(&self) -> Message {
        Message::Reject {
            index: self.piece.value(),
            begin: self.begin,
            len: self.len,
        }
    }

    /// The zeros behind the content's own bytes.
    pub(crate) fn zeros(&self) -> Option<Bytes> {
        let len = u64::from(self.len).saturating_sub(self.span.len());
        let zeros = ZEROS.get(..usize::try_from(len).ok()?)?;
        (!zeros.is_empty()).then(|| Bytes::from_static(zeros))
    }

    /// The bytes that go before the block itself.
    pub(crate) fn head(&self) -> [u8; FrameHead::LEN_MAX] {
        encode_piece_header(self.piece.value(), self.begin, self.len)
    }
}

/// Cuts spans into blocks.
#[derive(Debug, Clone)]
pub(crate) struct Cutter {
    layout: Arc<Layout>,
    block_len: u64,
    has_pads: bool,
}

impl Cutter {
    pub(crate) fn new(layout: Arc<Layout>, block_len: u32) -> Self {
        let has_pads = layout.files().any(|(_, file)| file.attributes().pad);
        Self {
            has_pads,
            block_len: u64::from(block_len.max(1)),
            layout,
        }
    }

    /// Takes another length of blocks.
    pub(crate) fn set_block_len(&mut self, block_len: u32) {
        self.block_len = u64::from(block_len.max(1));
    }

    pub(crate) fn block_len(&self) -> u64 {
        self.block_len
    }

    /// The bytes of a piece.
    pub(crate) fn span_of(&self, piece: PieceIndex) -> Span {
        self.layout.piece_span(piece)
    }

    /// The block at the start of `span`: up to the next multiple of the block length in its piece, or
    /// to a pad, whose zeros nobody needs to send.
    pub(crate) fn first(&self, span: Span) -> Option<Block> {
        let piece = self.layout.piece_at(span.start())?;
        let whole = self.layout.piece_span(piece);
        let begin = span.start().checked_sub(whole.start())?;
        let room = self.block_len - begin % self.block_len;
        let span = self.before_pad(span.head(room).intersection(whole));
        Some(Block {
            piece,
            begin: u32::try_from(begin).ok()?,
            len: u32::try_from(span.len()).ok().filter(|len| *len > 0)?,
            span,
        })
    }

    /// What of `span` comes before a pad; all of it if it starts in one.
    fn before_pad(&self, span: Span) -> Span {
        if !self.has_pads {
            return span;
        }
        let is_pad = |file| {
            let entry = self.layout.file(file);
            entry.is_some_and(|entry| entry.attributes().pad)
        };
        let mut slices = self.layout.slices(span).skip(1);
        let pad = slices.find(|slice| is_pad(slice.file));
        pad.map_or(span, |pad| Span::between(span.start(), pad.span.start()))
    }

    /// The block that a message names, if the content has it.
    pub(crate) fn named(&self, index: u32, begin: u32, len: u32) -> Option<Block> {
        let piece = self.layout.piece(index)?;
        let whole = self.layout.piece_span(piece);
        let span = Span::new(whole.start().checked_add(u64::from(begin))?, u64::from(len));
        (len > 0 && whole.contains(span)).then_some(Block {
            piece,
            begin,
            len,
            span,
        })
    }

    /// The block that a peer asks for: one that the content has, or the last one of a piece by the length of the
    /// others. Some clients ask so where a file of version 2 ends (BEP 52), and take zeros behind its end.
    pub(crate) fn asked(&self, index: u32, begin: u32, len: u32) -> Option<Block> {
        let last = || {
            let piece = self.layout.piece(index)?;
            let rest = self
                .layout
                .piece_span(piece)
                .len()
                .checked_sub(begin.into())?;
            let last = self.named(index, begin, u32::try_from(rest).ok()?)?;
            let usual = begin.is_multiple_of(BLOCK_LEN) && len > last.len && len <= BLOCK_LEN;
            usual.then_some(Block { len, ..last })
        };
        self.named(index, begin, len).or_else(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Attributes, RelPath};

    #[test]
    fn a_block_ends_where_a_pad_begins() {
        let path = |path: &str| RelPath::parse(path).unwrap();
        let mut builder = Layout::builder(32 << 10).file(path("a"), 20_000);
        builder.push(path("pad"), (32 << 10) - 20_000, Attributes::pad());
        builder = builder.file(path("b"), 5);
        let layout = Arc::new(builder.build().unwrap());
        let cutter = Cutter::new(layout, BLOCK_LEN);
        let first = |at| cutter.first(Span::between(at, 40_000)).unwrap().span;
        assert_eq!(first(0), Span::new(0, 16_384));
        assert_eq!(first(16_384), Span::between(16_384, 20_000));
        assert_eq!(first(32 << 10), Span::new(32 << 10, 5));
    }
}
