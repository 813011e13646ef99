#![doc = include_str!("../README.md")]
//! Every decision of a content's distribution, as a deterministic state machine without I/O.
//!
//! News go in as [`Event`]s with the time, what is to be done comes out as [`Action`]s. The same
//! events at the same times with the same seed give the same actions.
//!
//! ```
//! use std::sync::Arc;
//! use swarmcopy_layout::{Layout, PieceSet, RelPath};
//! use swarmcopy_scheduler::{
//!     Action, Config, Discovery, Event, Instant, NodeId, OriginKind, OriginTag, Scheduler, SourceId,
//!     SourceInfo, origin::OriginConfig,
//! };
//!
//! let layout = Layout::builder(16 * 1024).file(RelPath::parse("tool.bin")?, 100_000).build()?;
//! let pieces = layout.pieces();
//! let config = Config::new(OriginConfig::new(NodeId([1; 8]), [2; 32]));
//! let (all, none) = (PieceSet::full(pieces), PieceSet::empty(pieces));
//! let start = (Instant::ZERO, 42); // the time, and the seed of all random choices
//! let mut scheduler = Scheduler::new(config, Arc::new(layout), all, none, start);
//!
//! let tag = OriginTag::of("file\0server\0apps");
//! let info = SourceInfo::Origin { kind: OriginKind::Share, tag, streams_max: 8 };
//! scheduler.handle(Instant::ZERO, Event::SourceUp { source: SourceId(0), info });
//! scheduler.handle(Instant::ZERO, Event::Discovery(Discovery::Off));
//! let mut actions = Vec::new();
//! while !actions.iter().any(|action| matches!(action, Action::Fetch { .. })) {
//!     let due = scheduler.poll_timeout().ok_or("nothing is due")?;
//!     scheduler.handle_timeout(due);
//!     actions.extend(std::iter::from_fn(|| scheduler.poll_action()));
//! }
//! // a machine that is alone gets its permit soon, before it is told what to fetch
//! assert!(actions.iter().any(|action| matches!(action, Action::OpenOrigin { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod spread;

mod arrival;
mod book;
mod clock;
mod event;
mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod intake;
mod measure;
mod moment;
mod outcome;
mod permit;
mod report;
mod scheduler;
mod source;
mod terms;
mod tuning;

pub use event::{Action, Event, Has, JobId, Outcome, Preference, Proof, SourceInfo};
pub use permit::OriginPermit;
pub use report::{OriginReport, Outlook};
pub use scheduler::{Config, Scheduler};
pub use swarmcopy_slots::{
    Discovery, Down, Hello, Instant, LockWord, MachineClass, NodeId, OriginKind, OriginTag, Reason,
    SourceId,
};
pub use tuning::Tuning;

/// Who may read the origin, and what: policy and messages of the swarm-wide slots.
pub mod origin {
    pub use swarmcopy_slots::{
        Claim, GuardUse, Hours, Isolated, MESSAGE_ITEMS_MAX, Mode, NodeBytes, OriginConfig,
        READERS_MAX_MAX, SlotMessage, SlotRecord, Tuning, flags,
    };
}
