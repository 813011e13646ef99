//! The extension protocol (BEP 10) on a link: greeting, peer exchange, metadata, slot messages.
//!
//! What must stay true: what a peer may make us remember or answer is limited; a malformed message
//! of an extension is ignored, because clients differ, but a malformed greeting ends the link.

use std::net::SocketAddr;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::{
    ExtensionHandshake, HANDSHAKE_ID, LT_DONTHAVE, METADATA_BLOCK_LEN, MetadataMessage,
    OwnHandshake, Pex, SC_SLOTS, UT_METADATA, UT_PEX,
};
use swarmcopy_layout::{BLOCK_LEN, PieceIndex};
use swarmcopy_scheduler::origin::SlotMessage;
use swarmcopy_scheduler::{Hello, MachineClass, NodeId, OriginTag};
use tokio::time::Instant;

use super::core::Spoken;
use super::reader::Reader;
use super::{Direction, Shared, lane_name};
use crate::command::Command;
use crate::common::Common;
use crate::limits::{PEX_ADDRESSES_MAX, REQUESTS_MAX};
use crate::{LinkEnd, SwarmEvent};

/// The number by which we want to receive peer exchange.
pub(crate) const PEX_ID: u8 = 1;
/// The number by which we want to receive metadata messages.
pub(super) const METADATA_ID: u8 = 2;
/// The number by which we want to receive slot messages.
pub(super) const SLOTS_ID: u8 = 3;
/// The number by which we want to hear what a peer has no more (BEP 54).
const DONT_HAVE_ID: u8 = 4;
/// Version of our own words in the greeting.
const OWN_VERSION: u32 = 1;

/// Our words about ourselves for the peer of a link.
pub(super) fn greeting(shared: &Shared) -> Vec<u8> {
    let (common, addr) = (&shared.common, shared.addr);
    let mut words = ExtensionHandshake::default();
    let mut speak = |name: &str, id| words.extensions.insert(name.to_owned(), id);
    if common.pex {
        speak(UT_PEX, PEX_ID);
    }
    speak(UT_METADATA, METADATA_ID);
    speak(LT_DONTHAVE, DONT_HAVE_ID);
    if common.hello.is_some() {
        speak(SC_SLOTS, SLOTS_ID);
    }
    words.port = Some(common.listen_port).filter(|port| *port != 0);
    words.client = Some(common.client.clone());
    words.requests_max = u32::try_from(REQUESTS_MAX).ok();
    words.metadata_len = common
        .info_bytes
        .as_ref()
        .and_then(|bytes| u32::try_from(bytes.len()).ok());
    words.your_ip = Some(addr.ip().to_canonical());
    words.own = common
        .hello
        .as_ref()
        .map(|hello| own_words(hello, common.block_len))
        .map(|mut own| {
            own.lane = (common.connections > 1).then_some(shared.lane_name);
            own
        });
    words.encode()
}

fn own_words(hello: &Hello, block_len: u32) -> OwnHandshake {
    let mut own = OwnHandshake::default();
    own.version = OWN_VERSION;
    own.node = hello.node.0;
    own.origin_tags = hello.origins.iter().map(|tag| tag.0).collect();
    own.readers_max = hello.readers_max;
    own.group.clone_from(&hello.group);
    class_name(hello.class).clone_into(&mut own.class);
    own.starving = hello.starving;
    own.block_len_max = block_len;
    own
}

fn class_name(class: MachineClass) -> &'static str {
    match class {
        MachineClass::Wifi => "wifi",
        MachineClass::Vpn => "vpn",
        MachineClass::Metered => "metered",
        MachineClass::Battery => "battery",
        _ => "wired",
    }
}

fn hello_of(own: &OwnHandshake) -> Hello {
    Hello {
        node: NodeId(own.node),
        origins: own.origin_tags.iter().map(|tag| OriginTag(*tag)).collect(),
        readers_max: own.readers_max,
        group: own.group.clone(),
        class: match own.class.as_str() {
            "wifi" => MachineClass::Wifi,
            "vpn" => MachineClass::Vpn,
            "metered" => MachineClass::Metered,
            "battery" => MachineClass::Battery,
            _ => MachineClass::Wired,
        },
        starving: own.starving,
    }
}

/// The length of blocks on a link: what both sides take, 16 KiB with other people's clients.
fn agreed_block_len(ours: u32, own: Option<&OwnHandshake>) -> u32 {
    own.map_or(BLOCK_LEN, |own| ours.min(own.block_len_max))
        .max(BLOCK_LEN)
}

/// Tells a peer that understands it that a piece is here no more (BEP 54).
pub(crate) fn withdraw(shared: &Shared, piece: PieceIndex) {
    let id = shared.state().spoken.dont_have;
    if let Some(id) = id {
        // a peer with so much unread is about to be cut off
        let _ = shared.reply_extended(id, piece.value().to_be_bytes().to_vec());
    }
}

/// Our words to a peer for which there is no room.
pub(crate) fn refusal(common: &Common) -> Vec<u8> {
    let mut words = ExtensionHandshake::default();
    words.client = Some(common.client.clone());
    let hello = common.hello.clone().unwrap_or_default();
    let mut own = own_words(&hello, common.block_len);
    own.full = true;
    words.own = Some(own);
    words.encode()
}

