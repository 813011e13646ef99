#![doc = include_str!("../README.md")]
//! The few operating system calls that the standard library lacks, behind one safe interface.
//!
//! Each module answers one need and holds its unix, Windows and other variants side by side, so that no
//! caller needs a `cfg`. What must stay true: every function here is safe to call with any argument, a
//! call that an operating system lacks either does nothing (hints) or says [`std::io::ErrorKind::Unsupported`]
//! (answers), and nothing here keeps state of its own.
//!
//! ```
//! use std::fs::File;
//! use swarmcopy_sys::{alloc, file_id, io};
//!
//! let dir = std::env::temp_dir().join(format!("swarmcopy-sys-{}", std::process::id()));
//! std::fs::create_dir_all(&dir)?;
//! let path = dir.join("content");
//! let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
//! alloc::reserve(&file, 1 << 20)?;
//! io::write_all_at(&file, b"piece", 4096)?;
//!
//! let mut read = [0; 5];
//! io::read_exact_at(&file, &mut read, 4096)?;
//! assert_eq!(&read, b"piece");
//! assert_eq!(file_id::of_path(&path)?, file_id::of_file(&file)?);
//! # drop(file);
//! # std::fs::remove_dir_all(&dir)?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod acl;
pub mod alloc;
pub mod attributes;
pub mod awake;
pub mod clock;
pub mod event_log;
pub mod file_id;
pub mod fs;
pub mod fs_kind;
pub mod held;
pub mod hints;
pub mod host;
pub mod io;
pub mod limits;
pub mod links;
pub mod lock;
pub mod metered;
pub mod multicast;
pub mod net;
pub mod open;
pub mod path;
pub mod priority;
pub mod random;
pub mod retry;
pub mod scarce;
pub mod service;
pub mod space;
pub mod sync;
pub mod unnamed;
pub mod xattr;

pub use file_id::{FileId, file_id};
pub use fs_kind::{FsKind, fs_kind};
