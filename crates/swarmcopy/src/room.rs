//! Looking on at a room: who copies or serves a content, and how each machine does.
//!
//! Whoever looks on takes nothing, gives nothing and counts for nothing: machines of ours do not even hold a place for
//! it. See `swarmcopy_swarm::Onlooker`.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use swarmcopy_bt_wire::extension::{
    DecisionStatus, MachineStatus, SourceStatus, StatusQuestion,
};
pub use swarmcopy_swarm::Sighting;
use swarmcopy_swarm::{Onlooker, SwarmConfig};

use crate::{Content, CopyOptions, Error, ErrorKind, Session};

/// Sightings that may wait for who reads them.
const SIGHTINGS_MAX: usize = 1024;

/// A room that is looked at. Dropping it ends that.
#[derive(Debug)]
pub struct Room {
    onlooker: Onlooker,
    sightings: mpsc::Receiver<Sighting>,
}

impl Session {
    /// Looks on at the room of a content from now on, found by the ways of this session, of the content's own
    /// trackers and of its options. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If the content is never copied among machines: some of its files have no hashes of pieces.
    pub fn look_on(&self, content: &Content, options: &CopyOptions) -> Result<Room, Error> {
        let content = content.clone().with_options(options.clone());
        if content.has_whole_files() {
            let message =
                "machines do not copy this from each other: files have no hashes of pieces";
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let inner = &self.inner;
        let layout = Arc::clone(&content.layout);
        let mut config = SwarmConfig::new(content.swarm_id, inner.peer_id, layout);
        config.private = content.is_private();
        config.listener = Some(Arc::clone(&inner.listener));
        config.lsd.clone_from(&inner.lsd);
        config.dht.clone_from(&inner.dht);
        config.pex = inner.config.pex;
        config.encryption = inner.config.encryption.into();
        config.trackers = content.trackers();
        config.public_trackers = content.public_trackers();
        config.private_redirects = content.redirects_privately();
        let peers = content.options.peers.iter();
        config.peers = peers.filter_map(|peer| peer.parse().ok()).collect();
        let (send, sightings) = mpsc::channel(SIGHTINGS_MAX);
        let cancel: &CancellationToken = &inner.quit;
        Ok(Room {
            onlooker: Onlooker::start(config, send, cancel),
            sightings,
        })
    }
}

impl Room {
    /// The next thing that is seen; `None` when the session has ended. May be dropped at any await.
    pub async fn next(&mut self) -> Option<Sighting> {
        self.sightings.recv().await
    }

    /// Asks a machine of ours for more than all are asked; the answer comes as a [`Sighting`], or not.
    pub fn ask(&self, id: u64, question: StatusQuestion) {
        self.onlooker.ask(id, question);
    }

    /// Looks at the machine that listens there, too.
    pub fn meet(&self, addr: SocketAddr) {
        self.onlooker.meet(addr);
    }

    /// Looks no more, and says so to the trackers; gives up after a few seconds.
    pub async fn close(self) {
        self.onlooker.shutdown().await;
    }
}
