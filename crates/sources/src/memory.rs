//! Bytes in memory: a source and a sink for tests and for those who embed the library.
//!
//! What must stay true: the sink takes each byte once and says when a source broke that rule; the source
//! fails exactly as its script says.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use swarmcopy_layout::{Span, Spans};

use crate::{Lack, PieceSource, SinkTarget, SourceError, SpanSink};

/// Longest run that a [`MemorySink`] hands out: the segment of a piece store.
const SEGMENT_LEN: u64 = 1024 * 1024;
/// How much a [`MemorySource`] commits between two awaits.
const STEP_LEN: u64 = 16 * 1024;

/// What goes wrong with one fetch of a [`MemorySource`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing: this fetch goes well.
    None,
    /// It fails once that many bytes are there.
    Fail {
        /// Bytes that come before.
        after: u64,
        /// The error.
        error: SourceError,
    },
    /// It brings that many bytes and then nothing, for ever.
    Hang {
        /// Bytes that come before.
        after: u64,
    },
}

/// A source that holds all bytes of a content in memory.
pub struct MemorySource {
    bytes: Bytes,
    lacks: Spans,
    script: Mutex<VecDeque<Fault>>,
}

impl MemorySource {
    /// Holds `bytes`: the whole content.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            lacks: Spans::new(),
            script: Mutex::default(),
        }
    }

    /// Makes it lack `span`: a fetch that touches it fails there.
    #[must_use]
    pub fn without(mut self, span: Span) -> Self {
        self.lacks.insert(span);
        self
    }

    /// Adds what goes wrong with the next fetch that has no fault yet.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        locked(&self.script).push_back(fault);
        self
    }

    fn lacked(span: Span) -> SourceError {
        SourceError::Lacks {
            name: "memory".to_owned(),
            path: span.to_string(),
            what: "not held".to_owned(),
            lack: Lack::Absent,
            span,
        }
    }
}

impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySource({} bytes)", self.bytes.len())
    }
}

#[async_trait]
impl PieceSource for MemorySource {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let fault = locked(&self.script).pop_front().unwrap_or(Fault::None);
        let cut = match &fault {
            Fault::None => u64::MAX,
            Fault::Fail { after, .. } | Fault::Hang { after } => *after,
        };
        let held = Span::new(0, len_of(&self.bytes));
        let there = span.head(cut).intersection(held);
        let mut step = there.head(STEP_LEN);
        while !step.is_empty() {
            let lacking = self
                .lacks
                .iter()
                .find(|run| !run.intersection(step).is_empty());
            if let Some(lacking) = lacking {
                return Err(Self::lacked(lacking));
            }
            if let Some(bytes) = part_of(&self.bytes, step) {
                sink.put(step.start(), bytes);
            }
            tokio::task::yield_now().await;
            step = Span::between(step.end(), there.end()).head(STEP_LEN);
        }
        match fault {
            Fault::Fail { error, .. } => Err(error),
            Fault::Hang { .. } => std::future::pending().await,
            Fault::None if held.contains(span) => Ok(()),
            Fault::None => Err(Self::lacked(Span::between(held.end(), span.end()))),
        }
    }
}

/// A sink that collects a whole content in memory.
pub struct MemorySink {
    piece_len: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    filled: Spans,
    reserved: Spans,
    commits: u64,
    wrong: u64,
}

impl MemorySink {
    /// Makes room for a content of `len` bytes in pieces of `piece_len`.
    pub fn new(len: usize, piece_len: u64) -> Self {
        let state = State {
            bytes: vec![0; len],
            ..State::default()
        };
        Self {
            piece_len: piece_len.max(1),
            state: Mutex::new(state),
        }
    }

    /// Which bytes have come.
    pub fn filled(&self) -> Spans {
        locked(&self.state).filled.clone()
    }

    /// Which bytes are reserved and not committed.
    pub fn reserved(&self) -> Spans {
        locked(&self.state).reserved.clone()
    }

    /// How often bytes were committed.
    pub fn commits(&self) -> u64 {
        locked(&self.state).commits
    }

    /// How often bytes were committed or released that were not reserved: zero, or the source is wrong.
    pub fn wrong(&self) -> u64 {
        locked(&self.state).wrong
    }

    /// A copy of the content; what has not come is zero.
    pub fn to_vec(&self) -> Vec<u8> {
        locked(&self.state).bytes.clone()
    }
}

impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySink(filled {:?})", self.filled())
    }
}

impl SinkTarget for MemorySink {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        let mut state = locked(&self.state);
        let mut open = state
            .filled
            .gaps(span.intersection(Span::new(0, len_of(&state.bytes))));
        for run in state.reserved.iter() {
            open.remove(run);
        }
        let run = open.first()?;
        let piece_end = (run.start() / self.piece_len + 1).saturating_mul(self.piece_len);
        let segment_end = run.start() - (run.start() % self.piece_len % SEGMENT_LEN) + SEGMENT_LEN;
        let run = run.intersection(Span::between(run.start(), piece_end.min(segment_end)));
        let len = usize::try_from(run.len()).ok()?;
        state.reserved.insert(run);
        Some((run, BytesMut::zeroed(len)))
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        let mut state = locked(&self.state);
        let fits = state.reserved.covers(span) && len_of(&buffer) == span.len();
        state.commits += 1;
        state.wrong += u64::from(!fits);
        state.reserved.remove(span);
        state.filled.insert(span);
        if let Some(to) = range_of(span).and_then(|range| state.bytes.get_mut(range)) {
            to.copy_from_slice(&buffer);
        }
    }

    fn release(&self, span: Span, _buffer: BytesMut) {
        let mut state = locked(&self.state);
        state.wrong += u64::from(!state.reserved.covers(span));
        state.reserved.remove(span);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn range_of(span: Span) -> Option<std::ops::Range<usize>> {
    Some(usize::try_from(span.start()).ok()?..usize::try_from(span.end()).ok()?)
}

fn part_of(bytes: &[u8], span: Span) -> Option<&[u8]> {
    range_of(span).and_then(|range| bytes.get(range))
}
