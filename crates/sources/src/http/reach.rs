//! Which addresses a mirror may lead to.
//!
//! A server on the internet that redirects to a private address would make this machine ask where that
//! server cannot: a router, a printer, a service of this machine. What must stay true: unless allowed, no
//! connection is made to a private address that only a public server's redirect or document named.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;
use url::Url;

use super::options::MirrorOptions;

/// Most hosts that a mirror's redirects may name.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const redirect_hosts_max: usize = 256;

/// Where an address can be reached from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
}

/// Says that a redirect leads where it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a private address that a public server named")]
pub(super) struct PrivateAddress;

/// The rule of one mirror, shared by its connections, whose names it resolves.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: String,
    private_redirects: bool,
    public_only: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What is known of the mirror itself; unknown counts as public.
    home: Reach,
    /// Hosts that redirects have named.
    named: BTreeSet<String>,
}

impl Guard {
    pub(crate) fn new(home: &str, options: &MirrorOptions) -> Self {
        let state = State {
            home: of_host(home).unwrap_or(Reach::Public),
            named: BTreeSet::new(),
        };
        let state = Mutex::new(state);
        Self(Arc::new(Inner {
            home: home.to_owned(),
            private_redirects: options.private_redirects,
            public_only: options.public_only,
            state,
        }))
    }

    /// The addresses of a host that may be connected to.
    #[cfg(feature = "ftp")]
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host, port)).await?.collect();
        self.sift(host, found).map_err(io::Error::other)
    }

    /// Whether the mirror runs on this machine.
    pub(super) fn home_is_loopback(&self) -> bool {
        let home = self.0.home.as_str();
        host_ip(home).map_or_else(|| is_localhost(home), |ip| canonical(ip).is_loopback())
    }

    /// Whether the mirror's address is known to be a private one or this machine's.
    pub(crate) fn home_is_private(&self) -> bool {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.home == Reach::Private
    }

    /// Looks the mirror's name up, so that it is known where it is.
    pub(crate) async fn find_home(&self) {
        let home = self.0.home.as_str();
        if of_host(home).is_none()
            && let Ok(found) = tokio::net::lookup_host((home, 0)).await
        {
            // the mirror's own addresses are all allowed
            let _ = self.sift(home, found.collect());
        }
    }

    /// Looks at a redirect before it is followed; its host's addresses are looked at when resolved.
    pub(super) fn follow(&self, url: &Url) -> Result<(), PrivateAddress> {
        let host = url.host_str().unwrap_or_default();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.private_redirects || state.home == Reach::Private || host == self.0.home {
            return Ok(());
        }
        let known = state.named.contains(host);
        if of_host(host) == Some(Reach::Private)
            || (!known && state.named.len() >= redirect_hosts_max)
        {
            return Err(PrivateAddress);
        }
        state.named.insert(host.to_owned());
        Ok(())
    }

    /// Takes out the addresses of `name` that may not be connected to. Names that no redirect brought
    /// (the mirror, a proxy) may have any.
    fn sift(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let is_private = |address: &SocketAddr| of_ip(address.ip()) == Reach::Private;
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if name == self.0.home && !self.0.public_only {
            let private = found.iter().any(is_private);
            state.home = if private {
                Reach::Private
            } else {
                Reach::Public
            };
            return Ok(found);
        }
        let forced = self.0.public_only && name == self.0.home;
        let free = self.0.private_redirects || state.home == Reach::Private;
        if !forced && (free || !state.named.contains(name)) {
            return Ok(found);
        }
        let public: Vec<_> = found
            .into_iter()
            .filter(|address| !is_private(address))
            .collect();
        if public.is_empty() {
            Err(PrivateAddress)
        } else {
            Ok(public)
        }
    }
}

/// The addresses of a name, once they are found.
type Resolving = Pin<Box<dyn Future<Output = io::Result<std::vec::IntoIter<SocketAddr>>> + Send>>;

impl Service<Name> for Guard {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Resolving;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = guard.sift(name.as_str(), found).map_err(io::Error::other)?;
            Ok(allowed.into_iter())
        })
    }
}

/// Whether an address can be reached from here alone: a private one, this machine's, or none at all.
pub fn is_private_ip(ip: IpAddr) -> bool {
    of_ip(ip) == Reach::Private
}

