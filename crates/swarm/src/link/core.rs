//! One link: its facts, its state and its wakers, as its tasks and its handle know it.
//!
//! What must stay true: the lock guards data for a moment and is never held across an await; every
//! change that gives the writer something to do wakes it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::{BLOCK_LEN, Layout, PieceIndex};
use swarmcopy_scheduler::spread::letters::Letters;
use swarmcopy_scheduler::{Hello, NodeId, SourceId};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::block::Cutter;
use super::download::Download;
use super::lane_name;
use super::setup::{Direction, Setup};
use super::upload::Upload;
use crate::LinkEnd;
use crate::limits::CONNECTIONS_MAX;
use crate::uplink::Place;

/// Suggestions that may wait to be written; older ones are forgotten.
const SUGGESTIONS_MAX: usize = 128;
/// Control messages that may wait to be written; a peer that makes us answer more is cut off.
const REPLIES_MAX: usize = 2048;

/// Whether other connections carry blocks of the same link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// None does.
    Alone,
    /// Some do.
    Shared,
}

/// A link's unchanging facts, its state and its wakers.
#[derive(Debug)]
pub(crate) struct Core {
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
    /// What the peer calls itself when it dials one more connection for this link.
    pub(crate) lane_name: [u8; 20],
    /// Wakes the lanes that bring the peer blocks.
    pub(crate) lanes_wake: Notify,
    /// Lanes that bring the peer blocks.
    pub(crate) lanes_out: AtomicUsize,
    /// Lanes that bring us blocks.
    pub(crate) lanes_in: AtomicUsize,
    /// Connections that the peer has dialled to be lanes, on their way to who runs them.
    lane_streams: mpsc::Sender<TcpStream>,
    /// The link's place in the uplink.
    pub(crate) place: Place,
    pub(crate) close: CancellationToken,
    /// Set once the owner was told of the link.
    pub(crate) up: AtomicBool,
    /// When the link began.
    pub(crate) since: Instant,
    /// Set once the peer said something about the content: what it has, wants, or offers.
    pub(crate) spoke: AtomicBool,
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
    pub(crate) dont_have: Option<u8>,
    pub(crate) client: Option<String>,
    /// Where it listens.
    pub(crate) listens: Option<SocketAddr>,
    /// What to call ourselves to it when we dial one more connection for this link.
    pub(crate) lane: Option<[u8; 20]>,
    pub(crate) hello: Option<Hello>,
}

/// What changes during a link.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) serving: Wish,
    pub(crate) interest: Wish,
    /// Slot messages that have not been written yet.
    pub(crate) slots: Letters,
    /// Pieces that the peer is to take first (BEP 6), not written yet.
    pub(crate) suggestions: VecDeque<PieceIndex>,
    pub(crate) replies: VecDeque<Message>,
    pub(crate) spoken: Spoken,
    pub(crate) download: Download,
    pub(crate) upload: Upload,
    pub(crate) last_heard: Instant,
    pub(crate) last_said: Instant,
}

impl Core {
    /// A link of a swarm of this layout; `close` ends it, and `place` is its own in the uplink.
    pub(crate) fn new(
        layout: &Arc<Layout>,
        (id, place): (SourceId, Place),
        close: CancellationToken,
        setup: Setup,
    ) -> (Self, mpsc::Receiver<TcpStream>) {
        let (lane_streams, streams) = mpsc::channel(CONNECTIONS_MAX);
        let cutter = Cutter::new(Arc::clone(layout), BLOCK_LEN);
        let now = Instant::now();
        let mut download = Download::new(cutter, setup.fast, now);
        if let Some(round_trip) = setup.round_trip {
            download.note_round_trip(round_trip);
        }
        let core = Self {
            lane_name: lane_name::new(),
            lanes_wake: Notify::new(),
            lanes_out: AtomicUsize::new(0),
            lanes_in: AtomicUsize::new(0),
            lane_streams,
            id,
            place,
            close,
            addr: setup.addr,
            peer_id: setup.peer_id,
            direction: setup.direction,
            fast: setup.fast,
            extended: setup.extended,
            writer: Notify::new(),
            feeder: Notify::new(),
            up: AtomicBool::new(false),
            since: now,
            spoke: AtomicBool::new(false),
            peer_complete: AtomicBool::new(false),
            bytes_down: AtomicU64::new(0),
            bytes_up: AtomicU64::new(0),
            wasted: AtomicU64::new(0),
            why: OnceLock::new(),
            state: Mutex::new(State {
                serving: Wish::default(),
                interest: Wish::default(),
                slots: Letters::default(),
                suggestions: VecDeque::new(),
                replies: VecDeque::new(),
                spoken: Spoken::default(),
                download,
                upload: Upload::new(),
                last_heard: now,
                last_said: now,
            }),
        };
        (core, streams)
    }

    /// Looks at or changes the state; not to be held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which process of ours the peer is, if it is one.
    pub(crate) fn node(&self) -> Option<NodeId> {
        self.state().spoken.hello.as_ref().map(|hello| hello.node)
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

    /// Takes one more connection that the peer has dialled for this link, if there is room.
    pub(crate) fn add_lane(&self, stream: TcpStream) {
        // a connection that finds no room is closed, which the peer takes for a refusal
        let _ = self.lane_streams.try_send(stream);
    }

    /// Whether lanes carry blocks to the peer.
    pub(crate) fn sharing(&self) -> Sharing {
        if self.lanes_out.load(Ordering::Relaxed) > 0 {
            Sharing::Shared
        } else {
            Sharing::Alone
        }
    }

    /// Blocks are ready to be sent.
    pub(crate) fn wake_writers(&self) {
        self.writer.notify_one();
        if self.sharing() == Sharing::Shared {
            self.lanes_wake.notify_waiters();
        }
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
        self.state().last_heard = now;
    }

    /// How old the link is.
    pub(crate) fn age_ms(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.since).as_millis();
        u64::try_from(age).unwrap_or(u64::MAX)
    }

    /// Bytes of blocks that it moved in all.
    pub(crate) fn moved(&self) -> u64 {
        let down = self.bytes_down.load(Ordering::Relaxed);
        down.saturating_add(self.bytes_up.load(Ordering::Relaxed))
    }

    /// Whether the peer has had so much time and has not said a word about the content.
    pub(crate) fn says_nothing(&self, now: Instant, time: Duration) -> bool {
        let old = now.saturating_duration_since(self.since) >= time;
        old && !self.spoke.load(Ordering::Relaxed) && self.node().is_none()
    }

    /// Whether the owner was told of the link.
    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
}
