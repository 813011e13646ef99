//! An opened share: it cuts a fetch into parts and hands them to the share's threads.

use std::sync::Arc;

use async_trait::async_trait;
use swarmcopy_layout::Span;

use super::handles::Pattern;
use super::pool::Pool;
use super::read::{Folder, Part};
use crate::error::FirstLack;
use crate::gate::Gate;
use crate::{Limiter, PieceSource, SourceError, SpanSink, rate};

/// What a thread does between two looks at the waiting fetch: large, because each costs a wake-up.
const PART_LEN: u64 = 8 * 1024 * 1024;

/// A share for as long as a permit lives.
#[derive(Debug)]
pub(super) struct ShareReader {
    folder: Arc<Folder>,
    gate: Gate,
    pool: Arc<Pool>,
    limits: Vec<Arc<Limiter>>,
}

impl ShareReader {
    pub(super) fn new(
        folder: Arc<Folder>,
        gate: Gate,
        pool: Arc<Pool>,
        limits: Vec<Arc<Limiter>>,
    ) -> Self {
        Self {
            folder,
            gate,
            pool,
            limits,
        }
    }

    fn part(&self, span: Span, sink: &SpanSink) -> Part {
        let pattern = if self.pool.is_shared() {
            Pattern::Scattered
        } else {
            Pattern::Forward
        };
        Part {
            folder: Arc::clone(&self.folder),
            span,
            sink: sink.clone(),
            gate: self.gate.clone(),
            pattern,
        }
    }
}

impl Drop for ShareReader {
    fn drop(&mut self) {
        self.pool.rest();
    }
}

#[async_trait]
impl PieceSource for ShareReader {
    async fn fetch(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        self.gate.check()?;
        let admission = self.pool.admit().await?;
        let mut lack = FirstLack::default();
        let mut rest = span;
        while let Some(open) = sink.missing(rest) {
            self.gate.check()?;
            rest = Span::between(open.start(), rest.end());
            let part = rest.head(rate::quantum_of(&self.limits).unwrap_or(PART_LEN));
            rate::acquire_all(&self.limits, part.len()).await;
            rest = rest.after(part.len());
            let part = self.part(part, sink);
            lack.note(
                admission
                    .run(move |handles, ticket| part.read(handles, ticket))
                    .await
                    .flatten(),
            )?;
        }
        lack.into_result()
    }
}
