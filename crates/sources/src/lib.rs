#![doc = include_str!("../README.md")]
//! Where bytes come from: the piece source trait, shares and HTTP mirrors, and the contract they pass.
//!
//! A [`PieceSource`] fills spans of a content through a [`SpanSink`]. Shares ([`ShareSource`]) and mirrors
//! ([`MirrorSource`], [`mirror_at`]) are *origins*: precious, so they are opened with a permit that only a scheduler mints,
//! and look at it before each piece. [`RangeSource`] is what an embedder writes to add one. [`MemorySource`] holds bytes at hand. What must stay true: a source
//! commits a byte only where the sink reserved it, never blocks an async thread, and says by
//! [`SourceError::blame`] what to do with it when it fails.
//!
//! ```
//! use std::sync::Arc;
//! use swarmcopy_layout::Span;
//! use swarmcopy_sources::{MemorySink, MemorySource, PieceSource, SpanSink};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let source = MemorySource::new(b"bytes of the content".to_vec());
//! let sink = Arc::new(MemorySink::new(20, 16)); // pieces of 16 bytes
//! source.fetch(Span::new(0, 20), &SpanSink::new(sink.clone())).await?;
//! assert_eq!(sink.to_vec(), b"bytes of the content");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "ftp")]
pub mod ftp;
pub mod http;
pub mod share;

mod error;
#[cfg(all(any(test, fuzzing), feature = "contract", feature = "ftp"))]
pub mod fuzzing;
mod gate;
mod intake;
mod limited;
mod memory;
mod mirrors;
mod networks;
mod range;
mod rate;
mod reach;
mod shape;
mod sink;
mod source;
mod whole;

pub use error::{Blame, Finding, Lack, SourceError};
#[cfg(feature = "ftp")]
pub use ftp::FtpSource;
pub use http::{MirrorOptions, MirrorSource, Ownership};
pub use limited::Limited;
pub use memory::{Fault, MemorySink, MemorySource};
pub use mirrors::{mirror_at, mirror_of_files};
pub use networks::{Network, Networks};
pub use range::{RangeError, RangeOrigin, RangeSource, words_of};
pub use rate::Limiter;
pub use reach::{PrivateAddress, Reach};
pub use shape::Shape;
pub use share::ShareSource;
pub use sink::{Chunk, SinkTarget, SpanSink};
pub use source::{OriginSource, PieceSource};
