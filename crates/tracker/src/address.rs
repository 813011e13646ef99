//! What each address takes of the tracker, so that one can't take all of it.
//!
//! What must stay true: an entry lives as long as it counts something or for ten seconds after its
//! last announce; the number of entries is bounded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::time::Instant;

/// Announces that an address may make at once, in seconds of its rate.
const BURST: Duration = Duration::from_secs(10);
/// Addresses that are counted at most.
const ADDRESSES_MAX: usize = 1_000_000;

/// An address as the tracker counts it: a host of IPv4, or a /64 network of IPv6, which one host has for
/// itself.
pub(crate) fn key(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip) >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What one address takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Contents that it announced first.
    pub(crate) torrents: usize,
    pub(crate) peers: usize,
    /// When its announces so far are paid for, at its rate.
    paid: Instant,
}

/// What all addresses take.
#[derive(Debug, Default)]
pub(crate) struct Addresses(HashMap<IpAddr, Taken>);

impl Addresses {
    /// Counts an announce of `ip`; whether it may be answered at `rate` announces a second.
    pub(crate) fn may_announce(&mut self, ip: IpAddr, rate: u32, now: Instant) -> bool {
        if ip.is_loopback() {
            return true;
        }
        let Some(taken) = self.entry(ip, now) else {
            return false;
        };
        if taken.paid > now + BURST {
            return false;
        }
        taken.paid = taken.paid.max(now) + Duration::from_secs(1) / rate.max(1);
        true
    }

    /// What `ip` takes; `None` where nothing more can be counted.
    pub(crate) fn entry(&mut self, ip: IpAddr, now: Instant) -> Option<&mut Taken> {
        let room = self.0.len() < ADDRESSES_MAX;
        match self.0.entry(key(ip)) {
            Entry::Occupied(entry) => Some(entry.into_mut()),
            Entry::Vacant(entry) => room.then(|| {
                entry.insert(Taken {
                    torrents: 0,
                    peers: 0,
                    paid: now,
                })
            }),
        }
    }

    /// A peer at `ip` is forgotten.
    pub(crate) fn forget_peer(&mut self, ip: IpAddr) {
        if let Some(taken) = self.0.get_mut(&key(ip)) {
            taken.peers = taken.peers.saturating_sub(1);
        }
    }

    /// A content that `ip` announced first is forgotten.
    pub(crate) fn forget_torrent(&mut self, ip: IpAddr) {
        if let Some(taken) = self.0.get_mut(&key(ip)) {
            taken.torrents = taken.torrents.saturating_sub(1);
        }
    }

    /// Drops the entries that say nothing any more.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.0
            .retain(|_, taken| taken.torrents > 0 || taken.peers > 0 || taken.paid > now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_address_as_ipv4() {
        let key = |ip: &str| key(ip.parse().unwrap());
        assert_eq!(key("2001:db8:0:1::7"), key("2001:db8:0:1:ffff::"));
        assert_ne!(key("2001:db8:0:1::7"), key("2001:db8:0:2::7"));
        assert_eq!(key("::ffff:10.0.0.7"), key("10.0.0.7"));
    }

    #[test]
    fn announces_of_an_address_are_bounded_and_others_are_not_hurt() {
        let now = Instant::now();
        let mut addresses = Addresses::default();
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let mut count = |ip, now| {
            (0..3000)
                .filter(|_| addresses.may_announce(ip, 100, now))
                .count()
        };
        assert_eq!(count(ip(1), now), 1001);
        assert_eq!(count(ip(1), now + Duration::from_secs(1)), 100);
        assert_eq!(count(ip(2), now), 1001);
        assert_eq!(count(IpAddr::from([127, 0, 0, 1]), now), 3000);
        addresses.sweep(now + Duration::from_mins(1));
        assert!(addresses.0.is_empty());
    }
}
