//! Where a mirror may lead.
//!
//! What must stay true: unless allowed, no connection is made to an address that only a public server's redirect or document
//! named and that [`Reach`] keeps from it. What a name resolves to is looked at each time.

use std::collections::BTreeSet;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;
use url::Url;

use super::options::MirrorOptions;
use crate::reach::{PrivateAddress, Reach, host_is_loopback, host_is_private};

/// Most hosts that a mirror's redirects may name.
const REDIRECT_HOSTS_MAX: usize = 256;

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
    /// How far the mirror leads: anywhere once it is known to be at a private address.
    home: Reach,
    /// Hosts that redirects have named.
    named: BTreeSet<String>,
}

impl Guard {
    pub(crate) fn new(home: &str, options: &MirrorOptions) -> Self {
        let state = State {
            home: if host_is_private(home) == Some(true) {
                Reach::Any
            } else {
                Reach::Public
            },
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
        host_is_loopback(&self.0.home)
    }

    /// Whether the mirror's address is known to be a private one or this machine's.
    pub(crate) fn home_is_private(&self) -> bool {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.home == Reach::Any
    }

    /// Looks the mirror's name up, so that it is known where it is.
    pub(crate) async fn find_home(&self) {
        let home = self.0.home.as_str();
        if host_is_private(home).is_none()
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
        if self.redirects(&state) == Reach::Any || host == self.0.home {
            return Ok(());
        }
        let known = state.named.contains(host);
        Reach::Public.check_host(host)?;
        if !known && state.named.len() >= REDIRECT_HOSTS_MAX {
            return Err(PrivateAddress);
        }
        state.named.insert(host.to_owned());
        Ok(())
    }

    /// How far its redirects lead.
    fn redirects(&self, state: &State) -> Reach {
        if self.0.private_redirects {
            Reach::Any
        } else {
            state.home
        }
    }

    /// Takes out the addresses of `name` that may not be connected to. Names that no redirect brought
    /// (the mirror, a proxy) may have any.
    fn sift(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let reach = match name == self.0.home {
            true if self.0.public_only => Reach::Public,
            true => {
                let leads = |at: &SocketAddr| Reach::Any.after(Some(at.ip())) == Reach::Any;
                state.home = if found.iter().any(leads) {
                    Reach::Any
                } else {
                    Reach::Public
                };
                Reach::Any
            }
            false if state.named.contains(name) => self.redirects(&state),
            false => Reach::Any,
        };
        reach.sift(found)
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
