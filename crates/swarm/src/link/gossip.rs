//! Slot messages between machines of ours: what waits to be written, and the way to the wire.
//!
//! What must stay true: the newest record of a slot is written, whatever waits; a peer that reads
//! nothing costs a bounded amount of memory.

use std::collections::VecDeque;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::{self as wire, SlotsMessage};
use swarmcopy_scheduler::origin::{Claim, NodeBytes, SlotMessage, SlotRecord, message_items_max};
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
        self.queue
            .drain(..)
            .flat_map(|message| encode(&message))
            .collect()
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
    old.link_goodput = new.link_goodput;
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
    let mut words = SlotsMessage::default();
    words.group.clone_from(&message.group);
    words.readers_max = message.readers_max;
    words.node = message.node.0;
    words.starving = message.starving;
    (words.yields, words.slow) = (message.yields, message.slow);
    words.link_goodput_bytes = message.link_goodput;
    words.records = message.records.iter().map(to_wire).collect();
    let claim = |claim: &Claim| wire::Claim {
        slot: claim.slot,
        first: claim.first,
        count: claim.count,
    };
    words.claims = message.claims.iter().map(claim).collect();
    let mark = |(tag, piece): &(OriginTag, u32)| wire::BadMark {
        origin_tag: tag.0,
        piece: *piece,
    };
    words.bad = message.bad.iter().map(mark).collect();
    let count = |count: &NodeBytes| wire::NodeBytes {
        node: count.node.0,
        bytes: count.bytes,
    };
    words.bytes = message.bytes.iter().map(count).collect();
    let parts = words.into_parts(message_items_max);
    parts.into_iter().map(Bytes::from).collect()
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
        origin_bytes: record.origin_bytes,
    }
}

/// Reads a payload; `None` if it is malformed.
pub(crate) fn decode(payload: &[u8]) -> Option<SlotMessage> {
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
    Some(SlotMessage {
        group: words.group,
        readers_max: words.readers_max,
        node: NodeId(words.node),
        starving: words.starving,
        yields: words.yields,
        slow: words.slow,
        link_goodput: words.link_goodput_bytes,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::slot_messages_max;

    fn message(slot: u32, heartbeat: u64) -> SlotMessage {
        let record = SlotRecord {
            slot,
            heartbeat,
            ..SlotRecord::default()
        };
        let node = NodeId([7; 8]);
        SlotMessage {
            group: "room".to_owned(),
            readers_max: 3,
            node,
            starving: heartbeat.is_multiple_of(2),
            yields: heartbeat.is_multiple_of(3),
            slow: heartbeat.is_multiple_of(5),
            link_goodput: heartbeat * 1_000_000,
            records: vec![record],
            claims: vec![Claim {
                slot,
                first: 4,
                count: 2,
            }],
            bad: vec![(OriginTag([1; 8]), slot)],
            bytes: vec![NodeBytes {
                node,
                bytes: heartbeat,
            }],
        }
    }

    #[test]
    fn a_message_survives_the_wire() {
        let mut pending = Pending::default();
        pending.push(message(1, 5));
        let payloads = pending.take_encoded();
        assert_eq!(payloads.len(), 1);
        assert_eq!(decode(&payloads[0]), Some(message(1, 5)));
        assert!(pending.take_encoded().is_empty());
    }

    #[test]
    fn when_many_wait_the_newest_of_each_slot_is_kept() {
        let mut pending = Pending::default();
        for heartbeat in 0..1000 {
            pending.push(message(u32::try_from(heartbeat % 3).unwrap(), heartbeat));
        }
        assert_eq!(pending.queue.len(), WAITING_MAX);
        let last = pending.queue.back().unwrap();
        let mut newest: Vec<_> = last.records.iter().map(|r| (r.slot, r.heartbeat)).collect();
        newest.sort_unstable();
        assert_eq!(newest, [(0, 999), (1, 997), (2, 998)]);
        assert_eq!(
            (last.claims.len(), last.bad.len(), last.bytes.len()),
            (3, 3, 1)
        );
        for payload in pending.take_encoded() {
            assert!(decode(&payload).is_some());
        }
    }

    #[test]
    fn what_is_sent_at_once_is_all_taken() {
        let mut pending = Pending::default();
        for heartbeat in 0..1000 {
            pending.push(message(u32::try_from(heartbeat % 64).unwrap(), heartbeat));
        }
        let payloads = pending.take_encoded();
        let messages: Vec<_> = payloads
            .iter()
            .map(|payload| decode(payload).unwrap())
            .collect();
        assert!(messages.len() <= usize::try_from(slot_messages_max).unwrap());
        let mut newest = std::collections::BTreeMap::new();
        for message in &messages {
            for record in message.records.iter().take(message_items_max) {
                newest.insert(record.slot, record.heartbeat);
            }
            let claims = message.claims.len();
            assert!(claims <= message_items_max && message.bad.len() <= message_items_max);
        }
        let expected =
            (936..1000).map(|heartbeat| (u32::try_from(heartbeat % 64).unwrap(), heartbeat));
        assert_eq!(newest, expected.collect());
    }
}
