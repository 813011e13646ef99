//! The port where peers reach this process: one for all its contents.
//!
//! What must stay true: a connection that says nothing, or asks for a content that we don't have,
//! is closed within ten seconds, and at most [`HANDSHAKES_MAX`] of them are heard at a time: where more come,
//! those that wait longest at the most crowded address go, so that nobody is kept out by silence.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::command::Command;
use crate::handshake;
use crate::limits::{HANDSHAKE_TIME, HANDSHAKES_MAX};
use crate::tokens::Tokens;
use crate::wire::Wire;
use crate::{Encryption, LinkEnd, SwarmError, mse};
use swarmcopy_bt_wire::peer::Handshake;

/// Connections that the system may keep for us.
const BACKLOG: i32 = 1024;
/// The ports that are tried when none is named (BEP 3's habit).
const PORTS: std::ops::RangeInclusive<u16> = 6881..=6889;
/// Pause after the system refuses to accept, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

mod hearing;

use hearing::Hearing;

type Registry = Arc<Door>;

/// What all sockets of a listener share.
#[derive(Debug)]
struct Door {
    swarms: Mutex<HashMap<[u8; 20], mpsc::Sender<Command>>>,
    encryption: Encryption,
    /// Encrypted handshakes that may be answered.
    sealed: Mutex<Tokens>,
}

/// The first bytes of a plain handshake.
const PLAIN: &[u8; 20] = b"\x13BitTorrent protocol";

/// Accepts links for the swarms of a process.
#[derive(Debug)]
pub struct Listener {
    addr: SocketAddr,
    registry: Registry,
    cancel: CancellationToken,
}

impl Listener {
    /// Listens at `addr`, or, without one, at the first free port of 6881 to 6889 or any other, on
    /// every address of both families. Must be called in a tokio runtime; stops when `cancel` is.
    pub fn bind(
        addr: Option<SocketAddr>,
        cancel: &CancellationToken,
    ) -> Result<Arc<Self>, SwarmError> {
        Self::bind_with(addr, Encryption::Accept, cancel)
    }

    /// The same with a word about encrypted links.
    pub fn bind_with(
        addr: Option<SocketAddr>,
        encryption: Encryption,
        cancel: &CancellationToken,
    ) -> Result<Arc<Self>, SwarmError> {
        let sockets = match addr {
            Some(addr) => {
                vec![bind_tcp(addr).map_err(|source| SwarmError::Listen { addr, source })?]
            }
            None => open_default()?,
        };
        let first = sockets.first().and_then(|socket| socket.local_addr().ok());
        let unbound = || SwarmError::Listen {
            addr: addr.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
            source: io::ErrorKind::AddrNotAvailable.into(),
        };
        let listener = Arc::new(Self {
            addr: first.ok_or_else(unbound)?,
            registry: Arc::new(Door {
                swarms: Mutex::default(),
                encryption,
                sealed: Mutex::new(Tokens::new(Instant::now(), mse::ANSWERS.0, mse::ANSWERS.1)),
            }),
            cancel: cancel.child_token(),
        });
        let heard = Arc::new(Hearing::new(HANDSHAKES_MAX));
        for socket in sockets {
            let (registry, cancel) = (Arc::clone(&listener.registry), listener.cancel.clone());
            let accepting = accept(socket, registry, Arc::clone(&heard));
            tokio::spawn(async move { cancel.run_until_cancelled(accepting).await });
        }
        Ok(listener)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address it is bound to, if it is bound to one: outgoing connections then come from there
    /// too, so that several machines on one computer can be told apart.
    pub fn bound_ip(&self) -> Option<IpAddr> {
        Some(self.addr.ip()).filter(|ip| !ip.is_unspecified())
    }

    pub(crate) fn register(&self, info_hash: [u8; 20], swarm: mpsc::Sender<Command>) {
        lock(&self.registry).insert(info_hash, swarm);
    }

    /// The same for a swarm that only asks for a description; false if the content is there already.
    pub(crate) fn register_if_free(
        &self,
        info_hash: [u8; 20],
        swarm: mpsc::Sender<Command>,
    ) -> bool {
        let mut registry = lock(&self.registry);
        let free = !registry.contains_key(&info_hash);
        if free {
            registry.insert(info_hash, swarm);
        }
        free
    }

    pub(crate) fn unregister(&self, info_hash: &[u8; 20]) {
        lock(&self.registry).remove(info_hash);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn lock(door: &Door) -> MutexGuard<'_, HashMap<[u8; 20], mpsc::Sender<Command>>> {
    door.swarms.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Door {
    /// Whether one more encrypted handshake is answered: each costs some reckoning.
    fn may_answer(&self) -> bool {
        let mut sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        sealed.take(Instant::now())
    }
}

/// Listens at an address, with room for a whole room that starts at once.
fn bind_tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::from_std(swarmcopy_sys::net::listen(addr, BACKLOG)?)
}

fn open_default() -> Result<Vec<TcpListener>, SwarmError> {
    let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let mut habit = PORTS.map(|port| bind_tcp(everywhere(port)));
    let v4 = habit
        .find(Result::is_ok)
        .unwrap_or_else(|| bind_tcp(everywhere(0)));
    let v4 = v4.map_err(|source| SwarmError::Listen {
        addr: everywhere(0),
        source,
    })?;
    let port = v4.local_addr().map_or(0, |addr| addr.port());
    // a system without IPv6 does without
    let v6 = bind_tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))).ok();
    Ok(std::iter::once(v4).chain(v6).collect())
}

async fn accept(socket: TcpListener, registry: Registry, heard: Arc<Hearing>) {
    let tasks = TaskTracker::new();
    loop {
        let Ok((stream, addr)) = socket.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let registry = Arc::clone(&registry);
        let turn = Hearing::begin(&heard, addr.ip());
        tasks.spawn(async move {
            let hearing = hear(stream, addr, &registry);
            turn.run_until_pushed_out(hearing).await;
        });
    }
}

/// Reads a handshake and hands the connection to the swarm that it names.
async fn hear(stream: TcpStream, addr: SocketAddr, registry: &Registry) {
    let Ok(Ok((wire, theirs))) = timeout(HANDSHAKE_TIME, greet(stream, registry)).await else {
        return;
    };
    let swarm = lock(registry).get(&theirs.info_hash).cloned();
    let Some(swarm) = swarm else { return };
    let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
    let incoming = Command::Incoming { wire, addr, theirs };
    if swarm.try_send(incoming).is_err() {
        tracing::debug!(%addr, "too many links at once");
    }
}

/// Reads a handshake, in plain words or in a cipher.
async fn greet(mut stream: TcpStream, door: &Door) -> Result<(Wire, Handshake), LinkEnd> {
    let mut first = [0; PLAIN.len()];
    stream.read_exact(&mut first).await?;
    let mut wire = if first == *PLAIN {
        Wire::with(stream, None, first.as_slice().into())
    } else {
        if door.encryption.here() == Encryption::Off || !door.may_answer() {
            return Err(LinkEnd::Closed);
        }
        let contents: Vec<_> = lock(door).keys().copied().collect();
        mse::answer(stream, &first, &contents, door.encryption).await?
    };
    let theirs = handshake::read_wire(&mut wire).await?;
    Ok((wire, theirs))
}
