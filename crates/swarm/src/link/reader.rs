//! What the peer says, one message after another.
//!
//! What must stay true: the owner hears of the link before it hears anything of it; bytes that
//! nobody asked for are thrown away; what breaks the protocol ends the link.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};
use swarmcopy_layout::{BLOCK_LEN, PieceIndex, PieceSet};
use swarmcopy_scheduler::spread::letters::LetterBox;
use swarmcopy_scheduler::{Has, Hello};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::block::{Block, Cutter};
use super::handle::PeerLink;
use super::quotas::Quotas;
use super::receive::Receive;
use super::upload::Verdict;
use crate::limits::HELLO_TIME;
use crate::wire::WireRead;
use crate::{LinkEnd, SwarmEvent};

/// Events that wait for the extension handshake, at most.
const EARLY_MAX: usize = 64;

/// Reads and understands.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) shared: Arc<Shared>,
    pub(super) limits: Limits,
    pub(super) quotas: Quotas,
    pub(super) letters: LetterBox,
    receive: Receive,
    cutter: Cutter,
    peer_has: PieceSet,
    peer_interested: bool,
    early: Vec<SwarmEvent>,
    /// When the link began.
    pub(super) since: Instant,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, half: WireRead) -> Self {
        let layout = &shared.common.layout;
        Self {
            limits: Limits::for_pieces(layout.pieces()),
            quotas: Quotas::new(Instant::now()),
            letters: LetterBox::new(shared.common.uplink.now()),
            receive: Receive::new(half, Arc::clone(&shared)),
            cutter: Cutter::new(Arc::clone(layout), BLOCK_LEN),
            peer_has: PieceSet::empty(layout.pieces()),
            peer_interested: false,
            early: Vec::new(),
            since: Instant::now(),
            shared,
        }
    }

    /// Reads until the link ends.
    pub(crate) async fn run(&mut self) -> LinkEnd {
        match self.read().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn read(&mut self) -> Result<std::convert::Infallible, LinkEnd> {
        let deadline = Instant::now() + HELLO_TIME;
        if !self.shared.extended {
            self.introduce(None).await?;
        }
        loop {
            let head = if self.shared.is_up() {
                self.receive.head(&self.limits).await?
            } else if let Ok(head) = timeout_at(deadline, self.receive.head(&self.limits)).await {
                head?
            } else {
                self.introduce(None).await?;
                continue;
            };
            self.handle_head(head).await?;
        }
    }

    async fn handle_head(&mut self, head: FrameHead) -> Result<(), LinkEnd> {
        match head {
            FrameHead::KeepAlive => Ok(()),
            FrameHead::Skip { len, .. } => self.receive.skip(u64::from(len)).await,
            FrameHead::Block { index, begin, len } => self.receive.block(index, begin, len).await,
            head => {
                let payload = self.receive.payload(head.payload_len()).await?;
                match Message::decode(&head, payload, &self.limits)? {
                    Some(message) => self.handle_message(message).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn handle_message(&mut self, message: Message) -> Result<(), LinkEnd> {
        let id = self.shared.id;
        if !matches!(message, Message::Extended { .. }) {
            self.shared.spoke.store(true, Ordering::Relaxed);
        }
        match message {
            Message::Choke => {
                self.shared.state().download.choke();
                self.tell(SwarmEvent::Choked { id }).await
            }
            Message::Unchoke => {
                self.shared.state().download.unchoke();
                self.tell(SwarmEvent::Unchoked { id }).await
            }
            Message::Interested => self.handle_interest(true).await,
            Message::NotInterested => self.handle_interest(false).await,
            Message::Have(index) => self.handle_have(index).await,
            Message::Bitfield(bits) => {
                let set = PieceSet::from_bitfield(self.peer_has.capacity(), &bits);
                let set = set.map_err(|_| LinkEnd::Violation("its bitfield does not fit"))?;
                self.handle_set(set).await
            }
            Message::HaveAll => self.handle_set(PieceSet::full(self.fast_capacity()?)).await,
            Message::HaveNone => {
                self.handle_set(PieceSet::empty(self.fast_capacity()?))
                    .await
            }
            Message::Request { index, begin, len } => self.handle_request(index, begin, len),
            Message::Cancel { index, begin, len } => self.handle_cancel(index, begin, len),
            Message::Reject { index, begin, len } => {
                self.fast_capacity()?;
                self.shared.state().download.reject(index, begin, len);
                self.shared.writer.notify_one();
                Ok(())
            }
            Message::Suggest(index) => self.handle_suggestion(index).await,
            Message::Extended { id, payload } => self.handle_extended(id, &payload).await,
            _ => Ok(()),
        }
    }

    async fn handle_interest(&mut self, interested: bool) -> Result<(), LinkEnd> {
        if std::mem::replace(&mut self.peer_interested, interested) == interested {
            return Ok(());
        }
        let id = self.shared.id;
        let event = if interested {
            SwarmEvent::Interested { id }
        } else {
            SwarmEvent::NotInterested { id }
        };
        self.tell(event).await
    }

    async fn handle_have(&mut self, index: u32) -> Result<(), LinkEnd> {
        let Some(piece) = self.shared.common.layout.piece(index) else {
            return Ok(());
        };
        if !self.peer_has.insert(piece) {
            return Ok(());
        }
        self.shared.state().download.has(piece);
        self.note_complete();
        self.tell(SwarmEvent::Has {
            id: self.shared.id,
            has: Has::Piece(piece),
        })
        .await
    }

    async fn handle_suggestion(&mut self, index: u32) -> Result<(), LinkEnd> {
        self.fast_capacity()?;
        let Some(piece) = self.shared.common.layout.piece(index) else {
            return Ok(());
        };
        let id = self.shared.id;
        self.tell(SwarmEvent::Suggested { id, piece }).await
    }

    async fn handle_set(&mut self, mut set: PieceSet) -> Result<(), LinkEnd> {
        // a peer that has told of single pieces already does not take them back
        set.union_with(&self.peer_has);
        self.peer_has = set.clone();
        self.note_complete();
        let has = if set.is_full() {
            Has::All
        } else {
            Has::Set(set)
        };
        self.tell(SwarmEvent::Has {
            id: self.shared.id,
            has,
        })
        .await
    }

    /// The peer has a piece no more.
    pub(super) fn lacks(&mut self, piece: PieceIndex) {
        self.peer_has.remove(piece);
        self.note_complete();
        self.shared.state().download.lacks(piece);
        self.shared.writer.notify_one();
    }

    fn note_complete(&self) {
        self.shared
            .peer_complete
            .store(self.peer_has.is_full(), Ordering::Relaxed);
    }

    /// The number of pieces, for messages that only the fast extension has.
    fn fast_capacity(&self) -> Result<u32, LinkEnd> {
        let spoken = self.shared.fast.then(|| self.peer_has.capacity());
        spoken.ok_or(LinkEnd::Violation(
            "a message of the fast extension that was not agreed on",
        ))
    }

    fn handle_request(&mut self, index: u32, begin: u32, len: u32) -> Result<(), LinkEnd> {
        let block = self.cutter.asked(index, begin, len);
        let block = block.ok_or(LinkEnd::Violation("a request outside its piece"))?;
        let known = self.shared.common.have.contains(block.piece);
        let verdict = if known {
            let uplink = &self.shared.common.uplink;
            self.shared.state().upload.request(block, uplink)
        } else {
            Verdict::Refused
        };
        match verdict {
            Verdict::Queued => self.shared.feeder.notify_one(),
            Verdict::Refused => self.refuse(block)?,
            Verdict::Repeated => {}
        }
        Ok(())
    }

    fn handle_cancel(&mut self, index: u32, begin: u32, len: u32) -> Result<(), LinkEnd> {
        let cancelled = self.shared.state().upload.cancel(index, begin, len);
        match self.cutter.asked(index, begin, len) {
            Some(block) if cancelled => self.refuse(block),
            _ => Ok(()),
        }
    }

    /// Says that a block won't come, to a peer that understands.
    fn refuse(&self, block: Block) -> Result<(), LinkEnd> {
        if self.shared.fast {
            self.shared.reply(block.reject())
        } else {
            Ok(())
        }
    }

    /// Tells the owner of the link, and of what came before.
    pub(super) async fn introduce(&mut self, hello: Option<Hello>) -> Result<(), LinkEnd> {
        if self.shared.is_up() {
            return Ok(());
        }
        let client = self.shared.state().spoken.client.clone();
        let up = SwarmEvent::LinkUp {
            id: self.shared.id,
            link: Arc::new(PeerLink::new(Arc::clone(&self.shared.core))),
            hello,
            addr: self.shared.addr,
            client: client.unwrap_or_else(|| readable(&self.shared.peer_id)),
        };
        self.send(up).await?;
        self.shared.up.store(true, Ordering::Release);
        for event in std::mem::take(&mut self.early) {
            self.send(event).await?;
        }
        Ok(())
    }

    /// Tells the owner, or keeps it until the owner knows the link.
    pub(super) async fn tell(&mut self, event: SwarmEvent) -> Result<(), LinkEnd> {
        if self.shared.is_up() {
            return self.send(event).await;
        }
        self.early.push(event);
        if self.early.len() >= EARLY_MAX {
            self.introduce(None).await
        } else {
            Ok(())
        }
    }

    async fn send(&self, event: SwarmEvent) -> Result<(), LinkEnd> {
        // an owner that listens no more wants no link
        self.shared
            .common
            .events
            .send(event)
            .await
            .map_err(|_| LinkEnd::Closed)
    }
}

/// The letters of a peer id's beginning, where clients put their name.
pub(crate) fn readable(peer_id: &[u8; 20]) -> String {
    let name = peer_id.iter().take(8).map(|byte| char::from(*byte));
    name.map(|c| if c.is_ascii_graphic() { c } else { '.' })
        .collect()
}
