//! One piece in the making: who holds which part of its memory, what is filled, and by whom.
//!
//! The piece is cut into runs that neither touch nor overlap; each run is free, reserved, abandoned
//! or filled. Memory is owned, never borrowed: a reserved run's memory is with its holder, so a
//! holder that hangs may keep it for ever; its run is *abandoned* and gets fresh memory when
//! somebody else asks. What must stay true: a byte is filled once; memory is in one place at a time;
//! a buffer that comes back late is taken only if its run is still waiting for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use swarmcopy_layout::{PieceIndex, Span, Spans};

use crate::files::{u64_of, usize_of};
use crate::pool::{Pool, SEGMENT_LEN_MAX, class_len};

/// A complete piece that nobody has verified yet.
#[derive(Debug)]
pub struct Filled {
    /// Which piece.
    pub piece: PieceIndex,
    /// Its bytes in the content.
    pub span: Span,
    /// The bytes, in order, in as few parts as their memory allows.
    pub parts: Vec<Bytes>,
    /// Who sent which bytes; the spans cover the piece once, in order, but for pads.
    pub senders: Vec<(Span, u32)>,
}

/// The memory and state of one piece in flight.
#[derive(Debug)]
pub struct Assembly {
    piece: PieceIndex,
    span: Span,
    pool: Pool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By start; they cover the piece.
    runs: BTreeMap<u64, Run>,
    /// Ends of segments behind the bytes of the piece: needed to make the segments whole again.
    spares: Vec<BytesMut>,
    senders: BTreeMap<u64, (u64, u32)>,
    filled: u64,
    /// Bytes of `filled` that are zeros nobody sent.
    zeros: u64,
}

/// Who "sent" the zeros of pads; nobody is blamed for them.
const NOBODY: u32 = u32::MAX;

#[derive(Debug)]
struct Run {
    end: u64,
    memory: Memory,
}

/// Where the memory of a run is. `class` is the length of the segment that it is cut from.
#[derive(Debug)]
enum Memory {
    /// Not taken from the pool yet.
    None,
    Free {
        buffer: BytesMut,
        class: usize,
    },
    Filled {
        buffer: BytesMut,
        class: usize,
    },
    Reserved(Holder),
    Abandoned(Holder),
}

/// Who has the memory of a run, and which memory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    sender: u32,
    address: usize,
    class: usize,
}

impl Assembly {
    /// Starts the assembly of `piece`, which covers `span`; takes memory only as it is asked for.
    pub fn new(piece: PieceIndex, span: Span, pool: Pool) -> Self {
        let mut state = State::default();
        let mut rest = span;
        while !rest.is_empty() {
            let run = rest.head(u64_of(SEGMENT_LEN_MAX));
            state.runs.insert(
                run.start(),
                Run {
                    end: run.end(),
                    memory: Memory::None,
                },
            );
            rest = rest.after(run.len());
        }
        Self {
            piece,
            span,
            pool,
            state: Mutex::new(state),
        }
    }

    /// Fills `span` with zeros: the bytes of a pad, which nobody needs to bring.
    pub(crate) fn put_zeros(&self, span: Span) {
        let mut rest = span.intersection(self.span);
        while let Some((run, mut buffer)) = self.reserve(rest, NOBODY) {
            buffer.fill(0);
            self.commit(run, NOBODY, buffer);
            self.lock().zeros += run.len();
            rest = Span::between(run.end(), rest.end());
        }
    }

    /// Which piece it is.
    pub fn piece(&self) -> PieceIndex {
        self.piece
    }

    /// The bytes of the piece in the content.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Hands out memory for the first run of `span` that is neither filled nor with a holder. The
    /// buffer is as long as the returned span and holds arbitrary bytes.
    pub fn reserve(&self, span: Span, sender: u32) -> Option<(Span, BytesMut)> {
        self.lock()
            .reserve(span.intersection(self.span), sender, &self.pool)
    }

    /// Takes a filled buffer back. One that comes too late, or that was never handed out for this
    /// span, is dropped; tells whether it was taken.
    pub fn commit(&self, span: Span, sender: u32, buffer: BytesMut) -> bool {
        self.lock().commit(span, sender, buffer)
    }

    /// Takes an unfilled buffer back.
    pub fn release(&self, span: Span, sender: u32, buffer: BytesMut) {
        self.lock().release(span, sender, buffer);
    }

    /// Declares missing what `sender` holds of `span`: others get fresh memory for it. If it
    /// commits after all, and nobody else was quicker, its bytes are taken.
    pub fn abandon(&self, span: Span, sender: u32) {
        for (start, run) in &mut self.lock().runs {
            if let Memory::Reserved(holder) = run.memory
                && holder.sender == sender
                && !span.intersection(Span::between(*start, run.end)).is_empty()
            {
                run.memory = Memory::Abandoned(holder);
            }
        }
    }

