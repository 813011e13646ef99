//! What all copies of one process share, as they see it.

use std::sync::Arc;

use swarmcopy_sources::Limiter;
use swarmcopy_swarm::{Dht, Listener, Lsd};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::copy::Copy;
use crate::discovery::Discovery;
use crate::registry::Registry;

/// The insides of a session.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) listener: Arc<Listener>,
    pub(crate) lsd: Option<Arc<Lsd>>,
    /// Why there is no local discovery though it was asked for.
    pub(crate) lsd_failure: Option<String>,
    pub(crate) dht: Option<Arc<Dht>>,
    pub(crate) limit_down: Arc<Limiter>,
    pub(crate) limit_up: Arc<Limiter>,
    pub(crate) peer_id: [u8; 20],
    pub(crate) stop: CancellationToken,
    /// Ends what copies need while they stop: the listener, local discovery, links.
    pub(crate) quit: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// The copies by content.
    pub(crate) copies: Registry<Copy>,
    /// Ways to find peers of the embedder's own.
    pub(crate) discoveries: Vec<Arc<dyn Discovery>>,
}
