//! Fetches as the scheduler asks for them: each becomes a task.

use std::sync::Arc;

use swarmcopy_layout::Span;
use swarmcopy_scheduler::{JobId, SourceId};
use swarmcopy_sources::PieceSource;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Engine, OriginEntry, fetch};

impl Engine {
    pub(super) fn start_fetch(&mut self, job: JobId, source: SourceId, span: Span) {
        let from = match self.links.get(&source) {
            Some(link) => {
                let link: Arc<dyn PieceSource> = link.clone();
                Some(fetch::From::Ready(link))
            }
            None => self
                .origins
                .get(&source)
                .and_then(OriginEntry::opened)
                .map(fetch::From::Opening),
        };
        if let Some(kind) = self.account.kind(source) {
            let pieces = self.content.layout.pieces_of(span);
            self.arrivals.asked(pieces, kind);
        }
        let cancel = CancellationToken::new();
        self.jobs.insert(job, cancel.clone());
        self.account.fetch_begins(source);
        let fetch = fetch::Fetch {
            job,
            source,
            name: self.account.name(source).unwrap_or_default().to_owned(),
            span,
            from: from.unwrap_or(fetch::From::Gone),
            store: Arc::clone(&self.store),
            notes: self.notes.clone(),
            cancel,
        };
        let span = tracing::debug_span!("source", name = %fetch.name);
        self.tasks.spawn(fetch.run().instrument(span));
    }
}
