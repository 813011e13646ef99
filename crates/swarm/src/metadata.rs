//! Fetching an info dictionary from peers (BEP 9), for those who have only a magnet link.
//!
//! Some clients answer one request at a time and forget the others, so few are open and each is repeated. What
//! must stay true: what is returned has the hash that was asked for, and no peer makes us keep more than the
//! longest metadata.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sha1::Digest;
use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, HANDSHAKE_ID, METADATA_BLOCK_LEN, MetadataMessage, UT_METADATA,
};
use swarmcopy_bt_wire::metainfo::METADATA_LEN_MAX;
use swarmcopy_bt_wire::peer::{Handshake, Limits, Message};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout, timeout_at};

use crate::address_book::AddressBook;
use crate::address_book::Via;
use crate::command::Command;
use crate::handshake::{self, Dialled};
use crate::limits::DIALS_MAX;
use crate::talk::Talk;
use crate::wire::Wire;
use crate::{Encryption, Inquiry, LinkEnd};

/// Time for the next message of a peer.
const MESSAGE_TIME: Duration = Duration::from_secs(15);
/// Messages that a peer may send before the metadata is there.
const MESSAGES_MAX: usize = 10_000;
/// Requests that are open at a time.
const REQUESTS_MAX: usize = 2;
/// A request is repeated after this; the next time after twice as long.
const REPEAT_AFTER: Duration = Duration::from_secs(1);
/// Longest pause before a request is repeated.
const REPEAT_MAX: Duration = Duration::from_secs(3);
/// The number by which we want to receive metadata messages.
const OUR_ID: u8 = 2;
/// How often addresses are looked through for one to try again.
const TICK: Duration = Duration::from_millis(250);

/// Asks the peers that `found` brings, several at a time, until one has sent the right bytes. May
/// be dropped at any await.
pub(crate) async fn fetch(
    ours: Handshake,
    (bind_ip, wish): (Option<IpAddr>, Encryption),
    mut found: mpsc::Receiver<Command>,
    inquiry: &Inquiry,
) -> Bytes {
    let mut book = AddressBook::new(Instant::now());
    let mut asking = JoinSet::new();
    let mut ticks = interval(TICK);
    loop {
        tokio::select! {
            Some(command) = found.recv() => {
                match command {
                    Command::Addresses { addrs, via } => for addr in addrs {
                        book.learn(addr, via, Instant::now());
                    },
                    Command::NameResolved { peer, found: Ok(found) } => {
                        inquiry.found(peer, &found);
                        for addr in found {
                            book.learn(addr, Via::Named, Instant::now());
                        }
                    }
                    Command::NameResolved { peer, found: Err(why) } => inquiry.note(peer, why),
                    Command::Incoming { wire, addr, theirs } if asking.len() < DIALS_MAX => {
                        asking.spawn(async move { (addr, answer(wire, &theirs, ours).await) });
                    }
                    _ => {}
                }
            }
            Some(Ok((addr, result))) = asking.join_next() => match result {
                Ok(bytes) => return bytes,
                Err(LinkEnd::Ourselves) => book.is_ourselves(addr),
                Err(end) => {
                    tracing::debug!(%addr, %end, "no metadata from this peer");
                    inquiry.note(addr.to_string(), end.to_string());
                    book.failed(addr, Instant::now());
                }
            },
            _ = ticks.tick() => {}
        }
        while asking.len() < DIALS_MAX
            && let Some(addr) = book.next_dial(Instant::now())
        {
            asking.spawn(async move { (addr, ask(addr, (bind_ip, wish), ours).await) });
        }
    }
}

async fn ask(
    addr: SocketAddr,
    (from, wish): (Option<IpAddr>, Encryption),
    ours: Handshake,
) -> Result<Bytes, LinkEnd> {
    let Dialled { wire, theirs, .. } = handshake::dial(addr, from, &ours, wish).await?;
    converse(wire, &theirs, &ours).await
}

/// Asks a peer that has dialled.
async fn answer(mut wire: Wire, theirs: &Handshake, ours: Handshake) -> Result<Bytes, LinkEnd> {
    if theirs.peer_id == ours.peer_id {
        return Err(LinkEnd::Ourselves);
    }
    let words = ours.encode();
    let writing = timeout(MESSAGE_TIME, wire.write_all(&words));
    writing.await.map_err(|_| LinkEnd::Silent)??;
    converse(wire, theirs, &ours).await
}

async fn converse(wire: Wire, theirs: &Handshake, ours: &Handshake) -> Result<Bytes, LinkEnd> {
    if !theirs.reserved.extended() {
        return Err(LinkEnd::Violation("it has no extensions to ask by"));
    }
    let mut asker = Asker {
        talk: Talk::new(wire, Limits::without_metadata()),
        parts: Parts::default(),
    };
    asker.run(&ours.info_hash).await
}

/// The conversation with one peer.
struct Asker {
    talk: Talk,
    parts: Parts,
}

/// The blocks that have come.
#[derive(Default)]
struct Parts {
    /// By which number the peer is asked; `None` until it has said so.
    id: Option<u8>,
    len: usize,
    blocks: Vec<Option<Bytes>>,
    /// The first block that was not asked for yet.
    next: u32,
    open: Vec<Open>,
}

/// A request that was not answered yet.
struct Open {
    block: u32,
    repeat_at: Instant,
    pause: Duration,
}

