//! Whose turn it is to be served: a few links at a time, a piece each.
//!
//! Whoever gets a whole piece soon passes it on; if all who ask shared the uplink, all would have
//! their first piece late, at the same time. So links with something to send wait in line, and a
//! turn ends after a piece's worth of bytes or some time, if others wait. Who sends a piece that was
//! never sent before goes before the others, and ends their turns. Where the links being
//! served are too slow to fill the uplink, more are served: their number grows while that makes the
//! whole faster.
//!
//! What must stay true: nobody waits while fewer than [`SERVED_MIN`] are served, who is served
//! and stuck keeps nobody waiting for longer than [`TURN_TIME`], and one turn in [`IN_ORDER_EVERY`] goes to
//! who waited longest.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// So many links are served at a time at least.
const SERVED_MIN: usize = 4;
/// Bytes of one turn.
const TURN_LEN: u64 = 4 * 1024 * 1024;
/// Longest turn while others wait.
const TURN_TIME: Duration = Duration::from_millis(500);
/// One turn in so many goes to who waited longest, however urgent others are.
const IN_ORDER_EVERY: u32 = 4;
/// Who waits looks this often whether somebody's turn is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Time over which the rate of all links together is taken.
const WINDOW: Duration = Duration::from_millis(250);
/// More links are tried after so many windows.
const WINDOWS_BETWEEN_TRIALS: u32 = 8;
/// What more links must gain to be kept, in percent.
const GAIN_PERCENT: u64 = 10;

/// The line of all links of a swarm.
#[derive(Debug)]
pub(crate) struct Turns {
    line: Mutex<Line>,
}

impl Turns {
    pub(crate) fn new() -> Arc<Self> {
        let line = Line {
            next: 0,
            served: Vec::new(),
            waiting: VecDeque::new(),
            urgent_turns: 0,
            climb: Climb::new(),
        };
        Arc::new(Self {
            line: Mutex::new(line),
        })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Line {
    next: u64,
    served: Vec<Served>,
    waiting: VecDeque<Waiting>,
    /// Turns given to urgent links since one was given in order.
    urgent_turns: u32,
    climb: Climb,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    come: Arc<Notify>,
    urgent: bool,
}

#[derive(Debug)]
struct Served {
    id: u64,
    /// The turn lasts even if urgent links wait.
    in_order: bool,
    left: u64,
    since: Instant,
}

impl Line {
    fn is_served(&self, id: u64) -> bool {
        self.served.iter().any(|one| one.id == id)
    }

    /// Lets those in who come next.
    fn admit(&mut self, now: Instant) {
        while self.served.len() < self.climb.served_max && !self.waiting.is_empty() {
            let urgent = self.waiting.iter().position(|one| one.urgent);
            let chosen = urgent.filter(|_| self.urgent_turns + 1 < IN_ORDER_EVERY);
            self.urgent_turns = chosen.map_or(0, |_| self.urgent_turns + 1);
            let Some(next) = self.waiting.remove(chosen.unwrap_or(0)) else {
                return;
            };
            self.served.push(Served {
                id: next.id,
                in_order: urgent != chosen,
                left: TURN_LEN,
                since: now,
            });
            // the link may have several writers; the one that looks later finds the permit
            next.come.notify_waiters();
            next.come.notify_one();
        }
    }

    fn leave(&mut self, now: Instant, id: u64) {
        self.served.retain(|one| one.id != id);
        self.waiting.retain(|one| one.id != id);
        self.admit(now);
    }
}

/// One link's place in the line, whichever of its connections asks; given up when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    id: u64,
    come: Arc<Notify>,
    /// It is served or waits.
    in_line: AtomicBool,
    waits: AtomicBool,
}

impl Turn {
    pub(crate) fn new(turns: &Arc<Turns>) -> Self {
        let mut line = turns.line();
        line.next += 1;
        Self {
            id: line.next,
            turns: Arc::clone(turns),
            come: Arc::default(),
            in_line: AtomicBool::new(false),
            waits: AtomicBool::new(false),
        }
    }

    /// Says that there is something to send, and whether that was never sent before; whether it is
    /// this link's turn.
    pub(crate) fn want(&self, now: Instant, urgent: bool) -> bool {
        self.in_line.store(true, Ordering::Relaxed);
        let mut line = self.turns.line();
        if !urgent && line.waiting.iter().any(|one| one.urgent) {
            line.served.retain(|one| one.id != self.id || one.in_order);
        }
        if !line.is_served(self.id) {
            line.served
                .retain(|one| now.duration_since(one.since) < TURN_TIME);
            match line.waiting.iter_mut().find(|one| one.id == self.id) {
                Some(known) => known.urgent = urgent,
                None => line.waiting.push_back(Waiting {
                    id: self.id,
                    come: Arc::clone(&self.come),
                    urgent,
                }),
            }
            line.admit(now);
        }
        let served = line.is_served(self.id);
        self.waits.store(!served, Ordering::Relaxed);
        served
    }

