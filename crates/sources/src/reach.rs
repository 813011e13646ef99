//! Which addresses may be asked for the sake of what somebody else wrote.
//!
//! A document, a redirect or a tracker on the internet that names a private address would make this machine ask where its
//! author cannot: a router, a printer, a service of this machine. What must stay true: whoever is led somewhere from outside
//! (mirrors, documents, trackers) asks [`Reach`], about the host as it is written and about what it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Says that something leads where it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it leads to a private address, which nobody on the internet may name")]
#[non_exhaustive]
pub struct PrivateAddress;

/// The addresses that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// All.
    Any,
    /// Those that everybody reaches.
    Public,
}

impl Reach {
    /// Whether this address may be asked.
    #[must_use]
    pub fn allows(self, ip: IpAddr) -> bool {
        self == Self::Any || !is_private(ip)
    }

    /// Looks at the host of a URL as far as it says itself where it is; names that only a resolver knows are looked at once
    /// they are resolved.
    pub fn check_host(self, host: &str) -> Result<(), PrivateAddress> {
        if self == Self::Public && host_is_private(host) == Some(true) {
            return Err(PrivateAddress);
        }
        Ok(())
    }

    /// Takes out the addresses of a name that may not be asked; it is an error if none is left.
    pub fn sift(
        self,
        found: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let allowed: Vec<_> = found
            .into_iter()
            .filter(|at| self.allows(at.ip()))
            .collect();
        match (self, allowed.is_empty()) {
            (Self::Public, true) => Err(PrivateAddress),
            _ => Ok(allowed),
        }
    }

    /// How far a server at this address may lead: one in a private network anywhere. Who is not known is taken for one on the
    /// internet.
    #[must_use]
    pub fn after(self, server: Option<IpAddr>) -> Self {
        match (self, server) {
            (Self::Any, Some(ip)) if is_private(ip) => Self::Any,
            _ => Self::Public,
        }
    }
}

/// Whether the host of a URL says itself that it is private or this machine; `None` for names that only a resolver knows.
pub(crate) fn host_is_private(host: &str) -> Option<bool> {
    if is_localhost(host) {
        Some(true)
    } else {
        ip_of(host).map(is_private)
    }
}

/// Whether the host of a URL is this machine.
pub(crate) fn host_is_loopback(host: &str) -> bool {
    ip_of(host).map_or_else(|| is_localhost(host), |ip| canonical(ip).is_loopback())
}

fn ip_of(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// The IPv4 address that an IPv6 one stands for, if it does.
fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    // 6to4 (RFC 3056) has it behind its prefix
    if let [0x20, 0x02, one, two, three, four, ..] = v6.octets() {
        return IpAddr::V4(Ipv4Addr::new(one, two, three, four));
    }
    let bits = v6.to_bits();
    let [.., one, two, three, four] = v6.octets();
    let embedded = IpAddr::V4(Ipv4Addr::new(one, two, three, four));
    // what is before the embedded address: mapped, NAT64's well-known prefix (RFC 6052), compatible
    match bits >> 32 {
        0xffff | 0x0064_ff9b_0000_0000_0000_0000 => embedded,
        0 if bits > 1 => embedded,
        _ => ip,
    }
}

/// Whether an address can be reached from here alone: a private one, this machine's, or none at all.
fn is_private(ip: IpAddr) -> bool {
    match canonical(ip) {
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
                || is_of_a_site(v6)
        }
    }
}

/// Site-local addresses, which unique local ones came after (RFC 3879), and a site's own NAT64 (RFC 8215).
fn is_of_a_site(ip: Ipv6Addr) -> bool {
    let [a, b, c, ..] = ip.segments();
    a & 0xffc0 == 0xfec0 || [a, b, c] == [0x64, 0xff9b, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "fec0::1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "::192.168.0.1",
            "2002:c0a8:1::1",
        ] {
            let ip = private.parse().unwrap();
            assert!(
                Reach::Any.allows(ip) && !Reach::Public.allows(ip),
                "{private}"
            );
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2001:db8::1",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(Reach::Public.allows(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_host_is_judged_by_what_it_says_itself() {
        for private in [
            "127.0.0.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "localhost",
            "a.LocalHost.",
            "169.254.169.254",
        ] {
            assert!(Reach::Public.check_host(private).is_err(), "{private}");
            assert!(Reach::Any.check_host(private).is_ok(), "{private}");
        }
        for unknown in [
            "192.0.2.1",
            "[2001:db8::1]",
            "mirror.example",
            "localhost.example",
            "",
        ] {
            assert!(Reach::Public.check_host(unknown).is_ok(), "{unknown}");
        }
    }

    #[test]
    fn of_a_name_the_public_addresses_are_left() {
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 0);
        let both = [at("10.0.0.1"), at("8.8.8.8")];
        assert_eq!(Reach::Public.sift(both), Ok(vec![at("8.8.8.8")]));
        assert_eq!(Reach::Any.sift(both), Ok(both.to_vec()));
        assert_eq!(Reach::Public.sift([at("::1")]), Err(PrivateAddress));
    }

    #[test]
    fn who_is_on_the_internet_leads_to_no_private_address() {
        let public = Some("192.0.2.1".parse().unwrap());
        let private = Some("10.0.0.1".parse().unwrap());
        for (reach, server, led) in [
            (Reach::Any, private, Reach::Any),
            (Reach::Any, public, Reach::Public),
            (Reach::Any, None, Reach::Public),
            (Reach::Public, private, Reach::Public),
        ] {
            assert_eq!(reach.after(server), led, "{reach:?} {server:?}");
        }
    }
}
