//! Every decision of a content's distribution, as a deterministic state machine without I/O.

pub mod origin;

mod availability;
mod event;
mod fresh;
mod intake;
mod ledger;
mod origins;
mod permit;
mod plan;
mod rate;
mod reason;
mod scheduler;
mod source;
mod streams;
mod time;
mod uploads;

pub use event::{
    Action, Discovery, Down, Event, Has, Hello, JobId, MachineClass, NodeId, OriginKind, OriginTag,
    Outcome, SourceId, SourceInfo,
};
pub use permit::OriginPermit;
pub use reason::Reason;
pub use scheduler::{Config, OriginReport, Outlook, Scheduler};
pub use time::Instant;
