//! Fetching from a file that comes as one answer: taking turns at reading it on.
//!
//! What must stay true: a fetch that waits is woken by whatever comes, the leader never waits longer than
//! the idle time for a byte, and every byte that comes is told to a sink, wanted or not.

use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_layout::{FileEntry, FileSlice, Layout, Span};

use super::sequence::{Lead, Line, Sequence, Sequences, Stream, Turn};
use super::spool::Spool;
use super::wanted::Wanted;
use crate::gate::Gate;
use crate::http::answer::Refusal;
use crate::http::notes::Notes;
use crate::intake::{Intake, len_of};
use crate::{MirrorOptions, SourceError, SpanSink, rate};

/// Most bytes that are read from a spool at once.
const TAKE_LEN: u64 = 512 * 1024;
/// Most turns in a row in which nothing comes.
const BARREN_TURNS_MAX: u32 = 3;

/// An opened mirror whose files come as one answer each. All of its futures may be dropped at any await.
pub(crate) trait Whole: Sync {
    /// What an answer comes over.
    type Line: Line + Send;

    /// Asks for the file from its beginning; what was in the way, if another try may mend it.
    fn begin(
        &self,
        lead: &mut Lead<Self::Line>,
        wanted: Wanted<'_>,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;

    /// The next bytes of an answer to `wanted`.
    fn frame(
        &self,
        stream: &mut Stream<Self::Line>,
        wanted: Wanted<'_>,
    ) -> impl Future<Output = Result<Bytes, NoFrame>> + Send;

    fn gate(&self) -> &Gate;
    fn layout(&self) -> &Layout;
    fn notes(&self) -> &Notes;
    fn options(&self) -> &MirrorOptions;
    fn sequences(&self) -> &Sequences<Self::Line>;
    fn name(&self) -> String;

    /// Where bytes of the wanted span go.
    fn intake<'a>(&'a self, want: Span, sink: &'a SpanSink) -> Intake<'a> {
        Intake {
            layout: self.layout(),
            gate: self.gate(),
            sink,
            want,
        }
    }

    /// Fails if the file is known not to be had here.
    fn check_refusal(&self, wanted: Wanted<'_>) -> Result<(), SourceError> {
        match self.notes().refusal(wanted.index) {
            Some(refusal) => Err(self.lacks(wanted, refusal)),
            None => Ok(()),
        }
    }

    /// Notes that the file is not to be asked for, and says so.
    fn refuse(&self, wanted: Wanted<'_>, refusal: Refusal) -> SourceError {
        self.notes().refuse(wanted.index, refusal);
        self.sequences().forget(wanted.index);
        self.lacks(wanted, refusal)
    }

    /// The file is not to be had here.
    fn lacks(&self, wanted: Wanted<'_>, refusal: Refusal) -> SourceError {
        SourceError::Lacks {
            name: self.name(),
            path: wanted.file.path().as_str().to_owned(),
            what: refusal.to_string(),
            lack: refusal.lack(),
            span: wanted.file.span(),
        }
    }

    /// The mirror is of no use.
    fn broken(&self, what: String) -> SourceError {
        let name = self.name();
        SourceError::Broken { name, what }
    }

    /// The mirror lets this machine not in.
    fn closed(&self, what: String) -> SourceError {
        let name = self.name();
        SourceError::Refuses { name, what }
    }

    /// Nothing came for the idle time.
    fn silent(&self) -> SourceError {
        let what = format!("nothing came for {:?}", self.options().idle_timeout);
        let name = self.name();
        SourceError::Silent { name, what }
    }
}

/// Why an answer goes no further.
#[derive(Debug)]
pub(crate) enum NoFrame {
    /// It is at its end.
    End,
    /// The connection broke.
    Reset(String),
    /// Nothing came for the idle time.
    Silent,
}

/// How a turn at reading ended that is no failure.
enum Read {
    /// The wanted bytes came.
    On,
    /// The answer broke off, for this reason.
    Off(String),
}

/// Takes what is missing of a slice from the file's one answer.
pub(crate) async fn take_turns<R: Whole>(
    reader: &R,
    sequence: &Arc<Sequence<R::Line>>,
    (slice, file): (FileSlice, &FileEntry),
    sink: &SpanSink,
) -> Result<(), SourceError> {
    Turns(reader).take(sequence, (slice, file), sink).await
}

/// Turns at the files of a reader.
struct Turns<'a, R>(&'a R);

