//! Who may read which piece: the division of the content, who holds the slots, who took what from whom.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::Layout;

use crate::ceded::Ceded;
use crate::cell::{Cell, NOBODY, Verdict};
use crate::config::OriginConfig;
use crate::extent::{Extents, TAKEN_MAX};
use crate::message::SlotRecord;
use crate::own::Own;
use crate::table::{Merged, SlotTable};
use crate::tuning::Tuning;
use crate::{Instant, NodeId};

/// What a slot was like that this machine claimed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimed {
    /// Where its order is gone on with.
    pub(super) start: u32,
    pub(super) extent: u32,
    /// When all that the former holder passed on has been heard of.
    pub(super) settled: Instant,
    /// Who held it before.
    pub(super) was: NodeId,
}

/// Slots, extents and who has them.
#[derive(Debug)]
pub(super) struct Rights {
    me: NodeId,
    content: [u8; 32],
    extents: Extents,
    table: SlotTable,
    ceded: Ceded,
}

impl Rights {
    /// Nobody holds anything yet.
    pub(super) fn new(
        tuning: &Arc<Tuning>,
        config: &OriginConfig,
        layout: Arc<Layout>,
        now: Instant,
    ) -> Self {
        let slots = config.slots();
        Self {
            me: config.node,
            content: config.content,
            extents: Extents::new(layout, &config.content, slots),
            table: SlotTable::new(tuning, config.content, slots, now),
            ceded: Ceded::new(tuning),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.me
    }

    pub(super) fn extents(&self) -> &Extents {
        &self.extents
    }

    pub(super) fn table(&self) -> &SlotTable {
        &self.table
    }

    #[cfg(test)]
    pub(super) fn table_mut(&mut self) -> &mut SlotTable {
        &mut self.table
    }

    /// There are fewer slots than was thought: nothing is known of them.
    pub(super) fn shrink(&mut self, now: Instant, slots: u32) {
        self.extents = self.extents.shrunk(&self.content, slots);
        self.table = self.table.shrunk(slots, now);
        self.ceded.clear();
    }

    /// A machine left in order: what it read and did not pass on comes from nowhere.
    pub(super) fn leaves(&mut self, node: NodeId) {
        self.table.reader_gone(node);
    }

    /// The link to a machine broke; `parted` = with those to many others.
    pub(super) fn link_broke(&mut self, now: Instant, node: NodeId, parted: bool) {
        if parted {
            self.table.fell_apart();
        } else {
            self.table.holder_reset(now, node);
        }
    }

    /// A machine does not bring what was asked of it.
    pub(super) fn is_silent(&mut self, now: Instant, node: NodeId) {
        self.table.holder_silent(now, node);
    }

    /// A machine's process is dead.
    pub(super) fn dies(&mut self, now: Instant, node: NodeId) {
        self.table.holder_died(now, node);
        self.table.reader_gone(node);
        self.ceded.takes_no_more(now, node);
    }

    /// A piece came, or is shown by a peer as the first: somebody reads.
    pub(super) fn progressed(&mut self, now: Instant, piece: u32) {
        let extent = self.extents.extent_of(piece);
        let slot = self.extents.slot_of(extent);
        self.table.progressed(now, slot, extent);
    }

    /// What became of a look at a slot of whose holder nothing came.
    pub(super) fn judged(&mut self, now: Instant, slot: u32, verdict: Verdict) {
        self.table.judged(now, slot, verdict);
    }

    /// Forgets what is long over.
    pub(super) fn forget(&mut self, now: Instant) {
        self.ceded.forget(now);
    }

    /// Merges a record that `teller` told.
    pub(super) fn merge(&mut self, now: Instant, teller: NodeId, record: &SlotRecord) -> Merged {
        self.table.merge(now, teller, record)
    }

    /// A record of another machine is news: it may take extents from another slot, which is given.
    pub(super) fn hears(&mut self, now: Instant, record: &SlotRecord) -> Option<u32> {
        let is_other = record.holder != NOBODY && record.holder != self.me;
        let home = self.extents.slot_of(record.extent);
        if !is_other || home == record.slot {
            return None;
        }
        let count = record.extents.clamp(1, TAKEN_MAX);
        let brought = self.table.cell(record.slot).and_then(Cell::brought);
        for extent in self.extents.run(record.extent, count) {
            self.ceded.cede(now, record.holder, extent, brought);
        }
        Some(home)
    }

    /// A machine holds a slot no more.
    pub(super) fn takes_no_more(&mut self, now: Instant, node: NodeId) {
        self.ceded.takes_no_more(now, node);
    }

    /// This machine claims a slot, and has read so many bytes of origins before.
    pub(super) fn claim(
        &mut self,
        now: Instant,
        slot: u32,
        spread: Duration,
        origin_bytes: u64,
    ) -> Option<Claimed> {
        let old = self.table.record(slot)?;
        let start = self.extents.place_in(slot, old.extent);
        // what a lost holder had in hand may be on its way: it comes last
        let lost = u32::from(old.holder != NOBODY);
        let start = start.filter(|_| old.term > 0).map_or(0, |at| at + lost);
        let first = self.extents.nth(slot, start);
        let first = first.or_else(|| self.extents.nth(slot, 0));
        let settled = self.table.settled(slot, spread)?;
        let record = SlotRecord {
            slot,
            term: old.term.saturating_add(1),
            holder: self.me,
            heartbeat: 1,
            extent: first.unwrap_or(0),
            extents: 1,
            origin_bytes,
            ..SlotRecord::default()
        };
        self.table.set(now, record);
        Some(Claimed {
            start,
            extent: record.extent,
            settled,
            was: old.holder,
        })
    }

    /// This machine says how it fares with a slot: `word` has flags, goodput, extents and bytes.
    pub(super) fn beat(&mut self, now: Instant, word: SlotRecord) {
        let Some(old) = self.table.record(word.slot) else {
            return;
        };
        let record = SlotRecord {
            term: old.term,
            holder: old.holder,
            heartbeat: old.heartbeat.saturating_add(1),
            ..word
        };
        self.table.set(now, record);
    }

    /// A slot is given back, to be gone on with at this extent.
    pub(super) fn release(&mut self, now: Instant, slot: u32, flags: u32, extent: u32) {
        let Some(old) = self.table.record(slot) else {
            return;
        };
        let record = SlotRecord {
            slot,
            term: old.term.saturating_add(1),
            flags,
            extent,
            extents: 1,
            ..SlotRecord::default()
        };
        self.table.set(now, record);
    }

    /// Whether another machine took this extent from its slot; `own` = what this one holds of the slot.
    pub(super) fn is_ceded(&self, now: Instant, slot: u32, extent: u32, own: Option<&Own>) -> bool {
        let home = self.extents.slot_of(extent);
        let reads = |record: SlotRecord| record.extent == extent;
        if home != slot
            && self.table.live_holder(now, home).is_some()
            && self.table.record(home).is_some_and(reads)
        {
            // taken with notice, but its own holder got there first
            return true;
        }
        let Some(taker) = self.ceded.taker(now, extent) else {
            return false;
        };
        let is_mine = own.is_some_and(|own| {
            let taken = self.me < taker && own.has_taken(&self.extents, extent, None);
            own.is_reading(extent) || taken
        });
        taker != self.me && !is_mine
    }
}
