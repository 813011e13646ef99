//! The two traits: a source of bytes, and an origin that becomes one with a permit.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::{OriginKind, OriginPermit, OriginTag};

use crate::{SourceError, SpanSink};

/// Something that brings bytes of one content: an opened origin, a peer link.
#[async_trait]
pub trait PieceSource: Debug + Send + Sync {
    /// Fills every byte of `span` once, in any order, through `sink`.
    ///
    /// Several fetches may run at once. The future may be dropped at any await: what was committed
    /// stays, chunks in flight return to the sink's owner when their holder lets go of them.
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError>;
}

/// A share or mirror: precious, and opened only by who holds a permit for it.
#[async_trait]
pub trait OriginSource: Debug + Send + Sync {
    /// What kind it is.
    fn kind(&self) -> OriginKind;

    /// A name for reports: a path or URL without credentials.
    fn name(&self) -> String;

    /// What the tag that names it in the swarm is made of: scheme, lower-case host and authority
    /// or share, joined by NUL.
    fn identity(&self) -> String;

    /// Its name in the swarm, which tells no address.
    fn tag(&self) -> OriginTag {
        OriginTag::of(&self.identity())
    }

    /// Most fetches that may run at once.
    fn streams_max(&self) -> u32;

    /// What it is known to lack before it is ever asked.
    fn lacks(&self) -> Vec<Span> {
        Vec::new()
    }

    /// Opens it for as long as the permit lives. The source that comes back looks at the permit
    /// before each piece and ends its fetches with [`SourceError::CalledOff`] once it is revoked.
    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError>;
}
