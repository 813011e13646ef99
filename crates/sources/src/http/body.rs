//! The body of an answer on its way into the sink.
//!
//! What must stay true: each frame is committed as it comes, so that nothing is lost when the fetch ends;
//! bytes outside the wanted span are left out; the permit is looked at before each piece.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use swarmcopy_layout::{Layout, Span};

use crate::gate::{Gate, up_to_piece_end};
use crate::{Limiter, SourceError, SpanSink, rate};

/// Where the bytes of a body go.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) layout: &'a Layout,
    pub(super) gate: &'a Gate,
    pub(super) sink: &'a SpanSink,
    pub(super) limits: &'a [std::sync::Arc<Limiter>],
    pub(super) idle_timeout: Duration,
    /// The bytes of the content that are wanted.
    pub(super) want: Span,
    /// The bytes of the content that the body promises.
    pub(super) promised: Span,
}

/// How a body ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All wanted bytes came.
    Full,
    /// It ended in order, but before that.
    Early,
    /// The connection broke.
    Reset(String),
    /// Nothing came for the idle time.
    Silent,
}

impl Body<'_> {
    /// Takes the body; tells the content's offset behind its last byte, and how it ended.
    pub(super) async fn take(&self, mut response: Response) -> Result<(u64, End), SourceError> {
        let mut at = self.promised.start();
        loop {
            let frame = match self.frame(&mut response).await {
                Ok(frame) => frame,
                Err(end) => return Ok((at, end)),
            };
            rate::acquire_all(self.limits, len_of(&frame)).await;
            self.put(at, &frame)?;
            at = at.saturating_add(len_of(&frame));
            if at >= self.want.end() {
                self.finish(at, &mut response).await;
                return Ok((at, End::Full));
            }
        }
    }

    async fn frame(&self, response: &mut Response) -> Result<Bytes, End> {
        match tokio::time::timeout(self.idle_timeout, response.chunk()).await {
            Ok(Ok(Some(frame))) => Ok(frame),
            Ok(Ok(None)) => Err(End::Early),
            Ok(Err(error)) => Err(End::Reset(super::reader::plain_words(&error))),
            Err(_) => Err(End::Silent),
        }
    }

    /// Hears the end of a body that is read up, so that its connection can be used again.
    async fn finish(&self, at: u64, response: &mut Response) {
        if at == self.promised.end() {
            // whatever comes now is not wanted; an error shows at the next request
            let _ = self.frame(response).await;
        }
    }

    fn put(&self, at: u64, frame: &[u8]) -> Result<(), SourceError> {
        let mut rest = Span::new(at, len_of(frame)).intersection(self.want);
        while !rest.is_empty() {
            let part = up_to_piece_end(self.layout, rest);
            if self
                .layout
                .piece_at(part.start())
                .is_some_and(|piece| self.layout.piece_span(piece).start() == part.start())
            {
                self.gate.check()?;
            }
            let from = usize::try_from(part.start() - at).unwrap_or(usize::MAX);
            let to = usize::try_from(part.end() - at).unwrap_or(usize::MAX);
            if let Some(bytes) = frame.get(from..to) {
                self.sink.put(part.start(), bytes);
            }
            rest = rest.after(part.len());
        }
        Ok(())
    }
}

fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
