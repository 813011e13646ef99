//! A tracker behind sockets: HTTP over TCP and UDP, at one port of as many addresses as it is given.
//!
//! What must stay true: a client can make it neither remember more than its limits nor wait longer
//! than its deadlines, and what it knows is written to its file, if it has one, every interval and at
//! the end.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use swarmcopy_sys::net;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{self, Open};
use crate::tracker::{Tracker, TrackerStats};
use crate::{TrackerOptions, state};

/// Connections that the system may keep for us.
const BACKLOG: i32 = 1024;
/// Connections that are answered at a time.
const CONNECTIONS_MAX: usize = 1024;
/// Pause after the system refuses to accept or to read.
const ERROR_PAUSE: Duration = Duration::from_millis(100);
/// Ports that are tried until one is free for both TCP and UDP.
const BINDS_MAX: usize = 20;
/// Longest datagram that is read.
const DATAGRAM_LEN_MAX: usize = 4 * 1024;
/// Datagrams that are answered before others have their turn.
const DATAGRAMS_MAX: usize = 64;

/// Why a tracker can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address can't be had.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The file of an earlier run can't be used.
    #[error("cannot use the state {path}: {what}")]
    State {
        /// Its path.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

/// A tracker that has its addresses and waits to serve.
#[derive(Debug)]
pub struct TrackerServer {
    addr: SocketAddr,
    sockets: Vec<Sockets>,
    tracker: Arc<Tracker>,
    open: Arc<Open>,
    options: TrackerOptions,
}

/// The sockets of one address.
#[derive(Debug)]
struct Sockets {
    tcp: TcpListener,
    udp: UdpSocket,
    addr: SocketAddr,
}

impl TrackerServer {
    /// Takes one address, for TCP and UDP; port 0 lets the system choose. Must be called in a tokio
    /// runtime. Blocks while it reads the state of an earlier run.
    pub fn bind(addr: SocketAddr, options: TrackerOptions) -> Result<Self, StartError> {
        Self::bind_all(&[addr], options)
    }

    /// Takes several addresses, of either family.
    pub fn bind_all(addrs: &[SocketAddr], options: TrackerOptions) -> Result<Self, StartError> {
        let sockets: Result<Vec<_>, _> = addrs.iter().map(|addr| Sockets::bind(*addr)).collect();
        Self::on(sockets?, options)
    }

    /// Takes this port at all addresses of this machine, of both families; a system without IPv6 does
    /// without.
    pub fn bind_everywhere(port: u16, options: TrackerOptions) -> Result<Self, StartError> {
        let v4 = Sockets::bind((Ipv4Addr::UNSPECIFIED, port).into())?;
        let v6 = Sockets::bind((Ipv6Addr::UNSPECIFIED, v4.addr.port()).into());
        Self::on(std::iter::once(v4).chain(v6.ok()).collect(), options)
    }

    fn on(sockets: Vec<Sockets>, options: TrackerOptions) -> Result<Self, StartError> {
        let first = sockets.first().map(|sockets| sockets.addr);
        let none = || StartError::Listen {
            addr: (Ipv4Addr::UNSPECIFIED, 0).into(),
            source: io::ErrorKind::InvalidInput.into(),
        };
        let server = Self {
            addr: first.ok_or_else(none)?,
            sockets,
            tracker: Arc::new(Tracker::new(options.clone())),
            open: Arc::default(),
            options,
        };
        if let Some(path) = &server.options.state {
            let usable = server.restore(path).and_then(|()| server.save(path));
            let path = path.clone();
            usable.map_err(|what| StartError::State { path, what })?;
        }
        Ok(server)
    }

    /// Where it listens; of several addresses the first.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// All addresses where it listens.
    pub fn local_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter().map(|sockets| sockets.addr)
    }

    /// Its counters.
    pub fn stats(&self) -> TrackerStats {
        self.tracker.stats()
    }

    /// Answers until `cancel` is cancelled, then writes the state if it has a file for it.
    pub async fn serve(&self, cancel: CancellationToken) {
        let turns = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let connections = TaskTracker::new();
        let all = self.sockets.iter().map(|sockets| async {
            tokio::join!(
                self.serve_http(&sockets.tcp, &turns, &connections, &cancel),
                serve_udp(&self.tracker, &sockets.udp)
            )
        });
        let serving = async { tokio::join!(futures_util::future::join_all(all), self.keep()) };
        cancel.run_until_cancelled(serving).await;
        self.save_aside().await;
    }

    async fn serve_http(
        &self,
        tcp: &TcpListener,
        turns: &Arc<Semaphore>,
        connections: &TaskTracker,
        cancel: &CancellationToken,
    ) {
        loop {
            // clients beyond the limit wait in the system's queue
            let Ok(turn) = Arc::clone(turns).acquire_owned().await else {
                return;
            };
            let Ok((stream, from)) = tcp.accept().await else {
                sleep(ERROR_PAUSE).await;
                continue;
            };
            let max = self.options.connections_per_address_max;
            let Some(place) = self.open.enter(from.ip(), max) else {
                continue;
            };
            let (tracker, cancel) = (Arc::clone(&self.tracker), cancel.clone());
            connections.spawn(async move {
                let serving = connection::serve(&tracker, stream, from);
                cancel.run_until_cancelled(serving).await;
                drop((turn, place));
            });
        }
    }

    /// Writes the state every interval.
    async fn keep(&self) {
        loop {
            sleep(self.options.interval).await;
            self.save_aside().await;
        }
    }

    /// Writes the state, on a thread that may block.
    async fn save_aside(&self) {
        let Some(path) = self.options.state.clone() else {
            return;
        };
        let bytes = self.encode();
        let writing = tokio::task::spawn_blocking(move || state::write(&path, &bytes));
        if let Ok(Err(error)) = writing.await {
            tracing::warn!(%error, "the tracker's state was not written");
        }
    }

    fn encode(&self) -> Vec<u8> {
        state::encode(&self.tracker.table(), Instant::now(), SystemTime::now())
    }

    fn save(&self, path: &std::path::Path) -> Result<(), String> {
        state::write(path, &self.encode()).map_err(|error| error.to_string())
    }

    fn restore(&self, path: &std::path::Path) -> Result<(), String> {
        let bytes = state::read(path).map_err(|error| error.to_string())?;
        let mut table = self.tracker.table();
        let (now, date) = (Instant::now(), SystemTime::now());
        bytes.map_or(Ok(()), |bytes| state::decode(&bytes, &mut table, now, date))
    }
}

