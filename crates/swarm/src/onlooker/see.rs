//! What an onlooker does with one peer: greets it, asks it when told to, and tells what it hears.
//!
//! What must stay true: what a peer can make us remember is one set of pieces, and what it can make us tell is
//! limited.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, HANDSHAKE_ID, Pex, SC_STATUS, StatusMessage, StatusQuestion, UT_PEX,
};
use swarmcopy_bt_wire::peer::{Handshake, Limits, Message, Reserved};
use swarmcopy_layout::PieceSet;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::board::STATUS_ID;
use super::sighting::Sighting;
use crate::LinkEnd;
use crate::command::Command;
use crate::common::Common;
use crate::limits::PEX_ADDRESSES_MAX;
use crate::link::extension::PEX_ID;
use crate::link::readable;
use crate::talk::Talk;
use crate::tokens::Tokens;
use crate::wire::Wire;

/// A peer that says nothing for so long is gone: others than ours keep a link open every two minutes.
const SILENCE: Duration = Duration::from_secs(150);
/// We say something this often.
const ALIVE_EVERY: Duration = Duration::from_secs(45);
/// Time for the greeting of a peer before it counts as another client that tells nothing of itself.
const GREETING_TIME: Duration = Duration::from_secs(3);
/// Pause between two words about what another client has.
const SHOW_EVERY: Duration = Duration::from_secs(1);
/// Longest message of an extension.
const MESSAGE_LEN_MAX: u32 = 16 * 1024;
/// Answers of one machine that are taken at once, and the time in which one more is.
const ANSWERS: (u32, Duration) = (16, Duration::from_millis(250));
/// Addresses that one peer may tell of at once, and the time in which one more is taken.
const ADDRESSES: (u32, Duration) = (200, Duration::from_millis(100));
/// Messages that one peer may send at once, and the time in which one more may come: a client tells each piece it gets.
const MESSAGES: (u32, Duration) = (20_000, Duration::from_millis(1));

/// One peer and the way to who looks on.
pub(super) struct Seeing {
    pub(super) common: Arc<Common>,
    pub(super) id: u64,
    pub(super) addr: SocketAddr,
    pub(super) peer_id: [u8; 20],
    pub(super) events: mpsc::Sender<Sighting>,
    pub(super) questions: mpsc::Receiver<StatusQuestion>,
}

/// Watches a peer until it goes. May be dropped at any await; the connection is closed then.
pub(super) async fn see(seeing: Seeing, wire: Wire, theirs: Handshake) -> LinkEnd {
    let mut limits = Limits::for_pieces(seeing.common.layout.pieces());
    limits.extended_len_max = MESSAGE_LEN_MAX;
    let now = Instant::now();
    let mut eye = Eye {
        talk: Talk::new(wire, limits),
        has: PieceSet::empty(seeing.common.layout.pieces()),
        seeing,
        met: Met::No,
        status_id: None,
        shown: None,
        show_at: now,
        heard_at: now,
        said_at: now,
        answers: Tokens::new(now, ANSWERS.0, ANSWERS.1),
        addresses: Tokens::new(now, ADDRESSES.0, ADDRESSES.1),
        messages: Tokens::new(now, MESSAGES.0, MESSAGES.1),
    };
    eye.run(theirs.reserved)
        .await
        .err()
        .unwrap_or(LinkEnd::Closed)
}

/// Whether the owner was told of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    No,
    Other,
    Ours,
}

struct Eye {
    seeing: Seeing,
    talk: Talk,
    met: Met,
    status_id: Option<u8>,
    has: PieceSet,
    /// How many pieces were told last.
    shown: Option<u32>,
    show_at: Instant,
    heard_at: Instant,
    said_at: Instant,
    answers: Tokens,
    addresses: Tokens,
    messages: Tokens,
}

/// What can happen next.
enum Happening {
    Heard(Option<Message>),
    Asked(StatusQuestion),
    Time,
}

impl Eye {
    async fn run(&mut self, spoken: Reserved) -> Result<(), LinkEnd> {
        let extended = spoken.extended();
        if spoken.fast() {
            self.talk.write(&Message::HaveNone).await?;
        }
        if extended {
            let greeting = greeting(&self.seeing.common, self.seeing.addr);
            self.talk.say(HANDSHAKE_ID, greeting).await?;
        }
        self.said_at = Instant::now();
        let met_by = Instant::now() + GREETING_TIME;
        loop {
            match self.next().await? {
                Happening::Heard(message) => {
                    let now = Instant::now();
                    self.heard_at = now;
                    if !self.messages.take(now) {
                        return Err(LinkEnd::Violation("it says too much"));
                    }
                    if let Some(message) = message {
                        self.handle(message).await?;
                    }
                }
                Happening::Asked(question) => self.ask(question).await?,
                Happening::Time => {}
            }
            let now = Instant::now();
            if self.met == Met::No && (!extended || now >= met_by) {
                self.meet(Met::Other, None).await;
            }
            self.keep_alive(now).await?;
            self.show(now).await;
        }
    }

