//! The reply to an HTTP announce.
//!
//! What must stay true: peers of both families and both forms end in one list without port 0, and a
//! reply that we write is one that we read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::limits::{TEXT_LEN_MAX, clean_text};
use super::{PEERS_MAX, PeerForm, REPLY_LEN_MAX, TrackerError, TrackerPeer};
use crate::bencode::{self, Item, Kind, Limits, Value};
use crate::compact;

/// Seconds between announces when the tracker names none.
const INTERVAL_DEFAULT_S: u32 = 1800;

/// What a tracker answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnnounceReply {
    /// Seconds to wait before the next regular announce.
    pub interval_s: u32,
    /// Seconds to wait at least.
    pub min_interval_s: Option<u32>,
    /// Peers that have everything.
    pub complete: Option<u32>,
    /// Peers that don't.
    pub incomplete: Option<u32>,
    /// Whom to connect, at most [`PEERS_MAX`].
    pub peers: Vec<TrackerPeer>,
    /// The client's address as the tracker sees it (BEP 24).
    pub external_ip: Option<IpAddr>,
    /// Something that a person should read.
    pub warning: Option<String>,
    /// To be sent back with the next announce; one that is longer than [`TEXT_LEN_MAX`] is none.
    pub tracker_id: Option<Vec<u8>>,
}

/// Fails if a reply is a refusal; one whose reason is no text, or none at all, is a refusal all the same.
pub(super) fn check_refusal(reply: &Value<'_>) -> Result<(), TrackerError> {
    let Some(reason) = reply.find(b"failure reason") else {
        return Ok(());
    };
    let reason = reason
        .as_bytes()
        .filter(|text| !text.trim_ascii().is_empty());
    let told = reason.map_or_else(|| "it tells no reason".to_owned(), clean_text);
    Err(TrackerError::Refused(told))
}

impl AnnounceReply {
    /// A reply with an interval and peers.
    pub fn new(interval_s: u32, peers: Vec<TrackerPeer>) -> Self {
        Self {
            interval_s,
            min_interval_s: None,
            complete: None,
            incomplete: None,
            peers,
            external_ip: None,
            warning: None,
            tracker_id: None,
        }
    }

    /// Reads a reply. A `failure reason` becomes [`TrackerError::Refused`]. What stands behind the
    /// dictionary is passed over: some trackers end it with a line feed, or print warnings.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrackerError> {
        let (document, _) = bencode::parse_prefix(bytes, &Limits::message(REPLY_LEN_MAX))?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(TrackerError::Field("reply"));
        }
        check_refusal(&root)?;
        let number = |key: &[u8]| root.find(key).and_then(|value| value.as_uint::<u32>());
        let bytes_of = |key: &[u8]| root.find(key).and_then(|value| value.as_bytes());
        let mut peers = match root.find(b"peers") {
            Some(value) => parse_peers(&value)?,
            None => Vec::new(),
        };
        if let Some(compact) = bytes_of(b"peers6") {
            let left = PEERS_MAX.saturating_sub(peers.len());
            let more = compact::parse_v6(compact, left).ok_or(TrackerError::Field("peers6"))?;
            peers.extend(more.into_iter().map(|addr| TrackerPeer { addr, id: None }));
        }
        Ok(Self {
            interval_s: number(b"interval").unwrap_or(INTERVAL_DEFAULT_S),
            min_interval_s: number(b"min interval"),
            complete: number(b"complete"),
            incomplete: number(b"incomplete"),
            peers,
            external_ip: bytes_of(b"external ip").and_then(read_ip),
            warning: bytes_of(b"warning message").map(clean_text),
            tracker_id: bytes_of(b"tracker id")
                .filter(|id| id.len() <= TEXT_LEN_MAX)
                .map(<[u8]>::to_vec),
        })
    }

    /// Writes the reply with its peers in this form.
    pub fn encode(&self, form: PeerForm) -> Vec<u8> {
        let item = Item::dict()
            .with("interval", self.interval_s)
            .with_some("min interval", self.min_interval_s)
            .with_some("complete", self.complete)
            .with_some("incomplete", self.incomplete)
            .with_some("external ip", self.external_ip.map(ip_bytes))
            .with_some("warning message", self.warning.clone())
            .with_some("tracker id", self.tracker_id.clone());
        match form {
            PeerForm::Compact => {
                let (v4, v6) = compact::encode(self.peers.iter().map(|peer| peer.addr));
                let v6 = Some(v6).filter(|v6| !v6.is_empty());
                item.with("peers", v4).with_some("peers6", v6).encode()
            }
            PeerForm::Dictionary => item
                .with("peers", Item::list(self.peers.iter().map(peer_item)))
                .encode(),
        }
    }

    /// Writes a refusal.
    pub fn encode_failure(reason: &str) -> Vec<u8> {
        Item::dict().with("failure reason", reason).encode()
    }
}

fn peer_item(peer: &TrackerPeer) -> Item {
    Item::dict()
        .with("ip", peer.addr.ip().to_string())
        .with("port", u32::from(peer.addr.port()))
        .with_some("peer id", peer.id)
}

fn parse_peers(value: &Value<'_>) -> Result<Vec<TrackerPeer>, TrackerError> {
    if let Some(list) = value.as_list() {
        return Ok(list
            .filter_map(|entry| parse_peer(&entry))
            .take(PEERS_MAX)
            .collect());
    }
    let compact = value.as_bytes().ok_or(TrackerError::Field("peers"))?;
    let addrs = compact::parse_v4(compact, PEERS_MAX).ok_or(TrackerError::Field("peers"))?;
    Ok(addrs
        .into_iter()
        .map(|addr| TrackerPeer { addr, id: None })
        .collect())
}

/// Reads one dictionary; host names are left out, because a reply must not make us look names up.
fn parse_peer(entry: &Value<'_>) -> Option<TrackerPeer> {
    let ip: IpAddr = entry.find(b"ip")?.as_str()?.parse().ok()?;
    let port = entry
        .find(b"port")?
        .as_uint::<u16>()
        .filter(|port| *port != 0)?;
    let id = entry.find(b"peer id").and_then(|id| id.as_array());
    Some(TrackerPeer {
        addr: SocketAddr::new(ip, port),
        id,
    })
}

fn read_ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|ip| Ipv4Addr::from(ip).into());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|ip| Ipv6Addr::from(ip).into()))
        .ok()
}

fn ip_bytes(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