    /// Counts what was sent; a turn that is used up goes to who comes next.
    pub(crate) fn spend(&self, now: Instant, bytes: u64) {
        let mut line = self.turns.line();
        let contended = !line.waiting.is_empty();
        line.climb.sent(now, bytes, contended);
        let Some(one) = line.served.iter_mut().find(|one| one.id == self.id) else {
            return;
        };
        one.left = one.left.saturating_sub(bytes);
        if one.left == 0 && contended {
            line.leave(now, self.id);
        } else if !contended {
            (one.left, one.since) = (TURN_LEN, now);
        }
    }

    /// There is nothing to send for now.
    pub(crate) fn give_back(&self, now: Instant) {
        self.waits.store(false, Ordering::Relaxed);
        if self.in_line.swap(false, Ordering::Relaxed) {
            self.turns.line().leave(now, self.id);
        }
    }

    /// Waits, where a turn is waited for, until it is worth asking again. May be dropped.
    pub(crate) async fn come(&self) {
        if self.waits.load(Ordering::Relaxed) {
            let _ = timeout(LOOK_EVERY, self.come.notified()).await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_back(Instant::now());
    }
}

/// How many links are served at a time: tries more now and then, keeps what pays.
#[derive(Debug)]
struct Climb {
    served_max: usize,
    since: Option<Instant>,
    bytes: u64,
    /// Somebody waited for the whole window.
    contended: bool,
    /// What came of the number before the trial, in bytes a window.
    before: Option<u64>,
    quiet: u32,
}

impl Climb {
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
        let passed = now.duration_since(since);
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
mod tests {
    use super::*;

    fn line_of(count: usize) -> (Instant, Vec<Turn>) {
        let turns = Turns::new();
        (
            Instant::now(),
            (0..count).map(|_| Turn::new(&turns)).collect(),
        )
    }

    impl Turn {
        fn has_turn(&self) -> bool {
            self.turns.line().is_served(self.id)
        }
    }

    fn served(now: Instant, links: &[Turn]) -> Vec<usize> {
        let wants = links.iter().enumerate();
        wants
            .filter_map(|(at, link)| link.want(now, false).then_some(at))
            .collect()
    }

    #[test]
    fn a_few_are_served_at_a_time_a_piece_each() {
        let (now, links) = line_of(6);
        assert_eq!(served(now, &links), [0, 1, 2, 3]);
        links[1].spend(now, TURN_LEN / 2);
        assert_eq!(served(now, &links), [0, 1, 2, 3]);
        links[1].spend(now, TURN_LEN / 2);
        assert_eq!(served(now, &links), [0, 2, 3, 4]);
    }

    #[test]
    fn who_has_nothing_to_send_makes_room() {
        let (now, mut links) = line_of(6);
        served(now, &links);
        links[0].give_back(now);
        drop(links.remove(1));
        assert!(links[3].want(now, false) && links[4].want(now, false));
    }

    #[test]
    fn a_link_that_is_stuck_loses_its_turn() {
        let (now, links) = line_of(5);
        served(now, &links);
        assert!(!links[4].want(now + TURN_TIME / 2, false));
        assert!(links[4].want(now + TURN_TIME, false));
    }

    #[test]
    fn what_was_never_sent_goes_first_and_ends_the_turns_of_others() {
        let (now, links) = line_of(6);
        served(now, &links);
        assert!(!links[5].want(now, true), "all turns are taken");
        assert!(!links[0].want(now, false));
        assert!(links[5].want(now, true));
        assert!(links[1].want(now, false), "nobody urgent waits any more");
    }

    #[test]
    fn one_turn_in_a_few_goes_to_who_is_not_urgent() {
        let (now, links) = line_of(8);
        for link in &links[..7] {
            link.want(now, true);
        }
        assert!(!links[7].want(now, false));
        for turn in 0.. {
            assert!(turn < 8, "its turn never comes");
            let served = links[..7].iter().position(|link| link.has_turn());
            links[served.unwrap()].spend(now, TURN_LEN);
            for link in &links[..7] {
                link.want(now, true);
            }
            if links[7].want(now, false) {
                break;
            }
        }
        assert!(links[7].want(now, false), "urgent links do not end it");
    }

    #[test]
    fn alone_nobody_waits() {
        let (now, links) = line_of(1);
        for step in 0..100u32 {
            assert!(links[0].want(now + WINDOW * step, false));
            links[0].spend(now + WINDOW * step, TURN_LEN);
        }
    }

    /// The number of links served after a while in which each can take so many bytes a window, and
    /// all together no more than the uplink.
    fn climbed(each: u64, uplink: u64) -> usize {
        let mut climb = Climb::new();
        let start = Instant::now();
        for step in 0..200u32 {
            let count = u64::try_from(climb.served_max).unwrap();
            climb.sent(start + WINDOW * step, uplink.min(each * count), true);
        }
        climb.served_max
    }

    #[test]
    fn more_are_served_only_where_the_few_are_slow() {
        assert!(climbed(1000, 1000) <= SERVED_MIN + 2);
        assert!(climbed(1000, 20_000) >= 16);
    }

    #[tokio::test(start_paused = true)]
    async fn whose_turn_has_come_is_woken() {
        let (now, mut links) = line_of(5);
        served(now, &links);
        let last = links.pop().unwrap();
        links[0].give_back(now);
        let started = Instant::now();
        last.come().await;
        assert_eq!(Instant::now(), started);
    }
}
