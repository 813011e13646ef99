//! What a machine does for an onlooker: greets it, answers its questions, and tells it of others.
//!
//! What must stay true: who asks more often than may be gets no answer, and who sends more than that is cut off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, HANDSHAKE_ID, SC_STATUS, StatusMessage, UT_PEX,
};
use swarmcopy_bt_wire::peer::{Limits, Message};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::board::{STATUS_ID, StatusBoard};
use crate::common::Common;
use crate::link::Direction;
use crate::talk::Talk;
use crate::tokens::Tokens;
use crate::wire::Wire;
use crate::{LinkEnd, handshake};

/// Questions of one onlooker that are answered at once, and the time in which one more is.
const ANSWERS: (u32, Duration) = (6, Duration::from_millis(500));
/// Messages that one onlooker may send at once, and the time in which one more may come.
const MESSAGES: (u32, Duration) = (64, Duration::from_millis(100));
/// An onlooker that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_mins(1);
/// Longest message that an onlooker may send.
const MESSAGE_LEN_MAX: u32 = 16 * 1024;
/// Time for our part of the handshake.
const GREET_TIME: Duration = Duration::from_secs(5);

/// Serves an onlooker until it goes. May be dropped at any await; the connection is closed then.
pub(crate) async fn serve(
    common: Arc<Common>,
    board: Arc<StatusBoard>,
    (mut wire, addr, direction): (Wire, SocketAddr, Direction),
    others: watch::Receiver<Option<Bytes>>,
) -> LinkEnd {
    if direction == Direction::Incoming {
        let ours = handshake::ours(common.info_hash, common.peer_id).encode();
        let writing = timeout(GREET_TIME, wire.write_all(&ours)).await;
        if !matches!(writing, Ok(Ok(()))) {
            return LinkEnd::Silent;
        }
    }
    let now = Instant::now();
    let mut serving = Serving {
        talk: Talk::new(wire, limits(&common)),
        board,
        others,
        status_id: None,
        pex_id: None,
        answers: Tokens::new(now, ANSWERS.0, ANSWERS.1),
        messages: Tokens::new(now, MESSAGES.0, MESSAGES.1),
    };
    let end = serving.run(greeting(&common, addr)).await;
    end.err().unwrap_or(LinkEnd::Closed)
}

fn limits(common: &Common) -> Limits {
    let mut limits = Limits::for_pieces(common.layout.pieces());
    limits.extended_len_max = MESSAGE_LEN_MAX;
    limits
}

fn greeting(common: &Common, addr: SocketAddr) -> Vec<u8> {
    let mut words = ExtensionHandshake::default();
    let mut speak = |name: &str, id| words.extensions.insert(name.to_owned(), id);
    speak(SC_STATUS, STATUS_ID);
    words.client = Some(common.client.clone());
    words.port = Some(common.listen_port).filter(|port| *port != 0);
    words.your_ip = Some(addr.ip().to_canonical());
    words.encode()
}

struct Serving {
    talk: Talk,
    board: Arc<StatusBoard>,
    /// Some others, as a message of peer exchange.
    others: watch::Receiver<Option<Bytes>>,
    status_id: Option<u8>,
    pex_id: Option<u8>,
    answers: Tokens,
    messages: Tokens,
}

/// What can happen next.
enum Happening {
    Heard(Message),
    Others,
    Nothing,
}

impl Serving {
    async fn run(&mut self, greeting: Vec<u8>) -> Result<(), LinkEnd> {
        self.talk.say(HANDSHAKE_ID, greeting).await?;
        loop {
            match self.next().await? {
                Happening::Heard(Message::Extended { id, payload }) => {
                    self.handle(id, &payload).await?;
                }
                Happening::Others => self.tell_others().await?,
                Happening::Heard(_) | Happening::Nothing => {}
            }
        }
    }

    async fn next(&mut self) -> Result<Happening, LinkEnd> {
        tokio::select! {
            heard = timeout(SILENCE, self.talk.hear()) => {
                let heard = heard.map_err(|_| LinkEnd::Silent)??;
                if !self.messages.take(Instant::now()) {
                    return Err(LinkEnd::Violation("an onlooker that says too much"));
                }
                Ok(heard.map_or(Happening::Nothing, Happening::Heard))
            }
            changed = self.others.changed(), if self.pex_id.is_some() => {
                // the hub is gone only when the swarm is
                changed.map_err(|_| LinkEnd::Closed)?;
                Ok(Happening::Others)
            }
        }
    }

    async fn handle(&mut self, id: u8, payload: &[u8]) -> Result<(), LinkEnd> {
        match id {
            HANDSHAKE_ID => {
                let words = ExtensionHandshake::parse(payload)
                    .map_err(|_| LinkEnd::Violation("a malformed extension handshake"))?;
                self.status_id = words.id_of(SC_STATUS);
                let first = self.pex_id.is_none();
                self.pex_id = words.id_of(UT_PEX);
                if first {
                    self.tell_others().await?;
                }
                Ok(())
            }
            STATUS_ID => self.answer(payload).await,
            _ => Ok(()),
        }
    }

    async fn answer(&mut self, payload: &[u8]) -> Result<(), LinkEnd> {
        let (Some(id), Ok(StatusMessage::Ask(question))) =
            (self.status_id, StatusMessage::parse(payload))
        else {
            return Ok(());
        };
        if self.answers.take(Instant::now()) {
            self.talk.say(id, self.board.answer(question)).await?;
        }
        Ok(())
    }

    async fn tell_others(&mut self) -> Result<(), LinkEnd> {
        let others = self.others.borrow_and_update().clone();
        match (self.pex_id, others) {
            (Some(id), Some(others)) => self.talk.say(id, others.to_vec()).await,
            _ => Ok(()),
        }
    }
}