impl Sockets {
    fn bind(addr: SocketAddr) -> Result<Self, StartError> {
        let bound = (0..BINDS_MAX).find_map(|attempt| match Self::try_bind(addr) {
            // the port that TCP was given by chance may be taken for UDP
            Err(_) if addr.port() == 0 && attempt + 1 < BINDS_MAX => None,
            result => Some(result),
        });
        let bound = bound.unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()));
        bound.map_err(|source| StartError::Listen { addr, source })
    }

    fn try_bind(addr: SocketAddr) -> io::Result<Self> {
        let tcp = TcpListener::from_std(net::listen(addr, BACKLOG)?)?;
        let addr = tcp.local_addr()?;
        let udp = UdpSocket::from_std(net::bind_udp(addr)?)?;
        Ok(Self { tcp, udp, addr })
    }
}

/// Answers datagrams, for ever.
async fn serve_udp(tracker: &Tracker, udp: &UdpSocket) {
    let mut buffer = vec![0; DATAGRAM_LEN_MAX];
    loop {
        if udp.readable().await.is_err() {
            sleep(ERROR_PAUSE).await;
        }
        for _ in 0..DATAGRAMS_MAX {
            let (len, from) = match udp.try_recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // an earlier answer that nobody took is told here by some systems
                Err(_) => continue,
            };
            let datagram = buffer.get(..len).unwrap_or_default();
            if let Some(answer) = tracker.answer_udp(datagram, from) {
                // a lost answer is asked for again
                let _ = udp.try_send_to(&answer, from);
            }
        }
        tokio::task::yield_now().await;
    }
}
