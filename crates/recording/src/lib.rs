#![doc = include_str!("../README.md")]
//! Recordings of a scheduler: what it was told, when, and what it decided; to be played again.
//!
//! The scheduler is a state machine without clock and entropy, so the same events at the same times with the same
//! seed lead to the same decisions. A [`Recorder`] writes them down without holding anybody up; [`replay`] plays them
//! and says where decisions differ.
//!
//! ```
//! use std::sync::Arc;
//! use swarmcopy_layout::{Layout, PieceSet, RelPath};
//! use swarmcopy_recording::{Head, Names, Recorder, replay};
//! use swarmcopy_scheduler::{Config, Discovery, Event, Instant, NodeId, origin::OriginConfig};
//!
//! let layout = Arc::new(Layout::builder(16_384).file(RelPath::parse("f")?, 100_000).build()?);
//! let head = Head {
//!     program: "example".to_owned(),
//!     config: Config::new(OriginConfig::new(NodeId([1; 8]), [2; 32])),
//!     wanted: PieceSet::full(layout.pieces()),
//!     have: PieceSet::empty(layout.pieces()),
//!     start: Instant::ZERO,
//!     seed: 42,
//!     layout,
//! };
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("recording");
//! let mut scheduler = head.scheduler();
//! let mut recorder = Recorder::create(&path, head, Names::Hidden, 7)?;
//! let (now, event) = (Instant::from_micros(1000), Event::Discovery(Discovery::Off));
//! recorder.event(now, &event);
//! scheduler.handle(now, event);
//! while let Some(action) = scheduler.poll_action() {
//!     recorder.action(now, &action);
//! }
//! drop(recorder);
//! assert!(replay(&path)?.is_same());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod broken;
mod bytes;
mod event;
mod head;
mod hide;
mod parts;
mod record;
mod replay;
#[cfg(test)]
mod tests;

pub use broken::Broken;
pub use head::Head;
pub use hide::Names;
pub use record::Recorder;
pub use replay::{Difference, Replay, ReplayError, Second, replay};
