//! What happens while a copy runs: peers and origins that are named, files that are done, news to be told.

use std::sync::Arc;

use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::SourceId;
use swarmcopy_sources::{OriginSource, RangeOrigin};
use swarmcopy_swarm::PeerName;

use super::entry::OriginEntry;
use super::standing::Named;
use super::{Engine, Note};
use crate::copy::Way;
use crate::event::Event;
use crate::{Progress, SourceKind, SourceState, mirrors};

impl Engine {
    /// Somebody to copy from was named, whom this copy can use: [`Way::check`].
    pub(super) fn take_way(&mut self, way: Way) {
        match way {
            Way::Peer(peer) => self.take_peer(peer),
            Way::Mirror(url) => self.take_mirror(url),
            Way::Range(source) => {
                let layout = Arc::clone(&self.content.layout);
                let limits = self.late.limits.all();
                let origin = RangeOrigin::new(source, layout, limits);
                self.take_origin(self.late.ids.next(), Arc::new(origin));
            }
        }
    }

    fn take_peer(&mut self, peer: PeerName) {
        let name = peer.to_string();
        if self.account.named(SourceKind::Peer, &name).is_none() {
            self.account.name_all(vec![Named {
                id: self.late.ids.next(),
                kind: SourceKind::Peer,
                name,
                trouble: None,
            }]);
        }
        self.swarm.name_peer(peer);
    }

    /// Makes the mirror ready in a task: its name may have to be looked up.
    fn take_mirror(&mut self, url: String) {
        if self.content.options.mirrors.contains(&url) {
            return;
        }
        self.content.options.mirrors.push(url.clone());
        let (id, content) = (self.late.ids.next(), self.content.clone());
        let (options, limits) = (self.late.mirrors.clone(), self.late.limits.clone());
        let notes = self.notes.clone();
        self.tasks.spawn(async move {
            let made = mirrors::named(&content, &url, (&options, &limits)).await;
            // the loop may have ended
            let _ = notes.send(Note::Mirror { id, made }).await;
        });
    }

    pub(super) fn mirror_made(
        &mut self,
        id: SourceId,
        made: Result<Arc<dyn OriginSource>, (String, String)>,
    ) {
        match made {
            Ok(mirror) => self.take_origin(id, mirror),
            Err((name, why)) => self.account.name_all(vec![Named {
                id,
                kind: SourceKind::Mirror,
                name,
                trouble: Some((SourceState::Refused, why)),
            }]),
        }
    }

    fn take_origin(&mut self, id: SourceId, origin: Arc<dyn OriginSource>) {
        self.origins.insert(id, OriginEntry::new(origin));
        self.origin_up(id);
    }

    /// Tells of the files that have their last piece now.
    pub(super) fn tell_files_done(&mut self, piece: PieceIndex) {
        let layout = &self.content.layout;
        for file in self.lacking.came(layout, piece) {
            if let Some(entry) = layout.file(file) {
                let path = entry.path().as_str().to_owned();
                self.outlets.events.tell(Event::FileDone(path));
            }
        }
    }

    /// Tells what changed.
    pub(super) fn tell_news(&mut self, look: &Progress) {
        for event in self.news.take(look) {
            tracing::debug!(?event, "changed");
            self.outlets.events.tell(event);
        }
    }
}
