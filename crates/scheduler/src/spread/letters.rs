//! Slot messages between two machines of ours: what waits to be written, and how much is taken.
//!
//! What must stay true: the newest record of a slot is written, whatever waits; a peer that reads
//! nothing costs a bounded amount of memory; what one side may write at once the other takes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Instant;
use crate::origin::SlotMessage;

/// Messages that are taken from a peer at once.
const TAKEN_MAX: u32 = 40;
/// Time in which one more is taken.
const TAKEN_EVERY: Duration = Duration::from_millis(50);
/// Messages that wait before newer ones are merged into the last.
const WAITING_MAX: usize = 16;
/// Entries of one kind in a merged message.
const MERGED_MAX: usize = 64;

/// Messages that are not written yet, oldest first.
#[derive(Debug, Default)]
pub struct Letters {
    queue: VecDeque<SlotMessage>,
}

impl Letters {
    /// Adds a message, or merges it into the last when too many wait.
    pub fn push(&mut self, message: SlotMessage) {
        let full = self.queue.len() >= WAITING_MAX;
        match self.queue.back_mut() {
            Some(last) if full => merge(last, message),
            _ => self.queue.push_back(message),
        }
    }

    /// Takes everything as payloads.
    pub fn take_encoded(&mut self) -> Vec<Vec<u8>> {
        self.queue
            .drain(..)
            .flat_map(|message| message.to_payloads())
            .collect()
    }
}

/// How many messages of one peer are taken.
#[derive(Debug, Clone, Copy)]
pub struct LetterBox {
    /// Up to when what was taken counts, each message for its time.
    full_until: Instant,
}

impl LetterBox {
    /// One from which nothing was taken.
    pub fn new(now: Instant) -> Self {
        Self { full_until: now }
    }

    /// Takes one message; false if the peer sends too many.
    pub fn take(&mut self, now: Instant) -> bool {
        let full_until = self.full_until.max(now) + TAKEN_EVERY;
        let takes = full_until.since(now) <= TAKEN_EVERY * TAKEN_MAX;
        if takes {
            self.full_until = full_until;
        }
        takes
    }
}

/// Puts the newer message into the older one: records, claims and counts by their key, marks once.
fn merge(old: &mut SlotMessage, mut new: SlotMessage) {
    put_newer(&mut new.records, &mut old.records, |record| record.slot);
    put_newer(&mut new.claims, &mut old.claims, |claim| claim.slot);
    put_newer(&mut new.bytes, &mut old.bytes, |bytes| bytes.node);
    put_newer(&mut new.bad, &mut old.bad, |mark| *mark);
    new.offers |= old.offers;
    // the sender's own state is that of the newer message, whatever it is made of
    *old = new;
}

/// Puts older entries in front, but those with the same key; the oldest go when there are too many.
fn put_newer<T, K: PartialEq>(new: &mut Vec<T>, old: &mut Vec<T>, key: fn(&T) -> K) {
    old.retain(|entry| !new.iter().any(|newer| key(newer) == key(entry)));
    old.append(new);
    std::mem::swap(old, new);
    let excess = new.len().saturating_sub(MERGED_MAX);
    new.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Claim, MESSAGE_ITEMS_MAX, NodeBytes, SlotRecord};
    use crate::{NodeId, OriginTag};

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
            waits: heartbeat * 1000,
            capacity: heartbeat * 2000,
            offers: heartbeat,
            room: heartbeat.is_multiple_of(7),
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
        let mut pending = Letters::default();
        pending.push(message(1, 5));
        let payloads = pending.take_encoded();
        assert_eq!(payloads.len(), 1);
        assert_eq!(SlotMessage::from_payload(&payloads[0]), Some(message(1, 5)));
        assert!(pending.take_encoded().is_empty());
    }

    #[test]
    fn when_many_wait_the_newest_of_each_slot_is_kept() {
        let mut pending = Letters::default();
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
            assert!(SlotMessage::from_payload(&payload).is_some());
        }
    }

    #[test]
    fn what_is_sent_at_once_is_all_taken() {
        let mut pending = Letters::default();
        for heartbeat in 0..1000 {
            pending.push(message(u32::try_from(heartbeat % 64).unwrap(), heartbeat));
        }
        let payloads = pending.take_encoded();
        let messages: Vec<_> = payloads
            .iter()
            .map(|payload| SlotMessage::from_payload(payload).unwrap())
            .collect();
        let mut taken = LetterBox::new(Instant::ZERO);
        assert!(messages.iter().all(|_| taken.take(Instant::ZERO)));
        let mut newest = std::collections::BTreeMap::new();
        for message in &messages {
            for record in message.records.iter().take(MESSAGE_ITEMS_MAX) {
                newest.insert(record.slot, record.heartbeat);
            }
            let claims = message.claims.len();
            assert!(claims <= MESSAGE_ITEMS_MAX && message.bad.len() <= MESSAGE_ITEMS_MAX);
        }
        let expected =
            (936..1000).map(|heartbeat| (u32::try_from(heartbeat % 64).unwrap(), heartbeat));
        assert_eq!(newest, expected.collect());
    }

    #[test]
    fn what_a_sender_says_of_itself_is_that_of_its_newest_message() {
        let mut pending = Letters::default();
        // 210 is a multiple of all that the helper looks at, 211 of none
        for _ in 0..WAITING_MAX {
            pending.push(message(1, 210));
        }
        pending.push(message(2, 211));
        let sent = pending.take_encoded();
        let sent = SlotMessage::from_payload(sent.last().unwrap()).unwrap();
        let newest = message(2, 211);
        assert!(!sent.yields && !sent.slow && !sent.room && !sent.starving);
        assert_eq!((sent.waits, sent.capacity), (newest.waits, newest.capacity));
        assert_eq!(sent.offers, 210 | 211);
        assert_eq!(sent.records.len(), 2);
    }

    #[test]
    fn forty_are_taken_at_once_and_then_twenty_a_second() {
        let mut taken = LetterBox::new(Instant::ZERO);
        assert!((0..TAKEN_MAX).all(|_| taken.take(Instant::ZERO)));
        let at = |millis: u64| Instant::from_micros(millis * 1000);
        assert!(!taken.take(at(49)));
        assert!(taken.take(at(50)) && !taken.take(at(50)));
        assert!((0..TAKEN_MAX).all(|_| taken.take(at(60_000))));
        assert!(!taken.take(at(60_000)));
    }
}
