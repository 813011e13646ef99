//! Who may read the origin, and what: the swarm-wide slots.
//!
//! Machines of one group share a table of K slots by gossip; the pieces are divided among the slots
//! for good. Who holds a slot reads its pieces once and hands them on. Nothing here does I/O.

mod barren;
mod claim;
mod config;
mod drive;
mod extent;
mod gate;
mod gossip;
mod hear;
mod heirs;
#[cfg(any(debug_assertions, feature = "invariants"))]
mod invariants;
mod licence;
mod link;
mod load;
mod lock;
mod marks;
mod message;
mod neighbour;
mod own;
mod reader;
mod report;
mod standing;
mod steal;
mod table;
#[cfg(test)]
mod tests;
mod view;
mod watch;
mod window;
mod wire;

pub use config::{GuardUse, Hours, Isolated, Mode, OriginConfig, readers_max_max};
pub use message::{Claim, NodeBytes, SlotMessage, SlotRecord, flags, message_items_max};

pub(crate) use gate::OriginGate;
pub(crate) use view::{OriginState, ReadEnd, View};
