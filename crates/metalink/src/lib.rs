#![doc = include_str!("../README.md")]
//! Reads Metalink 4 (RFC 5854), Metalink 3 and Metalink/HTTP (RFC 6249), writes Metalink 4.
//!
//! A metalink lists files: where each can be fetched (mirrors, torrents), how long it is and what
//! its hashes are. This crate turns the bytes of such a document into a [`Document`] and back. It
//! opens nothing: no file, no socket.
//!
//! What must stay true: no document, however hostile, makes the reader panic, recurse without
//! limit, or take time or memory out of proportion to its length; a [`FilePath`] stays inside the
//! folder it is joined to; and an entry that is left out is told in [`Document::dropped`], while
//! all others are kept. `docs/policy.md` lists the rules one by one.
//!
//! ```
//! use swarmcopy_metalink::{Address, Document, File, FilePath, Mirror, Writer};
//!
//! let base = Address::parse("http://lab.example/mirror/tree.meta4")?;
//! let text = br#"<metalink xmlns="urn:ietf:params:xml:ns:metalink">
//!   <file name="docs/readme.txt">
//!     <size>11</size>
//!     <url priority="1">docs/readme.txt</url>
//!     <url>rsync://lab.example/readme.txt</url>
//!   </file>
//!   <file name="../evil"><url>http://lab.example/evil</url></file>
//! </metalink>"#;
//! let document = Document::parse(text, Some(&base))?;
//! let file = &document.files[0];
//! assert_eq!(file.mirrors[0].url.as_str(), "http://lab.example/mirror/docs/readme.txt");
//! assert_eq!(document.dropped.len(), 2);
//! assert_eq!(document.dropped.iter().filter(|entry| entry.reason.is_fault()).count(), 1);
//!
//! let mut file = File::new(FilePath::parse("docs/readme.txt")?);
//! file.size = Some(11);
//! file.mirrors.push(Mirror::new(base.join("docs/readme.txt")?));
//! let mut writer = Writer::new(&Document::default())?;
//! writer.file(&file)?;
//! assert_eq!(Document::parse(writer.finish().as_bytes(), None)?.files, [file]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod about;
mod address;
mod document;
mod error;
mod excerpt;
mod file;
mod hash;
mod headers;
pub mod limits;
mod path;
mod read;
mod read_file;
mod report;
mod version;
mod write;
mod xml;

pub use about::{About, Publisher};
pub use address::Address;
pub use document::{Document, Origin};
pub use error::Error;
pub use file::{File, MetaKind, MetaUrl, Mirror, Signature};
pub use hash::{Hash, HashError, HashKind, PieceList};
pub use headers::Headers;
pub use path::{FilePath, PathError};
pub use report::{Dropped, Part, Reason};
pub use version::Version;
pub use write::Writer;