impl Reader {
    pub(super) async fn handle_extended(&mut self, id: u8, payload: &Bytes) -> Result<(), LinkEnd> {
        if !self.shared.extended {
            return Err(LinkEnd::Violation(
                "an extended message that was not agreed on",
            ));
        }
        match id {
            HANDSHAKE_ID => self.handle_greeting(payload).await,
            PEX_ID if self.shared.common.pex => {
                self.handle_pex(payload);
                Ok(())
            }
            METADATA_ID => self.handle_metadata(payload),
            SLOTS_ID => self.handle_slots(payload).await,
            DONT_HAVE_ID => {
                self.handle_dont_have(payload);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn handle_greeting(&mut self, payload: &[u8]) -> Result<(), LinkEnd> {
        if !self.quotas.greetings.take(Instant::now()) {
            return Ok(());
        }
        let words = ExtensionHandshake::parse(payload)
            .map_err(|_| LinkEnd::Violation("a malformed extension handshake"))?;
        let own = words
            .own
            .as_ref()
            .filter(|_| self.shared.common.hello.is_some());
        if own.is_some_and(|own| own.full) {
            return Err(LinkEnd::Full);
        }
        let hello = own.map(hello_of);
        let lane = own.and_then(|own| own.lane).filter(lane_name::is_one);
        let listens = words
            .port
            .map(|port| SocketAddr::new(self.shared.addr.ip(), port));
        let block_len = agreed_block_len(self.shared.common.block_len, own);
        self.limits = self.limits.with_block_len_max(block_len);
        {
            let mut state = self.shared.state();
            let reqq = words
                .requests_max
                .and_then(|reqq| usize::try_from(reqq).ok());
            state.download.agree(reqq, block_len);
            if self.shared.direction == Direction::Incoming {
                // it answers our greeting, which went out when the link began
                state.download.note_round_trip(self.since.elapsed());
            }
            state.spoken = Spoken {
                pex: words.id_of(UT_PEX),
                metadata: words.id_of(UT_METADATA),
                slots: words.id_of(SC_SLOTS),
                dont_have: words.id_of(LT_DONTHAVE),
                client: words.client.clone(),
                listens,
                lane,
                hello: hello.clone(),
            };
        }
        if let Some(addr) = listens {
            self.offer(Command::Listens {
                id: self.shared.id,
                addr,
            });
        }
        self.shared.writer.notify_one();
        self.introduce(hello).await
    }

    fn handle_pex(&mut self, payload: &[u8]) {
        let Ok(pex) = Pex::parse(payload) else { return };
        let now = Instant::now();
        let named = pex.added.iter().map(|peer| peer.addr);
        let named = named.take(PEX_ADDRESSES_MAX);
        let addrs: Vec<_> = named
            .take_while(|_| self.quotas.addresses.take(now))
            .collect();
        if !addrs.is_empty() {
            let by = self.shared.addr.ip();
            self.offer(Command::Told { addrs, by });
        }
    }

    fn handle_metadata(&mut self, payload: &Bytes) -> Result<(), LinkEnd> {
        let id = self.shared.state().spoken.metadata;
        let (Some(id), Ok(Some(MetadataMessage::Request { block }))) =
            (id, MetadataMessage::parse(payload))
        else {
            return Ok(());
        };
        let info = self.shared.common.info_bytes.as_ref();
        let info = info.filter(|_| self.quotas.metadata.take(Instant::now()));
        let answer = metadata_block(info, block);
        self.shared.reply_extended(id, answer.encode())
    }

    async fn handle_slots(&mut self, payload: &[u8]) -> Result<(), LinkEnd> {
        let Some(node) = self.shared.node() else {
            return Ok(());
        };
        if !self.letters.take(self.shared.common.uplink.now()) {
            return Ok(());
        }
        match SlotMessage::from_payload(payload) {
            Some(mut message) => {
                let witnesses = &self.shared.common.witnesses;
                if !message.bad.is_empty() && !witnesses.hears(self.shared.addr.ip(), node) {
                    message.bad.clear();
                }
                self.tell(SwarmEvent::Slots {
                    id: self.shared.id,
                    message,
                })
                .await
            }
            None => Ok(()),
        }
    }

    fn handle_dont_have(&mut self, payload: &[u8]) {
        let index = payload.try_into().map(u32::from_be_bytes);
        let piece = index
            .ok()
            .and_then(|index| self.shared.common.layout.piece(index));
        if let Some(piece) = piece {
            self.lacks(piece);
        }
    }

    /// Tells the hub. A full queue loses an address, which trackers and peers tell again.
    fn offer(&self, command: Command) {
        if self.shared.common.hub.try_send(command).is_err() {
            tracing::debug!(addr = %self.shared.addr, "too many addresses at once");
        }
    }
}

/// One block of the info dictionary, or a refusal.
fn metadata_block(info: Option<&Bytes>, block: u32) -> MetadataMessage {
    let data = info.and_then(|info| {
        let start = usize::try_from(block)
            .ok()?
            .checked_mul(METADATA_BLOCK_LEN)?;
        let end = start.saturating_add(METADATA_BLOCK_LEN).min(info.len());
        let total_len = u32::try_from(info.len()).ok()?;
        (start < end).then(|| (info.slice(start..end), total_len))
    });
    match data {
        Some((data, total_len)) => MetadataMessage::Data {
            block,
            total_len,
            data,
        },
        None => MetadataMessage::Reject { block },
    }
}
