//! The UDP side of a tracker (BEP 15, and the options of BEP 41).
//!
//! What must stay true: nobody gets more than a few bytes without having shown that it receives at
//! the address that it sends from, and nothing is remembered for that.

use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{UdpReply, UdpRequest};

use crate::torrent::Families;
use crate::tracker::Tracker;

/// Peers in a reply, so that it fits a datagram that is not cut on its way.
const PEERS_MAX_V4: u32 = 200;
/// The same for the longer addresses.
const PEERS_MAX_V6: u32 = 70;
/// How long a connection number holds at least; at most twice as long.
const EPOCH: Duration = Duration::from_mins(1);
/// Length of an announce without options.
const ANNOUNCE_LEN: usize = 98;
/// The first options of BEP 41: the end of all, one without a length, and a part of path and query.
const END: u8 = 0;
const NOTHING: u8 = 1;

impl Tracker {
    /// The answer to a datagram, if it gets one.
    ///
    /// There is none to what is no request and to a wrong connection number: its sender may not be where
    /// it says.
    pub fn answer_udp(&self, datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
        let (connection, transaction) = head(datagram)?;
        let reply = match UdpRequest::decode(datagram) {
            Ok(UdpRequest::Connect { transaction }) => UdpReply::Connect {
                transaction,
                connection: self.number(from, 0),
            },
            _ if !self.holds(from, connection) => return None,
            Ok(request) => self.answer(request, datagram, from)?,
            Err(error) => self.refuse(transaction, error.to_string()),
        };
        Some(reply.encode())
    }

    /// The reply to a request with a right connection number.
    fn answer(&self, request: UdpRequest, datagram: &[u8], from: SocketAddr) -> Option<UdpReply> {
        match request {
            UdpRequest::Announce {
                transaction,
                mut announce,
                ..
            } => {
                if announce.port == 0 {
                    return Some(self.refuse(transaction, "bad port"));
                }
                if !are_options(datagram.get(ANNOUNCE_LEN..).unwrap_or_default()) {
                    return Some(self.refuse(transaction, "bad options"));
                }
                let ip = from.ip().to_canonical();
                let max = if ip.is_ipv4() {
                    PEERS_MAX_V4
                } else {
                    PEERS_MAX_V6
                };
                announce.numwant = announce.numwant.map(|wanted| wanted.min(max));
                Some(match self.announce(&announce, ip, Families::Same) {
                    Ok(reply) => UdpReply::Announce {
                        transaction,
                        interval_s: reply.interval_s,
                        incomplete: reply.incomplete.unwrap_or_default(),
                        complete: reply.complete.unwrap_or_default(),
                        peers: reply.peers.iter().map(|peer| peer.addr).collect(),
                    },
                    Err(message) => self.refuse(transaction, message),
                })
            }
            UdpRequest::Scrape {
                transaction,
                info_hashes,
                ..
            } => {
                let known = match info_hashes.as_slice() {
                    // by UDP all are never named
                    [] => return Some(self.refuse(transaction, "bad request length")),
                    info_hashes => self.scrape(info_hashes).files,
                };
                let entry = |info_hash| known.get(info_hash).copied().unwrap_or_default();
                Some(UdpReply::Scrape {
                    transaction,
                    entries: info_hashes.iter().map(entry).collect(),
                })
            }
            _ => None,
        }
    }

    fn refuse(&self, transaction: u32, message: impl Into<String>) -> UdpReply {
        self.refused();
        UdpReply::Error {
            transaction,
            message: message.into(),
        }
    }

    /// A connection number: a keyed hash of the address and the minute.
    fn number(&self, addr: SocketAddr, age: u64) -> u64 {
        let epoch = self.start.elapsed().as_secs() / EPOCH.as_secs();
        self.key.hash_one((addr, epoch.wrapping_sub(age)))
    }

    fn holds(&self, addr: SocketAddr, number: u64) -> bool {
        (0..=1).any(|age| self.number(addr, age) == number)
    }
}

/// The connection number and the transaction number.
fn head(datagram: &[u8]) -> Option<(u64, u32)> {
    let connection = datagram.first_chunk::<8>()?;
    let transaction = datagram.get(12..16)?.first_chunk::<4>()?;
    Some((
        u64::from_be_bytes(*connection),
        u32::from_be_bytes(*transaction),
    ))
}

/// Whether these are options of BEP 41. What they say, path and query of the tracker's URL, names nothing
/// here: all paths lead to the same table.
fn are_options(mut bytes: &[u8]) -> bool {
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = match *kind {
            END => return true,
            NOTHING => rest,
            _ => match rest.split_first() {
                Some((len, rest)) if rest.len() >= usize::from(*len) => {
                    rest.get(usize::from(*len)..).unwrap_or_default()
                }
                _ => return false,
            },
        };
    }
    true
}
