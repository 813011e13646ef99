//! The limits of a copy around an origin that knows of none.
//!
//! What must stay true: while a limit is set, no more is asked of the origin than the limit allows. What it says of itself
//! is asked once; if it panics then, it is an origin without a name, and its first fetch tells more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_address::in_text;
use swarmcopy_layout::Span;
use swarmcopy_scheduler::{OriginKind, OriginPermit, OriginTag};

use crate::rate::{acquire_all, quantum_of};
use crate::{Limiter, OriginSource, PieceSource, SourceError, SpanSink};

/// An origin within limits.
#[derive(Debug)]
pub struct Limited {
    origin: Arc<dyn OriginSource>,
    limits: Vec<Arc<Limiter>>,
    facts: Facts,
}

/// What an origin says of itself.
#[derive(Debug)]
struct Facts {
    kind: OriginKind,
    name: String,
    identity: String,
    tag: OriginTag,
    streams_max: u32,
    lacks: Vec<Span>,
}

impl Facts {
    fn of(origin: &dyn OriginSource) -> Self {
        Self {
            kind: origin.kind(),
            name: in_text(&origin.name()).into_owned(),
            identity: origin.identity(),
            tag: origin.tag(),
            streams_max: origin.streams_max(),
            lacks: origin.lacks(),
        }
    }

    fn unknown() -> Self {
        Self {
            kind: OriginKind::Mirror,
            name: "source".to_owned(),
            identity: String::new(),
            tag: OriginTag::of(""),
            streams_max: 1,
            lacks: Vec::new(),
        }
    }
}

impl Limited {
    /// Puts `limits` around `origin`: all of them hold.
    pub fn new(origin: Arc<dyn OriginSource>, limits: Vec<Arc<Limiter>>) -> Self {
        let facts = catch_unwind(AssertUnwindSafe(|| Facts::of(origin.as_ref())));
        Self {
            origin,
            limits,
            facts: facts.unwrap_or_else(|_| Facts::unknown()),
        }
    }
}

#[async_trait]
impl OriginSource for Limited {
    fn kind(&self) -> OriginKind {
        self.facts.kind
    }

    fn name(&self) -> String {
        self.facts.name.clone()
    }

    fn identity(&self) -> String {
        self.facts.identity.clone()
    }

    fn tag(&self) -> OriginTag {
        self.facts.tag
    }

    fn streams_max(&self) -> u32 {
        self.facts.streams_max
    }

    fn lacks(&self) -> Vec<Span> {
        self.facts.lacks.clone()
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

    #[derive(Debug)]
    struct Says(&'static str);

    #[async_trait]
    impl OriginSource for Says {
        fn kind(&self) -> OriginKind {
            OriginKind::Share
        }

        fn name(&self) -> String {
            assert!(!self.0.is_empty(), "no name");
            self.0.to_owned()
        }

        fn identity(&self) -> String {
            self.name()
        }

        fn streams_max(&self) -> u32 {
            7
        }

        async fn open(&self, _: OriginPermit) -> Result<Arc<dyn PieceSource>, SourceError> {
            Err(SourceError::CalledOff)
        }
    }

    #[test]
    fn what_an_origin_says_is_handed_on_and_a_panic_of_it_is_no_panic_of_ours() {
        let named = Limited::new(Arc::new(Says("store http://me:secret@h/")), Vec::new());
        assert!(named.name().starts_with("store") && !named.name().contains("secret"));
        assert_eq!(named.tag(), OriginTag::of("store http://me:secret@h/"));
        assert_eq!((named.kind(), named.streams_max()), (OriginKind::Share, 7));
        let nameless = Limited::new(Arc::new(Says("")), Vec::new());
        assert_eq!(
            (nameless.name(), nameless.streams_max()),
            ("source".to_owned(), 1)
        );
    }
}
