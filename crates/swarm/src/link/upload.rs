//! The serving side of a link: requests that wait, blocks that are read, blocks that are ready.
//!
//! No I/O. A piece that nobody asked this machine for before goes first: whoever gets it passes it
//! on, while what is asked for again can be had elsewhere, too. What must stay true: at most `requests_max` requests wait, at most [`READY_MAX`] bytes
//! are read ahead, and with the fast extension each request is answered by its block or a reject.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::{Buf, Bytes};
use swarmcopy_bt_wire::peer::FrameHead;
use swarmcopy_layout::{PieceIndex, PieceSet, Span};

use super::block::Block;
use crate::config::{read_ahead_len_max, requests_max};

/// Bytes that may lie ready before more are read.
const READY_MAX: u64 = 512 * 1024;
/// Pieces of which it is remembered that the peer was the first to ask for them.
const FIRSTS_MAX: usize = 8;

/// The pieces that any peer of a swarm was let ask for.
#[derive(Debug)]
pub(crate) struct AskedFor(Mutex<PieceSet>);

impl AskedFor {
    /// None of so many pieces.
    pub(crate) fn new(pieces: u32) -> Self {
        Self(Mutex::new(PieceSet::empty(pieces)))
    }

    /// Notes that a piece was asked for; whether that is the first time.
    fn is_first(&self, piece: PieceIndex) -> bool {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.insert(piece)
    }
}

/// A block on its way: its head and its bytes.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) block: Block,
    pub(crate) head: [u8; FrameHead::LEN_MAX],
    pub(crate) parts: Vec<Bytes>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It waits for its turn.
    Queued,
    /// It is there already.
    Repeated,
    /// It is not served: choked, or too many wait.
    Refused,
}

/// The state of serving.
#[derive(Debug)]
pub(crate) struct Upload {
    wanted: VecDeque<Block>,
    /// Pieces that the peer asked for before anybody else did.
    firsts: VecDeque<PieceIndex>,
    /// Being read now; a request that is taken back meanwhile is taken out.
    reading: Vec<Block>,
    ready: VecDeque<Frame>,
    ready_len: u64,
    choking: bool,
}

impl Upload {
    pub(crate) fn new() -> Self {
        Self {
            wanted: VecDeque::new(),
            firsts: VecDeque::new(),
            reading: Vec::new(),
            ready: VecDeque::new(),
            ready_len: 0,
            choking: true,
        }
    }

    /// Takes a request of the peer, before those for pieces that others asked for first.
    pub(crate) fn request(&mut self, block: Block, asked_for: &AskedFor) -> Verdict {
        if self.choking {
            return Verdict::Refused;
        }
        let waiting = self.wanted.len().saturating_add(self.reading.len());
        if self.wanted.contains(&block) || self.reading.contains(&block) {
            Verdict::Repeated
        } else if waiting.saturating_add(self.ready.len()) >= requests_max {
            Verdict::Refused
        } else {
            if asked_for.is_first(block.piece) {
                self.firsts.truncate(FIRSTS_MAX - 1);
                self.firsts.push_front(block.piece);
            }
            let mut at = self.wanted.len();
            if self.is_first(&block) {
                let later = self.wanted.iter().rev();
                let later = later.take_while(|other| !self.is_first(other));
                at = at.saturating_sub(later.count());
            }
            self.wanted.insert(at, block);
            Verdict::Queued
        }
    }

    fn is_first(&self, block: &Block) -> bool {
        self.firsts.contains(&block.piece)
    }

    /// Whether something waits that nobody asked for before.
    pub(crate) fn is_urgent(&self) -> bool {
        let ready = self.ready.iter().map(|frame| &frame.block);
        let mut next = ready.chain(&self.reading).chain(self.wanted.front());
        !self.firsts.is_empty() && next.any(|block| self.is_first(block))
    }

    /// Takes a request back; true if its block is not on its way yet.
    pub(crate) fn cancel(&mut self, index: u32, begin: u32, len: u32) -> bool {
        if let Some(at) = self
            .wanted
            .iter()
            .position(|block| block.is(index, begin, len))
        {
            self.wanted.remove(at);
            return true;
        }
        if let Some(at) = self
            .reading
            .iter()
            .position(|block| block.is(index, begin, len))
        {
            self.reading.remove(at);
            return true;
        }
        let at = self
            .ready
            .iter()
            .position(|frame| frame.block.is(index, begin, len));
        let frame = at.and_then(|at| self.ready.remove(at));
        if let Some(frame) = &frame {
            self.ready_len = self.ready_len.saturating_sub(frame.block.span.len());
        }
        frame.is_some()
    }

