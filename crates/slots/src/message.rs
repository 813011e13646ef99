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
    /// Any of [`flags`].
    pub flags: u32,
    /// Verified bytes a second that the holder reads with this slot.
    pub goodput: u64,
    /// The extent that the holder reads now, or where the next one should go on; it may belong to
    /// another slot, from which it was taken.
    pub extent: u32,
    /// How many extents it took from another slot, in that one's order; 1 = that one, or none.
    pub extents: u32,
    /// Bytes that this holder's process has read from origins in all.
    pub origin_bytes: u64,
}

/// Bits of [`SlotRecord::flags`]; unknown ones are passed on and mean nothing.
pub mod flags {
    /// The origin is down for the holder.
    pub const ORIGIN_DOWN: u32 = 1;
    /// The holder is limited by the window of bytes that only it has, by a rate or by the origin's
    /// own word, not by its link.
    pub const LIMITED: u32 = 2;
    /// Released with nothing left to read: its pieces are on their way through the swarm.
    pub const DONE: u32 = 4;
    /// The server refuses the holder its lock.
    pub const NO_LOCK: u32 = 8;
    /// The holder reads without the server's lock, which seems to have leaked.
    pub const UNGUARDED: u32 = 16;
}

/// A machine's count of the bytes that it has read from origins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeBytes {
    /// The machine's process.
    pub node: NodeId,
    /// Bytes in all; never shrinks.
    pub bytes: u64,
}

/// Most records, and most claims, marks and counts, of one message: keeps it below 1 KiB.
pub const MESSAGE_ITEMS_MAX: usize = 8;

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
#[expect(
    clippy::struct_excessive_bools,
    reason = "words of the protocol, each of which is said or not"
)]
pub struct SlotMessage {
    /// The group of machines that share the table.
    pub group: String,
    /// How many slots the sender's table has.
    pub readers_max: u32,
    /// The sender's process.
    pub node: NodeId,
    /// Whether the sender waits for bytes that nobody brings it.
    pub starving: bool,
    /// Whether others should read instead of the sender: it reads slowly, passes on slowly, got nothing, or lacks
    /// nothing.
    pub yields: bool,
    /// Whether the receiver brings the sender too little, though enough is asked of it.
    pub slow: bool,
    /// Most bytes a second that the sender was seen to take in; 0 = unknown.
    pub link_goodput: u64,
    /// Bytes a second that the sender takes in, if it could take more than is read of origins; else 0.
    pub waits: u64,
    /// Most bytes a second that the sender can take in, as seen while it read; 0 = unknown.
    pub capacity: u64,
    /// Bit i: slot i, which the sender gives back, should be claimed by the receiver.
    pub offers: u64,
    /// Whether the sender's uplink has room: what it has may be taken out of turn.
    pub room: bool,
    /// Records that changed, or all.
    pub records: Vec<SlotRecord>,
    /// What the sender reads now.
    pub claims: Vec<Claim>,
    /// Pieces that an origin was found to have wrong.
    pub bad: Vec<(OriginTag, u32)>,
    /// What machines that held slots have read.
    pub bytes: Vec<NodeBytes>,
}
