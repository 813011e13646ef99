//! What the gate sees of the rest of the scheduler, and what it hands back.
//!
//! A [`View`] is a bundle of references, free to make. The gate never walks all pieces per event:
//! it moves a cursor, and scans a whole set at most a few times a second.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::Reason;
use crate::licence::Licence;

/// The state of the copy as the gate needs it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Wanted, not verified here, and no job of ours (of whatever source) has it in hand; in
    /// `next_read` without what the origin lacks.
    pub missing: &'a PieceSet,
    /// `missing` is without what the origin lacks: that it has nothing says nothing about the others.
    pub narrowed: bool,
    /// Pieces that every origin of this machine had with wrong bytes lately, if there are any.
    pub wrong: Option<&'a PieceSet>,
    /// Some peer that *serves* has it (effective availability).
    pub available: &'a PieceSet,
    /// How many peers that serve have each piece; by piece index.
    pub serving: &'a [u16],
    /// Pieces that were sent to peers and that a peer has.
    pub copied: &'a PieceSet,
    /// Wanted pieces that are not verified, those in hand included.
    pub pieces_left: u32,
    /// Connected peers of every kind, stock clients included.
    pub peers: u32,
    /// Some peers are far too slow for what is left: what they have is read as if they had it not.
    pub peers_slow: bool,
    /// What is read after all others, if there is such: what only such peers have, what the origin had wrong before.
    pub last: Option<&'a PieceSet>,
    /// How long the way to peers and back takes, as far as was seen.
    pub way: Duration,
    /// The best that this machine's link was seen to bring, bytes a second; 0 = unknown.
    pub link_goodput: u64,
}

/// Leave to read these whole pieces from one origin now.
///
/// Every piece of it is answered by `OriginGate::have` or `OriginGate::read_ended`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadPlan {
    first: PieceIndex,
    count: u32,
    reason: Reason,
}

impl ReadPlan {
    /// A plan; only a gate that may read at all has a licence to show.
    pub(super) fn new(_licence: &Licence, first: PieceIndex, count: u32, reason: Reason) -> Self {
        Self {
            first,
            count,
            reason,
        }
    }

    /// The first piece.
    pub fn first(&self) -> PieceIndex {
        self.first
    }

    /// How many pieces, one after another.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Why it may be read.
    pub fn reason(&self) -> Reason {
        self.reason
    }
}

/// How the read of one planned piece ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadEnd {
    /// It is verified; the same as `OriginGate::have`.
    Verified,
    /// It failed, was cancelled, or came from elsewhere first.
    Failed,
}

/// What is known of an origin's health.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OriginState {
    /// It serves.
    Ready,
    /// It refuses or can't be reached: probed every 1-2 s.
    Down,
    /// It asked to be left alone, or the streams are held back out of politeness.
    Held,
}

/// What the protection of the origin is doing on this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OriginStatus {
    /// Bit i: this machine holds slot i.
    pub slots: u64,
    /// How many slots the table has.
    pub readers_max: u32,
    /// Bit i: this machine held slot i at some time.
    pub slots_ever: u64,
    /// Bytes that this machine read from origins.
    pub origin_bytes: u64,
    /// Bytes that the swarm's machines read from origins, as last heard; this one included.
    pub swarm_bytes: u64,
    /// Live holders as known here, this machine included.
    pub holders: u32,
    /// Machines that may read, as known here: this one, neighbours and live holders.
    pub machines: u32,
    /// Whether this machine waits for bytes that nobody brings it.
    pub starving: bool,
}
