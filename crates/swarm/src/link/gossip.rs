//! Slot messages between machines of ours: what waits to be written, and the way to the wire.
//!
//! What must stay true: the newest record of a slot is written, whatever waits; a peer that reads
//! nothing costs a bounded amount of memory.

use std::collections::VecDeque;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::{self as wire, SlotsMessage};
use swarmcopy_scheduler::origin::{Claim, SlotMessage, SlotRecord};
use swarmcopy_scheduler::{NodeId, OriginTag};

/// Messages that wait before newer ones are merged into the last.
const WAITING_MAX: usize = 16;
/// Entries of one kind in a merged message.
const MERGED_MAX: usize = 64;

/// Messages that are not written yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    queue: VecDeque<SlotMessage>,
}

impl Pending {
    /// Adds a message, or merges it into the last when too many wait.
    pub(crate) fn push(&mut self, message: SlotMessage) {
        let full = self.queue.len() >= WAITING_MAX;
        match self.queue.back_mut() {
            Some(last) if full => merge(last, message),
            _ => self.queue.push_back(message),
        }
    }

    /// Takes everything as payloads.
    pub(crate) fn take_encoded(&mut self) -> Vec<Bytes> {
        self.queue.drain(..).flat_map(|message| encode(&message)).collect()
    }
}

/// Puts the newer message into the older one: records, claims and counts by their key, marks once.
fn merge(old: &mut SlotMessage, new: SlotMessage) {
    put_newer(&mut old.records, new.records, |record| record.slot);
    put_newer(&mut old.claims, new.claims, |claim| claim.slot);
    put_newer(&mut old.bytes, new.bytes, |bytes| bytes.node);
    put_newer(&mut old.bad, new.bad, |mark| *mark);
    old.group = new.group;
    old.readers_max = new.readers_max;
    old.node = new.node;
    old.starving = new.starving;
}

/// Adds entries, taking out older ones with the same key; the oldest go when there are too many.
fn put_newer<T, K: PartialEq>(old: &mut Vec<T>, new: Vec<T>, key: fn(&T) -> K) {
    old.retain(|entry| !new.iter().any(|newer| key(newer) == key(entry)));
    old.extend(new);
    let excess = old.len().saturating_sub(MERGED_MAX);
    old.drain(..excess);
}

/// The payloads of a message: one, or several when it does not fit.
fn encode(message: &SlotMessage) -> Vec<Bytes> {
    let mut rest = SlotsMessage::default();
    rest.group.clone_from(&message.group);
    rest.records = message.records.iter().map(to_wire).collect();
    rest.claims = message
        .claims
        .iter()
        .map(|claim| wire::Claim { extent: claim.slot, pieces: vec![claim.first, claim.count] })
        .collect();
    rest.bad = message
        .bad
        .iter()
        .map(|(tag, piece)| wire::BadMark { origin_tag: tag.0, piece: *piece })
        .collect();
    std::iter::from_fn(|| rest.split_off_encoded()).map(Bytes::from).collect()
}

fn to_wire(record: &SlotRecord) -> wire::SlotRecord {
    wire::SlotRecord {
        slot: record.slot,
        term: u32::try_from(record.term).unwrap_or(u32::MAX),
        holder: record.holder.0,
        heartbeat: u32::try_from(record.heartbeat).unwrap_or(u32::MAX),
        flags: record.flags,
        goodput_bytes: record.goodput,
        base_latency_us: u32::try_from(record.base_latency_us).unwrap_or(u32::MAX),
        extent: Some(record.extent),
        origin_bytes: record.origin_bytes,
    }
}

/// Reads a payload; `None` if it is malformed.
pub(crate) fn decode(payload: &[u8]) -> Option<SlotMessage> {
    let wire = SlotsMessage::parse(payload).ok()?;
    let record = |record: &wire::SlotRecord| SlotRecord {
        slot: record.slot,
        term: u64::from(record.term),
        holder: NodeId(record.holder),
        heartbeat: u64::from(record.heartbeat),
        flags: record.flags,
        goodput: record.goodput_bytes,
        base_latency_us: u64::from(record.base_latency_us),
        extent: record.extent.unwrap_or_default(),
        origin_bytes: record.origin_bytes,
    };
    let claim = |claim: &wire::Claim| match claim.pieces.as_slice() {
        [first, count] => Some(Claim { slot: claim.extent, first: *first, count: *count }),
        _ => None,
    };
    Some(SlotMessage {
        group: wire.group,
        records: wire.records.iter().map(record).collect(),
        claims: wire.claims.iter().filter_map(claim).collect(),
        bad: wire.bad.iter().map(|mark| (OriginTag(mark.origin_tag), mark.piece)).collect(),
        ..SlotMessage::default()
    })
}
