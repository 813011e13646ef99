//! What goes out next: control messages first, then blocks, never one inside the other.
//!
//! What must stay true: a message that has begun is finished before any other byte.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};
use swarmcopy_layout::PieceIndex;

use super::block::Block;
use super::upload::Frame;

/// Blocks in one write, at most.
pub(crate) const FRAMES_MAX: usize = 16;
/// Slices in one write, at most.
pub(crate) const SLICES_MAX: usize = 64;

/// Bytes on their way to the socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The frame that has begun, if one has.
    begun: Option<Begun>,
    /// Whole messages, encoded.
    pub(crate) control: BytesMut,
    pub(crate) frames: VecDeque<Frame>,
}

#[derive(Debug)]
struct Begun {
    frame: Frame,
    /// Bytes of the head that are written.
    head_at: usize,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_none() && self.control.is_empty() && self.frames.is_empty()
    }

    /// How many more blocks fit.
    pub(crate) fn room(&self) -> usize {
        FRAMES_MAX.saturating_sub(self.frames.len())
    }

    /// Takes out the blocks that have not begun.
    pub(crate) fn withdraw(&mut self) -> Vec<Block> {
        self.frames.drain(..).map(|frame| frame.block).collect()
    }

    /// What to write now, in order.
    pub(crate) fn slices<'a>(&'a self, into: &mut Vec<IoSlice<'a>>) {
        if let Some(begun) = &self.begun {
            push(
                into,
                begun.frame.head.get(begun.head_at..).unwrap_or_default(),
            );
            begun.frame.parts.iter().for_each(|part| push(into, part));
        }
        push(into, &self.control);
        for frame in &self.frames {
            if !into.is_empty() && into.len() + frame.parts.len() >= SLICES_MAX {
                return;
            }
            push(into, &frame.head);
            frame.parts.iter().for_each(|part| push(into, part));
        }
    }

    /// `len` bytes of the slices were written; calls `sent` for each part of a block among them.
    pub(crate) fn advance(&mut self, mut len: usize, mut sent: impl FnMut(PieceIndex, usize)) {
        if let Some(begun) = self.begun.take() {
            self.begun = begun.advance(&mut len, &mut sent);
        }
        let control = len.min(self.control.len());
        self.control.advance(control);
        len = len.saturating_sub(control);
        while len > 0
            && let Some(frame) = self.frames.pop_front()
        {
            self.begun = Begun { frame, head_at: 0 }.advance(&mut len, &mut sent);
        }
    }
}

impl Begun {
    /// Takes written bytes off; `None` once all are written.
    fn advance(
        mut self,
        len: &mut usize,
        sent: &mut impl FnMut(PieceIndex, usize),
    ) -> Option<Self> {
        let head = (*len).min(self.frame.head.len().saturating_sub(self.head_at));
        self.head_at = self.head_at.saturating_add(head);
        *len = len.saturating_sub(head);
        let mut bytes = 0usize;
        for part in &mut self.frame.parts {
            let now = (*len).min(part.len());
            part.advance(now);
            *len = len.saturating_sub(now);
            bytes = bytes.saturating_add(now);
        }
        if bytes > 0 {
            sent(self.frame.block.piece, bytes);
        }
        let whole = self.head_at >= self.frame.head.len();
        let written = whole && self.frame.parts.iter().all(Bytes::is_empty);
        (!written).then_some(self)
    }
}

fn push<'a>(into: &mut Vec<IoSlice<'a>>, bytes: &'a [u8]) {
    if !bytes.is_empty() && into.len() < SLICES_MAX {
        into.push(IoSlice::new(bytes));
    }
}
