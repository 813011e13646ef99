//! Peer exchange (BEP 11): whom a peer has met and lost.
//!
//! What must stay true: at most [`PEX_PEERS_MAX`] peers of each kind are read or written.

use std::net::SocketAddr;

use super::ExtensionError;
use crate::bencode::{self, Item, Limits, Value};
use crate::compact;

/// Most peers per list and family that are read or written (BEP 11 advises 50).
pub const PEX_PEERS_MAX: usize = 50;
/// Longest message that is read.
const PEX_LEN_MAX: usize = 16 * 1024;

/// What is known about an added peer, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// The peer prefers encrypted links.
    pub const ENCRYPTION: u8 = 0x01;
    /// The peer has everything or only uploads.
    pub const SEED: u8 = 0x02;
    /// The peer speaks uTP.
    pub const UTP: u8 = 0x04;
    /// The peer can be asked to punch holes.
    pub const HOLE_PUNCH: u8 = 0x08;
    /// The peer accepts incoming links.
    pub const REACHABLE: u8 = 0x10;

    /// Whether a bit is set.
    pub fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// An added peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PexPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What is known about it.
    pub flags: PexFlags,
}

/// One message of peer exchange.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Pex {
    /// Peers that the speaker has met since its last message.
    pub added: Vec<PexPeer>,
    /// Peers that it has lost.
    pub dropped: Vec<SocketAddr>,
}

impl Pex {
    /// Reads a message; a list of a wrong length is an error, missing flags are zero.
    pub fn parse(payload: &[u8]) -> Result<Self, ExtensionError> {
        let document = bencode::parse(payload, &Limits::message(PEX_LEN_MAX))?;
        let root = document.root();
        let mut pex = Self {
            added: read_added(&root, b"added", b"added.f", read_v4)?,
            dropped: read_v4(bytes(&root, b"dropped"))?,
        };
        pex.added
            .extend(read_added(&root, b"added6", b"added6.f", read_v6)?);
        pex.dropped.extend(read_v6(bytes(&root, b"dropped6"))?);
        pex.added.retain(|peer| peer.addr.port() != 0);
        pex.dropped.retain(|addr| addr.port() != 0);
        Ok(pex)
    }

    /// Writes the message; peers above the limit are left out.
    pub fn encode(&self) -> Vec<u8> {
        let family = |v4: bool| {
            self.added
                .iter()
                .filter(move |peer| peer.addr.is_ipv4() == v4)
        };
        let flags = |v4| {
            family(v4)
                .take(PEX_PEERS_MAX)
                .map(|peer| peer.flags.0)
                .collect::<Vec<u8>>()
        };
        let added = |v4| write(family(v4).map(|peer| peer.addr));
        let dropped = |v4| {
            write(
                self.dropped
                    .iter()
                    .copied()
                    .filter(move |a| a.is_ipv4() == v4),
            )
        };
        Item::dict()
            .with("added", added(true))
            .with("added.f", flags(true))
            .with("added6", added(false))
            .with("added6.f", flags(false))
            .with("dropped", dropped(true))
            .with("dropped6", dropped(false))
            .encode()
    }
}

type Read = fn(&[u8]) -> Result<Vec<SocketAddr>, ExtensionError>;

fn read_added(
    root: &Value<'_>,
    key: &[u8],
    flags_key: &[u8],
    read: Read,
) -> Result<Vec<PexPeer>, ExtensionError> {
    let flags = bytes(root, flags_key)
        .iter()
        .copied()
        .chain(std::iter::repeat(0));
    let peers = read(bytes(root, key))?.into_iter().zip(flags);
    Ok(peers
        .map(|(addr, flags)| PexPeer {
            addr,
            flags: PexFlags(flags),
        })
        .collect())
}

fn read_v4(bytes: &[u8]) -> Result<Vec<SocketAddr>, ExtensionError> {
    compact::split_v4(bytes, PEX_PEERS_MAX).ok_or(ExtensionError::Field("peer list"))
}

fn read_v6(bytes: &[u8]) -> Result<Vec<SocketAddr>, ExtensionError> {
    compact::split_v6(bytes, PEX_PEERS_MAX).ok_or(ExtensionError::Field("peer list"))
}

fn bytes<'d>(root: &Value<'d>, key: &[u8]) -> &'d [u8] {
    root.find(key)
        .and_then(|value| value.as_bytes())
        .unwrap_or_default()
}

fn write(addrs: impl Iterator<Item = SocketAddr>) -> Vec<u8> {
    let mut out = Vec::new();
    for addr in addrs.take(PEX_PEERS_MAX) {
        compact::encode_into(addr, &mut out);
    }
    out
}
