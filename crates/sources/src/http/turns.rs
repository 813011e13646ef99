//! Fetching from a file that comes as one answer: taking turns at reading it on.
//!
//! What must stay true: a fetch that waits is woken by whatever comes, the leader never waits longer than
//! the idle time for a byte, and every byte that comes is told to a sink, wanted or not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use swarmcopy_layout::{FileEntry, FileSlice, Span};
use tokio::time::timeout;

use super::answer::{Answer, Refusal};
use super::reader::{MirrorReader, Wanted, barren_rounds_max};
use super::sequence::{Lead, Sequence, Stream, Turn, Version};
use super::slots::{NoFrame, Slot};
use super::spool::Spool;
use super::trouble::{Trouble, plain_words};
use crate::intake::len_of;
use crate::{SourceError, SpanSink, rate};

/// Most bytes that are read from a spool at once.
const TAKE_LEN: u64 = 512 * 1024;
/// Time in which an answer that nobody reads is not closed for the sake of another file.
const BREATH: Duration = Duration::from_millis(250);

/// How a turn at reading ended that is no failure.
enum Read {
    /// The wanted bytes came.
    On,
    /// The answer broke off, for this reason.
    Off(String),
}

impl MirrorReader {
    /// Takes what is missing of a slice from the file's one answer.
    pub(super) async fn take_turns(
        &self,
        sequence: &Arc<Sequence>,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        let (mut barren, mut furthest) = (0, 0);
        loop {
            let Some(open) = sink.missing(slice.span) else {
                return Ok(());
            };
            self.gate.check()?;
            let span = Span::between(open.start(), slice.span.end());
            let index = slice.file;
            let wanted = Wanted { index, file, span };
            self.check_refusal(wanted)?;
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
                        if barren == barren_rounds_max {
                            return Err(self.broken(why));
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
        let bytes = bytes.map_err(|error| self.refuse(wanted, Refusal::Spool(error.kind())))?;
        sink.put_kept(span.start(), &bytes);
        Ok(())
    }

    /// Reads the answer on until the wanted bytes are there. May be dropped at any await.
    async fn lead(
        &self,
        mut lead: Lead,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<Read, SourceError> {
        if lead.stream.is_none()
            && let Some(why) = self.begin(&mut lead, wanted).await?
        {
            return Ok(Read::Off(why));
        }
        while let Some(stream) = &mut lead.stream {
            self.gate.check()?;
            if stream.at >= wanted.span.end() {
                if stream.at == wanted.file.span().end() {
                    // hears the end, so that the connection can be used again
                    let _ = self.frame(stream).await;
                    lead.stream = None;
                }
                break;
            }
            if stream.frame.is_empty() {
                match self.frame(stream).await {
                    Ok(frame) => stream.frame = within(frame, wanted.file.span().end() - stream.at),
                    Err(NoFrame::End) => {
                        let len = stream.at - wanted.file.span().start();
                        return Err(self.refuse(wanted, Refusal::Total(len)));
                    }
                    Err(NoFrame::Silent) => {
                        lead.stream = None;
                        return Err(self.silent());
                    }
                    Err(NoFrame::Reset(_)) if !lead.broke_off() => {
                        return Err(self.refuse(wanted, Refusal::BreaksOff));
                    }
                    Err(NoFrame::Reset(error)) => return Ok(Read::Off(plain_words(&*error))),
                }
                let len = len_of(&stream.frame);
                rate::acquire_all(&self.mirror.options.limits, len).await;
            }
            self.place(&mut lead, wanted, sink).await?;
        }
        Ok(Read::On)
    }

    async fn frame(&self, stream: &mut Stream) -> Result<Bytes, NoFrame> {
        let patience = self.mirror.options.idle_timeout;
        stream.slot.frame(&mut stream.body, patience).await
    }

    /// Asks for the file from its beginning; what was in the way, if another try may mend it.
    async fn begin(
        &self,
        lead: &mut Lead,
        wanted: Wanted<'_>,
    ) -> Result<Option<String>, SourceError> {
        let span = wanted.file.span();
        let whole = Wanted { span, ..wanted };
        let mut slot = self.slot().await?;
        let (response, answer) = match self.ask(&mut slot, whole).await {
            Ok(answered) => answered,
            Err(Trouble::Passing(why)) => return Ok(Some(why)),
            Err(Trouble::Final(error)) => return Err(error),
        };
        if !matches!(answer, Answer::Bytes { .. }) {
            self.drain(&mut slot, response).await;
            return self.no_bytes(wanted, answer).map(Some);
        }
        let version = Version::of(response.headers());
        let stream = Stream::new(slot, response, span.start());
        if lead.begin(stream, &version) {
            Ok(None)
        } else {
            Err(self.refuse(wanted, Refusal::Changed))
        }
    }

    /// Deals with a part of the frame: the fetch's own bytes go into the sink, others that somebody may
    /// want are kept.
    async fn place(
        &self,
        lead: &mut Lead,
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
            self.intake(wanted.span, sink).put(part.start(), &bytes)?;
        } else {
            if sink.is_open(part) {
                let kept = self.keep(lead, wanted, part, bytes).await;
                kept.map_err(|error| self.refuse(wanted, Refusal::Spool(error.kind())))?;
            }
            sink.passed(part.len());
        }
        lead.advance(len);
        Ok(())
    }

    async fn keep(
        &self,
        lead: &Lead,
        wanted: Wanted<'_>,
        span: Span,
        bytes: Bytes,
    ) -> std::io::Result<()> {
        if lead.unkept(span).is_empty() {
            return Ok(());
        }
        let spool = match lead.spool() {
            Some(spool) => spool,
            None => Spool::create(self.mirror.options.spool_folder.clone()).await?,
        };
        let at = span.start() - wanted.file.span().start();
        spool.write(at, bytes).await?;
        lead.keep(&spool, span);
        Ok(())
    }

    /// A connection, if need be one whose answer nobody reads now.
    pub(super) async fn slot(&self) -> Result<Slot, SourceError> {
        let slots = &self.mirror.slots;
        if let Some(slot) = slots.try_take() {
            return Ok(slot);
        }
        // whoever reads an answer has gone for its next part, as a rule: closed now, all of it would come again
        if let Ok(slot) = timeout(BREATH, slots.take()).await {
            return slot.map_err(|what| self.broken(what));
        }
        let _waiting = slots.want();
        self.mirror.sequences.close_idle();
        slots.take().await.map_err(|what| self.broken(what))
    }
}

/// What of a frame lies in the file.
fn within(mut frame: Bytes, len_max: u64) -> Bytes {
    frame.truncate(usize::try_from(len_max).unwrap_or(usize::MAX));
    frame
}
