//! One fetch: runs a source over a span, counts what it commits, and tells the loop how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::FutureExt;
use swarmcopy_layout::Span;
use swarmcopy_piece_store::Store;
use swarmcopy_scheduler::{JobId, Outcome, SourceId};
use swarmcopy_sources::{Blame, PieceSource, SinkTarget, SourceError, SpanSink, words_of};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::note::Note;

/// Bytes after which a fetch tells of its progress.
const TELL_BYTES: u64 = 1 << 20;
/// Time after which a fetch tells of its progress.
const TELL_EVERY_MS: u64 = 50;

/// An origin that is being opened: `None` until it is known how that went.
pub(crate) type Opened = watch::Receiver<Option<Result<Arc<dyn PieceSource>, SourceError>>>;

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) enum From {
    /// A source that is at hand.
    Ready(Arc<dyn PieceSource>),
    /// An origin that is being opened.
    Opening(Opened),
    /// Nobody: the source went away in the meantime.
    Gone,
}

/// One fetch as the scheduler asked for it.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) job: JobId,
    pub(crate) source: SourceId,
    /// The name of the source.
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) from: From,
    pub(crate) store: Arc<Store>,
    pub(crate) notes: mpsc::Sender<Note>,
    pub(crate) cancel: CancellationToken,
}

impl Fetch {
    /// Runs it to its end. Ends early when cancelled; what was committed stays.
    pub(crate) async fn run(self) {
        let sink = Arc::new(JobSink {
            store: Arc::clone(&self.store),
            job: self.job,
            source: self.source,
            notes: self.notes.clone(),
            untold: AtomicU64::new(0),
            started: Instant::now(),
            told_ms: AtomicU64::new(0),
        });
        let target: Arc<dyn SinkTarget> = sink.clone();
        let result = tokio::select! {
            () = self.cancel.cancelled() => Err(SourceError::CalledOff),
            result = caught(&self.name, fetch(self.from, self.span, SpanSink::new(target))) => result,
        };
        if result.is_err() {
            self.store.abandon(self.span, self.source.0);
        }
        let (outcome, why) = match result {
            Ok(()) => (Outcome::Done, None),
            Err(error) => (outcome_of(error.blame()), Some(error)),
        };
        let note = Note::JobEnd {
            job: self.job,
            source: self.source,
            outcome,
            bytes: sink.untold.swap(0, Ordering::AcqRel),
            missing: self.store.missing(self.span),
            why,
        };
        // the loop is gone when nobody listens: then nobody needs to know
        let _ = self.notes.send(note).await;
    }
}

async fn fetch(from: From, span: Span, sink: SpanSink) -> Result<(), SourceError> {
    let source = match from {
        From::Ready(source) => source,
        From::Opening(mut opened) => {
            let opened = opened.wait_for(Option::is_some).await;
            let opened = opened.map_err(|_| SourceError::CalledOff)?.clone();
            opened.unwrap_or(Err(SourceError::CalledOff))?
        }
        From::Gone => return Err(SourceError::CalledOff),
    };
    source.fetch(span, &sink).await
}

/// Runs what a source does; a panic of it is a failure of that source, with its words.
pub(super) async fn caught<T>(
    name: &str,
    work: impl Future<Output = Result<T, SourceError>>,
) -> Result<T, SourceError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            Err(SourceError::Panicked {
                name: name.to_owned(),
                what: words_of(panic.as_ref()),
            })
        })
}

fn outcome_of(blame: Blame) -> Outcome {
    match blame {
        Blame::Nobody => Outcome::Cancelled,
        Blame::Busy { retry_after } => {
            let millis = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Outcome::Busy {
                retry_after_ms: retry_after.map(millis),
            }
        }
        Blame::Lacks(span) => Outcome::Lacks(span),
        _ => Outcome::Broken,
    }
}

/// Puts one fetch's bytes into the store and counts them.
#[derive(Debug)]
struct JobSink {
    store: Arc<Store>,
    job: JobId,
    source: SourceId,
    notes: mpsc::Sender<Note>,
    untold: AtomicU64,
    started: Instant,
    told_ms: AtomicU64,
}

impl SinkTarget for JobSink {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        self.store.reserve(span, self.source.0)
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        // counted first: the last piece may be verified, and the fetch called off, before this returns
        let untold = self.count(span.len());
        self.store.commit(span, self.source.0, buffer);
        self.tell(untold);
    }

    fn commit_kept(&self, span: Span, buffer: BytesMut) {
        self.store.commit(span, self.source.0, buffer);
    }

    fn passed(&self, len: u64) {
        let untold = self.count(len);
        self.tell(untold);
    }

    fn is_open(&self, span: Span) -> bool {
        !self.store.missing(span).is_empty()
    }

    fn wait_room(&self) {
        self.store.wait_room();
    }

    fn release(&self, span: Span, buffer: BytesMut) {
        self.store.release(span, self.source.0, buffer);
    }
}

impl JobSink {
    /// Counts bytes that came; how many are not told yet.
    fn count(&self, len: u64) -> u64 {
        self.untold.fetch_add(len, Ordering::AcqRel) + len
    }

    /// Tells of what came, if that is much or a while ago.
    fn tell(&self, untold: u64) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let told_ms = self.told_ms.load(Ordering::Acquire);
        if untold < TELL_BYTES && now_ms.saturating_sub(told_ms) < TELL_EVERY_MS {
            return;
        }
        let Ok(permit) = self.notes.try_reserve() else {
            return;
        };
        self.told_ms.store(now_ms, Ordering::Release);
        let bytes = self.untold.swap(0, Ordering::AcqRel);
        permit.send(Note::Progress {
            job: self.job,
            source: self.source,
            bytes,
        });
    }
}
