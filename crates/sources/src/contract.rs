//! The suite that every piece source must pass.
//!
//! For the tests of this crate and of others that bring sources of their own (peer links): give
//! [`check`] a [`Subject`] and unwrap what it says. What must stay true: the suite knows a source by its
//! traits alone, waits for nothing without a deadline, and names the broken rule.

mod permit;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swarmcopy_layout::{Layout, Span};

use crate::{
    Blame, MemorySink, OriginSource, PieceSource, RangeOrigin, RangeSource, SinkTarget,
    SourceError, SpanSink,
};

pub use permit::{PermitKeeper, permit};

/// How long a single check may take.
const DEADLINE: Duration = Duration::from_mins(1);
/// Most awaits at which a fetch is dropped.
const DROPS_MAX: usize = 24;

/// A boxed future, as the factories of a [`Subject`] return.
pub type Opening<'a> = Pin<Box<dyn Future<Output = Opened> + Send + 'a>>;

/// A source that is ready, and how to revoke its permit.
pub struct Opened {
    /// The source.
    pub source: Arc<dyn PieceSource>,
    /// Revokes the permit it was opened with; `None` for sources that need none.
    pub revoke: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened = &mut f.debug_struct("Opened");
        opened.field("source", &self.source).finish_non_exhaustive()
    }
}

/// What is tested: a way to open sources that hold all of a content.
pub struct Subject<'a> {
    /// The content's files and pieces.
    pub layout: Arc<Layout>,
    /// Its bytes, those of pads (zeros) included.
    pub bytes: Bytes,
    /// Opens a fresh source of it.
    pub open: Box<dyn Fn() -> Opening<'a> + Send + Sync + 'a>,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &mut f.debug_struct("Subject");
        subject
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

/// A rule that a source broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {what}")]
pub struct Violation {
    /// The rule.
    pub rule: &'static str,
    /// What was seen.
    pub what: String,
}

type Verdict = Result<(), Violation>;

/// Checks every rule that all sources must keep.
pub async fn check(subject: &Subject<'_>) -> Verdict {
    timed("fills every byte once", fills_every_byte_once(subject)).await?;
    timed("fills any span and nothing else", fills_any_span(subject)).await?;
    timed(
        "leaves out what is there",
        leaves_out_what_is_there(subject),
    )
    .await?;
    timed("serves fetches side by side", serves_side_by_side(subject)).await?;
    timed("may be dropped at any await", may_be_dropped(subject)).await?;
    timed("ends with its permit", ends_with_its_permit(subject)).await
}

/// Checks every rule of [`check`] for a [`RangeSource`] that holds all of a content: it is asked in the way of a copy, for
/// many spans, side by side, and is dropped at any await. `bytes` are those of the content, pads (zeros) included.
///
/// # Errors
/// The rule that it broke.
pub async fn check_ranges(
    source: Arc<dyn RangeSource>,
    layout: &Arc<Layout>,
    bytes: impl Into<Bytes>,
) -> Verdict {
    let origin = RangeOrigin::new(source, Arc::clone(layout), Vec::new());
    let subject = Subject {
        layout: Arc::clone(layout),
        bytes: bytes.into(),
        open: Box::new(|| Box::pin(opened(&origin, layout))),
    };
    check(&subject).await
}

#[expect(
    clippy::expect_used,
    reason = "who is alone gets a permit, and an origin of ranges only keeps it"
)]
async fn opened(origin: &RangeOrigin, layout: &Arc<Layout>) -> Opened {
    let (permit, keeper) = permit(layout).expect("a machine that is alone gets a permit");
    let source = origin.open(permit).await;
    Opened {
        source: source.expect("nothing is asked of a source before its first read"),
        revoke: Some(Box::new(move || drop(keeper))),
    }
}

