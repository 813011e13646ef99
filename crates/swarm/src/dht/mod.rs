//! The distributed hash table (BEP 5): finding peers without a tracker, and being found.
//!
//! The table itself is `mainline`'s (`table.rs`; `none.rs` stands for it in a build without it). What must stay true: a private torrent is never named in it, a lookup brings a
//! limited number of addresses, and nobody waits for those it brings: anybody can put any there.

#[cfg(not(feature = "dht"))]
mod none;
#[cfg(feature = "dht")]
mod table;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::command::Command;
use crate::common::Common;
use crate::{SwarmError, onlooker};
#[cfg(not(feature = "dht"))]
use none::Table;
#[cfg(feature = "dht")]
use table::Table;

/// Pause between lookups of a content.
const EVERY: Duration = Duration::from_mins(5);
/// Pause before the second lookup of a content that knows nobody; doubled each time.
const LONELY_MIN: Duration = Duration::from_secs(1);

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
pub struct Dht(Table);

impl Dht {
    /// Opens the socket. Looks names up, so it may block for some seconds.
    ///
    /// # Errors
    /// [`SwarmError::Dht`]: there is no socket, or this build is one without the feature `dht`.
    pub fn start(options: &DhtOptions) -> Result<Arc<Self>, SwarmError> {
        let node = Table::start(&options.nodes, options.ip).map_err(SwarmError::Dht)?;
        Ok(Arc::new(Self(node)))
    }
}

/// Looks for peers again and again, until the swarm is stopped.
pub(crate) async fn run(common: Arc<Common>, dht: Arc<Dht>, found: mpsc::Sender<Command>) {
    let looking = async {
        let mut lonely = LONELY_MIN;
        loop {
            // nobody is to be led to who only looks on
            let looks_on = onlooker::is_name(&common.peer_id);
            let port = if looks_on { 0 } else { common.listen_port };
            let (dht, found) = (Arc::clone(&dht), found.clone());
            let content = common.info_hash;
            let looked = tokio::task::spawn_blocking(move || dht.0.look(content, port, &found));
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
