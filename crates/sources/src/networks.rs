//! Parts of the net whose machines no limit holds for, such as the local one.
//!
//! What must stay true: an address that can't be told counts as outside, so that a limit holds in
//! doubt.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// One part of the net: `lan` or a subnet such as `10.1.0.0/16`.
///
/// ```
/// let site: swarmcopy_sources::Network = "10.1.0.0/16".parse()?;
/// assert!(site.contains([10, 1, 7, 7].into()) && !site.contains([10, 2, 7, 7].into()));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// Private, link-local and loopback addresses.
    Lan,
    /// The addresses that begin with the same bits.
    Subnet {
        /// One of them.
        addr: IpAddr,
        /// How many bits.
        bits: u8,
    },
}

impl Network {
    /// Whether an address lies in it; one of IPv4 in the clothes of IPv6 is taken for what it is.
    pub fn contains(self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        match self {
            Self::Lan => is_local(ip),
            Self::Subnet { addr, bits } => match (addr, ip) {
                (IpAddr::V4(addr), IpAddr::V4(ip)) => {
                    let differ = addr.to_bits() ^ ip.to_bits();
                    differ.checked_shr(32 - u32::from(bits)).unwrap_or(0) == 0
                }
                (IpAddr::V6(addr), IpAddr::V6(ip)) => {
                    let differ = addr.to_bits() ^ ip.to_bits();
                    differ.checked_shr(128 - u32::from(bits)).unwrap_or(0) == 0
                }
                _ => false,
            },
        }
    }
}

fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => is_local_v6(ip),
    }
}

fn is_local_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "lan" {
            return Ok(Self::Lan);
        }
        let (addr, bits) = text.split_once('/').unwrap_or((text, ""));
        let parsed = addr.parse::<IpAddr>().ok().and_then(|addr| {
            let most = if addr.is_ipv4() { 32 } else { 128 };
            let bits = if addr.to_string().len() == text.len() && !text.contains('/') {
                most
            } else {
                bits.parse().ok().filter(|bits| *bits <= most)?
            };
            Some(Self::Subnet { addr, bits })
        });
        parsed.ok_or_else(|| {
            format!("{text:?} is no network: write lan or a subnet like 10.1.0.0/16")
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lan => f.write_str("lan"),
            Self::Subnet { addr, bits } => write!(f, "{addr}/{bits}"),
        }
    }
}

/// The networks that several parties name, each for itself: flags, a policy file. All that name any
/// must name one that an address lies in; where nobody does, no address is free.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Vec<Network>>);

impl Networks {
    /// What these parties name.
    pub fn new(parties: Vec<Vec<Network>>) -> Self {
        let named = parties.into_iter().filter(|party| !party.is_empty());
        Self(named.collect())
    }

    /// Whether an address lies in them.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.all_name(|network| network.contains(ip))
    }

    /// Whether all that is local lies in them, such as a mounted share.
    pub fn contains_lan(&self) -> bool {
        self.all_name(|network| network == Network::Lan)
    }

    /// Whether no address can lie in them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn all_name(&self, fits: impl Fn(Network) -> bool) -> bool {
        let mut parties = self.0.iter();
        !self.is_empty() && parties.all(|party| party.iter().any(|network| fits(*network)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_local_is_lan() {
        for local in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.7.7",
            "127.0.0.1",
            "169.254.1.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:192.168.7.7",
        ] {
            assert!(Network::Lan.contains(ip(local)), "{local}");
        }
        for far in [
            "8.8.8.8",
            "172.32.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "0.0.0.0",
        ] {
            assert!(!Network::Lan.contains(ip(far)), "{far}");
        }
    }

    #[test]
    fn a_subnet_holds_what_begins_with_its_bits() {
        for (subnet, within, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("192.0.2.128/25", "192.0.2.200", "192.0.2.100"),
            ("0.0.0.0/0", "8.8.8.8", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:7::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "8.8.8.8"),
        ] {
            assert!(network(subnet).contains(ip(within)), "{subnet} {within}");
            assert!(!network(subnet).contains(ip(outside)), "{subnet} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in [
            "",
            "LAN",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "::/129",
            "lab.example",
            "1.2.3.4/x",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        assert_eq!(network("10.1.0.0/16").to_string(), "10.1.0.0/16");
    }

    #[test]
    fn all_parties_that_name_any_must_agree() {
        let lan = vec![network("lan")];
        let site = vec![network("10.1.0.0/16"), network("2001:db8::/32")];
        assert!(!Networks::default().contains(ip("10.1.0.1")));
        assert!(Networks::new(vec![vec![], lan.clone()]).contains_lan());
        let both = Networks::new(vec![lan, site]);
        assert!(both.contains(ip("10.1.0.1")));
        assert!(!both.contains(ip("10.2.0.1")) && !both.contains(ip("2001:db8::1")));
        assert!(!both.contains_lan());
    }
}
