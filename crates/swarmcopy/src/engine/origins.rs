//! Shares and mirrors of one content: found at the start, opened with permits, closed when told.

use std::sync::Arc;

use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::{
    Event, Has, OriginKind, OriginPermit, OriginTag, Outcome, SourceId, SourceInfo,
};
use swarmcopy_sources::OriginSource;
use tokio::sync::watch;

use super::Engine;
use super::fetch::Opened;
use crate::SourceKind;

/// One origin.
#[derive(Debug)]
pub(crate) struct OriginEntry {
    source: Arc<dyn OriginSource>,
    opened: Option<Opened>,
    last_failure: Option<String>,
}

impl OriginEntry {
    pub(crate) fn new(source: Arc<dyn OriginSource>) -> Self {
        Self {
            source,
            opened: None,
            last_failure: None,
        }
    }

    /// Its name in the swarm.
    pub(crate) fn tag(&self) -> OriginTag {
        self.source.tag()
    }

    /// The open source, or the opening under way.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.opened.clone()
    }
}

impl Engine {
    /// Tells the scheduler which origins there are.
    pub(super) fn start_origins(&mut self) {
        let all: Vec<_> = self
            .origins
            .iter()
            .map(|(id, entry)| (*id, Arc::clone(&entry.source)))
            .collect();
        for (id, origin) in all {
            let kind = match origin.kind() {
                OriginKind::Mirror => SourceKind::Mirror,
                _ => SourceKind::Share,
            };
            self.account.source_up(id, kind, origin.name());
            self.tell(Event::SourceUp {
                source: id,
                info: SourceInfo::Origin {
                    kind: origin.kind(),
                    tag: origin.tag(),
                    streams_max: origin.streams_max(),
                },
            });
            let lacks = origin.lacks();
            if !lacks.is_empty() {
                let mut has = PieceSet::full(self.content.layout.pieces());
                for span in lacks {
                    for piece in self.content.layout.pieces_of(span) {
                        has.remove(piece);
                    }
                }
                let has = Has::Set(has);
                self.tell(Event::SourceHas { source: id, has });
            }
        }
    }

    /// Opens an origin in a task of its own; fetches wait for it.
    pub(super) fn open_origin(&mut self, permit: OriginPermit) {
        let Some(entry) = self.origins.get_mut(&permit.origin()) else {
            return;
        };
        let (tell, opened) = watch::channel(None);
        entry.opened = Some(opened);
        let source = Arc::clone(&entry.source);
        self.tasks.spawn(async move {
            let result = source.open(permit).await;
            // all fetches may have been called off
            let _ = tell.send(Some(result));
        });
    }

    /// Lets go of an origin; fetches that run end by their revoked permit.
    pub(super) fn close_origin(&mut self, source: SourceId) {
        if let Some(entry) = self.origins.get_mut(&source) {
            entry.opened = None;
        }
    }

    /// Keeps the first word of each new trouble with an origin for the admin.
    pub(super) fn note_failure(&mut self, source: SourceId, outcome: Outcome, why: String) {
        let Some(entry) = self.origins.get_mut(&source) else {
            return;
        };
        if outcome == Outcome::Cancelled || entry.last_failure.as_ref() == Some(&why) {
            return;
        }
        tracing::warn!("{why}");
        entry.last_failure = Some(why);
    }

    /// What origins last complained of, for the sentence at the end.
    pub(super) fn origin_failures(&self) -> Vec<String> {
        self.origins
            .values()
            .filter_map(|entry| entry.last_failure.clone())
            .collect()
    }
}
