#![doc = include_str!("../README.md")]
//! What the bytes of a content are: files, pieces, spans, piece sets, safe relative paths, digests.
//!
//! A *content* is one long run of bytes: its files one after another, cut into *pieces* of equal
//! length (BEP 3), or file by file (BEP 52, Metalink). This crate names positions in that run and answers questions about them. It
//! reads no file and hashes nothing; the other crates build on its types, so that a raw `u32` or
//! `&str` from outside ends at a parser.
//!
//! ```
//! use swarmcopy_layout::{Layout, PieceIndex, RelPath};
//!
//! let layout = Layout::builder(16 * 1024)
//!     .file(RelPath::parse("docs/read me.txt")?, 5)
//!     .file(RelPath::parse("bin/tool.exe")?, 40_000)
//!     .build()?;
//! assert_eq!(layout.pieces(), 3);
//! let last = layout.piece(2).ok_or("no such piece")?;
//! assert_eq!(layout.piece_span(last).len(), 40_005 - 2 * 16_384);
//! let slices: Vec<_> = layout.slices(layout.piece_span(layout.piece(0).ok_or("none")?)).collect();
//! assert_eq!(slices.len(), 2); // the first piece covers the small file and the start of the other
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cuts;
mod digest;
mod found;
mod map;
mod path;
mod piece_set;
mod span;
mod stored;

pub use digest::{FileDigest, PieceDigest, PieceDigests};
pub use found::FoundNames;
pub use map::{
    Attributes, FILES_MAX, FileEntry, FileIndex, FileSlice, Layout, LayoutBuilder, LayoutError,
    PIECE_LEN_MAX, PIECES_MAX, PieceIndex,
};
pub use path::{COMPONENT_LEN_MAX, DEPTH_MAX, PathError, RelPath};
pub use piece_set::{PieceSet, PieceSetError};
pub use span::{Span, Spans};
pub use stored::Platform;

/// Length of a block on the wire in bytes (BEP 3): what one request of a peer asks for.
pub const BLOCK_LEN: u32 = 16 * 1024;
