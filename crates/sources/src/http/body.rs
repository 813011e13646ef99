//! The body of an answer on its way into the sink.
//!
//! What must stay true: each frame is committed as it comes, so that nothing is lost when the fetch ends;
//! bytes outside the wanted span are left out; the permit is looked at before each piece and each file.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use swarmcopy_layout::{Layout, Span};

use super::slots::{NoFrame, Slot};
use crate::gate::{Gate, up_to_piece_end};
use crate::{Limiter, SourceError, SpanSink, rate};

/// Where the bytes of a body go.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) layout: &'a Layout,
    pub(super) gate: &'a Gate,
    pub(super) sink: &'a SpanSink,
    pub(super) limits: &'a [Arc<Limiter>],
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
    pub(super) async fn take(
        &self,
        slot: &mut Slot<'_>,
        mut body: Incoming,
    ) -> Result<(u64, End), SourceError> {
        let mut at = self.promised.start();
        loop {
            let frame = match slot.frame(&mut body, self.idle_timeout).await {
                Ok(frame) => frame,
                Err(NoFrame::End) => return Ok((at, End::Early)),
                Err(NoFrame::Silent) => return Ok((at, End::Silent)),
                Err(NoFrame::Reset(error)) => {
                    return Ok((at, End::Reset(super::ask::plain_words(&*error))));
                }
            };
            self.put(at, &frame)?;
            at = at.saturating_add(len_of(&frame));
            rate::acquire_all(self.limits, len_of(&frame)).await;
            if at >= self.want.end() {
                if at == self.promised.end() {
                    // hears the end, so that the connection can be used again
                    let _ = slot.frame(&mut body, self.idle_timeout).await;
                }
                return Ok((at, End::Full));
            }
        }
    }

    fn put(&self, at: u64, frame: &[u8]) -> Result<(), SourceError> {
        let mut rest = Span::new(at, len_of(frame)).intersection(self.want);
        while !rest.is_empty() {
            let part = up_to_piece_end(self.layout, rest);
            if part.start() == self.want.start() || is_piece_start(self.layout, part.start()) {
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

fn is_piece_start(layout: &Layout, at: u64) -> bool {
    layout
        .piece_at(at)
        .is_some_and(|piece| layout.piece_span(piece).start() == at)
}

fn len_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
