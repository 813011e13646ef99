//! What goes to the peer: control messages first, blocks behind them.
//!
//! What must stay true: a HAVE is written for each piece of the log behind the bitfield, once; a
//! control message waits for no block but the one that has begun.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use swarmcopy_bt_wire::extension::HANDSHAKE_ID;
use swarmcopy_bt_wire::peer::Message;
use swarmcopy_layout::PieceIndex;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::{Instant, timeout};

use super::allowance::Allowance;
use super::block::Block;
use super::outbox::{Outbox, SLICES_MAX};
use super::shared::State;
use super::turns::Turn;
use super::{Direction, Shared, extension};
use crate::common::count;
use crate::have_log::HaveCursor;
use crate::{LinkEnd, SwarmEvent, handshake};

/// HAVE messages in one write.
const HAVES_MAX: usize = 512;
/// Encoded control messages that may wait before more are encoded.
const CONTROL_LEN_MAX: usize = 256 * 1024;
/// Uploads are told at least this often.
const TELL_EVERY: u64 = 1024 * 1024;
/// How long the owner waits for word of an upload that has come to a halt.
const TELL_WITHIN: Duration = Duration::from_millis(50);
/// Bytes written before others may run.
const YIELD_EVERY: usize = 1024 * 1024;

/// Writes what the state says.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    half: OwnedWriteHalf,
    outbox: Outbox,
    cursor: HaveCursor,
    asking: Allowance,
    serving: Allowance,
    turn: Turn,
    /// Sent and not told yet, by piece.
    sent: Vec<(PieceIndex, u64)>,
    sent_len: u64,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, half: OwnedWriteHalf) -> Self {
        let common = &shared.common;
        Self {
            asking: Allowance::new(common.limit_down.clone()),
            serving: Allowance::new(common.limit_up.clone()),
            turn: Turn::new(&common.turns),
            half,
            outbox: Outbox::default(),
            cursor: HaveCursor::default(),
            sent: Vec::new(),
            sent_len: 0,
            shared,
        }
    }

    /// Writes until the link ends.
    pub(crate) async fn run(&mut self) -> LinkEnd {
        self.greet();
        let mut since_yield = 0usize;
        loop {
            self.fill();
            if self.sent_len >= TELL_EVERY || self.outbox.is_empty() {
                self.tell_sent().await;
            }
            if self.outbox.is_empty() {
                self.wait().await;
                continue;
            }
            match self.write() {
                Ok(bytes) => since_yield = since_yield.saturating_add(bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(end) = self.writable().await {
                        return end;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.into(),
            }
            if since_yield >= YIELD_EVERY {
                since_yield = 0;
                tokio::task::yield_now().await;
            }
        }
    }

    /// The first words: who we are and what we have.
    fn greet(&mut self) {
        let out = &mut self.outbox.control;
        if self.shared.direction == Direction::Incoming {
            let common = &self.shared.common;
            out.extend_from_slice(&handshake::ours(common.info_hash, common.peer_id).encode());
        }
        if self.shared.extended {
            let payload = extension::greeting(&self.shared.common, self.shared.addr).into();
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

    /// Waits for room in the socket; meanwhile the owner hears what was sent.
    async fn writable(&mut self) -> Result<(), LinkEnd> {
        loop {
            match timeout(TELL_WITHIN, self.half.writable()).await {
                Ok(result) => return Ok(result?),
                Err(_) if self.sent.is_empty() => return Ok(self.half.writable().await?),
                Err(_) => self.tell_sent().await,
            }
        }
    }

    /// Turns what the state wants into bytes.
    fn fill(&mut self) {
        if self.outbox.control.len() >= CONTROL_LEN_MAX {
            return;
        }
        let fast = self.shared.fast;
        let mut state = self.shared.state();
        let out = &mut self.outbox.control;
        put_slots(&mut state, out);
        put_interest(&mut state, out);
        if let Some(refused) = put_serving(&mut state, out) {
            let refused = refused.into_iter().chain(self.outbox.withdraw());
            put_rejects(refused.filter(|_| fast), &mut self.outbox.control);
        }
        let out = &mut self.outbox.control;
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
            (&mut self.serving, &mut self.turn),
            &mut self.outbox,
        );
        if self.outbox.room() > 0 {
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
            () = self.turn.come() => {}
        }
    }

    fn write(&mut self) -> io::Result<usize> {
        let mut slices = Vec::with_capacity(SLICES_MAX);
        self.outbox.slices(&mut slices);
        let bytes = self.half.try_write_vectored(&slices)?;
        let (sent, mut sent_len) = (&mut self.sent, 0u64);
        self.outbox.advance(bytes, |piece, bytes| {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            sent_len = sent_len.saturating_add(bytes);
            match sent.last_mut() {
                Some((last, sum)) if *last == piece => *sum = sum.saturating_add(bytes),
                _ => sent.push((piece, bytes)),
            }
        });
        self.sent_len = self.sent_len.saturating_add(sent_len);
        count(&self.shared.bytes_up, sent_len);
        count(&self.shared.common.totals.bytes_up, sent_len);
        self.shared.state().last_said = Instant::now();
        Ok(bytes)
    }

    /// Tells the owner what was sent.
    async fn tell_sent(&mut self) {
        self.sent_len = 0;
        for (piece, bytes) in std::mem::take(&mut self.sent) {
            let event = SwarmEvent::Uploaded {
                id: self.shared.id,
                piece,
                bytes,
            };
            // an owner that listens no more ends the link by its other half
            let _ = self.shared.common.events.send(event).await;
        }
    }
}

fn put_slots(state: &mut State, out: &mut BytesMut) {
    let Some(id) = state.spoken.slots else { return };
    for payload in state.slots.take_encoded() {
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

/// Moves blocks that are ready and allowed to the outbox, in this link's turn.
fn take_frames(
    state: &mut State,
    (serving, turn): (&mut Allowance, &mut Turn),
    outbox: &mut Outbox,
) {
    let now = Instant::now();
    while outbox.room() > 0
        && let Some(len) = state.upload.next_ready()
        && turn.want(now)
        && serving.want(len)
        && let Some(frame) = state.upload.take_ready()
    {
        serving.spend(len);
        turn.spend(now, len);
        outbox.frames.push_back(frame);
    }
    if state.upload.len() == 0 {
        turn.give_back(now);
    }
}
