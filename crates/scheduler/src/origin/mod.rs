//! Who may read the origin, and what: the swarm-wide slots.

mod config;
mod gate;
mod licence;
mod message;
mod view;

pub use config::{GuardUse, Hours, Isolated, Mode, OriginConfig, readers_max_max};
pub use message::{Claim, NodeBytes, SlotMessage, SlotRecord, flags, message_items_max};

pub(crate) use gate::OriginGate;
pub(crate) use view::{OriginState, OriginStatus, ReadEnd, ReadPlan, View};
