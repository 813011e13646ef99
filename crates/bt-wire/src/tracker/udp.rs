//! The UDP tracker protocol (BEP 15), both directions.
//!
//! What must stay true: a datagram is read in whole fields only, unknown trailing bytes (BEP 41
//! options) are ignored, and the transaction number is always handed to the caller to compare.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, BufMut};

use super::limits::clean_text;
use super::{AnnounceRequest, Event, PEERS_MAX, SCRAPE_MAX, ScrapeEntry, TrackerError};
use crate::compact::{self, V4_LEN, V6_LEN};

/// The number that opens every connect request.
const PROTOCOL_ID: u64 = 0x0417_2710_1980;

/// Which addresses an announce reply carries: that of the socket it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// 6 bytes per peer.
    V4,
    /// 18 bytes per peer.
    V6,
}

/// A datagram to a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpRequest {
    /// Asks for a connection number.
    Connect {
        /// Chosen by the client, repeated by the tracker.
        transaction: u32,
    },
    /// Announces the client.
    Announce {
        /// From the connect reply.
        connection: u64,
        /// Chosen by the client, repeated by the tracker.
        transaction: u32,
        /// What is announced. The form and the tracker id don't travel by UDP; a missing key is
        /// sent as 0.
        announce: AnnounceRequest,
    },
    /// Asks for the numbers of peers.
    Scrape {
        /// From the connect reply.
        connection: u64,
        /// Chosen by the client, repeated by the tracker.
        transaction: u32,
        /// At most [`SCRAPE_MAX`] contents.
        info_hashes: Vec<[u8; 20]>,
    },
}

impl UdpRequest {
    /// Writes the datagram.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(98);
        match self {
            Self::Connect { transaction } => put_head(&mut out, PROTOCOL_ID, 0, *transaction),
            Self::Announce {
                connection,
                transaction,
                announce,
            } => {
                put_head(&mut out, *connection, 1, *transaction);
                put_announce(&mut out, announce);
            }
            Self::Scrape {
                connection,
                transaction,
                info_hashes,
            } => {
                put_head(&mut out, *connection, 2, *transaction);
                for info_hash in info_hashes.iter().take(SCRAPE_MAX) {
                    out.put_slice(info_hash);
                }
            }
        }
        out
    }

    /// Reads a datagram, as a tracker gets it.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, TrackerError> {
        let short = |_| TrackerError::Field("request length");
        let connection = bytes.try_get_u64().map_err(short)?;
        let action = bytes.try_get_u32().map_err(short)?;
        let transaction = bytes.try_get_u32().map_err(short)?;
        match action {
            0 if connection == PROTOCOL_ID => Ok(Self::Connect { transaction }),
            0 => Err(TrackerError::Field("protocol id")),
            1 => {
                let announce = take_announce(bytes).ok_or(TrackerError::Field("request length"))?;
                Ok(Self::Announce {
                    connection,
                    transaction,
                    announce,
                })
            }
            2 => {
                let info_hashes = bytes.as_chunks::<20>().0.iter().take(SCRAPE_MAX).copied();
                Ok(Self::Scrape {
                    connection,
                    transaction,
                    info_hashes: info_hashes.collect(),
                })
            }
            _ => Err(TrackerError::Field("action")),
        }
    }
}

/// A datagram from a tracker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpReply {
    /// The connection number to use.
    Connect {
        /// As in the request.
        transaction: u32,
        /// Valid for a minute.
        connection: u64,
    },
    /// The answer to an announce.
    Announce {
        /// As in the request.
        transaction: u32,
        /// Seconds to wait before the next announce.
        interval_s: u32,
        /// Peers that don't have everything.
        incomplete: u32,
        /// Peers that have everything.
        complete: u32,
        /// Whom to connect, at most [`PEERS_MAX`].
        peers: Vec<SocketAddr>,
    },
    /// The answer to a scrape, in the order of the request.
    Scrape {
        /// As in the request.
        transaction: u32,
        /// One entry per content asked for.
        entries: Vec<ScrapeEntry>,
    },
    /// A refusal in the tracker's own words.
    Error {
        /// As in the request.
        transaction: u32,
        /// What a person should read.
        message: String,
    },
}

impl UdpReply {
    /// The transaction number that the reply repeats.
    pub fn transaction(&self) -> u32 {
        match self {
            Self::Connect { transaction, .. }
            | Self::Announce { transaction, .. }
            | Self::Scrape { transaction, .. }
            | Self::Error { transaction, .. } => *transaction,
        }
    }

