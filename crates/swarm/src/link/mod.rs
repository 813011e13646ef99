//! One connection to one peer: a source of pieces, and a place to serve them.
//!
//! A link is one task: a reader, a writer, a feeder that reads ahead what the peer asks for, and a
//! watch over time. [`PeerLink`] is the handle to it; none of its methods waits, except `fetch`.

mod allowance;
mod block;
mod climb;
mod download;
pub(crate) mod extension;
mod feeder;
mod gossip;
mod lacking;
pub(crate) mod lanes;
mod meter;
mod outbox;
mod reader;
mod receive;
mod run;
mod sending;
#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
mod shared;
#[cfg(test)]
mod tests;
mod turns;
mod upload;
mod watch;
mod writer;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use swarmcopy_layout::{PieceIndex, Span};
use swarmcopy_scheduler::origin::SlotMessage;
use swarmcopy_scheduler::{Hello, SourceId};
use swarmcopy_sources::{Lack, PieceSource, SourceError, SpanSink};
use tokio::sync::oneshot;
use tokio::time::Instant;

pub(crate) use reader::readable;
pub(crate) use run::start;
pub(crate) use shared::{Direction, Setup, Shared};
pub(crate) use turns::Turns;

use crate::LinkEnd;
use download::{JobFailure, JobNumber};

/// The handle to a link; it may outlive the link, whose fetches then end as broken.
pub struct PeerLink {
    shared: Arc<Shared>,
}

impl fmt::Debug for PeerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerLink({} at {})", self.shared.id.0, self.shared.addr)
    }
}

/// Counters of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStats {
    /// Bytes of blocks that came and were used.
    pub bytes_down: u64,
    /// Bytes of blocks that were sent.
    pub bytes_up: u64,
    /// Bytes of blocks that came unasked, late or twice.
    pub wasted: u64,
    /// Bytes a second that come, over the last two seconds.
    pub rate_down: u64,
    /// Connections that bring its blocks.
    pub connections: usize,
    /// Requests of ours that are open.
    pub requests_open: usize,
    /// Requests of the peer that wait.
    pub requests_waiting: usize,
}

impl PeerLink {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Its number.
    pub fn id(&self) -> SourceId {
        self.shared.id
    }

    /// Where the peer is.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// The peer's name in the swarm.
    pub fn peer_id(&self) -> [u8; 20] {
        self.shared.peer_id
    }

    /// What a machine of ours said of itself.
    pub fn hello(&self) -> Option<Hello> {
        self.shared.state().spoken.hello.clone()
    }

    /// Whether the peer lets us ask.
    pub fn is_unchoked(&self) -> bool {
        !self.shared.state().download.is_choked()
    }

    /// Lets the peer ask for blocks.
    pub fn unchoke(&self) {
        self.shared.state().serving.wanted = true;
        self.shared.writer.notify_one();
    }

    /// Serves the peer no more; what it has asked for is refused.
    pub fn choke(&self) {
        self.shared.state().serving.wanted = false;
        self.shared.writer.notify_one();
    }

    /// Tells the peer that we want pieces of it.
    pub fn interested(&self) {
        self.shared.state().interest.wanted = true;
        self.shared.writer.notify_one();
    }

    /// Tells the peer that we want nothing of it.
    pub fn not_interested(&self) {
        self.shared.state().interest.wanted = false;
        self.shared.writer.notify_one();
    }

    /// Sends a slot message before any block that waits; when many are not written yet, newer ones
    /// are merged. Other people's clients get nothing.
    pub fn send_slots(&self, message: SlotMessage) {
        self.shared.state().slots.push(message);
        self.shared.writer.notify_one();
    }

    /// Asks the peer to take this piece first (BEP 6, "suggest piece"), behind the word that we have
    /// it. Peers without the fast extension get nothing.
    pub fn suggest(&self, piece: PieceIndex) {
        if self.shared.fast {
            self.shared.suggest(piece);
        }
    }

    /// Closes the link.
    pub fn close(&self) {
        self.shared.close(LinkEnd::Closed);
    }

    /// Whether the peer connected to this machine.
    pub fn is_caller(&self) -> bool {
        self.shared.direction == Direction::Incoming
    }

    /// Its counters.
    pub fn stats(&self) -> LinkStats {
        let mut state = self.shared.state();
        LinkStats {
            bytes_down: self.shared.bytes_down.load(Ordering::Relaxed),
            bytes_up: self.shared.bytes_up.load(Ordering::Relaxed),
            wasted: self.shared.wasted.load(Ordering::Relaxed),
            connections: self
                .shared
                .lanes_in
                .load(Ordering::Relaxed)
                .saturating_add(1),
            rate_down: state.download.rate(Instant::now()),
            requests_open: state.download.open_len(),
            requests_waiting: state.upload.len(),
        }
    }

    fn error(&self, failure: JobFailure) -> SourceError {
        let name = format!("peer {}", self.shared.addr);
        let busy = |what: &str| SourceError::Busy {
            name: name.clone(),
            what: what.to_owned(),
            retry_after: None,
        };
        match failure {
            JobFailure::Choked => busy("it serves us no more for now"),
            JobFailure::Rejected => busy("it refused a block"),
            JobFailure::Lacks(span) => SourceError::Lacks {
                name,
                path: format!("bytes {span}"),
                what: "it has them no more".to_owned(),
                lack: Lack::Absent,
                span,
            },
            JobFailure::LinkGone => SourceError::Broken {
                name,
                what: "the link is gone".to_owned(),
            },
        }
    }
}

#[async_trait]
impl PieceSource for PeerLink {
    /// Asks for the blocks of `span` behind those of earlier fetches. Dropping the future takes the
    /// requests back.
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let (reply, answer) = oneshot::channel();
        let number = self.shared.state().download.add(span, sink.clone(), reply);
        let mut withdrawal = number.map(|job| Withdrawal {
            shared: &self.shared,
            job: Some(job),
        });
        self.shared.writer.notify_one();
        let result = answer.await.unwrap_or(Err(JobFailure::LinkGone));
        if let Some(withdrawal) = &mut withdrawal {
            withdrawal.job = None;
        }
        result.map_err(|failure| self.error(failure))
    }
}

/// Takes a job back when its future is dropped early.
struct Withdrawal<'a> {
    shared: &'a Shared,
    job: Option<JobNumber>,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            self.shared.state().download.withdraw(job);
            self.shared.writer.notify_one();
        }
    }
}
