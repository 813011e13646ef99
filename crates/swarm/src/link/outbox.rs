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

/// Bytes that may wait here, whatever the socket takes: what waits here can't be taken back.
const LEN_MIN: u64 = 32 * 1024;

/// Bytes on their way to the socket.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The frame that has begun, if one has.
    begun: Option<Begun>,
    /// Bytes that the last write took.
    took: u64,
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

    /// Bytes of the blocks that have not begun.
    pub(crate) fn frames_len(&self) -> u64 {
        self.frames.iter().map(|frame| frame.block.span.len()).sum()
    }

    /// Whether one more block may wait: not more than twice what the socket took last, so that a
    /// slow peer's blocks stay where they can be taken back.
    pub(crate) fn has_room(&self) -> bool {
        self.frames.len() < FRAMES_MAX
            && self.frames_len() < self.took.saturating_mul(2).max(LEN_MIN)
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
        self.took = u64::try_from(len).unwrap_or(u64::MAX);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::BufMut;
    use proptest::prelude::*;
    use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};

    use super::*;
    use crate::link::block::Cutter;
    use crate::testing::{BLOCK, PIECE_LEN, layout};

    /// The messages of a stream, in order; panics where one lies inside another.
    fn messages(mut stream: BytesMut) -> Vec<Message> {
        let limits = Limits::for_pieces(40);
        let mut found = Vec::new();
        while let Some((head, used)) = FrameHead::parse(&stream, &limits).unwrap() {
            let len = usize::try_from(head.payload_len()).unwrap();
            let payload = stream.split_to(used + len).split_off(used).freeze();
            found.push(Message::decode(&head, payload, &limits).unwrap().unwrap());
        }
        assert!(stream.is_empty());
        found
    }

    proptest! {
        #[test]
        fn messages_stay_whole_however_the_socket_takes_them(
            steps in prop::collection::vec((0u8..3, 1usize..40_000), 1..60)
        ) {
            let cutter = Cutter::new(Arc::clone(&layout(PIECE_LEN * 40)), BLOCK);
            let (mut outbox, mut stream) = (Outbox::default(), BytesMut::new());
            let (mut blocks, mut haves, mut told) = (0u32, 0u32, 0usize);
            let mut write = |outbox: &mut Outbox, mut room: usize| {
                let mut slices = Vec::new();
                outbox.slices(&mut slices);
                let mut written = 0;
                for slice in &slices {
                    let part = slice.get(..room.min(slice.len())).unwrap();
                    stream.put_slice(part);
                    (written, room) = (written + part.len(), room - part.len());
                }
                outbox.advance(written, |_, bytes| told += bytes);
            };
            for (what, size) in steps {
                match what {
                    0 if blocks < 160 => {
                        let block = cutter.named(blocks / 4, blocks % 4 * BLOCK, BLOCK).unwrap();
                        let mut bytes = Bytes::from(vec![7; usize::try_from(BLOCK).unwrap()]);
                        let first = bytes.split_to(size.min(bytes.len()));
                        let parts = vec![first, bytes];
                        outbox.frames.push_back(Frame { block, head: block.head(), parts });
                        blocks += 1;
                    }
                    1 => {
                        Message::Have(haves % 40).encode(&mut outbox.control);
                        haves += 1;
                    }
                    _ => write(&mut outbox, size),
                }
            }
            while !outbox.is_empty() {
                write(&mut outbox, 5000);
            }
            prop_assert_eq!(told, usize::try_from(blocks * BLOCK).unwrap());
            let found = messages(stream);
            let pieces = found.iter().filter(|message| matches!(message, Message::Piece { .. }));
            prop_assert_eq!(pieces.count(), usize::try_from(blocks).unwrap());
            prop_assert_eq!(found.len(), usize::try_from(blocks + haves).unwrap());
        }
    }
}
