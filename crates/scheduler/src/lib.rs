//! Every decision of a content's distribution, as a deterministic state machine without I/O.

pub mod origin;

mod event;
mod permit;
mod reason;
mod streams;
mod time;

pub use event::{
    Action, Discovery, Down, Event, Has, Hello, JobId, MachineClass, NodeId, OriginKind, OriginTag,
    Outcome, SourceId, SourceInfo,
};
pub use permit::OriginPermit;
pub use reason::Reason;
pub use time::Instant;
