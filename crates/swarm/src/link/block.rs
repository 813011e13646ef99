//! One block on the wire: a piece, an offset in it and a length.
//!
//! What must stay true: a `Block` lies inside its piece.

use std::sync::Arc;

use swarmcopy_bt_wire::peer::{FrameHead, Message, encode_piece_header};
use swarmcopy_layout::{BLOCK_LEN, Layout, PieceIndex, Span};

/// A block that lies in a piece of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) piece: PieceIndex,
    pub(crate) begin: u32,
    pub(crate) len: u32,
    /// The same bytes as a span of the content.
    pub(crate) span: Span,
}

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
}

impl Cutter {
    pub(crate) fn new(layout: Arc<Layout>, block_len: u32) -> Self {
        Self {
            layout,
            block_len: u64::from(block_len.max(1)),
        }
    }

    /// Takes another length of blocks.
    pub(crate) fn set_block_len(&mut self, block_len: u32) {
        self.block_len = u64::from(block_len.max(1));
    }

    pub(crate) fn block_len(&self) -> u64 {
        self.block_len
    }

    /// How many blocks of 16 KiB one of these is worth.
    pub(crate) fn wire_blocks(&self) -> usize {
        let blocks = self.block_len / u64::from(BLOCK_LEN);
        usize::try_from(blocks).unwrap_or(usize::MAX).max(1)
    }

    /// The block at the start of `span`: up to the next multiple of the block length in its piece.
    pub(crate) fn first(&self, span: Span) -> Option<Block> {
        let piece = self.layout.piece_at(span.start())?;
        let whole = self.layout.piece_span(piece);
        let begin = span.start().checked_sub(whole.start())?;
        let room = self.block_len - begin % self.block_len;
        let span = span.head(room).intersection(whole);
        Some(Block {
            piece,
            begin: u32::try_from(begin).ok()?,
            len: u32::try_from(span.len()).ok().filter(|len| *len > 0)?,
            span,
        })
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
}
