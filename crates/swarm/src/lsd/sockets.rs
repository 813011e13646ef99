//! The sockets of local discovery: one that hears for all adapters, and one for each adapter to call by.
//!
//! What must stay true: every adapter is called by, so that one of a virtual switch or a tunnel, which the system may
//! prefer, keeps nobody from being found; an adapter that comes or goes later is noticed before the next call.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use if_addrs::{Interface, get_if_addrs};
use socket2::{Domain, Protocol, Socket, Type};
use swarmcopy_bt_wire::lsd::{Announce, GROUP_V4, GROUP_V6};
use tokio::net::UdpSocket;

/// Adapters that are called by at most.
const ADAPTERS_MAX: usize = 32;

/// A way out of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adapter {
    /// By an address of its own, so that several machines on one computer can be told apart.
    V4(Ipv4Addr),
    /// By its number, 0 for the one that the system chooses, and maybe an address.
    V6(u32, Option<Ipv6Addr>),
}

/// Sockets of one family.
#[derive(Debug)]
pub(super) struct Group {
    receiver: UdpSocket,
    senders: Mutex<Vec<(Adapter, Socket)>>,
    /// The one adapter that was asked for; else all are used.
    only: Option<Adapter>,
    addr: SocketAddr,
}

impl Group {
    /// The sockets of IPv4; with `ip`, for the adapter of that address alone.
    pub(super) fn open_v4(ip: Option<Ipv4Addr>) -> io::Result<Self> {
        let receiver = shared_socket(Domain::IPV4)?;
        receiver.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, GROUP_V4.1)).into())?;
        Self::open(receiver, ip.map(Adapter::V4), GROUP_V4.into())
    }

    /// The sockets of IPv6; with `ip`, for the adapter of that address alone.
    pub(super) fn open_v6(ip: Option<Ipv6Addr>) -> io::Result<Self> {
        let receiver = shared_socket(Domain::IPV6)?;
        receiver.set_only_v6(true)?;
        receiver.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, GROUP_V6.1)).into())?;
        let only = ip.map(|ip| Adapter::V6(0, Some(ip)));
        Self::open(receiver, only, GROUP_V6.into())
    }

    fn open(receiver: Socket, only: Option<Adapter>, addr: SocketAddr) -> io::Result<Self> {
        let group = Self {
            receiver: UdpSocket::from_std(receiver.into())?,
            senders: Mutex::default(),
            only,
            addr,
        };
        group.look();
        if group.senders().is_empty() {
            let chosen = if addr.is_ipv4() {
                Adapter::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                Adapter::V6(0, None)
            };
            let sender = group.join(only.unwrap_or(chosen))?;
            group.senders().push(sender);
        }
        Ok(group)
    }

    /// Takes in adapters that are new and lets go of those that are gone. Where none is found, things stay as
    /// they are.
    fn look(&self) {
        let adapters = match self.only {
            Some(only) => vec![only],
            None => adapters_of(&get_if_addrs().unwrap_or_default(), self.addr.is_ipv4()),
        };
        if adapters.is_empty() {
            return;
        }
        let known: Vec<Adapter> = self.senders().iter().map(|sender| sender.0).collect();
        let new = adapters.iter().filter(|adapter| !known.contains(adapter));
        // one without multicast does no harm to others
        let joined: Vec<_> = new.filter_map(|new| self.join(*new).ok()).collect();
        let mut senders = self.senders();
        senders.retain(|(adapter, _)| adapters.contains(adapter));
        senders.extend(joined);
    }

    /// Hears by an adapter, and opens the socket to call by it.
    fn join(&self, adapter: Adapter) -> io::Result<(Adapter, Socket)> {
        let sender = Socket::new(
            Domain::for_address(self.addr),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        sender.set_nonblocking(true)?;
        match adapter {
            Adapter::V4(ip) => {
                joined(self.receiver.join_multicast_v4(GROUP_V4.0, ip))?;
                sender.bind(&SocketAddr::from((ip, 0)).into())?;
                sender.set_multicast_if_v4(&ip)?;
                sender.set_multicast_loop_v4(true)?;
            }
            Adapter::V6(index, ip) => {
                joined(self.receiver.join_multicast_v6(&GROUP_V6.0, index))?;
                let ip = ip.unwrap_or(Ipv6Addr::UNSPECIFIED);
                sender.bind(&SocketAddr::from((ip, 0)).into())?;
                if index != 0 {
                    sender.set_multicast_if_v6(index)?;
                }
                sender.set_multicast_loop_v6(true)?;
            }
        }
        Ok((adapter, sender))
    }

    /// Calls by all adapters; tells whether one took it.
    pub(super) fn call(&self, announce: &Announce) -> bool {
        self.look();
        let datagram = announce.encode(self.addr);
        let mut sent = false;
        for (_, sender) in self.senders().iter() {
            // a socket that is full loses the call, which comes again
            sent |= sender.send_to(&datagram, &self.addr.into()).is_ok();
        }
        sent
    }

    /// Waits for a call. May be dropped at any await.
    pub(super) async fn heard(&self, buffer: &mut [u8]) -> io::Result<(usize, IpAddr)> {
        let (len, from) = self.receiver.recv_from(buffer).await?;
        Ok((len, from.ip()))
    }

    fn senders(&self) -> MutexGuard<'_, Vec<(Adapter, Socket)>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The adapters of one family by which other machines may be met.
pub(super) fn adapters_of(interfaces: &[Interface], is_v4: bool) -> Vec<Adapter> {
    let mut adapters = Vec::new();
    let outward = interfaces
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_p2p());
    for interface in outward {
        let adapter = match (interface.ip(), is_v4) {
            (IpAddr::V4(ip), true) => Adapter::V4(ip),
            (IpAddr::V6(_), false) => Adapter::V6(interface.index.unwrap_or_default(), None),
            _ => continue,
        };
        if !adapters.contains(&adapter) && adapters.len() < ADAPTERS_MAX {
            adapters.push(adapter);
        }
    }
    adapters
}

/// A group that was joined before is as good as one that is joined now.
fn joined(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_member(&error) => Ok(()),
        result => result,
    }
}

/// `EADDRINUSE`; Windows says that the argument is wrong.
fn is_member(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
        || (cfg!(windows) && error.kind() == io::ErrorKind::InvalidInput)
}

/// A socket whose port other programs may use too, as all clients on a machine must.
fn shared_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
