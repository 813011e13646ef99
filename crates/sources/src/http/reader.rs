//! An opened mirror: it cuts a fetch into files and asks for what is missing of each.
//!
//! What must stay true: a fetch keeps to one connection, a file that fails does not keep the others from
//! coming, and every round of questions makes progress or is one of few.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use reqwest::{Response, Url};
use swarmcopy_layout::{FileEntry, FileIndex, FileSlice, Span};

use super::Mirror;
use super::answer::{self, Answer, Asked, Refusal, skip_len_max};
use super::body::{Body, End};
use super::reach::PrivateAddress;
use super::slots::Slot;
use super::target::without_credentials;
use crate::error::FirstLack;
use crate::gate::Gate;
use crate::{PieceSource, SourceError, SpanSink};

/// Most redirects in a row.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const redirects_max: u32 = 10;
/// Most questions in a row that bring no byte.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const barren_rounds_max: u32 = 3;
/// Most questions for one slice of a file.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const rounds_max: u32 = 4096;
/// Longest body of an answer without use that is read to keep its connection.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const drain_len_max: u64 = 16 * 1024;

/// A mirror for as long as a permit lives.
#[derive(Debug)]
pub(super) struct MirrorReader {
    mirror: Arc<Mirror>,
    gate: Gate,
}

/// One slice of a file that a fetch fills.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    index: FileIndex,
    file: &'a FileEntry,
    span: Span,
}

/// How a question ended that is no failure yet.
#[derive(Debug)]
struct Round {
    /// The content's offset up to which bytes came.
    reached: u64,
    /// What to say if nothing comes the next time either.
    trouble: String,
}

#[async_trait]
impl PieceSource for MirrorReader {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        self.gate.check()?;
        let slot = self
            .mirror
            .slots
            .take()
            .await
            .map_err(|what| self.broken(what))?;
        let mut lack = FirstLack::default();
        let layout = Arc::clone(&self.mirror.layout);
        for slice in layout.slices(span) {
            let Some(file) = layout.file(slice.file) else {
                continue;
            };
            self.gate.check()?;
            if file.attributes().pad {
                sink.put_zeros(slice.span);
                continue;
            }
            lack.note(self.fill(&slot, slice, file, sink).await)?;
        }
        lack.into_result()
    }
}

impl MirrorReader {
    pub(super) fn new(mirror: Arc<Mirror>, gate: Gate) -> Self {
        Self { mirror, gate }
    }

    /// Asks for what is missing of a slice until it is there.
    async fn fill(
        &self,
        slot: &Slot<'_>,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        let mut rest = slice.span;
        let mut barren = 0;
        for _round in 0..rounds_max {
            let Some(open) = sink.missing(rest) else {
                return Ok(());
            };
            self.gate.check()?;
            let span = Span::between(open.start(), rest.end());
            let wanted = Wanted {
                index: slice.file,
                file,
                span,
            };
            let round = self.round(slot, wanted, sink).await?;
            barren = if round.reached > span.start() {
                0
            } else {
                barren + 1
            };
            if barren == barren_rounds_max {
                return Err(self.broken(round.trouble));
            }
            rest = Span::between(round.reached.max(span.start()), rest.end());
        }
        Err(self.broken(format!("{} comes in too small parts", file.path())))
    }

    /// Asks once and takes what comes.
    async fn round(
        &self,
        slot: &Slot<'_>,
        wanted: Wanted<'_>,
        sink: &SpanSink,
    ) -> Result<Round, SourceError> {
        if let Some(refusal) = self.mirror.notes.refusal(wanted.index)
            && lacked(wanted.file, refusal).contains(wanted.span)
        {
            return Err(self.lacks(wanted, refusal));
        }
        let again = |trouble: String| {
            Ok(Round {
                reached: wanted.span.start(),
                trouble,
            })
        };
        let (response, answer) = match self.ask(slot, wanted).await? {
            Ok(answered) => answered,
            Err(trouble) => return again(trouble),
        };
        match answer {
            Answer::Bytes { start, end, whole } => {
                let file_start = wanted.file.span().start();
                let promised = Span::between(file_start + start, file_start + end);
                let (reached, end) = self
                    .body(wanted.span, promised, sink)
                    .take(response)
                    .await?;
                self.ended(wanted, reached, end, whole)
            }
            Answer::Changed => {
                self.mirror
                    .notes
                    .learn(wanted.index, |known| known.etag = None);
                self.drain(response).await;
                again("the file changes all the time".to_owned())
            }
            Answer::Refused(refusal) => {
                self.drain(response).await;
                self.mirror.notes.refuse(wanted.index, refusal);
                Err(self.lacks(wanted, refusal))
            }
            Answer::Busy { what, retry_after } => {
                self.drain(response).await;
                Err(SourceError::Busy {
                    name: self.name(),
                    what,
                    retry_after,
                })
            }
            Answer::Broken(what) => Err(self.broken(what)),
            Answer::Moved(_) => again("a redirect".to_owned()),
        }
    }

