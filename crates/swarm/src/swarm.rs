//! The handle to a running swarm: one content, its links and its discovery.
//!
//! What must stay true: none of its methods waits but `shutdown`, which waits at most a few
//! seconds.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use swarmcopy_layout::{PieceIndex, Span};
use swarmcopy_scheduler::{Proof, SourceId};
use tokio::net::lookup_host;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::address_book::Via;
use crate::clock::Clock;
use crate::command::Command;
use crate::common::{Common, Totals};
use crate::discovery::{Way, Ways};
use crate::hub::{Hub, HubSetup};
use crate::limits::{CONNECTIONS_MAX, LANES_MAX};
use crate::uplink::SharedUplink;
use crate::witnesses::Witnesses;
use crate::{
    BlockReader, HaveLog, Inquiry, Listener, Lsd, PeerName, SwarmConfig, SwarmEvent, dht,
    handshake, metadata, tracker_name, trackers,
};

/// Commands that may wait for the hub.
const COMMANDS_MAX: usize = 1024;
/// Time for trackers to hear that we leave, and for links to end.
const SHUTDOWN_TIME: Duration = Duration::from_secs(3);
/// Time to look a name up.
const LOOKUP_TIME: Duration = Duration::from_secs(5);
/// Pause before a name that was not found is looked up again.
const LOOKUP_RETRY: Duration = Duration::from_secs(5);

/// A content among its peers. Dropping it stops it without a word to the trackers.
#[derive(Debug)]
pub struct Swarm {
    common: Arc<Common>,
    commands: mpsc::Sender<Command>,
    tasks: TaskTracker,
    listener: Option<Arc<Listener>>,
    lsd: Option<Arc<Lsd>>,
}

/// Counters of a swarm, links that are gone included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SwarmStats {
    /// Links that stand.
    pub links: usize,
    /// Addresses of others that are known.
    pub known: usize,
    /// Bytes of blocks that came and were used.
    pub bytes_down: u64,
    /// Bytes of blocks that were sent.
    pub bytes_up: u64,
    /// Bytes of blocks that came unasked, late or twice.
    pub wasted: u64,
}

impl Swarm {
    /// Starts links and discovery; what happens is told by `events`, whose receiver must be read.
    /// Must be called in a tokio runtime. Everything stops when `cancel` is cancelled.
    pub fn start(
        config: SwarmConfig,
        blocks: Arc<dyn BlockReader>,
        events: mpsc::Sender<SwarmEvent>,
        cancel: &CancellationToken,
    ) -> Self {
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let listener = config.listener.clone();
        // without a port there is nothing to announce
        let lsd = config
            .lsd
            .clone()
            .filter(|_| !config.private && listener.is_some());
        let dht = config.dht.clone().filter(|_| !config.private);
        let way = |on: bool| if on { Way::Waiting } else { Way::Off };
        let bind_ip = bind_ip(&config);
        let asked = trackers::Asked::of(&config, bind_ip);
        let peers = config.peers.clone();
        let setup = HubSetup {
            links_max: config.links_max.max(1),
            ways: Ways {
                trackers: way(asked.tiers.iter().any(|tier| !tier.is_empty())),
                lsd: way(lsd.is_some()),
                named: !peers.is_empty(),
                looking_up: peers.len(),
                known: false,
                tried: false,
            },
        };
        let common = Arc::new(common(config, blocks, events, commands.clone(), cancel));
        let tasks = TaskTracker::new();
        let hub = Hub::new(Arc::clone(&common), setup).run(received);
        tasks.spawn(hub.in_current_span());
        let asking = trackers::run(Arc::clone(&common), asked);
        tasks.spawn(asking.in_current_span());
        for peer in peers {
            spawn_naming(&tasks, peer, commands.clone(), &common.cancel);
        }
        if let Some(dht) = dht {
            let looking = dht::run(Arc::clone(&common), dht, commands.clone());
            tasks.spawn(looking.in_current_span());
        }
        if let Some(listener) = &listener {
            listener.register(common.info_hash, commands.clone());
        }
        if let Some(lsd) = &lsd {
            lsd.register(&common);
        }
        tasks.close();
        Self {
            common,
            commands,
            tasks,
            listener,
            lsd,
        }
    }

