//! Which addresses a tracker may be asked at.
//!
//! What must stay true: no tracker on the internet leads this machine to a private address by a redirect, which only this
//! machine can reach, nor is one that a document from the internet names asked at such an address, whatever its name
//! resolves to by now.

use std::net::{IpAddr, SocketAddr};

use swarmcopy_sources::http::is_private_ip;
use url::{Host, Url};

/// What is said of a tracker that is not asked.
pub(super) const PRIVATE: &str = "it leads to a private address, which one on the internet may not";

/// The addresses that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All.
    Any,
    /// Those that everybody reaches.
    Public,
}

impl Reach {
    /// Whether this address may be asked.
    pub(super) fn allows(self, ip: IpAddr) -> bool {
        self == Self::Any || !is_private_ip(ip)
    }

    /// Whether a URL may be asked as far as it says itself; names are looked at when they are resolved.
    #[cfg_attr(
        not(any(test, feature = "tracker")),
        expect(dead_code, reason = "only trackers of HTTP have URLs that lead on")
    )]
    pub(super) fn allows_url(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.allows(ip.into()),
            Some(Host::Ipv6(ip)) => self.allows(ip.into()),
            _ => true,
        }
    }

    /// How far a redirect of a server at this address may lead. Who is not known is taken for a public one.
    #[cfg_attr(
        not(any(test, feature = "tracker")),
        expect(dead_code, reason = "only trackers of HTTP have URLs that lead on")
    )]
    pub(super) fn after(self, server: Option<SocketAddr>) -> Self {
        match (self, server) {
            (Self::Any, Some(at)) if is_private_ip(at.ip()) => Self::Any,
            _ => Self::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracker_on_the_internet_leads_to_no_private_address() {
        let public = Some("192.0.2.1:80".parse().unwrap());
        let private = Some("10.0.0.1:80".parse().unwrap());
        for (reach, server, redirect) in [
            (Reach::Any, private, Reach::Any),
            (Reach::Any, public, Reach::Public),
            (Reach::Any, None, Reach::Public),
            (Reach::Public, private, Reach::Public),
        ] {
            assert_eq!(reach.after(server), redirect, "{reach:?} {server:?}");
        }
        for url in [
            "http://127.0.0.1/a",
            "http://[::1]/a",
            "http://[::ffff:10.0.0.1]:1/a",
            "http://0x7f000001/a",
            "http://169.254.169.254/latest",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(!Reach::Public.allows_url(&url), "{url}");
            assert!(Reach::Any.allows_url(&url), "{url}");
        }
        assert!(Reach::Public.allows_url(&Url::parse("http://192.0.2.1/a").unwrap()));
    }
}