impl Asker {
    async fn run(&mut self, info_hash: &[u8; 20]) -> Result<Bytes, LinkEnd> {
        let mut words = ExtensionHandshake::default();
        words.extensions.insert(UT_METADATA.to_owned(), OUR_ID);
        self.talk.say(HANDSHAKE_ID, words.encode()).await?;
        let mut silent_at = Instant::now() + MESSAGE_TIME;
        for _ in 0..MESSAGES_MAX {
            let repeat_at = self.parts.repeat_at().unwrap_or(silent_at);
            let Ok(heard) = timeout_at(repeat_at.min(silent_at), self.talk.hear()).await else {
                let now = Instant::now();
                if now >= silent_at {
                    return Err(LinkEnd::Silent);
                }
                for (id, request) in self.parts.repeats(now) {
                    self.talk.say(id, request.encode()).await?;
                }
                continue;
            };
            silent_at = Instant::now() + MESSAGE_TIME;
            match heard? {
                Some(Message::Extended {
                    id: HANDSHAKE_ID,
                    payload,
                }) => self.parts.begin(&payload)?,
                Some(Message::Extended {
                    id: OUR_ID,
                    payload,
                }) => self.parts.take(&payload)?,
                _ => continue,
            }
            if let Some(whole) = self.parts.whole() {
                let right = is_named(&whole, info_hash);
                return right
                    .then_some(whole)
                    .ok_or(LinkEnd::Violation("its metadata is wrong"));
            }
            while let Some((id, request)) = self.parts.next_request() {
                self.talk.say(id, request.encode()).await?;
            }
        }
        Err(LinkEnd::Violation("it sends everything but its metadata"))
    }
}

impl Parts {
    fn begin(&mut self, payload: &[u8]) -> Result<(), LinkEnd> {
        let words = ExtensionHandshake::parse(payload)
            .map_err(|_| LinkEnd::Violation("a malformed extension handshake"))?;
        let len = words.metadata_len.and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| (1..=METADATA_LEN_MAX).contains(len));
        let (Some(id), Some(len)) = (words.id_of(UT_METADATA), len) else {
            return Err(LinkEnd::Violation("it has no metadata"));
        };
        self.id = Some(id);
        if self.blocks.is_empty() {
            self.len = len;
            self.blocks = vec![None; len.div_ceil(METADATA_BLOCK_LEN)];
        }
        Ok(())
    }

    fn take(&mut self, payload: &Bytes) -> Result<(), LinkEnd> {
        let wrong = |_| LinkEnd::Violation("a malformed metadata message");
        let Some(message) = MetadataMessage::parse(payload).map_err(wrong)? else {
            return Ok(());
        };
        match message {
            MetadataMessage::Data { block, data, .. } => {
                let at = usize::try_from(block).unwrap_or(usize::MAX);
                let start = at.saturating_mul(METADATA_BLOCK_LEN);
                let due = self.len.saturating_sub(start).min(METADATA_BLOCK_LEN);
                match self.blocks.get_mut(at) {
                    // what was asked for again may come twice
                    Some(Some(_)) => {}
                    Some(place) if data.len() == due => *place = Some(data),
                    _ => return Err(LinkEnd::Violation("a block of metadata that can't be")),
                }
                self.open.retain(|open| open.block != block);
                Ok(())
            }
            MetadataMessage::Reject { .. } => Err(LinkEnd::Violation("it keeps its metadata")),
            _ => Ok(()),
        }
    }

    fn next_request(&mut self) -> Option<(u8, MetadataMessage)> {
        let block = self.next;
        let more = usize::try_from(block).is_ok_and(|at| at < self.blocks.len());
        let id = self.id.filter(|_| more && self.open.len() < REQUESTS_MAX)?;
        self.next = block.saturating_add(1);
        self.open.push(Open {
            block,
            repeat_at: Instant::now() + REPEAT_AFTER,
            pause: REPEAT_AFTER,
        });
        Some((id, MetadataMessage::Request { block }))
    }

    /// When a request is to be repeated next.
    fn repeat_at(&self) -> Option<Instant> {
        self.open.iter().map(|open| open.repeat_at).min()
    }

    /// The requests that are to be repeated now.
    fn repeats(&mut self, now: Instant) -> Vec<(u8, MetadataMessage)> {
        let due = self.open.iter_mut().filter(|open| open.repeat_at <= now);
        let blocks = due.map(|open| {
            open.pause = (open.pause * 2).min(REPEAT_MAX);
            open.repeat_at = now + open.pause;
            open.block
        });
        let id = self.id;
        blocks
            .filter_map(|block| Some((id?, MetadataMessage::Request { block })))
            .collect()
    }

    fn whole(&self) -> Option<Bytes> {
        let mut whole = BytesMut::new();
        for block in &self.blocks {
            whole.extend_from_slice(block.as_ref()?);
        }
        Some(whole.freeze()).filter(|whole| !whole.is_empty())
    }
}

/// Whether a content with this info dictionary has this name: SHA-1 (BEP 3), or the first bytes of
/// SHA-256 (BEP 52).
fn is_named(info: &[u8], info_hash: &[u8; 20]) -> bool {
    sha1::Sha1::digest(info).as_slice() == info_hash
        || sha2::Sha256::digest(info).as_slice().starts_with(info_hash)
}

#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
#[cfg(test)]
mod tests;
