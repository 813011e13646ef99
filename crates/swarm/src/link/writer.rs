//! What goes to the peer: control messages first, blocks behind them.
//!
//! What must stay true: a HAVE is written for each piece of the log behind the bitfield, once; a
//! control message waits for no block but the one that has begun.

use std::sync::Arc;

use bytes::BytesMut;
use swarmcopy_bt_wire::extension::HANDSHAKE_ID;
use swarmcopy_bt_wire::peer::Message;
use tokio::time::Instant;

use super::allowance::Allowance;
use super::block::Block;
use super::core::State;
use super::sending::{Sending, Step, take_frames};
use super::{Direction, Shared, extension};
use crate::have_log::HaveCursor;
use crate::wire::WireWrite;
use crate::{LinkEnd, handshake};

/// HAVE messages in one write.
const HAVES_MAX: usize = 512;
/// Encoded control messages that may wait before more are encoded.
const CONTROL_LEN_MAX: usize = 256 * 1024;

/// Writes what the state says.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    sending: Sending,
    cursor: HaveCursor,
    asking: Allowance,
    serving: Allowance,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, half: WireWrite) -> Self {
        let (common, peer) = (&shared.common, shared.addr.ip());
        Self {
            asking: Allowance::new(common.limit_down(peer)),
            serving: Allowance::new(common.limit_up(peer)),
            sending: Sending::new(Arc::clone(&shared), half),
            cursor: HaveCursor::default(),
            shared,
        }
    }

    /// Writes until the link ends.
    pub(crate) async fn run(&mut self) -> LinkEnd {
        self.greet();
        loop {
            self.fill();
            match self.sending.step().await {
                Ok(Step::Wrote) => {}
                Ok(Step::Idle) => self.wait().await,
                Ok(Step::Full) => {
                    if let Err(end) = self.wait_for_room().await {
                        return end;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    /// Waits until the socket takes more, or more may be asked for: that must not wait for the end of what is sent.
    async fn wait_for_room(&mut self) -> Result<(), LinkEnd> {
        tokio::select! {
            room = self.sending.writable() => room,
            () = self.asking.more() => Ok(()),
        }
    }

    /// The first words: who we are and what we have.
    fn greet(&mut self) {
        let out = &mut self.sending.outbox.control;
        if self.shared.direction == Direction::Incoming {
            let common = &self.shared.common;
            out.extend_from_slice(&handshake::ours(common.info_hash, common.peer_id).encode());
        }
        if self.shared.extended {
            let payload = extension::greeting(&self.shared).into();
            Message::Extended {
                id: HANDSHAKE_ID,
                payload,
            }
            .encode(out);
        }
        let (set, cursor) = self.shared.common.have.snapshot();
        self.cursor = cursor;
        match (self.shared.fast, set.is_empty(), set.is_full()) {
            (true, true, _) => Message::HaveNone.encode(out),
            (true, _, true) => Message::HaveAll.encode(out),
            (false, true, _) => {}
            _ => Message::Bitfield(set.to_bitfield().into()).encode(out),
        }
    }

    /// Turns what the state wants into bytes.
    fn fill(&mut self) {
        if self.sending.outbox.control.len() >= CONTROL_LEN_MAX {
            return;
        }
        let fast = self.shared.fast;
        let mut state = self.shared.state();
        let out = &mut self.sending.outbox.control;
        put_slots(&mut state, out);
        put_interest(&mut state, out);
        if let Some(refused) = put_serving(&mut state, out) {
            let refused = refused.into_iter().chain(self.sending.outbox.withdraw());
            put_rejects(refused.filter(|_| fast), &mut self.sending.outbox.control);
        }
        let out = &mut self.sending.outbox.control;
        state
            .replies
            .drain(..)
            .for_each(|message| message.encode(out));
        state
            .download
            .cancels()
            .iter()
            .for_each(|block| block.cancel().encode(out));
        put_requests(&mut state, &mut self.asking, out);
        let news = self.shared.common.have.since(&mut self.cursor, HAVES_MAX);
        for piece in &news {
            Message::Have(piece.value()).encode(out);
        }
        if news.len() < HAVES_MAX {
            let suggestions = state.suggestions.drain(..);
            suggestions.for_each(|piece| Message::Suggest(piece.value()).encode(out));
        }
        take_frames(
            &mut state,
            (&mut self.serving, &self.shared.place),
            &mut self.sending.outbox,
            self.shared.sharing(),
        );
        if state.upload.has_run() {
            self.shared.feeder.notify_one();
        }
    }

    /// Waits until there may be something to write.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.shared.writer.notified() => {}
            () = self.shared.common.have.grown(self.cursor) => {}
            () = self.asking.more() => {}
            () = self.serving.more() => {}
            () = self.shared.place.come() => {}
        }
    }
}

fn put_slots(state: &mut State, out: &mut BytesMut) {
    let Some(id) = state.spoken.slots else { return };
    for payload in state.slots.take_encoded() {
        let payload = payload.into();
        Message::Extended { id, payload }.encode(out);
    }
}

fn put_interest(state: &mut State, out: &mut BytesMut) {
    let wish = &mut state.interest;
    if wish.wanted != wish.said {
        wish.said = wish.wanted;
        let message = if wish.wanted {
            Message::Interested
        } else {
            Message::NotInterested
        };
        message.encode(out);
    }
}

/// Says whether we serve; when we cease to, returns the requests that are not answered.
fn put_serving(state: &mut State, out: &mut BytesMut) -> Option<Vec<Block>> {
    if state.serving.wanted == state.serving.said {
        return None;
    }
    state.serving.said = state.serving.wanted;
    if state.serving.wanted {
        state.upload.unchoke();
        Message::Unchoke.encode(out);
        None
    } else {
        Message::Choke.encode(out);
        Some(state.upload.choke())
    }
}

fn put_rejects(blocks: impl Iterator<Item = Block>, out: &mut BytesMut) {
    blocks.for_each(|block| block.reject().encode(out));
}

fn put_requests(state: &mut State, asking: &mut Allowance, out: &mut BytesMut) {
    if !state.download.wants_requests() || !asking.want(state.download.block_len()) {
        return;
    }
    let blocks = state.download.requests(Instant::now(), asking.available());
    for block in blocks {
        asking.spend(block.span.len());
        block.request().encode(out);
    }
}
