//! An FTP server without `REST`: its long files come as one transfer each.
//!
//! What must stay true: a transfer that nobody reads is given up only for somebody who waits, and its control
//! connection is used again only if the reply to the transfer was read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use swarmcopy_layout::Layout;
use tokio::time::timeout;

use super::coming::Coming;
use super::reader::{Asked, FtpReader, REPLY_PATIENCE};
use super::sessions::Slot;
use crate::gate::Gate;
use crate::http::answer::Refusal;
use crate::http::notes::Notes;
use crate::whole::{Lead, NoFrame, Sequences, Stream, Version, Wanted, Whole};
use crate::{MirrorOptions, SourceError};

/// Longest run that is read at once.
const READ_LEN: usize = 64 * 1024;
/// Time in which a transfer that nobody reads is not given up for the sake of another file.
const BREATH: Duration = Duration::from_millis(250);

impl Whole for FtpReader {
    type Line = Coming;

    async fn begin(
        &self,
        lead: &mut Lead<Coming>,
        wanted: Wanted<'_>,
    ) -> Result<Option<String>, SourceError> {
        let span = wanted.file.span();
        let mut slot = self.slot().await?;
        let open = match self.ask(&mut slot, Wanted { span, ..wanted }).await? {
            Asked::Open(session, transfer) => Some((session, transfer)),
            Asked::Again(round) => return Ok(Some(round.trouble)),
        };
        // nothing tells its version: pieces that are wrong do
        let stream = Stream::new(Coming { open, slot }, span.start());
        if lead.begin(stream, &Version::default()) {
            Ok(None)
        } else {
            Err(self.refuse(wanted, Refusal::Changed))
        }
    }

    async fn frame(
        &self,
        stream: &mut Stream<Coming>,
        wanted: Wanted<'_>,
    ) -> Result<Bytes, NoFrame> {
        let is_whole = stream.at() >= wanted.file.span().end();
        let broken = || NoFrame::Reset("a transfer that broke off".to_owned());
        let line = &mut stream.line;
        let Some((_, transfer)) = &mut line.open else {
            return Err(if is_whole { NoFrame::End } else { broken() });
        };
        let mut buffer = BytesMut::with_capacity(READ_LEN);
        match timeout(self.options().idle_timeout, transfer.read(&mut buffer)).await {
            Err(_) => return Err(NoFrame::Silent),
            Ok(Err(error)) => return Err(NoFrame::Reset(error.to_string())),
            Ok(Ok(0)) => {}
            Ok(Ok(_)) => return Ok(buffer.freeze()),
        }
        let Some((mut session, transfer)) = line.open.take() else {
            return Err(broken());
        };
        match timeout(REPLY_PATIENCE, transfer.finish(&mut session)).await {
            Ok(Ok(())) => {
                line.slot.session = Some(session);
                Err(NoFrame::End)
            }
            _ if is_whole => Err(NoFrame::End),
            _ => Err(broken()),
        }
    }

    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn layout(&self) -> &Layout {
        &self.server.layout
    }

    fn notes(&self) -> &Notes {
        &self.server.notes
    }

    fn options(&self) -> &MirrorOptions {
        &self.server.options
    }

    fn sequences(&self) -> &Sequences<Coming> {
        &self.server.sequences
    }

    fn name(&self) -> String {
        self.server.target.shown().to_owned()
    }
}

impl FtpReader {
    /// A connection, if need be one whose transfer nobody reads now.
    pub(super) async fn slot(&self) -> Result<Slot, SourceError> {
        let sessions = &self.server.sessions;
        if let Some(slot) = sessions.try_take() {
            return Ok(slot);
        }
        // whoever reads a transfer has gone for its next part, as a rule: closed now, all of it would come again
        if let Ok(slot) = timeout(BREATH, sessions.take()).await {
            return slot.map_err(|what| self.broken(what));
        }
        let _waiting = sessions.want();
        self.server.sequences.close_idle();
        sessions.take().await.map_err(|what| self.broken(what))
    }
}
