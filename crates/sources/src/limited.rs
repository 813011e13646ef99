//! The limits of a copy around an origin that knows of none.
//!
//! What must stay true: while a limit is set, no more is asked of the origin than the limit allows.

use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::{OriginKind, OriginPermit, OriginTag};

use crate::rate::{acquire_all, quantum_of};
use crate::{Limiter, OriginSource, PieceSource, SourceError, SpanSink};

/// An origin within limits.
#[derive(Debug)]
pub struct Limited {
    origin: Arc<dyn OriginSource>,
    limits: Vec<Arc<Limiter>>,
}

impl Limited {
    /// Puts `limits` around `origin`: all of them hold.
    pub fn new(origin: Arc<dyn OriginSource>, limits: Vec<Arc<Limiter>>) -> Self {
        Self { origin, limits }
    }
}

#[async_trait]
impl OriginSource for Limited {
    fn kind(&self) -> OriginKind {
        self.origin.kind()
    }

    fn name(&self) -> String {
        self.origin.name()
    }

    fn identity(&self) -> String {
        self.origin.identity()
    }

    fn tag(&self) -> OriginTag {
        self.origin.tag()
    }

    fn streams_max(&self) -> u32 {
        self.origin.streams_max()
    }

    fn lacks(&self) -> Vec<Span> {
        self.origin.lacks()
    }

    async fn open(&self, permit: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
        let source = self.origin.open(permit).await?;
        let limits = self.limits.clone();
        Ok(Arc::new(LimitedSource { source, limits }))
    }
}

#[derive(Debug)]
struct LimitedSource {
    source: Arc<dyn PieceSource>,
    limits: Vec<Arc<Limiter>>,
}

#[async_trait]
impl PieceSource for LimitedSource {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let mut rest = span;
        while !rest.is_empty() {
            let Some(quantum) = quantum_of(&self.limits) else {
                return self.source.fetch(rest, sink).await;
            };
            let part = rest.head(quantum);
            acquire_all(&self.limits, part.len()).await;
            self.source.fetch(part, sink).await?;
            rest = rest.after(part.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{MemorySink, MemorySource};

    #[tokio::test(start_paused = true)]
    async fn a_limit_holds_within_5_percent_also_when_it_changes() {
        let limit = Arc::new(Limiter::new(Some(1_000_000)));
        let source = LimitedSource {
            source: Arc::new(MemorySource::new(vec![7; 10_000_000])),
            limits: vec![Arc::clone(&limit)],
        };
        let sink = Arc::new(MemorySink::new(10_000_000, 1 << 20));
        let sink = SpanSink::new(sink);
        let start = Instant::now();
        source.fetch(Span::new(0, 5_000_000), &sink).await.unwrap();
        let slow = start.elapsed().as_secs_f64();
        assert!((slow - 5.0).abs() < 0.25, "{slow} s");
        limit.set_rate(None);
        source
            .fetch(Span::new(5_000_000, 5_000_000), &sink)
            .await
            .unwrap();
        assert!(start.elapsed().as_secs_f64() - slow < 0.25);
    }
}
