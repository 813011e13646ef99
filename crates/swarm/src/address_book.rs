//! Whom we know: addresses, when each may be dialled, who is banned, which of them is ourselves.
//!
//! No I/O. What must stay true: at most [`addresses_max`] are remembered, an address is dialled by
//! one attempt at a time, and never while its peer is linked.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::addresses_max;

/// Pause after the first failure; doubled with each.
const PAUSE_MIN: Duration = Duration::from_secs(2);
/// Longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_mins(2);
/// Pause before a peer that a person named is tried again.
const PAUSE_NAMED: Duration = Duration::from_secs(3);
/// Pause before a peer that closed a working link is dialled again.
const PAUSE_LINKED: Duration = Duration::from_secs(5);
/// Least time between two calls of one address that end its pause.
const CALL_EVERY: Duration = Duration::from_secs(1);
/// A call that came while the peer was linked, or being dialled, ends the pause behind it this long: who starts
/// again calls before its old links are seen to break.
const CALL_FRESH: Duration = Duration::from_secs(2);
/// How long a malicious peer is left alone.
const BAN_TIME: Duration = Duration::from_mins(10);
/// Bans of peers behind one address before all of it is banned.
const STRIKES_MAX: u32 = 3;
/// Bans that are remembered.
const BANS_MAX: usize = 1000;

/// How an address came to us; a better way replaces a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// A peer told us.
    Pex,
    /// It came by itself.
    Incoming,
    /// A tracker told us.
    Tracker,
    /// Local discovery.
    Lsd,
    /// A person named it.
    Named,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle { not_before: Instant },
    Dialling,
    Linked,
    Ourselves,
}

#[derive(Debug)]
struct Entry {
    via: Via,
    state: State,
    failures: u32,
    /// When it last called by itself and so ended its pause.
    called: Option<Instant>,
    /// When it last called while it was linked or being dialled.
    called_meanwhile: Option<Instant>,
}

impl Entry {
    /// It is not dialled for so long, unless it has just called.
    fn rest(&mut self, now: Instant, pause: Duration) {
        let called = self.called_meanwhile.take();
        let mut not_before = now + pause;
        if called.is_some_and(|at| now < at + CALL_FRESH) {
            (not_before, self.called) = (now, Some(now));
        }
        self.state = State::Idle { not_before };
    }
}

/// The addresses of one swarm.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    entries: HashMap<SocketAddr, Entry>,
    banned_addrs: HashMap<SocketAddr, Instant>,
    banned_peers: HashMap<[u8; 20], Instant>,
    strikes: HashMap<IpAddr, (u32, Instant)>,
}

impl AddressBook {
    /// Learns an address; true if it is new. One that calls by local discovery is there this moment,
    /// perhaps started again, and need not wait for the end of a pause.
    pub(crate) fn learn(&mut self, addr: SocketAddr, via: Via, now: Instant) -> bool {
        if addr.port() == 0 || addr.ip().is_unspecified() || addr.ip().is_multicast() {
            return false;
        }
        if let Some(entry) = self.entries.get_mut(&addr) {
            entry.via = entry.via.max(via);
            let rested = entry.called.is_none_or(|at| now >= at + CALL_EVERY);
            match &mut entry.state {
                _ if via != Via::Lsd || !rested => {}
                State::Idle { not_before } => {
                    *not_before = now.min(*not_before);
                    entry.called = Some(now);
                }
                State::Dialling | State::Linked => entry.called_meanwhile = Some(now),
                State::Ourselves => {}
            }
            return false;
        }
        if self.entries.len() >= addresses_max && !self.forget_one(via) {
            return false;
        }
        let state = State::Idle { not_before: now };
        self.entries.insert(
            addr,
            Entry {
                via,
                state,
                failures: 0,
                called: None,
                called_meanwhile: None,
            },
        );
        true
    }

    /// The address to dial now, the best way and fewest failures first; it counts as being dialled.
    pub(crate) fn next_dial(&mut self, now: Instant) -> Option<SocketAddr> {
        let due = self.entries.iter().filter(|(addr, entry)| {
            let idle = matches!(entry.state, State::Idle { not_before } if not_before <= now);
            idle && !is_live(self.banned_addrs.get(*addr), now) && !self.is_struck(addr.ip(), now)
        });
        // the address itself breaks ties, so that the choice does not hang on a map's order
        let best =
            due.min_by_key(|(addr, entry)| (entry.failures, std::cmp::Reverse(entry.via), **addr));
        let addr = *best?.0;
        self.entries.get_mut(&addr)?.state = State::Dialling;
        Some(addr)
    }

