//! Where bytes come from: the piece source trait, shares and HTTP mirrors, and the contract they pass.

mod error;
mod sink;
mod source;

pub use error::{Blame, SourceError};
pub use sink::{Chunk, SinkTarget, SpanSink};
pub use source::{OriginSource, PieceSource};
