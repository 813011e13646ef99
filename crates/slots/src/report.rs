//! What the gate hands out: messages, what was lost, and the state for reports.

use swarmcopy_layout::PieceIndex;

use super::gate::OriginGate;
use super::message::{Claim, SlotMessage, message_items_max};
use super::standing::Standing;
use super::table::bit;
use super::view::OriginStatus;
use crate::{Instant, NodeId, SourceId};

impl OriginGate {
    /// The next message to send; ask until `None` after each timeout.
    pub fn poll_message(&mut self, now: Instant) -> Option<(SourceId, SlotMessage)> {
        let marks = self.marks.told_len();
        let (to, told) = self.gossip.next_due(now, marks)?;
        let cells = self
            .table
            .cells()
            .filter(|cell| told & bit(cell.record.slot) != 0);
        let mut message = SlotMessage {
            group: self.config.group.clone(),
            readers_max: self.table.slots(),
            node: self.config.node,
            starving: self.starving,
            yields: self.yields(now),
            slow: self.gossip.find(to).is_some_and(|one| one.slow.0),
            link_goodput: self.link.sustained(),
            waits: self.load.waits(now),
            capacity: self.load.capacity(now),
            offers: self.gossip.take_offers(to),
            room: self.room,
            records: cells.map(|cell| cell.record).collect(),
            claims: self.claims(),
            ..SlotMessage::default()
        };
        let from = self.gossip.fill(to, &mut message);
        message.bad = self.marks.told(from, message_items_max);
        self.gossip.told_marks(to, from + message.bad.len());
        Some((to, message))
    }

    /// The next piece in hand whose slot was lost (R2): its job ends at the next piece boundary.
    pub fn poll_cancel(&mut self) -> Option<PieceIndex> {
        self.cancels.pop_front()
    }

    /// Whether the policy lets this machine read at all.
    pub fn has_licence(&self) -> bool {
        self.licence.is_some()
    }

    /// What that machine was seen to take in, bytes a second, by its own word; 0 = unknown.
    pub fn link_of(&self, peer: SourceId) -> u64 {
        self.gossip.find(peer).map_or(0, |one| one.link_goodput)
    }

    /// Whether this machine is alone: long runs pay then.
    pub fn is_alone(&self, _now: Instant) -> bool {
        self.standing == Standing::Alone
    }

    /// The machines that hold a slot, as known here.
    pub fn readers(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        (0..self.table.slots()).filter_map(move |slot| self.table.live_holder(now, slot))
    }

    /// Whether that peer says so: it is to be unchoked.
    pub fn peer_is_starving(&self, peer: SourceId) -> bool {
        self.gossip.find(peer).is_some_and(|one| one.starving)
    }

    /// This machine's uplink has room for more, or not.
    pub fn has_room(&mut self, now: Instant, room: bool) {
        if std::mem::replace(&mut self.room, room) != room {
            self.gossip.greet_all(now);
        }
    }

    /// Whether that peer says so of itself.
    pub fn peer_has_room(&self, peer: SourceId) -> bool {
        self.gossip.find(peer).is_some_and(|one| one.room)
    }

    /// Whether others should read instead: it reads badly, or not at all.
    fn yields(&self, now: Instant) -> bool {
        self.barren.is_barren() || now < self.modest_until || self.must_leave()
    }

    /// For reports.
    pub fn status(&self, now: Instant) -> OriginStatus {
        let live = (0..self.table.slots())
            .filter_map(|slot| self.table.live_holder(now, slot))
            .collect::<std::collections::BTreeSet<_>>();
        let mine = self.gossip.bytes_of(self.config.node);
        let others = self.gossip.bytes_sum().saturating_sub(mine);
        OriginStatus {
            slots: self.own.iter().fold(0, |mask, own| mask | bit(own.slot)),
            readers_max: self.table.slots(),
            slots_ever: self.slots_ever,
            origin_bytes: self.origin_bytes,
            swarm_bytes: others.saturating_add(self.origin_bytes),
            holders: u32::try_from(live.len()).unwrap_or(u32::MAX),
            machines: self.machines(now, u32::MAX),
            starving: self.starving,
        }
    }

    /// What this machine reads now, as runs.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let mut claims: Vec<Claim> = Vec::new();
        for (piece, slot) in &self.reads {
            if let Some(last) = claims.last_mut()
                && last.slot == *slot
                && last.first + last.count == *piece
            {
                last.count += 1;
            } else if claims.len() < message_items_max {
                claims.push(Claim {
                    slot: *slot,
                    first: *piece,
                    count: 1,
                });
            } else {
                break;
            }
        }
        claims
    }
}
