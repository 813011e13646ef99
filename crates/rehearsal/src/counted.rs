//! The origin's side of a rehearsal: who reads it, and how much it sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::{OriginKind, OriginPermit};
use swarmcopy_sources::{OriginSource, PieceSource, SinkTarget, SourceError, SpanSink};
use tokio_util::sync::CancellationToken;

/// How often readers are counted.
const SAMPLE: Duration = Duration::from_millis(100);

/// What the origin sends to one machine.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: AtomicU64,
    open: AtomicUsize,
}

impl Meter {
    /// Counts bytes that went out.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts a request as open until the guard is dropped.
    pub(crate) fn open(self: &Arc<Self>) -> OpenRequest {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(Arc::clone(self))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn reads(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }
}

/// A request that is open at the origin.
#[derive(Debug)]
pub(crate) struct OpenRequest(Arc<Meter>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many machines read at a time, over the whole rehearsal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Readers {
    pub(crate) peak: usize,
    pub(crate) over_cap: Duration,
}

/// Counts readers until cancelled.
pub(crate) async fn watch(meters: Vec<Arc<Meter>>, cap: usize, stop: CancellationToken) -> Readers {
    let mut readers = Readers::default();
    let mut sample = tokio::time::interval(SAMPLE);
    loop {
        tokio::select! {
            () = stop.cancelled() => return readers,
            _ = sample.tick() => {
                let now = meters.iter().filter(|meter| meter.reads()).count();
                readers.peak = readers.peak.max(now);
                if now > cap {
                    readers.over_cap += SAMPLE;
                }
            }
        }
    }
}

/// A share as one machine reads it, counted.
#[derive(Debug)]
pub(crate) struct CountedShare {
    share: Arc<dyn OriginSource>,
    meter: Arc<Meter>,
}

impl CountedShare {
    pub(crate) fn new(share: Arc<dyn OriginSource>, meter: Arc<Meter>) -> Self {
        Self { share, meter }
    }
}

#[async_trait]
impl OriginSource for CountedShare {
    fn kind(&self) -> OriginKind {
        self.share.kind()
    }

    fn name(&self) -> String {
        self.share.name()
    }

    fn identity(&self) -> String {
        self.share.identity()
    }

    fn streams_max(&self) -> u32 {
        self.share.streams_max()
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let source = self.share.open(permit).await?;
        Ok(Arc::new(CountedSource {
            source,
            meter: Arc::clone(&self.meter),
        }))
    }
}

#[derive(Debug)]
struct CountedSource {
    source: Arc<dyn PieceSource>,
    meter: Arc<Meter>,
}

#[async_trait]
impl PieceSource for CountedSource {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let _open = self.meter.open();
        let target = CountedSink {
            target: Arc::clone(sink.target()),
            meter: Arc::clone(&self.meter),
        };
        self.source
            .fetch(span, &SpanSink::new(Arc::new(target)))
            .await
    }
}

#[derive(Debug)]
struct CountedSink {
    target: Arc<dyn SinkTarget>,
    meter: Arc<Meter>,
}

impl SinkTarget for CountedSink {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        self.target.reserve(span)
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        self.meter.sent(span.len());
        self.target.commit(span, buffer);
    }

    fn release(&self, span: Span, buffer: BytesMut) {
        self.target.release(span, buffer);
    }
}
