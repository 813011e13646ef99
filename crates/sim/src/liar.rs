//! A liar that claims every slot again and again.

use swarmcopy_scheduler::NodeId;
use swarmcopy_scheduler::origin::{SlotMessage, SlotRecord};

/// What a liar knows of the table.
#[derive(Debug)]
pub(crate) struct Claimer {
    node: NodeId,
    records: Vec<SlotRecord>,
}

impl Claimer {
    pub(crate) fn new(node: NodeId, slots: u32) -> Self {
        let records = (0..slots).map(|slot| SlotRecord {
            slot,
            ..SlotRecord::default()
        });
        Self {
            node,
            records: records.collect(),
        }
    }

    /// Learns who holds the slots now.
    pub(crate) fn hear(&mut self, message: &SlotMessage) {
        for told in &message.records {
            let mine = self
                .records
                .iter_mut()
                .find(|record| record.slot == told.slot);
            if let Some(mine) = mine.filter(|mine| {
                told.term > mine.term || told.term == mine.term && told.holder != mine.holder
            }) {
                *mine = *told;
            }
        }
    }

    /// What it says: all slots are its own.
    pub(crate) fn lie(&mut self) -> SlotMessage {
        for record in &mut self.records {
            if record.holder != self.node {
                record.term = record.term.saturating_add(1);
                record.holder = self.node;
                record.heartbeat = 0;
                record.flags = 0;
            }
            record.heartbeat += 1;
        }
        SlotMessage {
            readers_max: u32::try_from(self.records.len()).unwrap_or(1),
            node: self.node,
            records: self
                .records
                .iter()
                .take(swarmcopy_scheduler::origin::MESSAGE_ITEMS_MAX)
                .copied()
                .collect(),
            ..SlotMessage::default()
        }
    }
}
