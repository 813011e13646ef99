//! The table of the crate `mainline`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use mainline::Id;
use tokio::sync::mpsc;

use crate::address_book::Via;
use crate::command::Command;

/// Addresses taken from one lookup.
const FOUND_MAX: usize = 200;

/// A node of it.
#[derive(Debug, Clone)]
pub(super) struct Table(mainline::Dht);

impl Table {
    /// Opens the socket.
    pub(super) fn start(nodes: &[String], ip: Option<Ipv4Addr>) -> io::Result<Self> {
        let mut builder = mainline::Dht::builder();
        if !nodes.is_empty() {
            builder.bootstrap(nodes);
        }
        if let Some(ip) = ip {
            builder.bind_address(ip);
        }
        Ok(Self(builder.build()?))
    }

    /// Looks for peers of a content, and says that it can be had at `port` here. Blocks for some seconds.
    #[expect(
        deprecated,
        reason = "a lookup has a thread of its own: the calls that wait are what it needs"
    )]
    pub(super) fn look(&self, content: [u8; 20], port: u16, found: &mpsc::Sender<Command>) {
        let content = Id::from(content);
        let mut left = FOUND_MAX;
        for peers in self.0.get_peers(content) {
            let addrs: Vec<_> = peers.into_iter().map(SocketAddr::from).take(left).collect();
            left = left.saturating_sub(addrs.len());
            let via = Via::Dht;
            if found
                .blocking_send(Command::Addresses { addrs, via })
                .is_err()
                || left == 0
            {
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
