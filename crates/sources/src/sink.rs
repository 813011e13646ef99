//! Where a source puts bytes: owned chunks of the piece's own memory.
//!
//! A source reserves a chunk, fills it and commits it. The chunk is owned, so a thread that hangs
//! in a read of a dead server may keep it for ever without harm: its bytes count as missing as soon
//! as the job ends, and others get fresh memory for them.

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use swarmcopy_layout::Span;

/// The owner of the memory that a [`SpanSink`] hands out; implemented over a piece store.
pub trait SinkTarget: Send + Sync + fmt::Debug {
    /// Takes memory for the first run of `span` that nobody has filled or reserved: its place and a
    /// buffer of just that length (its content is arbitrary). `None` if there is no such byte.
    /// A run never crosses a piece or a segment of the owner's memory.
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)>;

    /// Takes a filled buffer back.
    fn commit(&self, span: Span, buffer: BytesMut);

    /// Waits a moment while more memory is filled than the owner can take away. Blocks: for sources
    /// that read on threads of their own.
    fn wait_room(&self) {}

    /// Takes an unfilled buffer back.
    fn release(&self, span: Span, buffer: BytesMut);

    /// Hears of bytes that came and go into no buffer now: they are skipped, or kept for a later fetch.
    fn passed(&self, _len: u64) {}

    /// Takes a filled buffer back whose bytes were kept, and told as passed, when they came.
    fn commit_kept(&self, span: Span, buffer: BytesMut) {
        self.commit(span, buffer);
    }

    /// Whether any byte of `span` is still missing.
    fn is_open(&self, _span: Span) -> bool {
        true
    }
}

/// Memory for some bytes of the content, to be filled by whoever holds it.
///
/// Dropping it gives the memory back unfilled.
#[derive(Debug)]
pub struct Chunk {
    span: Span,
    buffer: BytesMut,
    target: Option<Arc<dyn SinkTarget>>,
}

impl Chunk {
    /// Which bytes of the content it is for.
    pub fn span(&self) -> Span {
        self.span
    }

    /// The memory, exactly as long as the span.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Hands the filled memory over.
    pub fn commit(mut self) {
        if let Some(target) = self.target.take() {
            target.commit(self.span, std::mem::take(&mut self.buffer));
        }
    }

    fn commit_kept(mut self) {
        if let Some(target) = self.target.take() {
            target.commit_kept(self.span, std::mem::take(&mut self.buffer));
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(target) = self.target.take() {
            target.release(self.span, std::mem::take(&mut self.buffer));
        }
    }
}

/// One job's way to put bytes into pieces.
#[derive(Debug, Clone)]
pub struct SpanSink {
    target: Arc<dyn SinkTarget>,
}

impl SpanSink {
    /// Makes the sink of one job.
    pub fn new(target: Arc<dyn SinkTarget>) -> Self {
        Self { target }
    }

    /// The owner of the memory, for a sink that stands in front of it.
    pub fn target(&self) -> &Arc<dyn SinkTarget> {
        &self.target
    }

    /// Takes memory for the first bytes of `span` that nobody has filled or reserved yet; `None` if
    /// there are none. The chunk may be shorter than `span` and may start behind its start.
    pub fn reserve(&self, span: Span) -> Option<Chunk> {
        let (span, buffer) = self.target.reserve(span)?;
        Some(Chunk {
            span,
            buffer,
            target: Some(Arc::clone(&self.target)),
        })
    }

    /// Waits a moment while more memory is filled than its owner can take away. Blocks.
    pub fn wait_room(&self) {
        self.target.wait_room();
    }

    /// The first bytes of `span` that nobody has filled or reserved yet. The run may go on behind
    /// the end of what is told.
    pub fn missing(&self, span: Span) -> Option<Span> {
        if span.is_empty() {
            None
        } else {
            self.reserve(span).map(|chunk| chunk.span())
        }
    }

    /// Fills what is missing of `span` with zeros: the bytes of pad files (BEP 47).
    pub fn put_zeros(&self, span: Span) {
        while let Some(mut chunk) = self.reserve(span) {
            chunk.as_mut_slice().fill(0);
            chunk.commit();
        }
    }

    /// Tells of bytes that came and are not put anywhere now.
    pub fn passed(&self, len: u64) {
        self.target.passed(len);
    }

    /// Whether any byte of `span`, which need not be the job's, is still missing.
    pub fn is_open(&self, span: Span) -> bool {
        self.target.is_open(span)
    }

    /// Copies `bytes` to their place at `offset`, leaving out what is there already. For sources
    /// that get bytes in memory of their own.
    pub fn put(&self, offset: u64, bytes: &[u8]) {
        self.place(offset, bytes, Chunk::commit);
    }

    /// The same for bytes that were told as passed when they came.
    pub fn put_kept(&self, offset: u64, bytes: &[u8]) {
        self.place(offset, bytes, Chunk::commit_kept);
    }

    fn place(&self, offset: u64, bytes: &[u8], commit: fn(Chunk)) {
        let whole = Span::new(offset, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        while let Some(mut chunk) = self.reserve(whole) {
            let from = usize::try_from(chunk.span().start() - offset).unwrap_or(usize::MAX);
            let len = chunk.as_mut_slice().len();
            let Some(part) = bytes.get(from..from.saturating_add(len)) else {
                return;
            };
            chunk.as_mut_slice().copy_from_slice(part);
            commit(chunk);
        }
    }
}
