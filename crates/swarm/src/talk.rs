//! A conversation with a peer that needs no link: messages out, messages in.
//!
//! What must stay true: memory grows only with bytes that came, up to the limits of one message, and a wait for
//! the next message may be dropped without losing a byte.

use std::time::Duration;

use bytes::BytesMut;
use swarmcopy_bt_wire::peer::{FrameHead, Limits, Message};
use tokio::time::timeout;

use crate::LinkEnd;
use crate::wire::Wire;

/// Time for a message to go out.
const SAY_TIME: Duration = Duration::from_secs(15);

/// A connection whose handshakes are done.
#[derive(Debug)]
pub(crate) struct Talk {
    wire: Wire,
    buffer: BytesMut,
    limits: Limits,
}

impl Talk {
    pub(crate) fn new(wire: Wire, limits: Limits) -> Self {
        Self {
            wire,
            buffer: BytesMut::new(),
            limits,
        }
    }

    /// Says an extended message. Once dropped at an await, the conversation is of no use any more.
    pub(crate) async fn say(&mut self, id: u8, payload: Vec<u8>) -> Result<(), LinkEnd> {
        let payload = payload.into();
        self.write(&Message::Extended { id, payload }).await
    }

    /// Says any message; the same holds.
    pub(crate) async fn write(&mut self, message: &Message) -> Result<(), LinkEnd> {
        let mut out = BytesMut::new();
        message.encode(&mut out);
        let writing = timeout(SAY_TIME, self.wire.write_all(&out));
        Ok(writing.await.map_err(|_| LinkEnd::Silent)??)
    }

    /// The next message; `None` for one of an unknown kind. May be dropped at any await.
    pub(crate) async fn hear(&mut self) -> Result<Option<Message>, LinkEnd> {
        loop {
            if let Some((head, used)) = FrameHead::parse(&self.buffer, &self.limits)? {
                let len = usize::try_from(head.payload_len()).unwrap_or(usize::MAX);
                // the head's limits keep this small
                if self.buffer.len() >= used.saturating_add(len) {
                    let mut frame = self.buffer.split_to(used.saturating_add(len));
                    let payload = frame.split_off(used).freeze();
                    return Ok(Message::decode(&head, payload, &self.limits)?);
                }
            }
            if self.wire.read_buf(&mut self.buffer).await? == 0 {
                return Err(LinkEnd::ByPeer);
            }
        }
    }
}
