//! No table, in a build without the feature `dht`: it can't be entered.

use std::io;
use std::net::Ipv4Addr;

use tokio::sync::mpsc;

use crate::address_book::Via;
use crate::command::Command;

/// A node that can't be.
#[derive(Debug, Clone)]
pub(super) enum Table {}

impl Table {
    /// Says that there is none.
    pub(super) fn start(_nodes: &[String], _ip: Option<Ipv4Addr>) -> io::Result<Self> {
        Err(io::Error::other("this build has none (feature `dht`)"))
    }

    /// Finds nobody.
    #[expect(clippy::unused_self, reason = "it stands for one that looks")]
    pub(super) fn look(&self, _content: [u8; 20], _port: u16, found: &mpsc::Sender<Command>) {
        let (addrs, via) = (Vec::new(), Via::Dht);
        // nobody waits for an answer that can't come
        let _ = found.blocking_send(Command::Addresses { addrs, via });
    }
}
