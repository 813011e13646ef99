//! The distributed hash table (BEP 5): finding peers without a tracker, and being found.
//!
//! The table itself is `mainline`'s. What must stay true: a private torrent is never named in it, a lookup brings a
//! limited number of addresses, and nobody waits for those it brings: anybody can put any there.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mainline::Id;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::common::Common;
use crate::hub::{Command, Via};
use crate::{SwarmError, onlooker};

/// Pause between lookups of a content.
const EVERY: Duration = Duration::from_mins(5);
/// Pause before the second lookup of a content that knows nobody; doubled each time.
const LONELY_MIN: Duration = Duration::from_secs(1);
/// Addresses taken from one lookup.
const FOUND_MAX: usize = 200;

/// How the table is entered.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DhtOptions {
    /// Nodes to begin at, as `HOST:PORT`; without any the well-known ones.
    pub nodes: Vec<String>,
    /// The address to send from; without one the system chooses.
    pub ip: Option<Ipv4Addr>,
}

impl DhtOptions {
    /// Begins at these nodes, and sends from this address.
    pub fn new(nodes: Vec<String>, ip: Option<Ipv4Addr>) -> Self {
        Self { nodes, ip }
    }
}

/// A node of the table, for all contents of a process.
#[derive(Debug, Clone)]
pub struct Dht(mainline::Dht);

impl Dht {
    /// Opens the socket. Looks names up, so it may block for some seconds.
    pub fn start(options: &DhtOptions) -> Result<Arc<Self>, SwarmError> {
        let mut builder = mainline::Dht::builder();
        if !options.nodes.is_empty() {
            builder.bootstrap(&options.nodes);
        }
        if let Some(ip) = options.ip {
            builder.bind_address(ip);
        }
        let node = builder.build().map_err(SwarmError::Dht)?;
        Ok(Arc::new(Self(node)))
    }

    /// Looks for peers of a content, and says that it can be had at `port` here. Blocks for some seconds.
    #[expect(
        deprecated,
        reason = "a lookup has a thread of its own: the calls that wait are what it needs"
    )]
    fn look(&self, content: Id, port: u16, found: &mpsc::Sender<Command>) {
        let mut left = FOUND_MAX;
        for peers in self.0.get_peers(content) {
            let addrs: Vec<_> = peers.into_iter().map(SocketAddr::from).take(left).collect();
            left = left.saturating_sub(addrs.len());
            let via = Via::Dht;
            if found.blocking_send(Command::Found { addrs, via }).is_err() || left == 0 {
                break;
            }
        }
        if port != 0
            && let Err(error) = self.0.announce_peer(content, Some(port))
        {
            tracing::debug!(%error, "not told to the distributed hash table");
        }
    }
}

/// Looks for peers again and again, until the swarm is stopped.
pub(crate) async fn run(common: Arc<Common>, dht: Arc<Dht>, found: mpsc::Sender<Command>) {
    let Ok(content) = Id::from_bytes(common.info_hash) else {
        return;
    };
    let looking = async {
        let mut lonely = LONELY_MIN;
        loop {
            // nobody is to be led to who only looks on
            let looks_on = onlooker::is_name(&common.peer_id);
            let port = if looks_on { 0 } else { common.listen_port };
            let (dht, found) = (Arc::clone(&dht), found.clone());
            let looked = tokio::task::spawn_blocking(move || dht.look(content, port, &found));
            if looked.await.is_err() {
                return;
            }
            let known = common
                .totals
                .known
                .load(std::sync::atomic::Ordering::Relaxed);
            let pause = if known == 0 { lonely } else { EVERY };
            lonely = (lonely * 2).min(EVERY);
            sleep(pause).await;
        }
    };
    common.cancel.run_until_cancelled(looking).await;
}