    /// Adds the address of a peer that a person named; it is tried until it answers.
    pub fn add_peer(&self, addr: SocketAddr) {
        self.command(Command::Addresses {
            addrs: vec![addr],
            via: Via::Named,
        });
    }

    /// Adds a peer that a person named; its name is looked up, and it is tried until it answers.
    pub fn name_peer(&self, peer: PeerName) {
        let cancel = &self.common.cancel;
        spawn_naming(&self.tasks, peer, self.commands.clone(), cancel);
    }

    /// Adds a verified piece: all peers are told, and it is served from now on.
    pub fn have(&self, piece: PieceIndex) {
        self.common.have.append(piece);
    }

    /// Tells the trackers that the content is complete.
    pub fn completed(&self) {
        self.common.totals.completed.cancel();
    }

    /// Closes the link to a peer that lied, and leaves the peer alone for ten minutes; one whose link is gone is left
    /// alone, too, if it was among the last [`GONE_MAX`](crate::GONE_MAX).
    pub fn ban(&self, id: SourceId, proof: Proof) {
        self.command(Command::Ban { id, proof });
    }

    /// Its counters.
    pub fn stats(&self) -> SwarmStats {
        let totals = &self.common.totals;
        SwarmStats {
            links: totals.links.load(Ordering::Relaxed),
            known: totals.known.load(Ordering::Relaxed),
            bytes_down: totals.bytes_down.load(Ordering::Relaxed),
            bytes_up: totals.bytes_up.load(Ordering::Relaxed),
            wasted: totals.wasted.load(Ordering::Relaxed),
        }
    }

    /// Closes all links and tells the trackers that we leave; gives up after a few seconds.
    pub async fn shutdown(self) {
        self.common.cancel.cancel();
        if timeout(SHUTDOWN_TIME, self.tasks.wait()).await.is_err() {
            tracing::debug!("left without the last answers");
        }
    }

    fn command(&self, command: Command) {
        if self.commands.try_send(command).is_err() {
            tracing::warn!("the swarm is too busy to hear a command");
        }
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.common.cancel.cancel();
        if let Some(listener) = &self.listener {
            listener.unregister(&self.common.info_hash);
        }
        if let Some(lsd) = &self.lsd {
            lsd.unregister(&self.common.info_hash);
        }
    }
}

/// Fetches the info dictionary of a content that is known by a magnet link alone, from whatever
/// peers the configured ways of discovery bring; the layout, the pieces and the limits of the
/// configuration don't matter. Waits until some peer has sent it, and tells `inquiry` what others
/// answered meanwhile: the caller sets the deadline. The future may be dropped at any await.
pub async fn fetch_metadata(config: SwarmConfig, inquiry: &Inquiry) -> Bytes {
    let (commands, found) = mpsc::channel(COMMANDS_MAX);
    let (events, mut told) = mpsc::channel(COMMANDS_MAX);
    let lsd = config.lsd.clone().filter(|_| !config.private);
    let dht = config.dht.clone().filter(|_| !config.private);
    let listener = config.listener.clone();
    let bind_ip = bind_ip(&config);
    let asked = trackers::Asked::of(&config, bind_ip);
    let peers = config.peers.clone();
    let trackers = config.trackers.iter().flatten().map(tracker_name);
    let named = peers.iter().map(|peer| peer.as_str().to_owned());
    trackers.chain(named).for_each(|name| inquiry.asks(name));
    let cancel = CancellationToken::new();
    let _stops_discovery = cancel.clone().drop_guard();
    let common = common(config, Arc::new(Nothing), events, commands.clone(), &cancel);
    let common = Arc::new(common);
    let tasks = TaskTracker::new();
    tasks.spawn(trackers::run(Arc::clone(&common), asked));
    let heard = inquiry.clone();
    tasks.spawn(async move {
        while let Some(event) = told.recv().await {
            if let SwarmEvent::TrackerNote { tracker, note, .. } = event {
                heard.note_tracker(tracker, &note);
            }
        }
    });
    for peer in peers {
        spawn_naming(&tasks, peer, commands.clone(), &cancel);
    }
    let commands = common.hub.clone();
    if let Some(dht) = dht {
        tasks.spawn(dht::run(Arc::clone(&common), dht, commands.clone()));
    }
    let _reachable = Reachable {
        info_hash: common.info_hash,
        listener: listener.filter(|it| it.register_if_free(common.info_hash, commands)),
        lsd: lsd.filter(|lsd| lsd.register_if_free(&common)),
    };
    let ours = handshake::ours(common.info_hash, common.peer_id);
    metadata::fetch(ours, (bind_ip, common.encryption), found, inquiry).await
}

