//! Whose turn it is to be served by one machine's uplink: a few peers at a time, a piece each.
//!
//! Whoever gets a whole piece soon passes it on; if all who ask shared the uplink, all would have
//! their first piece late, at the same time. So peers that asked for something wait in line, and a
//! turn ends after a piece's worth of bytes or some time, if others wait. A piece that was never
//! sent before goes before the others, and ends their turns. Where the peers being served are too
//! slow to fill the uplink, more are served: their number grows while that makes the whole faster.
//!
//! What must stay true: nobody waits while fewer than `SERVED_MIN` are served, who is served and
//! stuck keeps nobody waiting for longer than `TURN_TIME`, and one turn in `IN_ORDER_EVERY`
//! goes to who waited longest.

use std::collections::VecDeque;
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet};

use crate::{Instant, SourceId};

/// So many peers are served at a time at least.
const SERVED_MIN: usize = 4;
/// Bytes of one turn.
const TURN_LEN: u64 = 4 * 1024 * 1024;
/// Longest turn while others wait.
const TURN_TIME: Duration = Duration::from_millis(500);
/// One turn in so many goes to who waited longest, however urgent others are.
const IN_ORDER_EVERY: u32 = 4;
/// Time over which the rate of all peers together is taken.
const WINDOW: Duration = Duration::from_millis(250);
/// More peers are tried after so many windows.
const WINDOWS_BETWEEN_TRIALS: u32 = 8;
/// What more peers must gain to be kept, in percent.
const GAIN_PERCENT: u64 = 10;

/// Whether a peer waits for what nobody had of this machine before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It waits for a piece that nobody asked for before.
    FirstCopy,
    /// Others have asked for all that it waits for.
    Rest,
}

/// The line of all peers that asked one machine for something.
#[derive(Debug)]
pub struct Uplink {
    /// Pieces that any peer was let ask for.
    asked_for: PieceSet,
    served: Vec<Served>,
    waiting: VecDeque<Waiting>,
    /// Whose turn has come and who was not told yet.
    called: VecDeque<SourceId>,
    /// Turns given to urgent peers since one was given in order.
    urgent_turns: u32,
    width: Width,
}

#[derive(Debug)]
struct Waiting {
    peer: SourceId,
    urgency: Urgency,
}

#[derive(Debug)]
struct Served {
    peer: SourceId,
    /// The turn lasts even if urgent peers wait.
    in_order: bool,
    left: u64,
    since: Instant,
}

impl Uplink {
    /// The uplink of a machine whose content has so many pieces, none of which was asked for.
    pub fn new(pieces: u32) -> Self {
        Self {
            asked_for: PieceSet::empty(pieces),
            served: Vec::new(),
            waiting: VecDeque::new(),
            called: VecDeque::new(),
            urgent_turns: 0,
            width: Width::new(),
        }
    }

    /// Notes that some peer asked for a piece; whether that is the first time.
    pub fn asked(&mut self, piece: PieceIndex) -> bool {
        self.asked_for.insert(piece)
    }

    /// Says that there is something to send to a peer, and how urgent that is; whether it is the
    /// peer's turn.
    pub fn want(&mut self, now: Instant, peer: SourceId, urgency: Urgency) -> bool {
        if urgency == Urgency::Rest && self.has_urgent() {
            self.served.retain(|one| one.peer != peer || one.in_order);
        }
        if !self.serves(peer) {
            match self.waiting.iter_mut().find(|one| one.peer == peer) {
                Some(known) => known.urgency = urgency,
                None => self.waiting.push_back(Waiting { peer, urgency }),
            }
            self.handle_timeout(now);
        }
        self.serves(peer)
    }

