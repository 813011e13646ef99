//! The serving side of a link: requests that wait, blocks that are read, blocks that are ready.
//!
//! No I/O; the order of requests is decided by [`Requests`]. What must stay true: at most
//! `REQUESTS_MAX` requests wait, at most one and a half runs are read ahead, and with the fast
//! extension each request is answered by its block or a reject.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use swarmcopy_bt_wire::peer::FrameHead;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::spread::requests::Requests;
use swarmcopy_scheduler::spread::uplink::Urgency;

use super::block::Block;
use crate::limits::{READ_AHEAD_LEN_MAX, REQUESTS_MAX};
use crate::uplink::SharedUplink;

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
    wanted: Requests<Block>,
    /// Being read now; a request that is taken back meanwhile is taken out.
    reading: Vec<Block>,
    ready: VecDeque<Frame>,
    ready_len: u64,
    /// Longest run to read at once; no more is read while half as much is ready.
    run_len_max: u64,
    choking: bool,
}

impl Upload {
    pub(crate) fn new() -> Self {
        Self {
            wanted: Requests::default(),
            reading: Vec::new(),
            ready: VecDeque::new(),
            ready_len: 0,
            run_len_max: READ_AHEAD_LEN_MAX,
            choking: true,
        }
    }

    /// Takes a request of the peer.
    pub(crate) fn request(&mut self, block: Block, uplink: &SharedUplink) -> Verdict {
        if self.choking {
            return Verdict::Refused;
        }
        let waiting = self.wanted.len().saturating_add(self.reading.len());
        if self.wanted.iter().any(|it| *it == block) || self.reading.contains(&block) {
            Verdict::Repeated
        } else if waiting.saturating_add(self.ready.len()) >= REQUESTS_MAX {
            Verdict::Refused
        } else {
            uplink.ask(|uplink| self.wanted.put(uplink, block.piece, block));
            Verdict::Queued
        }
    }

    /// How urgent it is to send what waits.
    pub(crate) fn urgency(&self) -> Urgency {
        let ready = self.ready.iter().map(|frame| &frame.block);
        let taken = ready.chain(&self.reading);
        self.wanted.urgency(taken.map(|block| block.piece))
    }

    /// Takes a request back; true if its block is not on its way yet.
    pub(crate) fn cancel(&mut self, index: u32, begin: u32, len: u32) -> bool {
        let is_meant = |block: &Block| block.is(index, begin, len);
        if self.wanted.remove(is_meant).is_some() {
            return true;
        }
        if let Some(at) = self.reading.iter().position(is_meant) {
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
            .chain(self.wanted.drain())
            .collect()
    }

    /// Sets how much is read at once.
    pub(crate) fn set_read_ahead(&mut self, len: u64) {
        self.run_len_max = len.min(READ_AHEAD_LEN_MAX);
    }

    /// Whether there is a run to read now.
    pub(crate) fn has_run(&self) -> bool {
        self.ready_len < self.run_len_max / 2 && self.reading.is_empty() && !self.wanted.is_empty()
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
            && run.len().saturating_add(block.span.len()) <= self.run_len_max
        {
            run = Span::between(run.start(), block.span.end());
            self.reading.push(block);
            self.wanted.pop();
        }
        Some(run)
    }

    /// The bytes of a run, or of a part of it, are there: those still wanted become ready.
    pub(crate) fn fill(&mut self, part: Span, parts: Vec<Bytes>) {
        let mut cutter = Parts {
            at: part.start(),
            parts: parts.into(),
        };
        for block in self.fail(part) {
            if let Some(mut parts) = cutter.cut(block.span) {
                parts.extend(block.zeros());
                self.ready_len = self.ready_len.saturating_add(block.span.len());
                self.ready.push_back(Frame {
                    block,
                    head: block.head(),
                    parts,
                });
            }
        }
    }

    /// A run, or a part of it, could not be read; returns the blocks that were wanted of it.
    pub(crate) fn fail(&mut self, part: Span) -> Vec<Block> {
        let inside = |block: &mut Block| part.contains(block.span);
        self.reading.extract_if(.., inside).collect()
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
