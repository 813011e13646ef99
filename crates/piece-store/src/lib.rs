#![doc = include_str!("../README.md")]
//! Assembles, verifies, writes and reads back the pieces of a content; keeps the resume journal.
//!
//! A [`Store`] hands out memory for bytes that come from anywhere ([`Store::reserve`],
//! [`Store::commit`]), hashes each piece when its last byte is there, writes it to its files only
//! if it is right, and tells so by a [`StoreEvent`]. What must stay true: unverified bytes never
//! reach the disk, and only verified bytes are read back.
//!
//! ```
//! use std::sync::{Arc, mpsc};
//! use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath, Span};
//! use swarmcopy_piece_store::{MemoryDisk, Options, Shape, Store, StoreEvent, Target};
//!
//! let bytes = vec![7; 40_000];
//! let name = RelPath::parse("tool.bin")?;
//! let layout = Layout::builder(16 * 1024).file(name.clone(), 40_000).build()?;
//! let sha1 = |piece| PieceDigest::Sha1(swarmcopy_digest::sha1(piece));
//! let digests = PieceDigests::new(bytes.chunks(16 * 1024).map(sha1).collect());
//! let target = Target::new(name, Shape::File, layout.into(), digests.into(), [1; 32])?;
//!
//! let (events, told) = mpsc::channel();
//! let on_event = Box::new(move |event| events.send(event).unwrap_or_default());
//! let disk = Arc::new(MemoryDisk::new());
//! let (store, _) = Store::open_on(disk.clone(), target, &Options::default(), on_event)?;
//!
//! let whole = Span::new(0, 40_000);
//! while let Some((span, mut buffer)) = store.reserve(whole, 1) {
//!     buffer.fill(7); // whoever has the bytes puts them there
//!     store.commit(span, 1, buffer);
//! }
//! for _ in 0..3 {
//!     assert!(matches!(told.recv()?, StoreEvent::PieceOk { .. }));
//! }
//! store.finish()?;
//! assert_eq!(disk.bytes("tool.bin".as_ref()), Some(bytes));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adopt;
mod assemblies;
mod assembly;
mod at_hand;
mod blame;
mod cache;
mod check;
mod disk;
mod edges;
mod error;
mod event;
mod files;
mod finish;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod holes;
mod journal;
mod names;
mod options;
mod placement;
mod pool;
mod queue;
mod resume;
mod scan;
mod shared;
mod store;
mod syncer;
mod target;
mod tenure;
mod verify;
mod whole;
mod worker;
mod writing;
mod zeros;

pub use swarmcopy_layout as layout;

pub use adopt::Lender;
pub use assemblies::Assemblies;
pub use assembly::{Assembly, Filled};
pub use cache::HotCache;
pub use check::{CheckReport, check, check_on};
pub use disk::{Disk, DiskLock, Entry, Fault, FaultyDisk, FileStat, FolderDisk, Links, MemoryDisk};
pub use error::{StoreError, StoreErrorKind};
pub use event::{OnEvent, StoreEvent};
pub use options::Options;
pub use placement::{ASIDE_SUFFIX, Placement, STAGED_SUFFIX};
pub use pool::{Pool, SEGMENT_LEN_MAX, SEGMENT_LEN_MIN, Segment};
pub use resume::Resume;
pub use store::{JOURNAL_SUFFIX, Store};
pub use target::{ASSEMBLED_LEN_MAX, Shape, Target};
pub use tenure::Tenure;
