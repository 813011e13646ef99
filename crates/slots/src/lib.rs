#![doc = include_str!("../README.md")]
//! Who may read the origin, and what: the swarm-wide slots.
//!
//! Machines of one group share a table of K slots by gossip; the pieces are divided among the slots
//! for good. Who holds a slot reads its pieces once and hands them on. [`OriginGate`] takes in what
//! happened and is asked for plans ([`ReadPlan`]), messages ([`SlotMessage`]) and the time at which it
//! wants to be called. Nothing here does I/O or knows how a source is read.

mod access;
mod agenda;
mod barren;
mod ceded;
mod cell;
mod claims;
mod config;
mod extent;
mod gate;
mod gossip;
mod heirs;
mod held;
mod holder;
#[cfg(any(debug_assertions, feature = "invariants"))]
mod invariants;
mod licence;
mod link;
mod load;
mod lock;
mod marks;
mod measures;
mod message;
mod names;
mod neighbour;
mod news;
mod numbers;
mod own;
mod rate;
mod reason;
mod report;
mod rights;
mod room;
mod search;
mod sight;
mod standing;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod tuning;
mod view;
mod walk;
mod watch;
mod window;
mod wire;
mod work;

pub use agenda::Explained;
pub use config::{GuardUse, Hours, Isolated, Mode, OriginConfig, READERS_MAX_MAX};
pub use gate::OriginGate;
pub use message::{Claim, MESSAGE_ITEMS_MAX, NodeBytes, SlotMessage, SlotRecord, flags};
pub use names::{MachineClass, NodeId, OriginKind, OriginTag, SourceId};
pub use news::{Discovery, Down, Hello, LockWord};
pub use numbers::{Number, in_order};
pub use rate::Rate;
pub use reason::Reason;
pub use time::Instant;
pub use tuning::Tuning;
pub use view::{OriginState, OriginStatus, ReadEnd, ReadPlan, View};
