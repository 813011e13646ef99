//! Weather: random rooms in which things go wrong at random, and what every room is promised.
//!
//! [`Room`] is the description of a room, drawn by [`Draw`] or read from a line. [`play`] runs it and
//! gives a [`Verdict`]: which promises were broken, how long each machine took beside its bound.
//! [`shrink`] makes a room smaller as long as it breaks the same promise.
//!
//! ```
//! use swarmcopy_sim::weather::{Room, play};
//!
//! let line = "r seed=7 pieces=64x16384 latency=500us; m up=1000000 down=1000000; o up=1000000";
//! let room: Room = line.parse()?;
//! assert_eq!(room.to_string(), line);
//! assert!(play(&room).broken.is_empty());
//! # Ok::<(), swarmcopy_sim::weather::NoRoom>(())
//! ```

mod draw;
mod kinds;
mod manners;
mod promises;
mod room;
mod shrink;
mod words;

pub use draw::Draw;
pub use kinds::{KINDS, Kind};
pub use promises::{Breach, Promise, Verdict, play, play_with, timeline, timeline_with};
pub use room::{NoRoom, Room};
pub use shrink::{Shrunk, shrink, shrink_with};