    /// A dial failed, or its link ended before it was of use.
    pub(crate) fn failed(&mut self, addr: SocketAddr, now: Instant) {
        let Some(entry) = self.entries.get_mut(&addr) else {
            return;
        };
        if entry.state == State::Ourselves {
            return;
        }
        entry.failures = entry.failures.saturating_add(1);
        let pause = match entry.via {
            Via::Named => PAUSE_NAMED,
            _ => PAUSE_MIN.saturating_mul(1 << entry.failures.min(6)) / 2,
        };
        entry.rest(now, pause.min(PAUSE_MAX));
    }

    /// A peer at this address is linked.
    pub(crate) fn linked(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&addr) {
            entry.state = State::Linked;
            entry.failures = 0;
            entry.called_meanwhile = None;
        }
    }

    /// The link to this address ended.
    pub(crate) fn unlinked(&mut self, addr: SocketAddr, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&addr)
            && entry.state == State::Linked
        {
            entry.rest(now, PAUSE_LINKED);
        }
    }

    /// This address is our own.
    pub(crate) fn is_ourselves(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&addr) {
            entry.state = State::Ourselves;
        }
    }

    /// Leaves a peer alone for a while, and a whole address after several bans there.
    pub(crate) fn ban(&mut self, addr: SocketAddr, peer_id: [u8; 20], now: Instant) {
        let until = now + BAN_TIME;
        if self.banned_addrs.len() >= BANS_MAX {
            self.banned_addrs.retain(|_, end| *end > now);
            self.banned_peers.retain(|_, end| *end > now);
            self.strikes.retain(|_, (_, end)| *end > now);
        }
        if self.banned_addrs.len() < BANS_MAX {
            self.banned_addrs.insert(addr, until);
            self.banned_peers.insert(peer_id, until);
            let strike = self.strikes.entry(addr.ip()).or_insert((0, until));
            *strike = (strike.0.saturating_add(1), until);
        }
    }

    /// Whether a peer is left alone.
    pub(crate) fn is_banned(&self, addr: SocketAddr, peer_id: &[u8; 20], now: Instant) -> bool {
        is_live(self.banned_peers.get(peer_id), now)
            || is_live(self.banned_addrs.get(&addr), now)
            || self.is_struck(addr.ip(), now)
    }

    /// How many others are known.
    pub(crate) fn others(&self) -> usize {
        self.entries
            .values()
            .filter(|entry| entry.state != State::Ourselves)
            .count()
    }

    /// Whether each of them is linked or could not be reached at least once.
    pub(crate) fn all_tried(&self) -> bool {
        self.entries.values().all(|entry| {
            let met = matches!(entry.state, State::Linked | State::Ourselves);
            met || entry.failures > 0
        })
    }

    fn is_struck(&self, ip: IpAddr, now: Instant) -> bool {
        self.strikes
            .get(&ip)
            .is_some_and(|(count, end)| *count >= STRIKES_MAX && *end > now)
    }

    /// Makes room for an address by taking out an idle one that failed most.
    fn forget_one(&mut self, via: Via) -> bool {
        let idle = self.entries.iter().filter(|(_, entry)| {
            matches!(entry.state, State::Idle { .. }) && entry.failures > 0 && entry.via <= via
        });
        let worst = idle
            .max_by_key(|(addr, entry)| (entry.failures, **addr))
            .map(|at| *at.0);
        worst.and_then(|addr| self.entries.remove(&addr)).is_some()
    }
}

