//! Announcing by UDP (BEP 15), with the path and query of the address (BEP 41).
//!
//! What must stay true: only a reply with our own transaction number counts, so that nobody can
//! answer in the tracker's place without seeing the question.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{
    AnnounceReply, AnnounceRequest, Family, TrackerPeer, UdpReply, UdpRequest, url_data,
};
use swarmcopy_sources::Reach;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;
use url::Url;

/// Times to wait for each answer. The standard's 15 s and more would keep a lonely machine waiting.
const TRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Longest datagram that is read.
const DATAGRAM_LEN_MAX: usize = 16 * 1024;

/// Announces once.
pub(super) async fn announce(
    url: &Url,
    request: &AnnounceRequest,
    bind_ip: Option<IpAddr>,
    reach: Reach,
) -> Result<AnnounceReply, String> {
    let (host, port) = url
        .host_str()
        .zip(url.port())
        .ok_or("its address has no port")?;
    let host = host.trim_matches(['[', ']']);
    let found = lookup_host((host, port))
        .await
        .map_err(|error| error.to_string())?;
    let fits = |addr: &SocketAddr| bind_ip.is_none_or(|ip| ip.is_ipv4() == addr.is_ipv4());
    let fitting: Vec<_> = found.into_iter().filter(fits).collect();
    let unreachable = "its address can't be reached from here";
    if fitting.is_empty() {
        return Err(unreachable.to_owned());
    }
    let allowed = reach.sift(fitting).map_err(|error| error.to_string())?;
    let addr = *allowed.first().ok_or(unreachable)?;
    let link = Link::open(addr, bind_ip)
        .await
        .map_err(|error| error.to_string())?;
    let transaction = crate::chance::rng().u32(..);
    let connection = match link
        .ask(&UdpRequest::Connect { transaction }, transaction)
        .await?
    {
        UdpReply::Connect { connection, .. } => connection,
        other => return Err(refusal(other)),
    };
    let transaction = crate::chance::rng().u32(..);
    let announce = UdpRequest::Announce {
        connection,
        transaction,
        announce: request.clone(),
    };
    let datagram = [announce.encode(), url_data(url)].concat();
    match link.send(&datagram, transaction).await? {
        UdpReply::Announce {
            interval_s,
            incomplete,
            complete,
            peers,
            ..
        } => {
            let peers = peers
                .into_iter()
                .map(|addr| TrackerPeer::new(addr, None))
                .collect();
            let mut reply = AnnounceReply::new(interval_s, peers);
            (reply.complete, reply.incomplete) = (Some(complete), Some(incomplete));
            Ok(reply)
        }
        other => Err(refusal(other)),
    }
}

fn refusal(reply: UdpReply) -> String {
    match reply {
        UdpReply::Error { message, .. } => format!("tracker refused: {message}"),
        _ => "it answers another question".to_owned(),
    }
}

struct Link {
    socket: UdpSocket,
    family: Family,
}

impl Link {
    async fn open(addr: SocketAddr, bind_ip: Option<IpAddr>) -> std::io::Result<Self> {
        let (family, any): (_, IpAddr) = if addr.is_ipv4() {
            (Family::V4, Ipv4Addr::UNSPECIFIED.into())
        } else {
            (Family::V6, Ipv6Addr::UNSPECIFIED.into())
        };
        let socket = UdpSocket::bind((bind_ip.unwrap_or(any), 0)).await?;
        // a connected socket hears nobody else
        socket.connect(addr).await?;
        Ok(Self { socket, family })
    }

    async fn ask(&self, request: &UdpRequest, transaction: u32) -> Result<UdpReply, String> {
        self.send(&request.encode(), transaction).await
    }

    /// Sends a request until its answer comes.
    async fn send(&self, datagram: &[u8], transaction: u32) -> Result<UdpReply, String> {
        for patience in TRIES {
            self.socket
                .send(datagram)
                .await
                .map_err(|error| error.to_string())?;
            if let Ok(reply) = timeout(patience, self.hear(transaction)).await {
                return reply;
            }
        }
        Err("it does not answer".to_owned())
    }

    /// Waits for the reply with this number; others are ignored.
    async fn hear(&self, transaction: u32) -> Result<UdpReply, String> {
        let mut buffer = vec![0; DATAGRAM_LEN_MAX];
        loop {
            let len = self
                .socket
                .recv(&mut buffer)
                .await
                .map_err(|error| error.to_string())?;
            let datagram = buffer.get(..len).unwrap_or_default();
            match UdpReply::decode(datagram, self.family) {
                Ok(reply) if reply.transaction() == transaction => return Ok(reply),
                _ => {}
            }
        }
    }
}
