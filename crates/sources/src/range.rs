//! An origin of the embedder's own: whatever can read a range of a file.
//!
//! The embedder writes [`RangeSource`]; [`RangeOrigin`] makes an origin of it. What must stay true: a source is asked
//! for bytes of real files that are missing, in runs as long as pay, only while a permit lives and the limits allow; it
//! may fail, panic or hang, and that is a failure of this source alone.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use swarmcopy_address::in_text;
use swarmcopy_layout::{FileEntry, FileSlice, Layout, Span};
use swarmcopy_scheduler::{OriginKind, OriginPermit};
use tokio::time::Instant;

use crate::error::FirstLack;
use crate::gate::Gate;
use crate::rate::{acquire_all, quantum_of};
use crate::{Chunk, Lack, Limiter, OriginSource, PieceSource, SourceError, SpanSink};

/// The shortest and the longest run that is asked for at once, in bytes. The first is as long as can be: where an answer takes
/// long to begin, each cut costs a way there and back, and whoever is slow is asked for less from then on.
const RUN_MIN: u64 = 64 << 10;
const RUN_MAX: u64 = 16 << 20;
/// A read that takes less makes the next runs longer, one that takes four times as long makes them shorter.
const RUN_TIME: Duration = Duration::from_secs(1);
/// Most reads of one source at once, whatever it says.
const STREAMS_MAX: u32 = 64;

/// Reads ranges of files: an object store, a package server, an archive.
///
/// All else is done for it: what is asked for when, limits, retries, time-outs, checks of every byte. A panic is a
/// failure of this source, with its message.
#[async_trait]
pub trait RangeSource: Debug + Send + Sync {
    /// Its name in reports; what looks like a login in an address is not shown.
    fn name(&self) -> String;

    /// What makes it the same origin on other machines, so that they share its slots: by default its name.
    fn identity(&self) -> String {
        self.name()
    }

    /// Most reads at a time, at least 1; 16 unless told otherwise, more than 64 are never made.
    fn streams_max(&self) -> u32 {
        16
    }

    /// How long one read may take, of at most 16 MiB; 30 s unless told otherwise. Where reads take long, shorter runs
    /// are asked for.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Fills all of `to` with the bytes of `file` from byte `at` on; they lie in the file. The future is dropped when
    /// the bytes are not needed any more.
    ///
    /// # Errors
    /// Whatever comes closest: it tells whether to try again, and when.
    async fn read(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), RangeError>;
}

/// Why a [`RangeSource`] could not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// It does not have the file, or has it shorter. Other files of it are still asked for.
    #[error("not there: {0}")]
    Absent(String),
    /// It lets this machine not in. A copy with no other source ends for that.
    #[error("refused: {0}")]
    Refused(String),
    /// It wants to be left alone for a while.
    #[error("busy: {what}")]
    Busy {
        /// Its words.
        what: String,
        /// For how long, if it said so.
        retry_after: Option<Duration>,
    },
    /// It can't be reached, or breaks off. It is tried again soon.
    #[error("{0}")]
    Broken(String),
}

impl From<std::io::Error> for RangeError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Absent(error.to_string()),
            std::io::ErrorKind::PermissionDenied => Self::Refused(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// The origin that a [`RangeSource`] makes.
#[derive(Debug)]
pub struct RangeOrigin(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<dyn RangeSource>,
    layout: Arc<Layout>,
    limits: Vec<Arc<Limiter>>,
    name: String,
    identity: String,
    streams_max: u32,
    patience: Duration,
    /// How long the next runs are.
    run_len: AtomicU64,
}

impl RangeOrigin {
    /// Makes an origin of `source` for a content with this layout; all of `limits` hold for it.
    pub fn new(
        source: Arc<dyn RangeSource>,
        layout: Arc<Layout>,
        limits: Vec<Arc<Limiter>>,
    ) -> Self {
        let told = catch_unwind(AssertUnwindSafe(|| {
            let patience = source.patience().max(Duration::from_millis(1));
            let streams = source.streams_max().clamp(1, STREAMS_MAX);
            (source.name(), source.identity(), streams, patience)
        }));
        // its first read tells more
        let nameless = || ("source".to_owned(), String::new(), 1, RUN_TIME);
        let (name, identity, streams_max, patience) = told.unwrap_or_else(|_| nameless());
        Self(Arc::new(Inner {
            source,
            layout,
            limits,
            name: in_text(&name).into_owned(),
            identity,
            streams_max,
            patience,
            run_len: AtomicU64::new(RUN_MAX),
        }))
    }
}

#[async_trait]
impl OriginSource for RangeOrigin {
    fn kind(&self) -> OriginKind {
        OriginKind::Mirror
    }

    fn name(&self) -> String {
        self.0.name.clone()
    }

    fn identity(&self) -> String {
        self.0.identity.clone()
    }

    fn streams_max(&self) -> u32 {
        self.0.streams_max
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        Ok(Arc::new(RangeReader {
            inner: Arc::clone(&self.0),
            gate: Gate::new(permit),
        }))
    }
}

/// An opened [`RangeOrigin`].
#[derive(Debug)]
struct RangeReader {
    inner: Arc<Inner>,
    gate: Gate,
}

#[async_trait]
impl PieceSource for RangeReader {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let slices: Vec<FileSlice> = self.inner.layout.slices(span).collect();
        let mut lack = FirstLack::default();
        for slice in slices {
            let Some(file) = self.inner.layout.file(slice.file) else {
                continue;
            };
            if file.attributes().pad {
                sink.put_zeros(slice.span);
            } else {
                lack.note(self.read_slice(file, slice.span, sink).await)?;
            }
        }
        lack.into_result()
    }
}