/// Whether the host itself says that it is private or this machine.
pub(crate) fn is_private(host: &str) -> bool {
    of_host(host) == Some(Reach::Private)
}

fn host_ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// What the host itself says; `None` for names that only a resolver knows.
fn of_host(host: &str) -> Option<Reach> {
    if is_localhost(host) {
        Some(Reach::Private)
    } else {
        host_ip(host).map(of_ip)
    }
}

/// The IPv4 address that an IPv6 one stands for, if it does.
fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let bits = v6.to_bits();
    let [.., w, x, y, z] = bits.to_be_bytes();
    let embedded = IpAddr::V4(Ipv4Addr::new(w, x, y, z));
    // what is before the embedded address: mapped, NAT64's well-known prefix (RFC 6052), compatible
    match bits >> 32 {
        0xffff | 0x0064_ff9b_0000_0000_0000_0000 => embedded,
        0 if bits > 1 => embedded,
        _ => ip,
    }
}

fn of_ip(ip: IpAddr) -> Reach {
    let private = match canonical(ip) {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier = a == 100 && (64..128).contains(&b); // RFC 6598
            a == 0
                || carrier
                || v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    };
    if private {
        Reach::Private
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard_of(home: &str, private_redirects: bool) -> Guard {
        let mut options = MirrorOptions::default();
        options.private_redirects = private_redirects;
        Guard::new(home, &options)
    }

    #[test]
    fn what_a_public_document_names_is_public() {
        let mut options = MirrorOptions::default();
        options.public_only = true;
        options.private_redirects = true;
        let guard = Guard::new("mirror.example", &options);
        let both = addresses(&["10.0.0.1", "8.8.8.8"]);
        assert_eq!(
            guard.sift("mirror.example", both),
            Ok(addresses(&["8.8.8.8"]))
        );
        let private = guard.sift("mirror.example", addresses(&["127.0.0.1"]));
        assert_eq!(private, Err(PrivateAddress));
        assert!(!guard.home_is_private());
        assert!(is_private("[::1]") && is_private("10.0.0.1") && !is_private("mirror.example"));
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
            .collect()
    }

    #[test]
    fn private_addresses_are_known_in_every_guise() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "::192.168.0.1",
        ] {
            assert_eq!(of_ip(private.parse().unwrap()), Reach::Private, "{private}");
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(of_ip(public.parse().unwrap()), Reach::Public, "{public}");
        }
    }

    #[test]
    fn a_public_mirror_leads_to_no_private_address() {
        let guard = guard_of("mirror.example", false);
        for private in [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://localhost./x",
            "http://0x7f.1/",
            "http://10.0.0.8/",
        ] {
            assert_eq!(
                guard.follow(&url(private)),
                Err(PrivateAddress),
                "{private}"
            );
        }
        assert_eq!(guard.follow(&url("http://other.example/")), Ok(()));
        let both = addresses(&["10.0.0.1", "8.8.8.8"]);
        assert_eq!(
            guard.sift("other.example", both),
            Ok(addresses(&["8.8.8.8"]))
        );
        assert_eq!(
            guard.sift("other.example", addresses(&["::1"])),
            Err(PrivateAddress)
        );
        let proxy = addresses(&["10.0.0.9"]);
        assert_eq!(guard.sift("proxy.lan", proxy.clone()), Ok(proxy));
    }

    #[test]
    fn a_private_mirror_may_lead_anywhere() {
        let guard = guard_of("files.lan", false);
        assert!(guard.sift("files.lan", addresses(&["192.168.0.2"])).is_ok());
        assert_eq!(guard.follow(&url("http://192.168.0.3/")), Ok(()));
        assert_eq!(
            guard_of("127.0.0.1", false).follow(&url("http://10.0.0.1/")),
            Ok(())
        );
        assert_eq!(
            guard_of("8.8.8.8", true).follow(&url("http://10.0.0.1/")),
            Ok(())
        );
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for here in ["localhost", "127.0.0.2", "[::1]", "a.localhost"] {
            assert!(guard_of(here, false).home_is_loopback(), "{here}");
        }
        assert!(!guard_of("10.0.0.1", false).home_is_loopback());
    }
}
