//! Slot messages as they go over the wire (`sc_slots`).
//!
//! The links of the tool and those of the simulator carry the same payloads.

use swarmcopy_bt_wire::extension::{self as wire, SlotsMessage};

use crate::message::{Claim, MESSAGE_ITEMS_MAX, NodeBytes, SlotMessage, SlotRecord};
use crate::{NodeId, OriginTag};

impl SlotMessage {
    /// Its payloads: one, or several when it does not fit.
    pub fn to_payloads(&self) -> Vec<Vec<u8>> {
        let mut words = SlotsMessage::default();
        words.group.clone_from(&self.group);
        words.readers_max = self.readers_max;
        words.node = self.node.0;
        words.starving = self.starving;
        (words.yields, words.slow) = (self.yields, self.slow);
        words.link_goodput_bytes = self.link_goodput;
        (words.waits_bytes, words.capacity_bytes) = (self.waits, self.capacity);
        words.offers = self.offers;
        words.room = self.room;
        words.records = self.records.iter().map(to_wire).collect();
        let claim = |claim: &Claim| wire::Claim {
            slot: claim.slot,
            first: claim.first,
            count: claim.count,
        };
        words.claims = self.claims.iter().map(claim).collect();
        let mark = |(tag, piece): &(OriginTag, u32)| wire::BadMark {
            origin_tag: tag.0,
            piece: *piece,
        };
        words.bad = self.bad.iter().map(mark).collect();
        let count = |count: &NodeBytes| wire::NodeBytes {
            node: count.node.0,
            bytes: count.bytes,
        };
        words.bytes = self.bytes.iter().map(count).collect();
        words.into_parts(MESSAGE_ITEMS_MAX)
    }

    /// Reads a payload; `None` if it is malformed.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let words = SlotsMessage::parse(payload).ok()?;
        let claim = |claim: &wire::Claim| Claim {
            slot: claim.slot,
            first: claim.first,
            count: claim.count,
        };
        let count = |count: &wire::NodeBytes| NodeBytes {
            node: NodeId(count.node),
            bytes: count.bytes,
        };
        Some(Self {
            group: words.group,
            readers_max: words.readers_max,
            node: NodeId(words.node),
            starving: words.starving,
            yields: words.yields,
            slow: words.slow,
            link_goodput: words.link_goodput_bytes,
            waits: words.waits_bytes,
            capacity: words.capacity_bytes,
            offers: words.offers,
            room: words.room,
            records: words.records.iter().map(from_wire).collect(),
            claims: words.claims.iter().map(claim).collect(),
            bad: words
                .bad
                .iter()
                .map(|mark| (OriginTag(mark.origin_tag), mark.piece))
                .collect(),
            bytes: words.bytes.iter().map(count).collect(),
        })
    }
}

fn to_wire(record: &SlotRecord) -> wire::SlotRecord {
    wire::SlotRecord {
        slot: record.slot,
        term: record.term,
        holder: record.holder.0,
        heartbeat: record.heartbeat,
        flags: record.flags,
        goodput_bytes: record.goodput,
        extent: record.extent,
        extents: record.extents,
        origin_bytes: record.origin_bytes,
    }
}

fn from_wire(record: &wire::SlotRecord) -> SlotRecord {
    SlotRecord {
        slot: record.slot,
        term: record.term,
        holder: NodeId(record.holder),
        heartbeat: record.heartbeat,
        flags: record.flags,
        goodput: record.goodput_bytes,
        extent: record.extent,
        extents: record.extents,
        origin_bytes: record.origin_bytes,
    }
}