impl RangeReader {
    /// Reads what is missing of a part of a file.
    async fn read_slice(
        &self,
        file: &FileEntry,
        mut rest: Span,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        while !rest.is_empty() {
            self.gate.check()?;
            let mut most = self.inner.run_len.load(Ordering::Relaxed);
            if let Some(quantum) = quantum_of(&self.inner.limits) {
                most = most.min(quantum);
            }
            let chunks = reserve(rest, most, sink);
            let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else {
                return Ok(());
            };
            let run = Span::between(first.span().start(), last.span().end());
            acquire_all(&self.inner.limits, run.len()).await;
            self.gate.check()?;
            let chunks = self.inner.read(file, run, chunks).await?;
            for chunk in chunks {
                self.gate.check()?;
                chunk.commit();
            }
            rest = Span::between(run.end(), rest.end());
        }
        Ok(())
    }
}

/// Takes memory for the first run of missing bytes, at most `most` of them; none if nothing is missing.
fn reserve(mut rest: Span, most: u64, sink: &SpanSink) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    // others may take what was missing just now
    while chunks.is_empty()
        && let Some(missing) = sink.missing(rest)
    {
        rest = Span::between(missing.start(), rest.end());
        let mut want = rest.head(most);
        while let Some(chunk) = sink.reserve(want) {
            let end = chunks.last().map(|last| last.span().end());
            if end.is_some_and(|end| end != chunk.span().start()) {
                break;
            }
            want = Span::between(chunk.span().end(), want.end());
            chunks.push(chunk);
        }
    }
    chunks
}

impl Inner {
    /// Reads one run into its chunks, which are not committed yet.
    async fn read(
        &self,
        file: &FileEntry,
        run: Span,
        mut chunks: Vec<Chunk>,
    ) -> Result<Vec<Chunk>, SourceError> {
        let at = run.start() - file.span().start();
        let start = Instant::now();
        let result = if let [only] = chunks.as_mut_slice() {
            self.ask(file, at, only.as_mut_slice()).await
        } else {
            let mut buffer = vec![0; usize::try_from(run.len()).unwrap_or_default()];
            let asked = self.ask(file, at, &mut buffer).await;
            let mut bytes = buffer.as_slice();
            for chunk in &mut chunks {
                let to = chunk.as_mut_slice();
                if let Some((part, more)) = bytes.split_at_checked(to.len()) {
                    to.copy_from_slice(part);
                    bytes = more;
                }
            }
            asked
        };
        self.learn(run.len(), start.elapsed());
        result.map_err(|error| {
            let error = self.failed(error, file, run);
            tracing::debug!(%error, at, len = run.len(), "not read");
            error
        })?;
        Ok(chunks)
    }

    async fn ask(&self, file: &FileEntry, at: u64, to: &mut [u8]) -> Result<(), Failed> {
        let reading = AssertUnwindSafe(async { self.source.read(file, at, to).await });
        match tokio::time::timeout(self.patience, reading.catch_unwind()).await {
            Ok(Ok(result)) => result.map_err(Failed::Told),
            Ok(Err(panic)) => Err(Failed::Panicked(words_of(panic.as_ref()))),
            Err(_) => Err(Failed::Silent),
        }
    }

    /// Makes runs as long as pays, and no longer than a slow source can bring in time.
    fn learn(&self, len: u64, took: Duration) {
        let run_len = self.run_len.load(Ordering::Relaxed);
        let next = if took >= (RUN_TIME * 4).min(self.patience / 2) {
            (len / 2).max(RUN_MIN)
        } else if took < RUN_TIME && len >= run_len {
            (run_len * 2).min(RUN_MAX)
        } else {
            return;
        };
        self.run_len.store(next, Ordering::Relaxed);
        tracing::debug!(len, ?took, next, "runs of another length");
    }

    fn failed(&self, failed: Failed, file: &FileEntry, run: Span) -> SourceError {
        let name = self.name.clone();
        let safe = |what: String| in_text(&what).into_owned();
        match failed {
            Failed::Panicked(what) => SourceError::Panicked {
                name,
                what: safe(what),
            },
            Failed::Silent => SourceError::Silent {
                name,
                what: format!("no answer in {:?}", self.patience),
            },
            Failed::Told(RangeError::Absent(what)) => SourceError::Lacks {
                name,
                path: file.path().as_str().to_owned(),
                what: safe(what),
                lack: Lack::Absent,
                span: run,
            },
            Failed::Told(RangeError::Refused(what)) => SourceError::Refuses {
                name,
                what: safe(what),
            },
            Failed::Told(RangeError::Busy { what, retry_after }) => SourceError::Busy {
                name,
                what: safe(what),
                retry_after,
            },
            Failed::Told(RangeError::Broken(what)) => SourceError::Broken {
                name,
                what: safe(what),
            },
        }
    }
}

/// How a read failed.
#[derive(Debug)]
enum Failed {
    Told(RangeError),
    Panicked(String),
    Silent,
}

/// What a panic says.
pub fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("without a word").to_owned()
}

#[cfg(test)]
mod tests;
