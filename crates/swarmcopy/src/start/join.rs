//! How a copy joins its swarm: who is asked for others, and what this machine says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::{Hello, SourceId};
use swarmcopy_swarm::{SourceIds, SwarmConfig, tracker_name};
use tracing::Instrument;

use super::Prepared;
use crate::engine::{LAN, Named, OriginEntry};
use crate::policy::Policy;
use crate::{SourceKind, SourceState, discovery};

impl Prepared {
    /// The peers, the trackers and the local network, by which others are found.
    pub(super) fn named_ways(&self, ids: &SourceIds) -> Vec<Named> {
        if self.content.has_whole_files() {
            return Vec::new();
        }
        let trackers = self.content.trackers().into_iter().flatten();
        let trackers = trackers.map(|url| (SourceKind::Tracker, tracker_name(&url), None));
        let failure = self.session.lsd_failure.clone();
        let trouble = failure.map(|why| (SourceState::Down, why));
        let lan = (SourceKind::Discovery, LAN.to_owned(), trouble);
        let lan = Some(lan).filter(|_| self.session.config.lsd && !self.content.is_private());
        let peers = self.content.options.peers.iter();
        let peers = peers.map(|peer| (SourceKind::Peer, peer.clone(), None));
        let all = peers.chain(trackers).chain(lan);
        all.map(|(kind, name, trouble)| Named {
            id: ids.next(),
            kind,
            name,
            trouble,
        })
        .collect()
    }

    /// Has the embedder's ways to find peers asked until the copy ends.
    pub(super) fn ask_discoveries(&self) {
        if self.content.is_private() || self.content.has_whole_files() {
            return;
        }
        for discovery in &self.session.discoveries {
            let (discovery, id) = (Arc::clone(discovery), self.content.id());
            let asking = discovery::run(discovery, id, self.notes.0.clone());
            tokio::spawn(asking.in_current_span());
        }
    }

    /// What this machine tells others of ours about itself.
    pub(super) fn hello(
        &self,
        policy: &Policy,
        origins: &BTreeMap<SourceId, OriginEntry>,
    ) -> Hello {
        Hello {
            node: self.node,
            origins: origins.values().map(OriginEntry::tag).collect(),
            readers_max: policy.readers_max,
            group: Some(policy.group.clone()),
            class: policy.class(),
            ..Hello::default()
        }
    }

    pub(super) fn swarm_config(
        &self,
        have: PieceSet,
        ids: Arc<SourceIds>,
        hello: Hello,
    ) -> SwarmConfig {
        let session = &self.session;
        let private = self.content.is_private();
        let layout = Arc::clone(&self.content.layout);
        if self.content.has_whole_files() {
            // what nobody has verified yet is not handed on, nor taken from others
            return SwarmConfig::new(self.content.swarm_id, session.peer_id, layout);
        }
        let mut config = SwarmConfig::new(self.content.swarm_id, session.peer_id, layout);
        config.have = have;
        config.private = private;
        config.listener = Some(Arc::clone(&session.listener));
        config.lsd = session.lsd.clone().filter(|_| !private);
        config.hello = Some(hello);
        config.info_bytes = self.content.info_bytes();
        config.limit_down = Some(Arc::clone(&session.limit_down));
        config.limit_up = Some(Arc::clone(&session.limit_up));
        config.no_limit = self.free_networks();
        config.dht = session.dht.clone().filter(|_| !private);
        config.pex = session.config.pex;
        config.encryption = session.config.encryption.into();
        config.links_max = self.content.options.connections;
        config.trackers = self.content.trackers();
        config.public_trackers = self.content.public_trackers();
        config.private_redirects = self.content.redirects_privately();
        config.peers = self
            .content
            .options
            .peers
            .iter()
            .filter_map(|peer| peer.parse().ok())
            .collect();
        config.ids = ids;
        config
    }
}