    async fn next(&mut self) -> Result<Happening, LinkEnd> {
        tokio::select! {
            heard = timeout(SHOW_EVERY, self.talk.hear()) => match heard {
                Ok(heard) => Ok(Happening::Heard(heard?)),
                Err(_) if self.heard_at.elapsed() >= SILENCE => Err(LinkEnd::Silent),
                Err(_) => Ok(Happening::Time),
            },
            question = self.seeing.questions.recv() => {
                question.map(Happening::Asked).ok_or(LinkEnd::Closed)
            }
        }
    }

    /// Asks a peer that can be asked.
    async fn ask(&mut self, question: StatusQuestion) -> Result<(), LinkEnd> {
        if let Some(id) = self.status_id {
            let question = StatusMessage::Ask(question).encode();
            self.talk.say(id, question).await?;
            self.said_at = Instant::now();
        }
        Ok(())
    }

    async fn handle(&mut self, message: Message) -> Result<(), LinkEnd> {
        let pieces = self.has.capacity();
        match message {
            Message::Extended { id, payload } => self.handle_extended(id, &payload).await?,
            Message::HaveAll => self.has = PieceSet::full(pieces),
            Message::HaveNone => self.has = PieceSet::empty(pieces),
            Message::Bitfield(bits) => {
                self.has = PieceSet::from_bitfield(pieces, &bits)
                    .map_err(|_| LinkEnd::Violation("a bitfield that can't be"))?;
            }
            Message::Have(index) => {
                if let Some(piece) = self.seeing.common.layout.piece(index) {
                    self.has.insert(piece);
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn handle_extended(&mut self, id: u8, payload: &[u8]) -> Result<(), LinkEnd> {
        match id {
            HANDSHAKE_ID => {
                let words = ExtensionHandshake::parse(payload)
                    .map_err(|_| LinkEnd::Violation("a malformed extension handshake"))?;
                self.status_id = words.id_of(SC_STATUS);
                let met = if self.status_id.is_some() {
                    Met::Ours
                } else {
                    Met::Other
                };
                self.meet(met, words.client).await;
                self.ask(StatusQuestion::Machine).await?;
            }
            PEX_ID => self.handle_pex(payload),
            STATUS_ID if self.met == Met::Ours => self.handle_answer(payload).await,
            _ => {}
        }
        Ok(())
    }

    fn handle_pex(&mut self, payload: &[u8]) {
        let Ok(pex) = Pex::parse(payload) else { return };
        let now = Instant::now();
        let named = pex.added.iter().map(|peer| peer.addr);
        let named = named.take(PEX_ADDRESSES_MAX);
        let addrs: Vec<_> = named.take_while(|_| self.addresses.take(now)).collect();
        if !addrs.is_empty() {
            let by = self.seeing.addr.ip();
            // told again by others
            let _ = self.seeing.common.hub.try_send(Command::Told { addrs, by });
        }
    }

    async fn handle_answer(&mut self, payload: &[u8]) {
        let id = self.seeing.id;
        let Ok(message) = StatusMessage::parse(payload) else {
            return;
        };
        if !self.answers.take(Instant::now()) {
            return;
        }
        let sighting = match message {
            StatusMessage::Machine(status) => Sighting::Machine { id, status },
            StatusMessage::Sources(sources) => Sighting::Sources { id, sources },
            StatusMessage::Decisions(decisions) => Sighting::Decisions { id, decisions },
            _ => return,
        };
        self.tell(sighting).await;
    }

    /// Tells the owner of the peer; once more if it turns out to be one of ours after all.
    async fn meet(&mut self, met: Met, client: Option<String>) {
        if self.met == met || self.met == Met::Ours {
            return;
        }
        self.met = met;
        let peer_id = self.seeing.peer_id;
        let sighting = Sighting::Met {
            id: self.seeing.id,
            addr: self.seeing.addr,
            peer_id,
            client: client.unwrap_or_else(|| readable(&peer_id)),
            ours: met == Met::Ours,
        };
        self.tell(sighting).await;
    }

    async fn keep_alive(&mut self, now: Instant) -> Result<(), LinkEnd> {
        if now.saturating_duration_since(self.said_at) >= ALIVE_EVERY {
            self.said_at = now;
            self.talk.write(&Message::KeepAlive).await?;
        }
        Ok(())
    }

    /// Tells what another client has, when that has changed and not too often.
    async fn show(&mut self, now: Instant) {
        let pieces = self.has.len();
        if self.met == Met::Other && self.shown != Some(pieces) && now >= self.show_at {
            self.shown = Some(pieces);
            self.show_at = now + SHOW_EVERY;
            let id = self.seeing.id;
            self.tell(Sighting::Shows { id, pieces }).await;
        }
    }

    async fn tell(&self, sighting: Sighting) {
        // who looks on no more needs no answer
        let _ = self.seeing.events.send(sighting).await;
    }
}

fn greeting(common: &Common, addr: SocketAddr) -> Vec<u8> {
    let mut words = ExtensionHandshake::default();
    let mut speak = |name: &str, id| words.extensions.insert(name.to_owned(), id);
    speak(SC_STATUS, STATUS_ID);
    if common.pex {
        speak(UT_PEX, PEX_ID);
    }
    words.client = Some(common.client.clone());
    words.port = Some(common.listen_port).filter(|port| *port != 0);
    words.your_ip = Some(addr.ip().to_canonical());
    words.encode()
}