    /// Writes the datagram; addresses of the other family than the first peer's are left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Connect {
                transaction,
                connection,
            } => {
                put_words(&mut out, [0, *transaction]);
                out.put_u64(*connection);
            }
            Self::Announce {
                transaction,
                interval_s,
                incomplete,
                complete,
                peers,
            } => {
                put_words(
                    &mut out,
                    [1, *transaction, *interval_s, *incomplete, *complete],
                );
                let v4 = peers.first().is_none_or(SocketAddr::is_ipv4);
                for addr in peers
                    .iter()
                    .filter(|addr| addr.is_ipv4() == v4)
                    .take(PEERS_MAX)
                {
                    compact::encode_into(*addr, &mut out);
                }
            }
            Self::Scrape {
                transaction,
                entries,
            } => {
                put_words(&mut out, [2, *transaction]);
                for entry in entries.iter().take(SCRAPE_MAX) {
                    put_words(
                        &mut out,
                        [entry.complete, entry.downloaded, entry.incomplete],
                    );
                }
            }
            Self::Error {
                transaction,
                message,
            } => {
                put_words(&mut out, [3, *transaction]);
                out.put_slice(message.as_bytes());
            }
        }
        out
    }

    /// Reads a datagram that came by a socket of this family.
    pub fn decode(mut bytes: &[u8], family: Family) -> Result<Self, TrackerError> {
        let short = |_| TrackerError::Field("reply length");
        let action = bytes.try_get_u32().map_err(short)?;
        let transaction = bytes.try_get_u32().map_err(short)?;
        match action {
            0 => {
                let connection = bytes.try_get_u64().map_err(short)?;
                Ok(Self::Connect {
                    transaction,
                    connection,
                })
            }
            1 => Ok(Self::Announce {
                transaction,
                interval_s: bytes.try_get_u32().map_err(short)?,
                incomplete: bytes.try_get_u32().map_err(short)?,
                complete: bytes.try_get_u32().map_err(short)?,
                peers: take_peers(bytes, family),
            }),
            2 => {
                let entries = bytes
                    .as_chunks::<12>()
                    .0
                    .iter()
                    .take(SCRAPE_MAX)
                    .map(scrape_entry);
                Ok(Self::Scrape {
                    transaction,
                    entries: entries.collect(),
                })
            }
            3 => Ok(Self::Error {
                transaction,
                message: clean_text(bytes),
            }),
            _ => Err(TrackerError::Field("action")),
        }
    }
}

fn put_head(out: &mut Vec<u8>, connection: u64, action: u32, transaction: u32) {
    out.put_u64(connection);
    put_words(out, [action, transaction]);
}

fn put_words<const N: usize>(out: &mut Vec<u8>, words: [u32; N]) {
    for word in words {
        out.put_u32(word);
    }
}

fn put_announce(out: &mut Vec<u8>, announce: &AnnounceRequest) {
    out.put_slice(&announce.info_hash);
    out.put_slice(&announce.peer_id);
    out.put_u64(announce.downloaded);
    out.put_u64(announce.left);
    out.put_u64(announce.uploaded);
    let event = match announce.event {
        Event::Interval => 0,
        Event::Completed => 1,
        Event::Started => 2,
        Event::Stopped => 3,
    };
    let ip = match announce.ip {
        Some(std::net::IpAddr::V4(ip)) => u32::from(ip),
        _ => 0,
    };
    let numwant = announce.numwant.unwrap_or(u32::MAX);
    put_words(out, [event, ip, announce.key.unwrap_or_default(), numwant]);
    out.put_u16(announce.port);
}

fn take_announce(bytes: &[u8]) -> Option<AnnounceRequest> {
    let (info_hash, bytes) = bytes.split_first_chunk::<20>()?;
    let (peer_id, mut bytes) = bytes.split_first_chunk::<20>()?;
    let mut announce = AnnounceRequest::new(*info_hash, *peer_id, 0);
    announce.downloaded = bytes.try_get_u64().ok()?;
    announce.left = bytes.try_get_u64().ok()?;
    announce.uploaded = bytes.try_get_u64().ok()?;
    announce.event = match bytes.try_get_u32().ok()? {
        1 => Event::Completed,
        2 => Event::Started,
        3 => Event::Stopped,
        _ => Event::Interval,
    };
    let ip = bytes.try_get_u32().ok()?;
    announce.ip = (ip != 0).then(|| Ipv4Addr::from(ip).into());
    announce.key = Some(bytes.try_get_u32().ok()?);
    // the field is signed: a negative number leaves the choice to the tracker
    let numwant = bytes.try_get_u32().ok()?;
    announce.numwant = i32::try_from(numwant).is_ok().then_some(numwant);
    announce.port = bytes.try_get_u16().ok()?;
    Some(announce)
}

fn take_peers(bytes: &[u8], family: Family) -> Vec<SocketAddr> {
    let len = bytes.len();
    let whole = |size: usize| {
        bytes
            .get(..len.saturating_sub(len % size))
            .unwrap_or_default()
    };
    match family {
        Family::V4 => compact::parse_v4(whole(V4_LEN), PEERS_MAX),
        Family::V6 => compact::parse_v6(whole(V6_LEN), PEERS_MAX),
    }
    .unwrap_or_default()
}

fn scrape_entry(bytes: &[u8; 12]) -> ScrapeEntry {
    let mut words = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_be_bytes(*word));
    let mut next = || words.next().unwrap_or_default();
    ScrapeEntry {
        complete: next(),
        downloaded: next(),
        incomplete: next(),
    }
}