fn is_live(until: Option<&Instant>, now: Instant) -> bool {
    until.is_some_and(|until| *until > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[tokio::test]
    async fn all_are_tried_when_each_is_linked_or_was_out_of_reach() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        for port in [1, 2] {
            book.learn(addr(port), Via::Named, start);
        }
        assert!(!book.all_tried());
        book.linked(addr(1));
        assert_eq!(book.next_dial(start), Some(addr(2)));
        assert!(!book.all_tried(), "one is being dialled");
        book.failed(addr(2), start);
        assert!(book.all_tried());
        book.learn(addr(3), Via::Pex, start);
        assert!(!book.all_tried());
    }

    #[tokio::test]
    async fn who_calls_is_dialled_at_once_but_not_more_often_than_each_second() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        book.learn(addr(1), Via::Lsd, start);
        book.linked(addr(1));
        book.unlinked(addr(1), start);
        assert_eq!(book.next_dial(start), None);
        book.learn(addr(1), Via::Tracker, start);
        assert_eq!(book.next_dial(start), None, "a tracker's word may be old");
        book.learn(addr(1), Via::Lsd, start);
        assert_eq!(book.next_dial(start), Some(addr(1)));
        book.failed(addr(1), start);
        let soon = start + Duration::from_millis(999);
        book.learn(addr(1), Via::Lsd, soon);
        assert_eq!(book.next_dial(soon), None);
        let later = start + CALL_EVERY;
        book.learn(addr(1), Via::Lsd, later);
        assert_eq!(book.next_dial(later), Some(addr(1)));
    }

    #[tokio::test]
    async fn who_calls_before_its_old_link_breaks_is_dialled_once_it_has() {
        let start = Instant::now();
        for late in [Duration::ZERO, CALL_FRESH] {
            let mut book = AddressBook::default();
            book.learn(addr(1), Via::Lsd, start);
            book.linked(addr(1));
            book.learn(addr(1), Via::Lsd, start);
            assert_eq!(book.next_dial(start), None, "it is linked");
            let broken = start + late;
            book.unlinked(addr(1), broken);
            let due = late.is_zero().then_some(addr(1));
            assert_eq!(book.next_dial(broken), due, "{late:?}");
            book.failed(addr(1), broken);
            assert_eq!(book.next_dial(broken), None, "a call counts once");
        }
    }

    #[tokio::test]
    async fn who_calls_while_it_is_dialled_is_dialled_again_but_not_more_often_than_each_second() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        book.learn(addr(1), Via::Tracker, start);
        assert_eq!(book.next_dial(start), Some(addr(1)));
        for due in [Some(addr(1)), None] {
            book.learn(addr(1), Via::Lsd, start);
            book.failed(addr(1), start);
            assert_eq!(book.next_dial(start), due);
        }
    }

    #[tokio::test]
    async fn an_address_is_dialled_once_at_a_time_and_later_after_each_failure() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        assert!(book.learn(addr(1), Via::Tracker, start));
        assert!(!book.learn(addr(1), Via::Pex, start));
        assert_eq!(book.next_dial(start), Some(addr(1)));
        assert_eq!(book.next_dial(start), None);
        for pause in [2u64, 4, 8, 16, 32, 64, 64] {
            book.failed(addr(1), start);
            assert_eq!(
                book.next_dial(start + Duration::from_millis(pause * 1000 - 1)),
                None
            );
            let due = start + Duration::from_secs(pause);
            assert_eq!(book.next_dial(due), Some(addr(1)), "{pause}");
        }
    }

    #[tokio::test]
    async fn a_named_peer_is_tried_every_few_seconds_for_ever() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        book.learn(addr(1), Via::Pex, start);
        book.learn(addr(1), Via::Named, start);
        for _ in 0..20 {
            assert_eq!(book.next_dial(start + PAUSE_NAMED), Some(addr(1)));
            book.failed(addr(1), start);
        }
    }

    #[tokio::test]
    async fn ourselves_and_the_banned_are_not_dialled() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        book.learn(addr(1), Via::Lsd, start);
        book.learn(addr(2), Via::Lsd, start);
        book.is_ourselves(addr(1));
        book.failed(addr(1), start);
        book.ban(addr(2), [7; 20], start);
        assert_eq!(book.next_dial(start), None);
        assert_eq!(book.others(), 1);
        assert!(book.is_banned(addr(9), &[7; 20], start));
        assert!(
            !book.is_banned(addr(9), &[8; 20], start),
            "one ban spares the neighbours"
        );
        assert_eq!(book.next_dial(start + BAN_TIME), Some(addr(2)));
        book.ban(addr(3), [1; 20], start);
        book.ban(addr(4), [2; 20], start);
        assert!(book.is_banned(addr(9), &[8; 20], start), "three do not");
    }

    #[tokio::test]
    async fn the_book_is_limited_and_prefers_what_works() {
        let start = Instant::now();
        let mut book = AddressBook::default();
        let ip = |at: usize| SocketAddr::from(([10, 1, 1, 1], u16::try_from(at + 1).unwrap()));
        for at in 0..addresses_max {
            assert!(book.learn(ip(at), Via::Pex, start));
        }
        assert!(!book.learn(ip(addresses_max), Via::Pex, start));
        let dialled = book.next_dial(start).unwrap();
        book.failed(dialled, start);
        assert!(book.learn(ip(addresses_max), Via::Pex, start));
        assert_eq!(book.others(), addresses_max);
    }
}