/// A content that peers can reach us for, though it is not copied; until this is dropped.
#[derive(Debug)]
pub(crate) struct Reachable {
    pub(crate) info_hash: [u8; 20],
    pub(crate) listener: Option<Arc<Listener>>,
    pub(crate) lsd: Option<Arc<Lsd>>,
}

impl Drop for Reachable {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.unregister(&self.info_hash);
        }
        if let Some(lsd) = &self.lsd {
            lsd.unregister(&self.info_hash);
        }
    }
}

/// The store of a content that is not copied.
#[derive(Debug)]
pub(crate) struct Nothing;

#[async_trait]
impl BlockReader for Nothing {
    async fn read(&self, _span: Span) -> io::Result<Vec<Bytes>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

pub(crate) fn bind_ip(config: &SwarmConfig) -> Option<IpAddr> {
    config.bind_ip.or_else(|| {
        config
            .listener
            .as_ref()
            .and_then(|listener| listener.bound_ip())
    })
}

pub(crate) fn common(
    config: SwarmConfig,
    blocks: Arc<dyn BlockReader>,
    events: mpsc::Sender<SwarmEvent>,
    hub: mpsc::Sender<Command>,
    cancel: &CancellationToken,
) -> Common {
    Common {
        bind_ip: bind_ip(&config),
        info_hash: config.info_hash,
        peer_id: config.peer_id,
        uplink: SharedUplink::new(Clock::start(), config.layout.pieces()),
        layout: config.layout,
        have: HaveLog::new(config.have),
        blocks,
        events,
        hub,
        ids: config.ids,
        hello: config.hello,
        info_bytes: config.info_bytes,
        limit_down: config.limit_down,
        limit_up: config.limit_up,
        no_limit: config.no_limit,
        witnesses: Witnesses::default(),
        pex: config.pex && !config.private,
        client: config.client,
        encryption: config.encryption,
        block_len: config.block_len,
        status: config.status,
        connections: config.connections.clamp(1, CONNECTIONS_MAX),
        lanes: Arc::new(Semaphore::new(LANES_MAX)),
        listen_port: config
            .listener
            .map_or(0, |listener| listener.local_addr().port()),
        totals: Totals::default(),
        cancel: cancel.child_token(),
    }
}

fn spawn_naming(
    tasks: &TaskTracker,
    peer: PeerName,
    commands: mpsc::Sender<Command>,
    cancel: &CancellationToken,
) {
    let cancel = cancel.clone();
    let naming = async move {
        cancel.run_until_cancelled(name(peer, commands)).await;
    };
    tasks.spawn(naming.in_current_span());
}

/// Looks a named peer up until it is found.
pub(crate) async fn name(peer: PeerName, commands: mpsc::Sender<Command>) {
    let mut first = true;
    loop {
        let found = timeout(LOOKUP_TIME, lookup_host(peer.as_str())).await;
        let found = match found {
            Ok(Ok(addrs)) => Ok(addrs.collect()),
            Ok(Err(error)) => Err(format!("its address can't be found: {error}")),
            Err(_) => Err("its address can't be found: no name server answers".to_owned()),
        };
        let is_found = found.is_ok();
        let named = Command::NameResolved {
            peer: peer.as_str().to_owned(),
            found,
        };
        let looked_up = std::mem::take(&mut first).then_some(Command::NamesTried);
        for command in std::iter::once(named).chain(looked_up) {
            // the hub is gone only when the swarm is
            let _ = commands.send(command).await;
        }
        if is_found {
            return;
        }
        tracing::warn!(%peer, "cannot find the address of a named peer");
        sleep(LOOKUP_RETRY).await;
    }
}

#[cfg(test)]
mod tests;