    fn ended(
        &self,
        wanted: Wanted<'_>,
        reached: u64,
        end: End,
        whole: bool,
    ) -> Result<Round, SourceError> {
        let reached_in_file = reached.saturating_sub(wanted.file.span().start());
        match end {
            End::Silent => {
                let what = format!("nothing came for {:?}", self.mirror.options.idle_timeout);
                Err(SourceError::Busy {
                    name: self.name(),
                    what,
                    retry_after: None,
                })
            }
            End::Early if whole => {
                let refusal = Refusal::Total(reached_in_file);
                self.mirror.notes.refuse(wanted.index, refusal);
                Err(self.lacks(wanted, refusal))
            }
            End::Full | End::Early => Ok(Round {
                reached,
                trouble: "answers without bytes".to_owned(),
            }),
            End::Reset(trouble) => Ok(Round { reached, trouble }),
        }
    }

    fn body<'a>(&'a self, want: Span, promised: Span, sink: &'a SpanSink) -> Body<'a> {
        Body {
            layout: &self.mirror.layout,
            gate: &self.gate,
            sink,
            limits: &self.mirror.options.limits,
            idle_timeout: self.mirror.options.idle_timeout,
            want,
            promised,
        }
    }

    /// Asks and follows redirects. The inner error is trouble that another try may mend.
    async fn ask(
        &self,
        slot: &Slot<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Result<(Response, Answer), String>, SourceError> {
        let known = self.mirror.notes.known(wanted.index);
        let home = self.mirror.target.file_url(wanted.file.path());
        let home = home.ok_or_else(|| self.lacks(wanted, Refusal::Redirect))?;
        let kept = known.moved.is_some();
        let mut url = known.moved.unwrap_or_else(|| home.clone());
        for _redirect in 0..=redirects_max {
            let (response, answer) = match self
                .ask_at(slot, wanted, &url, known.etag.as_deref())
                .await?
            {
                Ok(answered) => answered,
                Err(trouble) => return Ok(Err(trouble)),
            };
            match answer {
                Answer::Moved(location) => {
                    url = self.follow(wanted, &url, &location)?;
                    self.drain(response).await;
                }
                Answer::Refused(Refusal::Status(403 | 404 | 410)) if kept && url != home => {
                    // links of content networks expire: ask at home where it is now
                    self.mirror
                        .notes
                        .learn(wanted.index, |known| known.moved = None);
                    return Ok(Err("a redirect that has expired".to_owned()));
                }
                answer => {
                    self.learn(wanted, &response, &answer, (&url, &home));
                    return Ok(Ok((response, answer)));
                }
            }
        }
        self.mirror.notes.refuse(wanted.index, Refusal::Redirects);
        Err(self.lacks(wanted, Refusal::Redirects))
    }

    async fn ask_at(
        &self,
        slot: &Slot<'_>,
        wanted: Wanted<'_>,
        url: &Url,
        etag: Option<&str>,
    ) -> Result<Result<(Response, Answer), String>, SourceError> {
        let file = wanted.file.span();
        let ranged = wanted.span != file;
        let html = is_html_name(wanted.file.path().name());
        let etag = etag.filter(|_| ranged);
        let (from, to) = (
            wanted.span.start() - file.start(),
            wanted.span.end() - file.start(),
        );
        let asked = Asked {
            from,
            to,
            len: file.len(),
            etag,
            html,
        };
        let mut request = slot
            .client()
            .get(url.clone())
            .header(ACCEPT_ENCODING, "identity");
        if ranged {
            request = request.header(RANGE, format!("bytes={}-{}", asked.from, asked.to - 1));
        }
        if let Some(etag) = etag {
            request = request.header(IF_RANGE, etag);
        }
        if let Some(login) = self.mirror.target.login(url) {
            request = request.basic_auth(&login.user, Some(&login.password));
        }
        let options = &self.mirror.options;
        let patience = options.connect_timeout.saturating_add(options.idle_timeout);
        match tokio::time::timeout(patience, request.send()).await {
            Ok(Ok(response)) => {
                let answer = answer::read(
                    response.status(),
                    response.headers(),
                    &asked,
                    SystemTime::now(),
                );
                Ok(Ok((response, answer)))
            }
            Ok(Err(error)) => self.unanswered(wanted, &error).map(Err),
            Err(_) => Err(SourceError::Busy {
                name: self.name(),
                what: format!("no answer in {patience:?}"),
                retry_after: None,
            }),
        }
    }

    /// Sorts the errors before an answer: those that another try may mend come back as words.
    fn unanswered(
        &self,
        wanted: Wanted<'_>,
        error: &reqwest::Error,
    ) -> Result<String, SourceError> {
        if causes(error).any(|cause| cause.is::<PrivateAddress>()) {
            self.mirror.notes.refuse(wanted.index, Refusal::Private);
            return Err(self.lacks(wanted, Refusal::Private));
        }
        if error.is_connect() || error.is_builder() {
            return Err(self.broken(plain_words(error)));
        }
        Ok(plain_words(error))
    }

    fn follow(&self, wanted: Wanted<'_>, url: &Url, location: &str) -> Result<Url, SourceError> {
        let refuse = |refusal| {
            self.mirror.notes.refuse(wanted.index, refusal);
            self.lacks(wanted, refusal)
        };
        let mut next = url.join(location).map_err(|_| refuse(Refusal::Redirect))?;
        without_credentials(&mut next);
        if !matches!(next.scheme(), "http" | "https") {
            return Err(refuse(Refusal::Redirect));
        }
        self.mirror
            .slots
            .guard()
            .follow(&next)
            .map_err(|_| refuse(Refusal::Private))?;
        Ok(next)
    }

    /// Keeps what helps to ask for the rest of the file.
    fn learn(
        &self,
        wanted: Wanted<'_>,
        response: &Response,
        answer: &Answer,
        (url, home): (&Url, &Url),
    ) {
        if !matches!(answer, Answer::Bytes { .. }) || wanted.span == wanted.file.span() {
            return;
        }
        let etag = answer::strong_etag(response.headers()).map(str::to_owned);
        let moved = (url != home).then(|| url.clone());
        let known = self.mirror.notes.known(wanted.index);
        if known.etag != etag || known.moved != moved {
            self.mirror.notes.learn(wanted.index, |known| {
                known.etag = etag;
                known.moved = moved;
            });
        }
    }

    /// Reads a short body to its end, so that the connection can be used again.
    async fn drain(&self, mut response: Response) {
        let mut rest = drain_len_max;
        if response.content_length().is_none_or(|len| len > rest) {
            return;
        }
        while let Ok(Ok(Some(frame))) =
            tokio::time::timeout(self.mirror.options.idle_timeout, response.chunk()).await
        {
            let Some(left) = rest.checked_sub(u64::try_from(frame.len()).unwrap_or(u64::MAX))
            else {
                return;
            };
            rest = left;
        }
    }

    fn name(&self) -> String {
        self.mirror.target.name().to_owned()
    }

    fn broken(&self, what: String) -> SourceError {
        SourceError::Broken {
            name: self.name(),
            what,
        }
    }

    fn lacks(&self, wanted: Wanted<'_>, refusal: Refusal) -> SourceError {
        let span = lacked(wanted.file, refusal);
        let path = wanted.file.path().as_str().to_owned();
        SourceError::Lacks {
            name: self.name(),
            path,
            what: refusal.to_string(),
            span,
        }
    }
}

/// What a refusal takes away: all of the file, or what lies too far from its beginning.
fn lacked(file: &FileEntry, refusal: Refusal) -> Span {
    let near = if refusal == Refusal::NoRanges {
        skip_len_max
    } else {
        0
    };
    file.span().after(near)
}

fn is_html_name(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .to_ascii_lowercase();
    matches!(
        ending.as_str(),
        "html" | "htm" | "xhtml" | "xht" | "shtml" | "mht" | "php" | "hta"
    )
}

/// An error in its cause's words, without the URL.
pub(super) fn plain_words(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "no connection".to_owned(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
