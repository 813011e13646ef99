//! What neighbours say: records, claims, marks and counts.
//!
//! Cheap, because heartbeats of the whole swarm pass here: O(1) per record.

use std::time::Duration;

use super::config::readers_max_max;
use super::extent::Extents;
use super::gate::{CEDED_MAX, NO_SLOT, OriginGate};
use super::gossip::News;
use super::message::{SlotMessage, SlotRecord, message_items_max};
use super::neighbour::TableOf;
use super::steal::TAKEN_MAX;
use super::table::{Merged, NOBODY, PASSED_ON, SlotTable, bit};
use super::watch::CEDED;
use crate::{Instant, NodeId, SourceId};

/// A slot that was offered is claimed without a back-off within this time.
const OFFER: Duration = Duration::from_secs(1);

impl OriginGate {
    /// A machine of ours sent its slot message. O(records), O(1) each.
    pub fn message(&mut self, now: Instant, from: SourceId, message: &SlotMessage) {
        let Some(neighbour) = self.gossip.take(now, from) else {
            return;
        };
        let ours = &self.config.group;
        if message.group.len() != ours.len() || !ours.is_empty() && message.group != *ours {
            neighbour.table = TableOf::Others;
            return;
        }
        if message.readers_max == 0 || message.readers_max > readers_max_max {
            return;
        }
        let first = std::mem::replace(&mut neighbour.table, TableOf::Us) == TableOf::Unheard;
        neighbour.starving = message.starving;
        neighbour.says_yields(message.yields);
        neighbour.slow.1 = message.slow;
        neighbour.link_goodput = message.link_goodput;
        neighbour.waits = message.waits;
        neighbour.capacity = message.capacity;
        neighbour.room = message.room;
        let node = neighbour.node;
        if first {
            self.company.table();
            self.wake(now);
        }
        self.meet_readers_max(now, message.readers_max);
        if message.readers_max > self.table.slots() {
            self.gossip.tell(now, from, self.table.known());
            return;
        }
        let mut changed = 0;
        for record in message.records.iter().take(message_items_max) {
            changed |= self.merge(now, (from, node), record);
        }
        if changed != 0 {
            self.gossip.spread(now, changed, Some(from));
        }
        self.take_notes(now, from, message);
        self.take_offers(now, message.offers);
    }

    /// A holder gives slots back and wants this machine to have them: they are claimed at once, where they are free.
    fn take_offers(&mut self, now: Instant, offers: u64) {
        if offers == 0 {
            return;
        }
        let open = if now < self.offered.1 {
            self.offered.0
        } else {
            0
        };
        self.offered = (open | offers, now + OFFER);
        for slot in 0..self.table.slots() {
            if offers & bit(slot) != 0 {
                self.set_claim_at(slot, None);
            }
        }
        self.wake(now);
    }

    fn take_notes(&mut self, now: Instant, from: SourceId, message: &SlotMessage) {
        let Some(node) = self.gossip.find(from).map(|one| one.node) else {
            return;
        };
        self.gossip.claimed(now, from, &message.claims);
        for (tag, piece) in message.bad.iter().take(message_items_max) {
            self.marks.heard(now, node, (*tag, *piece));
        }
        for count in message.bytes.iter().take(message_items_max) {
            if count.node != self.config.node {
                self.gossip
                    .counted(now, count.node, count.bytes, News::Alone);
            }
        }
    }

    /// Merges one record; gives the bit of its slot if it was news.
    fn merge(&mut self, now: Instant, from: (SourceId, NodeId), record: &SlotRecord) -> u64 {
        let mask = bit(record.slot);
        if self.is_tale(now, from.1, record) {
            let teller = self.gossip.find_mut(from.0);
            if !teller.is_some_and(|one| one.tells_tale(now)) {
                // who is named here tells it otherwise
                self.gossip.tell(now, from.0, mask);
                return 0;
            }
        }
        match self.table.merge(now, from.1, record) {
            Merged::Same => {
                self.gossip.knows(from.0, mask);
                0
            }
            Merged::Older => {
                self.gossip.tell(now, from.0, mask);
                0
            }
            Merged::Refused | Merged::Behind => 0,
            Merged::Grew => {
                self.heard_of(now, record);
                mask
            }
            Merged::Changed { was } => {
                self.heard_of(now, record);
                self.changed_hands(now, record, was);
                mask
            }
        }
    }