/// Checks that `source`, which lacks the bytes `gone`, says so and brings no others in their place.
pub async fn check_lacks(subject: &Subject<'_>, source: &dyn PieceSource, gone: Span) -> Verdict {
    timed("says what it lacks", async {
        let sink = subject.sink();
        let end = source
            .fetch(subject.whole(), &SpanSink::new(sink.clone()))
            .await;
        match end.map_err(|error| error.blame()) {
            Err(Blame::Lacks(span)) if !span.intersection(gone).is_empty() => {}
            other => {
                return fail(
                    "says what it lacks",
                    format!("{gone} is gone, but: {other:?}"),
                );
            }
        }
        subject.same(&sink, "says what it lacks")
    })
    .await
}

async fn timed(rule: &'static str, check: impl Future<Output = Verdict>) -> Verdict {
    match tokio::time::timeout(DEADLINE, check).await {
        Ok(verdict) => verdict,
        Err(_) => fail(rule, format!("not done in {DEADLINE:?}")),
    }
}

fn fail<T>(rule: &'static str, what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation {
        rule,
        what: what.into(),
    })
}

impl Subject<'_> {
    fn whole(&self) -> Span {
        Span::new(0, self.layout.len())
    }

    fn sink(&self) -> Arc<MemorySink> {
        Arc::new(MemorySink::new(self.bytes.len(), self.layout.piece_len()))
    }

    /// Spans of every kind: single bytes, across pieces, from the middle.
    fn spans(&self) -> Vec<Span> {
        let (len, piece) = (self.layout.len(), self.layout.piece_len());
        let mut spans = vec![
            Span::new(0, 1),
            Span::new(len.saturating_sub(1), 1),
            Span::new(piece.saturating_sub(1), 2),
            Span::new(piece / 2, piece),
            Span::new(len / 2, 3 * piece),
            Span::new(len / 3, 0),
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let start = (state >> 16) % len.max(1);
            spans.push(Span::new(start, (state >> 40) % (2 * piece + 1)));
        }
        spans
            .iter()
            .map(|span| span.intersection(self.whole()))
            .collect()
    }

    /// Every byte that came is the content's, and every commit was of reserved bytes.
    fn same(&self, sink: &MemorySink, rule: &'static str) -> Verdict {
        if sink.wrong() > 0 {
            return fail(
                rule,
                format!("{} commits of bytes not reserved", sink.wrong()),
            );
        }
        let came = sink.to_vec();
        for run in sink.filled().iter() {
            if part(&came, run) != part(&self.bytes, run) {
                return fail(rule, format!("wrong bytes in {run}"));
            }
        }
        Ok(())
    }

    async fn fetched(&self, sink: &Arc<MemorySink>, span: Span, rule: &'static str) -> Verdict {
        let opened = (self.open)().await;
        let end = opened
            .source
            .fetch(span, &SpanSink::new(sink.clone()))
            .await;
        if let Err(error) = end {
            return fail(rule, format!("{span}: {error}"));
        }
        if !sink.filled().covers(span) {
            return fail(rule, format!("{span}: only {:?} came", sink.filled()));
        }
        self.same(sink, rule)
    }
}

fn part(bytes: &[u8], span: Span) -> Option<&[u8]> {
    bytes.get(usize::try_from(span.start()).ok()?..usize::try_from(span.end()).ok()?)
}

async fn fills_every_byte_once(subject: &Subject<'_>) -> Verdict {
    subject
        .fetched(&subject.sink(), subject.whole(), "fills every byte once")
        .await
}

async fn fills_any_span(subject: &Subject<'_>) -> Verdict {
    let rule = "fills any span and nothing else";
    for span in subject.spans() {
        let sink = subject.sink();
        subject.fetched(&sink, span, rule).await?;
        if sink.filled().len() != span.len() {
            return fail(rule, format!("{span} was asked, {:?} came", sink.filled()));
        }
    }
    Ok(())
}

async fn leaves_out_what_is_there(subject: &Subject<'_>) -> Verdict {
    let rule = "leaves out what is there";
    let sink = subject.sink();
    for span in subject.spans() {
        subject.fetched(&sink, span, rule).await?;
    }
    subject.fetched(&sink, subject.whole(), rule).await?;
    let commits = sink.commits();
    subject.fetched(&sink, subject.whole(), rule).await?;
    if sink.commits() == commits {
        Ok(())
    } else {
        fail(rule, "bytes came again")
    }
}

