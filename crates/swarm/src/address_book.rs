//! Whom we know: addresses, when each may be dialled, who is banned, which of them is ourselves.
//!
//! No I/O. What must stay true: at most [`ADDRESSES_MAX`] are remembered, an address is dialled by
//! one attempt at a time, and never while its peer is linked. No single peer, machine or way of discovery
//! fills the book, and what peers say is dialled slowly: a list of addresses is cheap, a connection is not.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{ADDRESSES_MAX, DIALS_MAX};
use crate::tokens::Tokens;

mod bans;

use bans::Bans;
pub(crate) use bans::{BAN_TIME, Offence};

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
/// Who did not answer a call for so long counts as out of reach, though it may answer yet.
const ANSWER_TIME: Duration = Duration::from_millis(1500);
/// Ports of one machine that are remembered, those that a person named left out.
const PORTS_MAX: usize = 64;
/// Addresses that are remembered on the word of peers behind one address.
const TOLD_MAX: usize = 200;
/// Dials at once, and the time in which another one is due.
const DIALS: (u32, Duration) = (64, Duration::from_millis(50));
/// The same of who looks on at a whole room, and asks as many a second.
const ONLOOKER_DIALS: (u32, Duration) = (64, Duration::from_millis(5));
/// The same for addresses that only peers tell of.
const HEARSAY_DIALS: (u32, Duration) = (32, Duration::from_millis(125));
/// Dials to addresses that only peers tell of that may be under way: the dead ones take ten seconds each.
const HEARSAY_DIALS_MAX: usize = DIALS_MAX / 2;

/// How an address came to us; a better way replaces a worse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// A peer told us.
    Pex,
    /// The distributed hash table has it, from whomever.
    Dht,
    /// It came by itself.
    Incoming,
    /// A tracker told us.
    Tracker,
    /// Local discovery.
    Lsd,
    /// A person named it.
    Named,
}

impl Via {
    /// Whether peers alone tell of it, whoever they are: nobody waits for such an address.
    fn is_hearsay(self) -> bool {
        self < Self::Tracker
    }