    /// Whether somebody else than the new or the old holder tells that a slot was taken or given back, though its
    /// holder is this machine or a neighbour, and lives.
    fn is_tale(&self, now: Instant, teller: NodeId, record: &SlotRecord) -> bool {
        let Some(known) = self.table.cell(record.slot).map(|cell| cell.record) else {
            return false;
        };
        let changes = record.holder != known.holder && record.term > known.term;
        let is_near = |node: NodeId| {
            node == self.config.node || self.gossip.iter().any(|one| one.node == node)
        };
        let first_hand = teller == record.holder || teller == known.holder;
        changes
            && !first_hand
            && known.holder != NOBODY
            && is_near(known.holder)
            && self.table.is_current(now, record.slot)
    }

    fn heard_of(&mut self, now: Instant, record: &SlotRecord) {
        if record.holder == NOBODY || record.holder == self.config.node {
            return;
        }
        self.gossip
            .counted(now, record.holder, record.origin_bytes, News::InRecord);
        let home = self.extents.slot_of(record.extent);
        if home == record.slot {
            return;
        }
        self.yield_to(now, home, record.holder);
        let count = record.extents.clamp(1, TAKEN_MAX);
        let taken: Vec<u32> = self.extents.run(record.extent, count).collect();
        for extent in taken {
            if self.ceded.len() < CEDED_MAX || self.ceded.contains_key(&extent) {
                self.cede(now, record, extent);
            }
        }
    }

    /// A machine took an extent from another slot. It keeps it for a while, and longer only as pieces of it come.
    fn cede(&mut self, now: Instant, record: &SlotRecord, extent: u32) {
        let until = now + CEDED;
        let brought = self.table.cell(record.slot).and_then(|cell| cell.brought);
        match self.ceded.get_mut(&extent) {
            Some((thief, known)) if *thief == record.holder => {
                if brought.is_some_and(|at| at + CEDED > *known) {
                    *known = until;
                }
            }
            Some(other) => *other = (record.holder, until),
            None => drop(self.ceded.insert(extent, (record.holder, until))),
        }
    }

    /// Another machine has nothing more of its own to read and takes from this slot: if it is faster, it gets the
    /// slot, or others would wait for what this machine reads.
    fn yield_to(&mut self, now: Instant, slot: u32, taker: NodeId) {
        let link = self.gossip.iter().find(|one| one.node == taker);
        let link = link.map_or(0, |one| one.link_goodput);
        if self.owns(slot) && self.is_slower_than(link) {
            self.modest(now);
            let own = self.own_mut(slot).into_iter();
            own.for_each(|own| own.leaving = own.leaving.or(Some(0)));
            self.wake(now);
        }
    }

    fn changed_hands(&mut self, now: Instant, record: &SlotRecord, was: NodeId) {
        let me = self.config.node;
        if was == me && self.owns(record.slot) {
            self.lose(now, record.slot);
        }
        self.takes_no_more(now, was);
        if record.holder == me {
            // a claim that this process never made: take it back
            self.publish_release(now, record.slot, 0, record.extent);
        }
        self.wake(now);
    }

    /// A machine gave its slot back, or is dead: what it took from others and did not read is theirs again, when
    /// word of what it did read has had its time.
    pub(super) fn takes_no_more(&mut self, now: Instant, node: NodeId) {
        let its = self.ceded.values_mut().filter(|(thief, _)| *thief == node);
        its.for_each(|(_, until)| *until = (*until).min(now + PASSED_ON));
    }

    pub(super) fn meet_readers_max(&mut self, now: Instant, readers_max: u32) {
        if readers_max == 0 || readers_max >= self.table.slots() {
            return;
        }
        while let Some(slot) = self.own.first().map(|own| own.slot) {
            self.lose(now, slot);
        }
        // the numbers of the old slots mean nothing any more
        self.reads.values_mut().for_each(|slot| *slot = NO_SLOT);
        let len = usize::try_from(readers_max).unwrap_or(0);
        self.config.readers_max = readers_max;
        self.extents = Extents::new(&self.layout, &self.config.content, readers_max);
        self.table = SlotTable::new(self.config.content, readers_max, now);
        self.claim_at = vec![None; len];
        self.seen = vec![(0, now); len];
        self.ceded.clear();
        self.work_at = None;
        self.company.again(now);
        self.gossip.greet_all(now);
        self.wake(now);
    }
}