impl<R: Whole> Turns<'_, R> {
    async fn take(
        &self,
        sequence: &Arc<Sequence<R::Line>>,
        (slice, file): (FileSlice, &FileEntry),
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        let (mut barren, mut furthest) = (0, 0);
        loop {
            let Some(open) = sink.missing(slice.span) else {
                return Ok(());
            };
            self.0.gate().check()?;
            let span = Span::between(open.start(), slice.span.end());
            let index = slice.file;
            let wanted = Wanted { index, file, span };
            self.0.check_refusal(wanted)?;
            let moved = sequence.moved();
            match sequence.turn(span) {
                Turn::Wait => moved.await,
                Turn::Take(span, spool) => {
                    let span = span.head(TAKE_LEN);
                    self.take_kept(wanted, span, &spool, sink).await?;
                    sequence.taken(span);
                }
                Turn::Lead(lead) => match self.lead(lead, wanted, sink).await? {
                    Read::On => barren = 0,
                    Read::Off(why) => {
                        // an answer that came further is progress, whoever read it on
                        let before = std::mem::replace(&mut furthest, sequence.furthest());
                        barren = if furthest > before { 1 } else { barren + 1 };
                        if barren == BARREN_TURNS_MAX {
                            return Err(self.0.broken(why));
                        }
                    }
                },
            }
        }
    }

    async fn take_kept(
        &self,
        wanted: Wanted<'_>,
        span: Span,
        spool: &Spool,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        let start = wanted.file.span().start();
        let place = Span::new(span.start() - start, span.len());
        let bytes = spool.read(place).await;
        let bytes = bytes.map_err(|error| self.0.refuse(wanted, Refusal::Spool(error.kind())))?;
        sink.put_kept(span.start(), &bytes);
        Ok(())
    }

    /// Reads the answer on until the wanted bytes are there. May be dropped at any await.
    async fn lead(
        &self,
        mut lead: Lead<R::Line>,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<Read, SourceError> {
        if lead.stream.is_none()
            && let Some(why) = self.0.begin(&mut lead, wanted).await?
        {
            return Ok(Read::Off(why));
        }
        while let Some(stream) = &mut lead.stream {
            self.0.gate().check()?;
            if stream.at >= wanted.span.end() {
                if stream.at == wanted.file.span().end() {
                    // hears the end, so that the connection can be used again
                    let _ = self.0.frame(stream, wanted).await;
                    lead.stream = None;
                }
                break;
            }
            if stream.frame.is_empty() {
                match self.0.frame(stream, wanted).await {
                    Ok(frame) => stream.frame = within(frame, wanted.file.span().end() - stream.at),
                    Err(NoFrame::End) => {
                        let len = stream.at - wanted.file.span().start();
                        return Err(self.0.refuse(wanted, Refusal::Total(len)));
                    }
                    Err(NoFrame::Silent) => {
                        lead.stream = None;
                        return Err(self.0.silent());
                    }
                    Err(NoFrame::Reset(_)) if !lead.broke_off() => {
                        return Err(self.0.refuse(wanted, Refusal::BreaksOff));
                    }
                    Err(NoFrame::Reset(why)) => return Ok(Read::Off(why)),
                }
                let len = len_of(&stream.frame);
                rate::acquire_all(&self.0.options().limits, len).await;
            }
            self.place(&mut lead, wanted, sink).await?;
        }
        Ok(Read::On)
    }

    /// Deals with a part of the frame: the fetch's own bytes go into the sink, others that somebody may
    /// want are kept.
    async fn place(
        &self,
        lead: &mut Lead<R::Line>,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        let Some(stream) = &lead.stream else {
            return Ok(());
        };
        let here = Span::new(stream.at, len_of(&stream.frame));
        let own = here.intersection(wanted.span);
        let own_first = !own.is_empty() && own.start() == here.start();
        let part = if own_first {
            own
        } else if here.start() < wanted.span.start() {
            here.head(wanted.span.start() - here.start())
        } else {
            here
        };
        let len = usize::try_from(part.len()).unwrap_or(usize::MAX);
        let bytes = stream.frame.slice(..len.min(stream.frame.len()));
        if own_first {
            self.0.intake(wanted.span, sink).put(part.start(), &bytes)?;
        } else {
            if sink.is_open(part) {
                let kept = self.keep(lead, wanted, part, bytes).await;
                kept.map_err(|error| self.0.refuse(wanted, Refusal::Spool(error.kind())))?;
            }
            sink.passed(part.len());
        }
        lead.advance(len);
        Ok(())
    }

    async fn keep(
        &self,
        lead: &Lead<R::Line>,
        wanted: Wanted<'_>,
        span: Span,
        bytes: Bytes,
    ) -> std::io::Result<()> {
        if lead.unkept(span).is_empty() {
            return Ok(());
        }
        let spool = match lead.spool() {
            Some(spool) => spool,
            None => Spool::create(self.0.options().spool_folder.clone()).await?,
        };
        let at = span.start() - wanted.file.span().start();
        spool.write(at, bytes).await?;
        lead.keep(&spool, span);
        Ok(())
    }
}

/// What of a frame lies in the file.
fn within(mut frame: Bytes, len_max: u64) -> Bytes {
    frame.truncate(usize::try_from(len_max).unwrap_or(usize::MAX));
    frame
}