    /// Addresses that are remembered of those that came this way.
    fn share(self) -> usize {
        match self {
            Self::Named => ADDRESSES_MAX,
            Self::Incoming => ADDRESSES_MAX / 4,
            Self::Pex | Self::Dht | Self::Tracker | Self::Lsd => ADDRESSES_MAX / 2,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle { not_before: Instant },
    Dialling { since: Instant },
    Linked,
    Ourselves,
}

#[derive(Debug)]
struct Entry {
    via: Via,
    /// The peer that told of it first.
    teller: Option<IpAddr>,
    state: State,
    failures: u32,
    /// Whether it was ever linked.
    met: bool,
    /// When it last called by itself and so ended its pause.
    called: Option<Instant>,
    /// When it last called while it was linked or being dialled.
    called_meanwhile: Option<Instant>,
}

impl Entry {
    fn new(via: Via, teller: Option<IpAddr>, now: Instant) -> Self {
        Self {
            via,
            teller,
            state: State::Idle { not_before: now },
            failures: 0,
            met: false,
            called: None,
            called_meanwhile: None,
        }
    }

    /// It is not dialled for so long, unless it has just called.
    fn rest(&mut self, now: Instant, pause: Duration) {
        let called = self.called_meanwhile.take();
        let mut not_before = now + pause;
        if called.is_some_and(|at| now < at + CALL_FRESH) {
            (not_before, self.called) = (now, Some(now));
        }
        self.state = State::Idle { not_before };
    }

    /// It calls by local discovery: it is there this moment, perhaps started again, and need not wait for the
    /// end of a pause.
    fn call(&mut self, now: Instant) {
        let rested = self.called.is_none_or(|at| now >= at + CALL_EVERY);
        match &mut self.state {
            _ if !rested => {}
            State::Idle { not_before } => {
                *not_before = now.min(*not_before);
                self.called = Some(now);
            }
            State::Dialling { .. } | State::Linked => self.called_meanwhile = Some(now),
            State::Ourselves => {}
        }
    }

    /// Whether it was met, or can't be reached as far as one can know now.
    fn is_tried(&self, now: Instant) -> bool {
        let waited = match self.state {
            State::Linked | State::Ourselves => true,
            State::Dialling { since } => now >= since + ANSWER_TIME,
            State::Idle { .. } => false,
        };
        waited || self.met || self.failures > 0
    }
}

/// The addresses of one swarm.
#[derive(Debug)]
pub(crate) struct AddressBook {
    entries: HashMap<SocketAddr, Entry>,
    bans: Bans,
    dials: Tokens,
    hearsay_dials: Tokens,
}

impl AddressBook {
    /// An empty one.
    pub(crate) fn new(now: Instant) -> Self {
        Self::dialling(now, DIALS)
    }

    /// The same of who looks on.
    pub(crate) fn of_onlooker(now: Instant) -> Self {
        Self::dialling(now, ONLOOKER_DIALS)
    }

    fn dialling(now: Instant, (at_once, every): (u32, Duration)) -> Self {
        Self {
            entries: HashMap::new(),
            bans: Bans::default(),
            dials: Tokens::new(now, at_once, every),
            hearsay_dials: Tokens::new(now, HEARSAY_DIALS.0, HEARSAY_DIALS.1),
        }
    }

    /// Learns an address; true if it is new and there is room for it.
    pub(crate) fn learn(&mut self, addr: SocketAddr, via: Via, now: Instant) -> bool {
        self.learn_from(addr, via, None, now)
    }

    /// The same of one that the peer at `teller` told of.
    pub(crate) fn learn_from(
        &mut self,
        addr: SocketAddr,
        via: Via,
        teller: Option<IpAddr>,
        now: Instant,
    ) -> bool {
        if addr.port() == 0 || addr.ip().is_unspecified() || addr.ip().is_multicast() {
            return false;
        }
        if let Some(entry) = self.entries.get_mut(&addr) {
            entry.via = entry.via.max(via);
            if via == Via::Lsd {
                entry.call(now);
            }
            return false;
        }
        let room = self.make_room(addr.ip(), via, teller);
        if room {
            self.entries.insert(addr, Entry::new(via, teller, now));
        }
        room
    }

    /// The address to dial now, the best way and fewest failures first; it counts as being dialled.
    pub(crate) fn next_dial(&mut self, now: Instant) -> Option<SocketAddr> {
        self.next_of(now, Via::Pex)
    }

    /// The same of those that a person named.
    pub(crate) fn next_named(&mut self, now: Instant) -> Option<SocketAddr> {
        self.next_of(now, Via::Named)
    }

    /// The same of those that came this way or a better one.
    fn next_of(&mut self, now: Instant, least: Via) -> Option<SocketAddr> {
        let hearsay = self.may_dial_hearsay(now);
        let all = self.entries.iter();
        let all = all.filter(|(_, entry)| entry.via >= least);
        let due = all.filter(|(addr, entry)| {
            let idle = matches!(entry.state, State::Idle { not_before } if not_before <= now);
            let heard = !entry.via.is_hearsay() || hearsay && !self.bans.had_liar(addr.ip(), now);
            idle && heard && !self.bans.holds_addr(**addr, now)
        });
        // the address itself breaks ties, so that the choice does not hang on a map's order
        let best = due.min_by_key(|(addr, entry)| (entry.failures, Reverse(entry.via), **addr));
        let addr = *best?.0;
        let entry = self.entries.get_mut(&addr)?;
        let due = self.dials.take(now) && (!entry.via.is_hearsay() || self.hearsay_dials.take(now));
        if !due {
            return None;
        }
        entry.state = State::Dialling { since: now };
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

    /// How long it is until this address may be dialled again; `None` if it is not known, or being dialled.
    pub(crate) fn pause_of(&self, addr: SocketAddr, now: Instant) -> Option<Duration> {
        match self.entries.get(&addr)?.state {
            State::Idle { not_before } => Some(not_before.saturating_duration_since(now)),
            _ => None,
        }
    }

    /// A peer at this address is linked.
    pub(crate) fn linked(&mut self, addr: SocketAddr) {
        if let Some(entry) = self.entries.get_mut(&addr) {
            entry.state = State::Linked;
            entry.failures = 0;
            entry.met = true;
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

    /// This address is nobody's any more.
    pub(crate) fn forget(&mut self, addr: SocketAddr) {
        self.entries.remove(&addr);
    }

    /// Leaves a peer alone for a while.
    pub(crate) fn ban(
        &mut self,
        addr: SocketAddr,
        peer_id: [u8; 20],
        offence: Offence,
        now: Instant,
    ) {
        self.bans.add(addr, peer_id, offence, now);
    }

    /// Whether a peer that we have dialled is left alone.
    pub(crate) fn is_banned(&self, addr: SocketAddr, peer_id: &[u8; 20], now: Instant) -> bool {
        self.bans.holds_peer(peer_id, now) || self.bans.holds_addr(addr, now)
    }

    /// Whether a peer that comes by itself is turned away.
    pub(crate) fn is_shut_out(&self, addr: SocketAddr, peer_id: &[u8; 20], now: Instant) -> bool {
        self.is_banned(addr, peer_id, now) || self.bans.had_liar(addr.ip(), now)
    }

    /// How many others are known.
    pub(crate) fn others(&self) -> usize {
        let all = self.entries.values();
        all.filter(|entry| entry.state != State::Ourselves).count()
    }

    /// Those that discovery brought, whom it makes sense to wait for: whoever peers alone tell of, and who is
    /// banned, leaves no trace here.
    fn named(&self, now: Instant) -> impl Iterator<Item = &Entry> {
        let all = self.entries.iter();
        all.filter(move |(addr, entry)| {
            entry.state != State::Ourselves
                && !entry.via.is_hearsay()
                && !self.bans.holds_addr(**addr, now)
        })
        .map(|(_, entry)| entry)
    }

    /// Whether discovery brought anybody.
    pub(crate) fn any_named(&self, now: Instant) -> bool {
        self.named(now).next().is_some()
    }

    /// Whether each of them was met or can't be reached.
    pub(crate) fn all_tried(&self, now: Instant) -> bool {
        self.named(now).all(|entry| entry.is_tried(now))
    }

    fn may_dial_hearsay(&mut self, now: Instant) -> bool {
        let dialling = |entry: &&Entry| {
            entry.via.is_hearsay() && matches!(entry.state, State::Dialling { .. })
        };
        let under_way = self.entries.values().filter(dialling).count();
        under_way < HEARSAY_DIALS_MAX && self.hearsay_dials.has_any(now)
    }

    /// Whether there is room for one more address; one that is idle and worse may have to go.
    fn make_room(&mut self, ip: IpAddr, via: Via, teller: Option<IpAddr>) -> bool {
        let (mut same_ip, mut same_via, mut same_teller) = (0, 0, 0);
        for (addr, entry) in &self.entries {
            same_ip += usize::from(addr.ip() == ip);
            same_via += usize::from(entry.via == via);
            same_teller += usize::from(teller.is_some() && entry.teller == teller);
        }
        let named = via == Via::Named;
        if same_ip >= PORTS_MAX && !named {
            return self.forget_one(|addr, entry| addr.ip() == ip && entry.via <= via);
        }
        if same_teller >= TOLD_MAX {
            return self.forget_one(|_, entry| entry.teller == teller && entry.via <= via);
        }
        if same_via >= via.share() {
            return self.forget_one(|_, entry| entry.via == via);
        }
        self.entries.len() < ADDRESSES_MAX
            || self.forget_one(|_, entry| entry.via <= via)
            || self.forget_any(|_, entry| entry.via < via)
    }

    /// Takes out the idle address that failed most of those that may go; false if none of them failed.
    fn forget_one(&mut self, may_go: impl Fn(&SocketAddr, &Entry) -> bool) -> bool {
        self.forget_any(|addr, entry| entry.failures > 0 && may_go(addr, entry))
    }

    fn forget_any(&mut self, may_go: impl Fn(&SocketAddr, &Entry) -> bool) -> bool {
        let all = self.entries.iter();
        let idle = all.filter(|(addr, entry)| {
            matches!(entry.state, State::Idle { .. }) && may_go(addr, entry)
        });
        let worst = idle.max_by_key(|(addr, entry)| (entry.failures, Reverse(entry.via), **addr));
        let worst = worst.map(|at| *at.0);
        worst.and_then(|addr| self.entries.remove(&addr)).is_some()
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod sequences;
#[cfg(test)]
mod tests;
