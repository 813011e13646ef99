//! What uploads need from outside: the bytes of verified pieces.
//!
//! The seam to the store behind a content. What must stay true: only verified bytes are read.

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use swarmcopy_layout::Span;

/// Reads back verified bytes of a content, to be sent to peers.
#[async_trait]
pub trait BlockReader: Send + Sync + Debug {
    /// Reads all of `span`, in as many parts as suits the reader; together they are exactly as long
    /// as the span. Asked only for pieces that were told by [`crate::Swarm::have`]; at most
    /// [`crate::READ_AHEAD_LEN_MAX`] bytes at a time. The future may be dropped at any await.
    async fn read(&self, span: Span) -> io::Result<Vec<Bytes>>;
}