    /// Serves from now on.
    pub(crate) fn unchoke(&mut self) {
        self.choking = false;
    }

    /// Serves no more; returns what was asked for and is not on its way.
    pub(crate) fn choke(&mut self) -> Vec<Block> {
        self.choking = true;
        self.ready_len = 0;
        let ready = self.ready.drain(..).map(|frame| frame.block);
        ready
            .chain(self.reading.drain(..))
            .chain(self.wanted.drain(..))
            .collect()
    }

    /// Whether there is a run to read now.
    pub(crate) fn has_run(&self) -> bool {
        self.ready_len < READY_MAX && self.reading.is_empty() && !self.wanted.is_empty()
    }

    /// The next run to read: blocks that follow each other, as one span. `None` while enough is
    /// ready or nothing is wanted.
    pub(crate) fn run(&mut self) -> Option<Span> {
        if !self.has_run() {
            return None;
        }
        let mut run = self.wanted.front()?.span.head(0);
        while let Some(block) = self.wanted.front().copied()
            && block.span.start() == run.end()
            && run.len().saturating_add(block.span.len()) <= read_ahead_len_max
        {
            run = Span::between(run.start(), block.span.end());
            self.reading.push(block);
            self.wanted.pop_front();
        }
        Some(run)
    }

    /// The bytes of a run are there: those still wanted become ready.
    pub(crate) fn fill(&mut self, run: Span, parts: Vec<Bytes>) {
        let mut cutter = Parts {
            at: run.start(),
            parts: parts.into(),
        };
        for block in std::mem::take(&mut self.reading) {
            if let Some(parts) = cutter.cut(block.span) {
                self.ready_len = self.ready_len.saturating_add(block.span.len());
                self.ready.push_back(Frame {
                    block,
                    head: block.head(),
                    parts,
                });
            }
        }
    }

    /// A run could not be read; returns the blocks that were wanted of it.
    pub(crate) fn fail(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.reading)
    }

    /// Takes the next block that is ready.
    pub(crate) fn take_ready(&mut self) -> Option<Frame> {
        let frame = self.ready.pop_front()?;
        self.ready_len = self.ready_len.saturating_sub(frame.block.span.len());
        Some(frame)
    }

    /// The length of the next block that is ready.
    pub(crate) fn next_ready(&self) -> Option<u64> {
        self.ready.front().map(|frame| frame.block.span.len())
    }

    /// How many requests wait in all.
    pub(crate) fn len(&self) -> usize {
        self.wanted
            .len()
            .saturating_add(self.reading.len())
            .saturating_add(self.ready.len())
    }
}

/// Runs of bytes one after another, of which spans are cut off in order.
struct Parts {
    at: u64,
    parts: VecDeque<Bytes>,
}

impl Parts {
    /// The bytes of `span`; `None` if the reader brought too few.
    fn cut(&mut self, span: Span) -> Option<Vec<Bytes>> {
        self.take(span.start().checked_sub(self.at)?)?;
        self.take(span.len())
    }

    fn take(&mut self, len: u64) -> Option<Vec<Bytes>> {
        let mut missing = usize::try_from(len).ok()?;
        let mut taken = Vec::with_capacity(1);
        while missing > 0 {
            let front = self.parts.front_mut()?;
            let part = front.split_to(missing.min(front.len()));
            if !front.has_remaining() {
                self.parts.pop_front();
            }
            missing = missing.saturating_sub(part.len());
            if !part.is_empty() {
                taken.push(part);
            }
        }
        self.at = self.at.saturating_add(len);
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::link::block::Cutter;
    use crate::testing::{BLOCK, PIECE_LEN, layout};

    #[test]
    fn a_piece_that_nobody_asked_for_goes_before_those_that_others_have() {
        let layout = layout(PIECE_LEN * 4);
        let cutter = Cutter::new(Arc::clone(&layout), BLOCK);
        let block = |piece, at| cutter.named(piece, at * BLOCK, BLOCK).unwrap();
        let asked_for = AskedFor::new(layout.pieces());
        let (mut one, mut other) = (Upload::new(), Upload::new());
        for upload in [&mut one, &mut other] {
            upload.unchoke();
            upload.request(block(0, 0), &asked_for);
        }
        assert!(one.is_urgent() && !other.is_urgent());
        for wanted in [block(0, 1), block(2, 0), block(2, 1), block(0, 2)] {
            assert_eq!(other.request(wanted, &asked_for), Verdict::Queued);
        }
        assert!(other.is_urgent());
        let order: Vec<_> = other.wanted.iter().map(|b| b.piece.value()).collect();
        assert_eq!(order, [2, 2, 0, 0, 0]);
    }
}
