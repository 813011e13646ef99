//! The body of an answer on its way into the sink.
//!
//! What must stay true: each frame is committed as it comes, so that nothing is lost when the fetch ends.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use swarmcopy_layout::Span;

use super::slots::{NoFrame, Slot};
use crate::intake::{Intake, len_of};
use crate::{Limiter, SourceError, rate};

/// Where the bytes of a body go.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) intake: Intake<'a>,
    pub(super) limits: &'a [Arc<Limiter>],
    pub(super) idle_timeout: Duration,
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
        slot: &mut Slot,
        mut body: Incoming,
    ) -> Result<(u64, End), SourceError> {
        let mut at = self.promised.start();
        loop {
            let frame = match slot.frame(&mut body, self.idle_timeout).await {
                Ok(frame) => frame,
                Err(NoFrame::End) => return Ok((at, End::Early)),
                Err(NoFrame::Silent) => return Ok((at, End::Silent)),
                Err(NoFrame::Reset(error)) => {
                    return Ok((at, End::Reset(super::trouble::plain_words(&*error))));
                }
            };
            self.intake.put(at, &frame)?;
            at = at.saturating_add(len_of(&frame));
            rate::acquire_all(self.limits, len_of(&frame)).await;
            if at >= self.intake.want.end() {
                if at == self.promised.end() {
                    // hears the end, so that the connection can be used again
                    let _ = slot.frame(&mut body, self.idle_timeout).await;
                }
                return Ok((at, End::Full));
            }
        }
    }
}
