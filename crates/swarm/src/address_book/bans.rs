//! Who is left alone, for how long, and what that means for others at the same address.
//!
//! No I/O. A liar comes back under another name and from another port. So after a lie nobody else from its
//! address is let in for the time of the ban; who lives there and listens can be dialled still, if somebody
//! else than a peer tells of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

/// How long a malicious peer is left alone.
pub(crate) const BAN_TIME: Duration = Duration::from_mins(10);
/// Bans of peers behind one address before all of it is banned.
const STRIKES_MAX: u32 = 3;
/// Bans of one kind that are remembered.
const BANS_MAX: usize = 1000;

/// What a peer is left alone for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offence {
    /// It broke the protocol: perhaps a program with a fault.
    Violation,
    /// It sent wrong bytes.
    Lie,
}

/// All bans of a swarm.
#[derive(Debug, Default)]
pub(super) struct Bans {
    addrs: HashMap<SocketAddr, Instant>,
    peers: HashMap<[u8; 20], Instant>,
    strikes: HashMap<IpAddr, (u32, Instant)>,
    liars: HashMap<IpAddr, Instant>,
}

impl Bans {
    /// Leaves a peer alone for a while, and its whole address after several bans there.
    pub(super) fn add(
        &mut self,
        addr: SocketAddr,
        peer_id: [u8; 20],
        offence: Offence,
        now: Instant,
    ) {
        let until = now + BAN_TIME;
        put(&mut self.addrs, addr, until, now);
        put(&mut self.peers, peer_id, until, now);
        if offence == Offence::Lie {
            put(&mut self.liars, addr.ip(), until, now);
        }
        self.strikes.retain(|_, (_, end)| *end > now);
        if self.strikes.len() < BANS_MAX || self.strikes.contains_key(&addr.ip()) {
            let strike = self.strikes.entry(addr.ip()).or_insert((0, until));
            *strike = (strike.0.saturating_add(1), until);
        }
    }

    /// Whether this peer is left alone.
    pub(super) fn holds_peer(&self, peer_id: &[u8; 20], now: Instant) -> bool {
        is_live(self.peers.get(peer_id), now)
    }

    /// Whether whoever is at this address is left alone.
    pub(super) fn holds_addr(&self, addr: SocketAddr, now: Instant) -> bool {
        let strikes = self.strikes.get(&addr.ip());
        let struck = strikes.is_some_and(|(count, end)| *count >= STRIKES_MAX && *end > now);
        struck || is_live(self.addrs.get(&addr), now)
    }

    /// Whether a liar came from this address.
    pub(super) fn had_liar(&self, ip: IpAddr, now: Instant) -> bool {
        is_live(self.liars.get(&ip), now)
    }
}

/// Adds a ban; those that are over make room, or else the one that ends first.
fn put<K: Copy + Eq + Hash>(bans: &mut HashMap<K, Instant>, key: K, until: Instant, now: Instant) {
    if bans.len() >= BANS_MAX {
        bans.retain(|_, end| *end > now);
    }
    if bans.len() >= BANS_MAX
        && let Some(oldest) = bans.iter().min_by_key(|(_, end)| **end).map(|ban| *ban.0)
    {
        bans.remove(&oldest);
    }
    bans.insert(key, until);
}

fn is_live(until: Option<&Instant>, now: Instant) -> bool {
    until.is_some_and(|until| *until > now)
}