    /// Counts what was sent to a peer; a turn that is used up goes to who comes next.
    pub fn spend(&mut self, now: Instant, peer: SourceId, bytes: u64) {
        let contended = !self.waiting.is_empty();
        self.width.sent(now, bytes, contended);
        let Some(one) = self.served.iter_mut().find(|one| one.peer == peer) else {
            return;
        };
        one.left = one.left.saturating_sub(bytes);
        if one.left == 0 && contended {
            self.give_back(now, peer);
        } else if !contended {
            (one.left, one.since) = (TURN_LEN, now);
        }
    }

    /// There is nothing to send to a peer for now.
    pub fn give_back(&mut self, now: Instant, peer: SourceId) {
        self.served.retain(|one| one.peer != peer);
        self.waiting.retain(|one| one.peer != peer);
        self.admit(now);
    }

    /// The next peer whose turn has come; to be asked for until there is none after each call.
    pub fn poll_turn(&mut self) -> Option<SourceId> {
        self.called.pop_front()
    }

    /// When a turn ends because others wait; `None` while nobody does.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let oldest = self.served.iter().map(|one| one.since).min();
        oldest
            .filter(|_| !self.waiting.is_empty())
            .map(|since| since + TURN_TIME)
    }

    /// Ends the turns that lasted too long, if others wait.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.waiting.is_empty() {
            self.served.retain(|one| now.since(one.since) < TURN_TIME);
            self.admit(now);
        }
    }

    fn serves(&self, peer: SourceId) -> bool {
        self.served.iter().any(|one| one.peer == peer)
    }

    fn has_urgent(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|one| one.urgency == Urgency::FirstCopy)
    }

    /// Lets those in who come next.
    fn admit(&mut self, now: Instant) {
        while self.served.len() < self.width.served_max && !self.waiting.is_empty() {
            let mut waiting = self.waiting.iter();
            let urgent = waiting.position(|one| one.urgency == Urgency::FirstCopy);
            let chosen = urgent.filter(|_| self.urgent_turns + 1 < IN_ORDER_EVERY);
            self.urgent_turns = chosen.map_or(0, |_| self.urgent_turns + 1);
            let Some(next) = self.waiting.remove(chosen.unwrap_or(0)) else {
                return;
            };
            self.served.push(Served {
                peer: next.peer,
                in_order: urgent != chosen,
                left: TURN_LEN,
                since: now,
            });
            self.called.push_back(next.peer);
        }
    }
}

/// How many peers are served at a time: tries more now and then, keeps what pays.
#[derive(Debug)]
struct Width {
    served_max: usize,
    since: Option<Instant>,
    bytes: u64,
    /// Somebody waited for the whole window.
    contended: bool,
    /// What came of the number before the trial, in bytes a second.
    before: Option<u64>,
    quiet: u32,
}

impl Width {
    fn new() -> Self {
        Self {
            served_max: SERVED_MIN,
            since: None,
            bytes: 0,
            contended: true,
            before: None,
            quiet: 0,
        }
    }

    fn sent(&mut self, now: Instant, bytes: u64, contended: bool) {
        let since = *self.since.get_or_insert(now);
        self.bytes = self.bytes.saturating_add(bytes);
        self.contended &= contended;
        let passed = now.since(since);
        if passed < WINDOW {
            return;
        }
        let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1_000_000) / micros.max(1);
        if std::mem::replace(&mut self.contended, true) {
            self.judge(rate);
        } else {
            self.before = None;
        }
        (self.since, self.bytes) = (Some(now), 0);
    }

    fn judge(&mut self, rate: u64) {
        match self.before.take() {
            Some(before) if rate > before / 100 * (100 + GAIN_PERCENT) => self.try_more(rate),
            Some(_) => {
                // back to where it was, and one less: what gained nothing is not kept
                self.served_max = (self.served_max - 3).max(SERVED_MIN);
                self.quiet = WINDOWS_BETWEEN_TRIALS;
            }
            None if self.quiet > 0 => self.quiet -= 1,
            None => self.try_more(rate),
        }
    }

    fn try_more(&mut self, rate: u64) {
        self.before = Some(rate);
        self.served_max += 2;
    }
}

#[cfg(test)]
mod tests;