    /// The bytes of `span` that are not filled, reserved or not.
    pub fn missing(&self, span: Span) -> Spans {
        let span = span.intersection(self.span);
        let state = self.lock();
        let unfilled = state.runs.iter().filter(|(_, run)| !run.is_filled());
        let spans = unfilled.map(|(start, run)| Span::between(*start, run.end).intersection(span));
        spans.filter(|span| !span.is_empty()).collect()
    }

    /// How many bytes are filled.
    pub fn filled(&self) -> u64 {
        self.lock().filled
    }

    /// Whether nobody has brought a byte or holds memory of it.
    pub(crate) fn is_idle(&self) -> bool {
        let held = |run: &Run| matches!(run.memory, Memory::Reserved(_) | Memory::Abandoned(_));
        let state = self.lock();
        state.filled == state.zeros && !state.runs.values().any(held)
    }

    /// Who sent which bytes so far, in order; zeros that nobody sent are left out.
    pub fn senders(&self) -> Vec<(Span, u32)> {
        self.lock().senders()
    }

    /// Takes the piece out once every byte is filled; the assembly is of no use afterwards.
    pub fn take(&self) -> Option<Filled> {
        let mut state = self.lock();
        if state.filled < self.span.len() {
            return None;
        }
        let senders = state.senders();
        let parts = state.take_parts(&self.pool);
        *state = State::default();
        drop(state);
        Some(Filled {
            piece: self.piece,
            span: self.span,
            parts,
            senders,
        })
    }

