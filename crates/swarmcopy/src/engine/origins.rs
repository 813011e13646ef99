//! Shares and mirrors of one content: found at the start, opened with permits, closed when told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::{Event, Has, OriginKind, OriginPermit, Preference, SourceId, SourceInfo};
use tokio::sync::watch;
use tracing::Instrument;

use super::Engine;
use super::entry::OriginEntry;
use super::fetch::caught;
use crate::SourceKind;
use crate::shares::Looked;

impl Engine {
    /// Tells the scheduler which origins there are.
    pub(super) fn start_origins(&mut self) {
        let all: Vec<_> = self.origins.keys().copied().collect();
        for id in all {
            self.origin_up(id);
        }
    }

    /// A share was looked at again.
    pub(super) fn share_looked(&mut self, id: SourceId, looked: Looked, again: Duration) {
        match looked {
            Ok((share, locks)) => {
                self.origins.insert(id, OriginEntry::new(share));
                self.guard_late(locks);
                self.origin_up(id);
            }
            Err(trouble) => {
                if let Some(standing) = self.account.standing(id) {
                    let next = Instant::now() + again;
                    standing.fails(trouble.state(), trouble.to_string(), Some(next));
                }
            }
        }
    }

    pub(super) fn origin_up(&mut self, id: SourceId) {
        let entry = self.origins.get(&id);
        let origin = entry.map(|entry| (Arc::clone(&entry.source), entry.preference));
        if let Some((origin, preference)) = origin {
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
            if preference != Preference::default() {
                let source = id;
                self.tell(Event::Preferred { source, preference });
            }
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
        let span = tracing::debug_span!("source", name = %source.name());
        let open = async move {
            let result = caught(&source.name(), source.open(permit)).await;
            // all fetches may have been called off
            let _ = tell.send(Some(result));
        };
        self.tasks.spawn(open.instrument(span));
    }

    /// Lets go of an origin; fetches that run end by their revoked permit.
    pub(super) fn close_origin(&mut self, source: SourceId) {
        if let Some(entry) = self.origins.get_mut(&source) {
            entry.opened = None;
        }
    }

    /// Takes down when origins that are in trouble are tried again.
    pub(super) fn look_at_tries(&mut self) {
        let now = self.clock.now();
        let tries: Vec<_> = self.scheduler.origin_tries(now).collect();
        for (id, at) in tries {
            let at = self.clock.at(at).into_std();
            if let Some(standing) = self.account.standing(id) {
                standing.tries_at(at);
            }
        }
    }
}
