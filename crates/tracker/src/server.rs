//! A small tracker for a site: HTTP (BEP 3, 7, 23, 48) and UDP (BEP 15) at one address.
//!
//! What must stay true: a client can make it neither remember more than its limits nor wait longer
//! than its deadlines.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{AnnounceReply, AnnounceRequest, ScrapeReply};
use swarmcopy_sys::net;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::table::Table;
use crate::{TrackerOptions, http, udp};

/// Connections that the system may keep for us.
const BACKLOG: i32 = 1024;
/// Connections that are answered at a time.
const CONNECTIONS_MAX: usize = 1024;
/// Pause after the system refuses to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Ports that are tried until one is free for both TCP and UDP.
const BINDS_MAX: usize = 20;

/// Counters of a tracker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerStats {
    /// Contents that are known.
    pub torrents: usize,
    /// Peers that are known, of all contents.
    pub peers: usize,
    /// Announces that were answered.
    pub announces: u64,
    /// Requests that were refused.
    pub refused: u64,
}

/// The address of a tracker can't be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {source}")]
pub struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

/// A tracker that has its address and waits to serve.
#[derive(Debug)]
pub struct TrackerServer {
    tcp: TcpListener,
    udp: UdpSocket,
    addr: SocketAddr,
    tracker: Arc<Tracker>,
}

/// What both protocols share.
#[derive(Debug)]
pub(crate) struct Tracker {
    table: Mutex<Table>,
    announces: AtomicU64,
    refused: AtomicU64,
}

impl TrackerServer {
    /// Takes the address, for TCP and UDP; port 0 lets the system choose. Must be called in a tokio
    /// runtime.
    pub fn bind(addr: SocketAddr, options: TrackerOptions) -> Result<Self, BindError> {
        let bound = (0..BINDS_MAX).find_map(|attempt| match bind_both(addr) {
            // the port that TCP was given by chance may be taken for UDP
            Err(_) if addr.port() == 0 && attempt + 1 < BINDS_MAX => None,
            result => Some(result),
        });
        let bound = bound.unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()));
        let (tcp, udp, addr) = bound.map_err(|source| BindError { addr, source })?;
        let tracker = Arc::new(Tracker {
            table: Mutex::new(Table::new(options, Instant::now())),
            announces: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        Ok(Self {
            tcp,
            udp,
            addr,
            tracker,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its counters.
    pub fn stats(&self) -> TrackerStats {
        let (torrents, peers) = self.tracker.table().count();
        TrackerStats {
            torrents,
            peers,
            announces: self.tracker.announces.load(Ordering::Relaxed),
            refused: self.tracker.refused.load(Ordering::Relaxed),
        }
    }

    /// Answers until `cancel` is cancelled.
    pub async fn serve(&self, cancel: CancellationToken) {
        let both = async {
            tokio::join!(
                self.serve_http(&cancel),
                udp::serve(&self.tracker, &self.udp)
            )
        };
        cancel.run_until_cancelled(both).await;
    }

    async fn serve_http(&self, cancel: &CancellationToken) {
        let turns = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = TaskTracker::new();
        loop {
            // clients beyond the limit wait in the system's queue
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
                return;
            };
            let Ok((stream, from)) = self.tcp.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (tracker, cancel) = (Arc::clone(&self.tracker), cancel.clone());
            connections.spawn(async move {
                cancel
                    .run_until_cancelled(http::serve(&tracker, stream, from))
                    .await;
                drop(turn);
            });
        }
    }
}

impl Tracker {
    pub(crate) fn announce(
        &self,
        request: &AnnounceRequest,
        ip: IpAddr,
    ) -> Result<AnnounceReply, String> {
        // only a program on this very machine may speak for another address
        let ip = request
            .ip
            .filter(|_| ip.is_loopback())
            .unwrap_or(ip)
            .to_canonical();
        let addr = SocketAddr::new(ip, request.port);
        let reply = self.table().announce(request, addr, Instant::now())?;
        self.announces.fetch_add(1, Ordering::Relaxed);
        Ok(reply)
    }

    pub(crate) fn scrape(&self, info_hashes: &[[u8; 20]]) -> ScrapeReply {
        self.table().scrape(info_hashes, Instant::now())
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bind_both(addr: SocketAddr) -> io::Result<(TcpListener, UdpSocket, SocketAddr)> {
    let tcp = TcpListener::from_std(net::listen(addr, BACKLOG)?)?;
    let addr = tcp.local_addr()?;
    Ok((tcp, UdpSocket::from_std(net::bind_udp(addr)?)?, addr))
}
