//! What a swarm is told at its start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_address::{Shown, ShownAll, debug_shown};
use swarmcopy_layout::{Layout, PieceSet};
use swarmcopy_scheduler::Hello;
use swarmcopy_sources::{Limiter, Networks};
use url::Url;

use crate::limits::{BLOCK_LEN_DEFAULT, CONNECTIONS_MAX, LINKS_MAX_DEFAULT};
use crate::{Dht, Encryption, Listener, Lsd, SourceIds, StatusBoard, SwarmError};

/// The address of a peer as a person names it: `HOST:PORT`, `192.0.2.7:6881`, `[2001:db8::1]:6881`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PeerName(String);

impl PeerName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PeerName {
    type Err = SwarmError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = text.parse::<SocketAddr>().is_ok()
            || text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty()
                    && host
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
                    && port.parse::<u16>().is_ok_and(|port| port != 0)
            });
        let named = good.then(|| Self(text.to_owned()));
        named.ok_or_else(|| SwarmError::PeerName(Shown(text).to_string()))
    }
}

impl From<SocketAddr> for PeerName {
    fn from(addr: SocketAddr) -> Self {
        Self(addr.to_string())
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a swarm is told at its start. Made by [`SwarmConfig::new`]; the rest are plain fields.
#[derive(Clone)]
#[non_exhaustive]
pub struct SwarmConfig {
    /// The content's name in the swarm.
    pub info_hash: [u8; 20],
    /// Our name in the swarm, random for each start.
    pub peer_id: [u8; 20],
    /// Files and pieces.
    pub layout: Arc<Layout>,
    /// The pieces that are verified already.
    pub have: PieceSet,
    /// Whether only the torrent's own trackers may be told of it (BEP 27): no local discovery, no
    /// peer exchange.
    pub private: bool,
    /// Where peers reach us; without it only outgoing links are made.
    pub listener: Option<Arc<Listener>>,
    /// Local discovery, shared by the contents of a process; `None` turns it off.
    pub lsd: Option<Arc<Lsd>>,
    /// The distributed hash table, shared by the contents of a process; `None` leaves it alone.
    pub dht: Option<Arc<Dht>>,
    /// The address that outgoing connections come from; by default that of the listener if it is
    /// bound to one.
    pub bind_ip: Option<IpAddr>,
    /// Most links.
    pub links_max: usize,
    /// What machines of ours are told about this one.
    pub hello: Option<Hello>,
    /// The bencoded info dictionary, for peers that have only a magnet link.
    pub info_bytes: Option<Bytes>,
    /// Limit of what comes in.
    pub limit_down: Option<Arc<Limiter>>,
    /// Limit of what goes out.
    pub limit_up: Option<Arc<Limiter>>,
    /// Where peers are whom neither limit holds for.
    pub no_limit: Networks,
    /// Whether addresses are exchanged with peers (BEP 11).
    pub pex: bool,
    /// Trackers in tiers (BEP 12).
    pub trackers: Vec<Vec<Url>>,
    /// Those of them that are asked at public addresses alone: a document from the internet named them.
    pub public_trackers: Vec<Url>,
    /// Whether a tracker on the internet may redirect to a private address.
    pub private_redirects: bool,
    /// Peers that a person named.
    pub peers: Vec<PeerName>,
    /// Numbers for the links.
    pub ids: Arc<SourceIds>,
    /// The program's name and version as peers see it.
    pub client: String,
    /// Whether links that we dial are encrypted; the listener has its own word about those that come.
    pub encryption: Encryption,
    /// Longest block to agree on with machines of ours, at least 16 KiB.
    pub block_len: u32,
    /// Connections to one machine of ours where one does not fill the line; 1 turns more of them
    /// off, and [`CONNECTIONS_MAX`] is the most.
    pub connections: usize,
    /// What onlookers are told of this machine; without it they are sent away.
    pub status: Option<Arc<StatusBoard>>,
}

debug_shown!(SwarmConfig {
    info_hash, peer_id, layout, have, private, listener, lsd, dht, bind_ip, links_max, hello, info_bytes,
    limit_down, limit_up, no_limit, pex, peers, ids, client, encryption, block_len, connections, status,
    private_redirects;
    trackers: ShownAll(trackers.iter().flatten()),
    public_trackers: ShownAll(public_trackers.iter()),
});

impl SwarmConfig {
    /// A swarm of `layout` under these names, with nothing verified, without discovery or limits.
    pub fn new(info_hash: [u8; 20], peer_id: [u8; 20], layout: Arc<Layout>) -> Self {
        Self {
            info_hash,
            peer_id,
            have: PieceSet::empty(layout.pieces()),
            layout,
            private: false,
            listener: None,
            lsd: None,
            dht: None,
            bind_ip: None,
            links_max: LINKS_MAX_DEFAULT,
            hello: None,
            info_bytes: None,
            limit_down: None,
            limit_up: None,
            no_limit: Networks::default(),
            pex: true,
            trackers: Vec::new(),
            public_trackers: Vec::new(),
            private_redirects: false,
            peers: Vec::new(),
            ids: Arc::new(SourceIds::new()),
            client: concat!("swarmcopy ", env!("CARGO_PKG_VERSION")).to_owned(),
            encryption: Encryption::Accept,
            connections: CONNECTIONS_MAX,
            block_len: BLOCK_LEN_DEFAULT,
            status: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_named_by_host_and_port() {
        for good in [
            "pc-7.lab:6881",
            "192.0.2.7:1",
            "[2001:db8::1]:6881",
            "host_1:65535",
        ] {
            assert!(good.parse::<PeerName>().is_ok(), "{good}");
        }
        for bad in [
            "pc-7",
            "pc-7:",
            ":6881",
            "pc-7:0",
            "pc-7:70000",
            "a b:1",
            "2001:db8::1:1x",
        ] {
            assert!(bad.parse::<PeerName>().is_err(), "{bad}");
        }
    }
}
