//! The handle to a link: what its owner asks of it; none of it waits, except `fetch`.

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

use super::core::Core;
use super::download::{JobFailure, JobNumber};
use super::setup::Direction;
use crate::LinkEnd;

/// The handle to a link; it may outlive the link, whose fetches then end as broken.
pub struct PeerLink {
    core: Arc<Core>,
}

impl fmt::Debug for PeerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerLink({} at {})", self.core.id.0, self.core.addr)
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
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Its number.
    pub fn id(&self) -> SourceId {
        self.core.id
    }

    /// Where the peer is.
    pub fn addr(&self) -> SocketAddr {
        self.core.addr
    }

    /// The peer's name in the swarm.
    pub fn peer_id(&self) -> [u8; 20] {
        self.core.peer_id
    }

    /// What a machine of ours said of itself.
    pub fn hello(&self) -> Option<Hello> {
        self.core.state().spoken.hello.clone()
    }

    /// Whether the peer lets us ask.
    pub fn is_unchoked(&self) -> bool {
        !self.core.state().download.is_choked()
    }

    /// Lets the peer ask for blocks.
    pub fn unchoke(&self) {
        self.core.state().serving.wanted = true;
        self.core.writer.notify_one();
    }

    /// Serves the peer no more; what it has asked for is refused.
    pub fn choke(&self) {
        self.core.state().serving.wanted = false;
        self.core.writer.notify_one();
    }

    /// Tells the peer that we want pieces of it.
    pub fn interested(&self) {
        self.core.state().interest.wanted = true;
        self.core.writer.notify_one();
    }

    /// Tells the peer that we want nothing of it.
    pub fn not_interested(&self) {
        self.core.state().interest.wanted = false;
        self.core.writer.notify_one();
    }

    /// Sends a slot message before any block that waits; when many are not written yet, newer ones
    /// are merged. Other people's clients get nothing.
    pub fn send_slots(&self, message: SlotMessage) {
        self.core.state().slots.push(message);
        self.core.writer.notify_one();
    }

    /// Asks the peer to take this piece first (BEP 6, "suggest piece"), behind the word that we have
    /// it. Peers without the fast extension get nothing.
    pub fn suggest(&self, piece: PieceIndex) {
        if self.core.fast {
            self.core.suggest(piece);
        }
    }

    /// Closes the link.
    pub fn close(&self) {
        self.core.close(LinkEnd::Closed);
    }

    /// Whether the peer connected to this machine.
    pub fn is_caller(&self) -> bool {
        self.core.direction == Direction::Incoming
    }

    /// Its counters.
    pub fn stats(&self) -> LinkStats {
        let mut state = self.core.state();
        LinkStats {
            bytes_down: self.core.bytes_down.load(Ordering::Relaxed),
            bytes_up: self.core.bytes_up.load(Ordering::Relaxed),
            wasted: self.core.wasted.load(Ordering::Relaxed),
            connections: self.core.lanes_in.load(Ordering::Relaxed).saturating_add(1),
            rate_down: state.download.rate(Instant::now()),
            requests_open: state.download.open_len(),
            requests_waiting: state.upload.len(),
        }
    }

    fn error(&self, failure: JobFailure) -> SourceError {
        let name = format!("peer {}", self.core.addr);
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
        let number = self.core.state().download.add(span, sink.clone(), reply);
        let mut withdrawal = number.map(|job| Withdrawal {
            core: &self.core,
            job: Some(job),
        });
        self.core.writer.notify_one();
        let result = answer.await.unwrap_or(Err(JobFailure::LinkGone));
        if let Some(withdrawal) = &mut withdrawal {
            withdrawal.job = None;
        }
        result.map_err(|failure| self.error(failure))
    }
}

/// Takes a job back when its future is dropped early.
struct Withdrawal<'a> {
    core: &'a Core,
    job: Option<JobNumber>,
}

impl Drop for Withdrawal<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job {
            self.core.state().download.withdraw(job);
            self.core.writer.notify_one();
        }
    }
}
