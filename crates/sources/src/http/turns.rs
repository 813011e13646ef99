//! A web server that ignores ranges: its files come as one answer each.
//!
//! What must stay true: a connection whose answer nobody reads is given up only for somebody who waits.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use swarmcopy_layout::Layout;
use tokio::time::timeout;

use super::answer::{Answer, Refusal, strong_etag};
use super::coming::Coming;
use super::notes::Notes;
use super::reader::MirrorReader;
use super::slots::{self, Slot};
use super::trouble::{Trouble, plain_words};
use crate::gate::Gate;
use crate::whole::{Lead, NoFrame, Sequences, Stream, Version, Wanted, Whole};
use crate::{MirrorOptions, SourceError};

/// Time in which an answer that nobody reads is not closed for the sake of another file.
const BREATH: Duration = Duration::from_millis(250);

/// What the headers tell of a file's version.
pub(super) fn version_of(headers: &HeaderMap) -> Version {
    let modified = headers.get(header::LAST_MODIFIED);
    let modified = modified.and_then(|value| value.to_str().ok());
    Version {
        etag: strong_etag(headers).map(str::to_owned),
        modified: modified.map(str::to_owned),
    }
}

impl Whole for MirrorReader {
    type Line = Coming;

    async fn begin(
        &self,
        lead: &mut Lead<Coming>,
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
        let version = version_of(response.headers());
        let stream = Stream::new(Coming::new(slot, response), span.start());
        if lead.begin(stream, &version) {
            Ok(None)
        } else {
            Err(self.refuse(wanted, Refusal::Changed))
        }
    }

    async fn frame(
        &self,
        stream: &mut Stream<Coming>,
        _wanted: Wanted<'_>,
    ) -> Result<Bytes, NoFrame> {
        let patience = self.mirror.options.idle_timeout;
        let Coming { slot, body } = &mut stream.line;
        let frame = slot.frame(body, patience).await;
        frame.map_err(|end| match end {
            slots::NoFrame::End => NoFrame::End,
            slots::NoFrame::Silent => NoFrame::Silent,
            slots::NoFrame::Reset(error) => NoFrame::Reset(plain_words(&*error)),
        })
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn layout(&self) -> &Layout {
        &self.mirror.layout
    }

    fn notes(&self) -> &Notes {
        &self.mirror.notes
    }

    fn options(&self) -> &MirrorOptions {
        &self.mirror.options
    }

    fn sequences(&self) -> &Sequences<Coming> {
        &self.mirror.sequences
    }

    fn name(&self) -> String {
        self.mirror.target.shown().to_owned()
    }
}

impl MirrorReader {
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
