//! A neighbour of ours: what it said of itself, and how far its word about others counts.

use std::time::Duration;

use crate::message::{Claim, SlotMessage};
use crate::{Instant, MachineClass, NodeId, SourceId};

/// So many slots may a neighbour tell to have changed hands while their holders live; then its word about others
/// counts no more for a while.
const TALES_MAX: u32 = 2;
const TALES_FORGOTTEN: Duration = Duration::from_mins(1);
/// Lets `limit.1` pass at once and one each `limit.0` later.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace(pub(super) Instant);

impl Pace {
    pub(super) fn ready_at(self, limit: (Duration, u64)) -> Instant {
        self.0
            - limit
                .0
                .saturating_mul(u32::try_from(limit.1.saturating_sub(1)).unwrap_or(0))
    }

    pub(super) fn take(&mut self, now: Instant, limit: (Duration, u64)) -> bool {
        let ready = now >= self.ready_at(limit);
        if ready {
            self.0 = self.0.max(now) + limit.0;
        }
        ready
    }
}

/// What is known of a neighbour's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableOf {
    /// It has not said yet.
    Unheard,
    /// It is ours.
    Us,
    /// It is that of another group.
    Others,
}

/// Whether a neighbour can read an origin, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It has none.
    NoOrigin,
    /// It has one, but others should read instead.
    Yields,
    /// It can.
    Reads,
}

/// A neighbour of ours.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) source: SourceId,
    pub(super) node: NodeId,
    pub(super) class: MachineClass,
    pub(super) reach: Reach,
    pub(super) starving: bool,
    /// Most bytes a second that it was seen to take in, by its own word; 0 = unknown.
    pub(super) link_goodput: u64,
    /// Bytes a second that it takes in, if it could take more than is read; else 0.
    pub(super) waits: u64,
    /// Most bytes a second that it can take in, by its own word; 0 = unknown.
    pub(super) capacity: u64,
    /// Slots that it is to be offered.
    pub(super) offers: u64,
    /// Its uplink has room: what it has may be taken out of turn.
    pub(super) room: bool,
    pub(super) table: TableOf,
    /// How many slots it told to have changed hands while their holders lived, and when last.
    pub(super) tales: (u32, Instant),
    /// We find it slow, and it finds us so.
    pub(super) slow: (bool, bool),
    pub(super) claims: Vec<(Claim, Instant)>,
    pub(super) greet: bool,
    pub(super) told_marks: usize,
    pub(super) told_bytes: u64,
    pub(super) sent: Pace,
    pub(super) taken: Pace,
}

impl Neighbour {
    /// Whether it can read an origin, as far as it knows.
    pub(super) fn may_read(&self) -> bool {
        self.reach == Reach::Reads
    }

    /// It tells that a slot changed hands though its holder lives; whether that is to be believed.
    pub(super) fn tells_tale(&mut self, now: Instant) -> bool {
        let (count, last) = self.tales;
        let count = if now.since(last) >= TALES_FORGOTTEN {
            0
        } else {
            count
        };
        self.tales = (count.saturating_add(1), now);
        count < TALES_MAX
    }

    /// It says this of itself.
    pub(super) fn says(&mut self, message: &SlotMessage) {
        self.starving = message.starving;
        if self.reach != Reach::NoOrigin {
            self.reach = if message.yields {
                Reach::Yields
            } else {
                Reach::Reads
            };
        }
        self.slow.1 = message.slow;
        self.link_goodput = message.link_goodput;
        self.waits = message.waits;
        self.capacity = message.capacity;
        self.room = message.room;
    }
}
