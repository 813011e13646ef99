//! What the halves of a link and its handle share.
//!
//! What must stay true: the lock guards data for a moment and is never held across an await; every
//! change that gives the writer something to do wakes it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::{BLOCK_LEN, PieceIndex};
use swarmcopy_scheduler::{Hello, SourceId};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::block::Cutter;
use super::download::Download;
use super::gossip::Pending;
use super::turns::Turn;
use super::upload::Upload;
use crate::LinkEnd;
use crate::common::Common;

/// Suggestions that may wait to be written; older ones are forgotten.
const SUGGESTIONS_MAX: usize = 128;
/// Control messages that may wait to be written; a peer that makes us answer more is cut off.
const REPLIES_MAX: usize = 2048;

/// Who dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// They.
    Incoming,
    /// We.
    Outgoing,
}

/// A link's unchanging facts, its state and its wakers.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) common: Arc<Common>,
    pub(crate) id: SourceId,
    pub(crate) addr: SocketAddr,
    pub(crate) peer_id: [u8; 20],
    pub(crate) direction: Direction,
    /// Whether both sides speak BEP 6.
    pub(crate) fast: bool,
    /// Whether both sides speak BEP 10.
    pub(crate) extended: bool,
    pub(crate) writer: Notify,
    pub(crate) feeder: Notify,
    /// The link's place among those that are served.
    pub(crate) turn: Turn,
    pub(crate) close: CancellationToken,
    /// Set once the owner was told of the link.
    pub(crate) up: AtomicBool,
    /// Whether the peer has every piece.
    pub(crate) peer_complete: AtomicBool,
    pub(crate) bytes_down: AtomicU64,
    pub(crate) bytes_up: AtomicU64,
    pub(crate) wasted: AtomicU64,
    why: OnceLock<LinkEnd>,
    state: Mutex<State>,
}

/// Something that the peer is to know, and what it was told last.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) wanted: bool,
    pub(crate) said: bool,
}

/// What the peer said in its extension handshake (BEP 10).
#[derive(Debug, Clone, Default)]
pub(crate) struct Spoken {
    pub(crate) pex: Option<u8>,
    pub(crate) metadata: Option<u8>,
    pub(crate) slots: Option<u8>,
    pub(crate) client: Option<String>,
    pub(crate) hello: Option<Hello>,
}

/// What changes during a link.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) serving: Wish,
    pub(crate) interest: Wish,
    /// Slot messages that have not been written yet.
    pub(crate) slots: Pending,
    /// Pieces that the peer is to take first (BEP 6), not written yet.
    pub(crate) suggestions: VecDeque<PieceIndex>,
    pub(crate) replies: VecDeque<Message>,
    pub(crate) spoken: Spoken,
    pub(crate) download: Download,
    pub(crate) upload: Upload,
    pub(crate) last_heard: Instant,
    pub(crate) last_said: Instant,
}

impl Shared {
    pub(crate) fn new(common: Arc<Common>, setup: Setup) -> Arc<Self> {
        let cutter = Cutter::new(Arc::clone(&common.layout), BLOCK_LEN);
        let now = Instant::now();
        Arc::new(Self {
            id: common.ids.next(),
            turn: Turn::new(&common.turns),
            close: common.cancel.child_token(),
            common,
            addr: setup.addr,
            peer_id: setup.peer_id,
            direction: setup.direction,
            fast: setup.fast,
            extended: setup.extended,
            writer: Notify::new(),
            feeder: Notify::new(),
            up: AtomicBool::new(false),
            peer_complete: AtomicBool::new(false),
            bytes_down: AtomicU64::new(0),
            bytes_up: AtomicU64::new(0),
            wasted: AtomicU64::new(0),
            why: OnceLock::new(),
            state: Mutex::new(State {
                serving: Wish::default(),
                interest: Wish::default(),
                slots: Pending::default(),
                suggestions: VecDeque::new(),
                replies: VecDeque::new(),
                spoken: Spoken::default(),
                download: Download::new(cutter, setup.fast, now),
                upload: Upload::new(),
                last_heard: now,
                last_said: now,
            }),
        })
    }

    /// Looks at or changes the state; not to be held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the link; the first reason counts.
    pub(crate) fn close(&self, why: LinkEnd) {
        let _ = self.why.set(why);
        self.close.cancel();
    }

    /// Why the link was closed by us.
    pub(crate) fn why(&self) -> LinkEnd {
        self.why.get().cloned().unwrap_or(LinkEnd::Closed)
    }

    /// Queues a suggestion, which goes out behind the HAVE of its piece.
    pub(crate) fn suggest(&self, piece: PieceIndex) {
        let mut state = self.state();
        if state.suggestions.len() >= SUGGESTIONS_MAX {
            state.suggestions.pop_front();
        }
        state.suggestions.push_back(piece);
        drop(state);
        self.writer.notify_one();
    }

    /// Queues a control message.
    pub(crate) fn reply(&self, message: Message) -> Result<(), LinkEnd> {
        let mut state = self.state();
        if state.replies.len() >= REPLIES_MAX {
            return Err(LinkEnd::Violation("it asks for more answers than it reads"));
        }
        state.replies.push_back(message);
        drop(state);
        self.writer.notify_one();
        Ok(())
    }

    /// Queues an extended message.
    pub(crate) fn reply_extended(&self, id: u8, payload: Vec<u8>) -> Result<(), LinkEnd> {
        self.reply(Message::Extended {
            id,
            payload: Bytes::from(payload),
        })
    }

    /// Bytes have come from the peer.
    pub(crate) fn heard(&self, now: Instant) {
        let mut state = self.state();
        state.last_heard = now;
        state.download.heard(now);
    }

    /// Whether the owner was told of the link.
    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}

/// What is known of a peer when its link begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) addr: SocketAddr,
    pub(crate) peer_id: [u8; 20],
    pub(crate) direction: Direction,
    pub(crate) fast: bool,
    pub(crate) extended: bool,
}
