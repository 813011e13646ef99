//! An opened mirror: it asks for what is missing of a file.
//!
//! What must stay true: a file that fails does not keep the others of a fetch from coming, and every round
//! of questions makes progress or is one of few.

use std::sync::Arc;

use async_trait::async_trait;
use http::Response;
use hyper::body::Incoming;
use swarmcopy_layout::{FileEntry, FileSlice, Span};

use super::answer::{Answer, Refusal};
use super::body::{Body, End};
use super::mirror::Mirror;
use super::slots::Slot;
use super::trouble::Trouble;
use crate::gate::Gate;
use crate::whole::{SKIP_LEN_MAX, Wanted, Whole as _};
use crate::{PieceSource, SourceError, SpanSink};

/// Most questions in a row that bring no byte.
const BARREN_ROUNDS_MAX: u32 = 3;
/// Most questions for one slice of a file.
const ROUNDS_MAX: u32 = 4096;

/// A mirror for as long as a permit lives.
#[derive(Debug)]
pub(super) struct MirrorReader {
    pub(super) mirror: Arc<Mirror>,
    pub(super) gate: Gate,
}

/// How a question ended that is no failure yet.
enum Round {
    /// Bytes came up to this offset in the content; what to say if nothing comes the next time either.
    Reached(u64, String),
    /// The server ignored the range: this is the file from its beginning.
    Whole(Response<Incoming>),
}

/// What became of a slice.
pub(super) enum Filled {
    /// It is there.
    Full,
    /// The server ignores ranges: this is the file from its beginning.
    Whole(Response<Incoming>),
}

#[async_trait]
impl PieceSource for MirrorReader {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        self.gate.check()?;
        self.fetch_files(span, sink).await
    }
}

impl Drop for MirrorReader {
    fn drop(&mut self) {
        // the permit is over: the server need not hold connections for us
        self.mirror.sequences.close_idle();
        self.mirror.slots.close_idle();
    }
}

impl MirrorReader {
    pub(super) fn new(mirror: Arc<Mirror>, gate: Gate) -> Self {
        Self { mirror, gate }
    }

    /// Asks for what is missing of a slice until it is there, or the server sends all of a long file.
    pub(super) async fn fill(
        &self,
        slot: &mut Slot,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> Result<Filled, SourceError> {
        let mut rest = slice.span;
        let mut barren = 0;
        for _round in 0..ROUNDS_MAX {
            let Some(open) = sink.missing(rest) else {
                return Ok(Filled::Full);
            };
            self.gate.check()?;
            let span = Span::between(open.start(), rest.end());
            let index = slice.file;
            let wanted = Wanted { index, file, span };
            let (reached, trouble) = match self.round(slot, wanted, sink).await? {
                Round::Reached(reached, trouble) => (reached, trouble),
                Round::Whole(response) => return Ok(Filled::Whole(response)),
            };
            barren = if reached > span.start() {
                0
            } else {
                barren + 1
            };
            if barren == BARREN_ROUNDS_MAX {
                return Err(self.broken(trouble));
            }
            rest = Span::between(reached.max(span.start()), rest.end());
        }
        Err(self.broken(format!("{} comes in too small parts", file.path())))
    }

    /// Asks once and takes what comes.
    async fn round(
        &self,
        slot: &mut Slot,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<Round, SourceError> {
        self.check_refusal(wanted)?;
        let again = |trouble: String| Ok(Round::Reached(wanted.span.start(), trouble));
        let (response, answer) = match self.ask(slot, wanted).await {
            Ok(answered) => answered,
            Err(Trouble::Passing(trouble)) => return again(trouble),
            Err(Trouble::Final(error)) => return Err(error),
        };
        let file = wanted.file.span();
        if let Answer::Bytes { start, end, whole } = answer {
            if whole && wanted.span != file && file.len() > SKIP_LEN_MAX {
                return Ok(Round::Whole(response));
            }
            let promised = Span::between(file.start() + start, file.start() + end);
            let body = self.body(wanted.span, promised, sink);
            let (reached, end) = body.take(slot, response.into_body()).await?;
            return self.ended(wanted, reached, end, whole);
        }
        self.drain(slot, response).await;
        again(self.no_bytes(wanted, answer)?)
    }

    /// What an answer without bytes means: a failure, or why to ask again.
    pub(super) fn no_bytes(
        &self,
        wanted: Wanted<'_>,
        answer: Answer,
    ) -> Result<String, SourceError> {
        match answer {
            Answer::Changed => {
                self.mirror
                    .notes
                    .learn(wanted.index, |known| known.etag = None);
                Ok("the file changes all the time".to_owned())
            }
            Answer::Refused(Refusal::Status(404 | 410)) if self.respell(wanted) => {
                Ok("no such file under the name that was given for it".to_owned())
            }
            Answer::Refused(refusal) => Err(self.refuse(wanted, refusal)),
            Answer::Busy { what, retry_after } => Err(SourceError::Busy {
                name: self.name(),
                what,
                retry_after,
            }),
            Answer::Closed(what) => Err(self.closed(what)),
            Answer::Broken(what) => Err(self.broken(what)),
            Answer::Moved(_) | Answer::Bytes { .. } => Ok("redirects without end".to_owned()),
        }
    }

    /// Whether the file may be there under another name, which is asked for from now on.
    fn respell(&self, wanted: Wanted<'_>) -> bool {
        let notes = &self.mirror.notes;
        let spelling = notes.known(wanted.index).spelling;
        let other = (self.mirror.target).other_spelling(wanted.file.path(), spelling);
        if let Some(other) = other {
            notes.learn(wanted.index, |known| known.spelling = other);
        }
        other.is_some()
    }

    fn ended(
        &self,
        wanted: Wanted<'_>,
        reached: u64,
        end: End,
        whole: bool,
    ) -> Result<Round, SourceError> {
        match end {
            End::Silent => Err(self.silent()),
            End::Early if whole => {
                let len = reached.saturating_sub(wanted.file.span().start());
                Err(self.refuse(wanted, Refusal::Total(len)))
            }
            End::Full | End::Early => {
                Ok(Round::Reached(reached, "answers without bytes".to_owned()))
            }
            End::Reset(trouble) => Ok(Round::Reached(reached, trouble)),
        }
    }

    fn body<'a>(&'a self, want: Span, promised: Span, sink: &'a SpanSink) -> Body<'a> {
        Body {
            intake: self.intake(want, sink),
            limits: &self.mirror.options.limits,
            idle_timeout: self.mirror.options.idle_timeout,
            promised,
        }
    }
}
