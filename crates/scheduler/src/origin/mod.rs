//! Who may read the origin, and what: the swarm-wide slots.

mod message;

pub use message::{Claim, SlotMessage, SlotRecord};