async fn serves_side_by_side(subject: &Subject<'_>) -> Verdict {
    let rule = "serves fetches side by side";
    let sink = subject.sink();
    let opened = (subject.open)().await;
    let pieces = subject
        .layout
        .piece_indexes()
        .map(|piece| subject.layout.piece_span(piece));
    let fetches = pieces.map(|span| {
        let (source, sink) = (Arc::clone(&opened.source), SpanSink::new(sink.clone()));
        async move { source.fetch(span, &sink).await }
    });
    for end in futures_util::future::join_all(fetches).await {
        if let Err(error) = end {
            return fail(rule, error.to_string());
        }
    }
    if !sink.filled().covers(subject.whole()) {
        return fail(rule, format!("only {:?} came", sink.filled()));
    }
    subject.same(&sink, rule)
}

async fn may_be_dropped(subject: &Subject<'_>) -> Verdict {
    let rule = "may be dropped at any await";
    for polls in 0..DROPS_MAX {
        let sink = subject.sink();
        let opened = (subject.open)().await;
        let target = SpanSink::new(sink.clone());
        let done = polled(opened.source.fetch(subject.whole(), &target), polls).await;
        let before = sink.filled();
        if let Some(Err(error)) = &done {
            return fail(rule, error.to_string());
        }
        returned(&sink).await;
        if let Some(lost) = before.iter().find(|run| !sink.filled().covers(*run)) {
            return fail(
                rule,
                format!("dropped after {polls} polls: {lost} was lost"),
            );
        }
        if let Err(error) = opened.source.fetch(subject.whole(), &target).await {
            return fail(rule, format!("after a drop: {error}"));
        }
        if !sink.filled().covers(subject.whole()) {
            return fail(rule, format!("after a drop only {:?} came", sink.filled()));
        }
        subject.same(&sink, rule)?;
        if done.is_some() {
            break;
        }
    }
    Ok(())
}

async fn ends_with_its_permit(subject: &Subject<'_>) -> Verdict {
    let rule = "ends with its permit";
    let Opened {
        source,
        revoke: Some(revoke),
    } = (subject.open)().await
    else {
        return Ok(());
    };
    let sink = subject.sink();
    let tripwire = Arc::new(Tripwire {
        sink: sink.clone(),
        revoke: Mutex::new(Some(revoke)),
    });
    let end = source
        .fetch(subject.whole(), &SpanSink::new(tripwire))
        .await;
    if subject.layout.pieces() > 1 && end != Err(SourceError::CalledOff) {
        return fail(
            rule,
            format!("revoked in the middle, the fetch ended with {end:?}"),
        );
    }
    if sink.filled().len() > subject.layout.piece_len() {
        return fail(rule, format!("{} came after the end", sink.filled().len()));
    }
    let again = source
        .fetch(subject.whole(), &SpanSink::new(sink.clone()))
        .await;
    if again != Err(SourceError::CalledOff) {
        return fail(
            rule,
            format!("without a permit, a fetch ended with {again:?}"),
        );
    }
    subject.same(&sink, rule)
}

/// Polls a future until it is done or was pending `polls` times; then it is dropped.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Waits until chunks in other hands have come back; the caller has a deadline.
async fn returned(sink: &MemorySink) {
    while !sink.reserved().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A sink that revokes the permit at the first commit.
struct Tripwire {
    sink: Arc<MemorySink>,
    revoke: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Tripwire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tripwire")
    }
}

impl SinkTarget for Tripwire {
    fn reserve(&self, span: Span) -> Option<(Span, BytesMut)> {
        self.sink.reserve(span)
    }

    fn commit(&self, span: Span, buffer: BytesMut) {
        self.sink.commit(span, buffer);
        let revoke = self
            .revoke
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(revoke) = revoke {
            revoke();
        }
    }

    fn release(&self, span: Span, buffer: BytesMut) {
        self.sink.release(span, buffer);
    }
}