    /// Gives memory that nobody filled or holds back to the pool.
    fn give_back(&self) {
        let mut state = self.lock();
        for run in std::mem::take(&mut state.runs).into_values() {
            if let Memory::Free { mut buffer, class } | Memory::Filled { mut buffer, class } =
                run.memory
            {
                state.make_whole(&mut buffer, class);
                if buffer.len() == class {
                    self.pool.give_back(buffer);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Assembly {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Run {
    fn is_filled(&self) -> bool {
        matches!(self.memory, Memory::Filled { .. })
    }

    fn is_open(&self) -> bool {
        matches!(
            self.memory,
            Memory::None | Memory::Free { .. } | Memory::Abandoned(_)
        )
    }
}

impl State {
    fn reserve(&mut self, span: Span, sender: u32, pool: &Pool) -> Option<(Span, BytesMut)> {
        let before = self
            .runs
            .range(..=span.start())
            .next_back()
            .map(|(start, _)| *start);
        let from = before.unwrap_or(span.start());
        let (start, end) = self
            .runs
            .range(from..span.end())
            .map(|(start, run)| (*start, run))
            .find(|(start, run)| {
                let part = Span::between(*start, run.end).intersection(span);
                run.is_open() && !part.is_empty()
            })
            .map(|(start, run)| (start, run.end))?;
        let (buffer, class) = self.open(start, end, pool)?;
        let wanted = Span::between(start, end).intersection(span);
        let buffer = self.cut(start, end, wanted, (buffer, class));
        let holder = Holder {
            sender,
            address: buffer.as_ptr().addr(),
            class,
        };
        let run = Run {
            end: wanted.end(),
            memory: Memory::Reserved(holder),
        };
        self.runs.insert(wanted.start(), run);
        Some((wanted, buffer))
    }

    /// Takes the open run at `start` out, with memory from the pool if it has none.
    fn open(&mut self, start: u64, end: u64, pool: &Pool) -> Option<(BytesMut, usize)> {
        if let Memory::Free { buffer, class } = self.runs.remove(&start)?.memory {
            return Some((buffer, class));
        }
        let len = usize_of(end - start);
        let class = class_len(len);
        let mut buffer = pool.take_memory(class);
        let spare = buffer.split_off(len.min(class));
        if !spare.is_empty() {
            self.spares.push(spare);
        }
        Some((buffer, class))
    }

    /// Puts what lies before and behind `wanted` back as free runs; returns the memory of `wanted`.
    fn cut(&mut self, start: u64, end: u64, wanted: Span, memory: (BytesMut, usize)) -> BytesMut {
        let (mut buffer, class) = memory;
        if wanted.end() < end {
            let buffer = buffer.split_off(usize_of(wanted.end() - start));
            self.runs.insert(
                wanted.end(),
                Run {
                    end,
                    memory: Memory::Free { buffer, class },
                },
            );
        }
        if start < wanted.start() {
            let rest = buffer.split_off(usize_of(wanted.start() - start));
            let memory = Memory::Free { buffer, class };
            self.runs.insert(
                start,
                Run {
                    end: wanted.start(),
                    memory,
                },
            );
            return rest;
        }
        buffer
    }

    /// The class of the memory that `buffer` is cut from, if its run still waits for it.
    fn class_of(&self, span: Span, sender: u32, buffer: &BytesMut) -> Option<usize> {
        let run = self
            .runs
            .get(&span.start())
            .filter(|run| run.end == span.end())?;
        let (Memory::Reserved(holder) | Memory::Abandoned(holder)) = run.memory else {
            return None;
        };
        let same = holder.sender == sender
            && holder.address == buffer.as_ptr().addr()
            && u64_of(buffer.len()) == span.len();
        same.then_some(holder.class)
    }

    fn commit(&mut self, span: Span, sender: u32, buffer: BytesMut) -> bool {
        let Some(class) = self.class_of(span, sender, &buffer) else {
            return false;
        };
        self.filled += span.len();
        self.credit(span, sender);
        let memory = Memory::Filled { buffer, class };
        self.runs.insert(
            span.start(),
            Run {
                end: span.end(),
                memory,
            },
        );
        self.join_around(span);
        true
    }

    fn release(&mut self, span: Span, sender: u32, buffer: BytesMut) {
        let Some(class) = self.class_of(span, sender, &buffer) else {
            return;
        };
        let memory = Memory::Free { buffer, class };
        self.runs.insert(
            span.start(),
            Run {
                end: span.end(),
                memory,
            },
        );
        self.join_around(span);
    }

    /// Joins the run at `span` with its neighbours where they are in the same state and memory.
    fn join_around(&mut self, span: Span) {
        self.join(span.start(), span.end());
        if let Some(before) = self
            .runs
            .range(..span.start())
            .next_back()
            .map(|(start, _)| *start)
        {
            self.join(before, span.start());
        }
    }

    fn join(&mut self, left: u64, right: u64) {
        let Some(next) = self.runs.remove(&right) else {
            return;
        };
        let Some(run) = self.runs.get_mut(&left) else {
            return;
        };
        match join_memory(&mut run.memory, next.memory) {
            Ok(()) => run.end = next.end,
            Err(memory) => {
                self.runs.insert(
                    right,
                    Run {
                        end: next.end,
                        memory,
                    },
                );
            }
        }
    }

    fn credit(&mut self, span: Span, sender: u32) {
        let (mut start, mut end) = (span.start(), span.end());
        if let Some((from, (to, who))) = self.senders.range(..start).next_back()
            && (*to, *who) == (start, sender)
        {
            start = *from;
        }
        if let Some((to, who)) = self.senders.get(&end).copied()
            && who == sender
        {
            self.senders.remove(&end);
            end = to;
        }
        self.senders.insert(start, (end, sender));
    }

    fn senders(&self) -> Vec<(Span, u32)> {
        let sent = self.senders.iter().filter(|(_, (_, who))| *who != NOBODY);
        sent.map(|(from, (to, who))| (Span::between(*from, *to), *who))
            .collect()
    }

    fn take_parts(&mut self, pool: &Pool) -> Vec<Bytes> {
        let mut parts = Vec::with_capacity(self.runs.len());
        for run in std::mem::take(&mut self.runs).into_values() {
            if let Memory::Filled { mut buffer, class } = run.memory {
                let len = buffer.len();
                self.make_whole(&mut buffer, class);
                let whole = buffer.len() == class;
                parts.push(if whole {
                    pool.adopt(buffer, len).freeze()
                } else {
                    buffer.freeze().slice(..len)
                });
            }
        }
        parts
    }

    /// Adds the end of the segment that `buffer` is the start of, if it is.
    fn make_whole(&mut self, buffer: &mut BytesMut, class: usize) {
        if buffer.len() == class {
            return;
        }
        for spare in std::mem::take(&mut self.spares) {
            if let Err(spare) = buffer.try_unsplit(spare) {
                self.spares.push(spare);
            }
        }
    }
}

/// Joins `right` to `left`, or gives it back.
fn join_memory(left: &mut Memory, right: Memory) -> Result<(), Memory> {
    match (left, right) {
        (Memory::Free { buffer: left, .. }, Memory::Free { buffer, class }) => left
            .try_unsplit(buffer)
            .map_err(|buffer| Memory::Free { buffer, class }),
        (Memory::Filled { buffer: left, .. }, Memory::Filled { buffer, class }) => left
            .try_unsplit(buffer)
            .map_err(|buffer| Memory::Filled { buffer, class }),
        (_, right) => Err(right),
    }
}

#[cfg(test)]
mod tests;
