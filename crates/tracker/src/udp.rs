//! The UDP side of a tracker (BEP 15).
//!
//! What must stay true: nobody gets more than a few bytes without having shown that it receives at
//! the address that it sends from, and nothing is remembered for that.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{UdpReply, UdpRequest};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep};

use crate::server::Tracker;

/// Longest request that is read.
const DATAGRAM_LEN_MAX: usize = 4 * 1024;
/// Peers in a reply, so that it fits a datagram that is not cut on its way.
const PEERS_MAX_V4: usize = 200;
/// The same for the longer addresses.
const PEERS_MAX_V6: usize = 70;
/// How long a connection number holds at least; at most twice as long.
const EPOCH: Duration = Duration::from_mins(1);
/// Pause after the socket fails.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Makes and checks connection numbers: a keyed hash of the address and the minute.
struct Connections {
    key: RandomState,
    start: Instant,
}

impl Connections {
    fn number(&self, addr: SocketAddr, age: u64) -> u64 {
        let epoch = self.start.elapsed().as_secs() / EPOCH.as_secs();
        self.key.hash_one((addr, epoch.wrapping_sub(age)))
    }

    fn holds(&self, addr: SocketAddr, number: u64) -> bool {
        (0..=1).any(|age| self.number(addr, age) == number)
    }
}

/// Answers datagrams, for ever.
pub(crate) async fn serve(tracker: &Tracker, socket: &UdpSocket) {
    let connections = Connections {
        key: RandomState::new(),
        start: Instant::now(),
    };
    let mut buffer = vec![0; DATAGRAM_LEN_MAX];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer).await else {
            sleep(ERROR_PAUSE).await;
            continue;
        };
        let datagram = buffer.get(..len).unwrap_or_default();
        if let Ok(request) = UdpRequest::decode(datagram)
            && let Some(reply) = answer(tracker, &connections, request, from)
        {
            // a lost reply is asked for again
            let _ = socket.send_to(&reply.encode(), from).await;
        }
    }
}

/// The reply to a request; none to one with a wrong connection number.
fn answer(
    tracker: &Tracker,
    connections: &Connections,
    request: UdpRequest,
    from: SocketAddr,
) -> Option<UdpReply> {
    match request {
        UdpRequest::Connect { transaction } => Some(UdpReply::Connect {
            transaction,
            connection: connections.number(from, 0),
        }),
        UdpRequest::Announce {
            connection,
            transaction,
            announce,
        } => {
            connections.holds(from, connection).then_some(())?;
            if announce.port == 0 {
                tracker.refused();
                return Some(UdpReply::Error {
                    transaction,
                    message: "bad port".to_owned(),
                });
            }
            let ip = from.ip().to_canonical();
            Some(match tracker.announce(&announce, ip) {
                Ok(reply) => {
                    let max = if ip.is_ipv4() {
                        PEERS_MAX_V4
                    } else {
                        PEERS_MAX_V6
                    };
                    let addrs = reply.peers.iter().map(|peer| peer.addr);
                    let same = addrs.filter(|addr| addr.is_ipv4() == ip.is_ipv4());
                    UdpReply::Announce {
                        transaction,
                        interval_s: reply.interval_s,
                        incomplete: reply.incomplete.unwrap_or_default(),
                        complete: reply.complete.unwrap_or_default(),
                        peers: same.take(max).collect(),
                    }
                }
                Err(message) => {
                    tracker.refused();
                    UdpReply::Error {
                        transaction,
                        message,
                    }
                }
            })
        }
        UdpRequest::Scrape {
            connection,
            transaction,
            info_hashes,
        } => {
            connections.holds(from, connection).then_some(())?;
            let known = tracker.scrape(&info_hashes).files;
            let entry = |info_hash| known.get(info_hash).copied().unwrap_or_default();
            Some(UdpReply::Scrape {
                transaction,
                entries: info_hashes.iter().map(entry).collect(),
            })
        }
        _ => None,
    }
}
