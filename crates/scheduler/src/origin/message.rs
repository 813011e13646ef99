//! What machines tell each other about slots: records, claims, marks.

use crate::{NodeId, OriginTag};

/// One register of the slot table. Merged by [`term`](Self::term), then by the hash of the holder,
/// then by heartbeat, so that every machine ends with the same table in whatever order it hears.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotRecord {
    /// Which slot, `0..readers_max`.
    pub slot: u32,
    /// Grows with each change of holder.
    pub term: u64,
    /// Who holds it; all zero = released.
    pub holder: NodeId,
    /// Grows while the holder lives.
    pub heartbeat: u64,
    /// Bit 0: the origin is down for the holder. Bit 1: the holder is limited by the window of
    /// bytes that only it has, by a rate or by the origin's own word, not by its link.
    pub flags: u32,
    /// Verified bytes a second that the holder reads with this slot.
    pub goodput: u64,
    /// The origin's latency when idle as the holder knows it, in microseconds; 0 = unknown.
    pub base_latency_us: u64,
    /// The extent that the holder reads now.
    pub extent: u32,
    /// Bytes that this holder's process has read from origins in all.
    pub origin_bytes: u64,
}

/// A reader's word that it reads these pieces now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The slot under which it reads.
    pub slot: u32,
    /// The first piece.
    pub first: u32,
    /// How many pieces.
    pub count: u32,
}

/// One message of a machine of ours to another.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SlotMessage {
    /// The group of machines that share the table.
    pub group: String,
    /// How many slots the sender's table has.
    pub readers_max: u32,
    /// The sender's process.
    pub node: NodeId,
    /// Whether the sender waits for bytes that nobody brings it.
    pub starving: bool,
    /// Records that changed, or all.
    pub records: Vec<SlotRecord>,
    /// What the sender reads now.
    pub claims: Vec<Claim>,
    /// Pieces that an origin was found to have wrong.
    pub bad: Vec<(OriginTag, u32)>,
}
