//! How long to listen before the first claim, and whether this machine is alone.
//!
//! Claiming before having learned the table makes a reader too many; waiting for nobody costs time.
//! So the hold-off ends as soon as discovery has nobody to wait for.

use std::time::Duration;

use crate::{Discovery, Instant};

/// After a local announcement others need this long to answer.
const ANNOUNCED: Duration = Duration::from_millis(300);
/// Longest wait for machines that were named.
const HOLD_MAX: Duration = Duration::from_secs(2);
/// A table is taken as learned when nobody new came for this long.
const QUIET: Duration = Duration::from_millis(150);
/// So many tables are enough.
const TABLES_ENOUGH: u32 = 8;
/// A silent tracker restrains this machine for this long.
const SILENT_MAX: Duration = Duration::from_secs(5);
/// Named but out of reach for this long is isolated.
pub(super) const STARVE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Nobody,
    Named,
}

/// How this machine stands to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody else is there.
    Alone,
    /// Others may be there; discovery has not answered.
    Unsure,
    /// Others are named and none is connected: no claim yet.
    Seeking,
    /// That for long.
    Isolated,
    /// Others are connected.
    Together,
}

/// What is known of the search for others.
#[derive(Debug)]
pub(super) struct Hold {
    started: Instant,
    answer: Option<(Answer, Instant)>,
    /// Since when each of those who were named was met or could not be reached.
    met: Option<Instant>,
    waiting: Option<Instant>,
    announced: Option<Instant>,
    /// When a machine of ours last joined.
    joined: Option<Instant>,
    /// When the last connected machine of ours left in order.
    left: Option<Instant>,
    /// When somebody was last connected.
    contact: Instant,
    tables: u32,
    peers: u32,
    /// A new table was met: nothing is claimed before.
    not_before: Instant,
}

impl Hold {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            answer: None,
            met: None,
            waiting: None,
            announced: None,
            joined: None,
            left: None,
            contact: now,
            tables: 0,
            peers: 0,
            not_before: now,
        }
    }

    pub(super) fn discovery(&mut self, now: Instant, news: Discovery) {
        match news {
            Discovery::Off | Discovery::Nobody => self.answer = Some((Answer::Nobody, now)),
            Discovery::Named | Discovery::Met => {
                if !matches!(self.answer, Some((Answer::Named, _))) {
                    self.answer = Some((Answer::Named, now));
                    self.contact = self.contact.max(now);
                }
                self.left = None;
                let met = (news == Discovery::Met).then_some(now);
                self.met = met.map(|now| self.met.unwrap_or(now));
            }
            Discovery::Announced => {
                // it is said only when no tracker is waited for any more
                self.waiting = None;
                self.announced.get_or_insert(now);
            }
            Discovery::Waiting => {
                self.waiting.get_or_insert(now);
            }
        }
    }

    pub(super) fn joined(&mut self, now: Instant) {
        self.peers = self.peers.saturating_add(1);
        self.joined = Some(now);
        self.left = None;
    }

    /// A machine of ours left.
    pub(super) fn parted(&mut self, now: Instant, in_order: bool) {
        self.peers = self.peers.saturating_sub(1);
        self.contact = now;
        if self.peers == 0 {
            self.left = in_order.then_some(now);
        }
    }

    /// Somebody, of ours or not, is connected.
    pub(super) fn contact(&mut self, now: Instant) {
        self.contact = now;
    }

    pub(super) fn table(&mut self) {
        self.tables = self.tables.saturating_add(1);
    }

    /// Listens anew: the table is another one now.
    pub(super) fn again(&mut self, now: Instant) {
        self.not_before = now + ANNOUNCED;
    }

    /// When the hold-off ends, as things stand.
    pub(super) fn ends(&self) -> Instant {
        self.ends_by_news().max(self.not_before)
    }

    fn ends_by_news(&self) -> Instant {
        let quiet = self.joined.map(|at| at + QUIET);
        match self.answer {
            Some((Answer::Nobody, at)) => quiet.unwrap_or(at).min(at.max(self.started) + HOLD_MAX),
            Some((Answer::Named, at)) if self.tables >= TABLES_ENOUGH => at,
            Some((Answer::Named, at)) => {
                let told = quiet.filter(|_| self.tables > 0);
                // none of those who were met is of ours, so nobody has a table
                let met = self.met.filter(|_| self.peers == 0).map(|met| met + QUIET);
                let last = at + HOLD_MAX;
                told.into_iter().chain(met).fold(last, Instant::min)
            }
            None => match (self.waiting, self.announced) {
                (None, Some(at)) => quiet.unwrap_or(at).max(at + ANNOUNCED).min(at + HOLD_MAX),
                (at, _) => at.unwrap_or(self.started) + HOLD_MAX,
            },
        }
    }

    /// How this machine stands now; `anyone` = somebody is connected, stock clients included.
    pub(super) fn standing(&self, now: Instant, anyone: bool) -> Standing {
        if anyone || self.peers > 0 {
            return Standing::Together;
        }
        if self.left.is_some_and(|at| now >= at + HOLD_MAX) {
            return Standing::Alone;
        }
        match self.answer {
            Some((Answer::Nobody, _)) => Standing::Alone,
            Some((Answer::Named, _)) if now >= self.contact + STARVE => Standing::Isolated,
            Some((Answer::Named, _)) => Standing::Seeking,
            None => match (self.waiting, self.announced) {
                (None, Some(at)) if now >= at + ANNOUNCED => Standing::Alone,
                _ => Standing::Unsure,
            },
        }
    }

    /// Until when a tracker's silence allows one slot only.
    pub(super) fn silent_until(&self) -> Option<Instant> {
        match (self.answer, self.waiting, self.announced) {
            (None, None, Some(_)) | (Some(_), _, _) => None,
            (None, at, _) => Some(at.unwrap_or(self.started) + SILENT_MAX),
        }
    }

    /// The next time at which the standing may change by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let named = matches!(self.answer, Some((Answer::Named, _))) && self.peers == 0;
        [
            Some(self.ends()),
            self.silent_until(),
            self.left.map(|at| at + HOLD_MAX),
            named.then(|| self.contact + STARVE),
        ]
        .into_iter()
        .flatten()
        .filter(|at| *at > now)
        .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_all_who_were_named_are_met_only_ours_are_waited_for() {
        let start = Instant::from_micros(1_000_000);
        let mut hold = Hold::new(start);
        hold.discovery(start, Discovery::Named);
        assert_eq!(hold.ends(), start + HOLD_MAX);
        hold.discovery(start + QUIET, Discovery::Met);
        assert_eq!(hold.ends(), start + QUIET * 2);
        hold.joined(start + QUIET);
        assert_eq!(hold.ends(), start + HOLD_MAX);
        hold.table();
        assert_eq!(hold.ends(), start + QUIET * 2);
        hold.discovery(start + QUIET, Discovery::Named);
        hold.parted(start + QUIET, true);
        assert_eq!(hold.met, None);
    }

    #[test]
    fn an_announcement_ends_the_wait_whatever_was_said_before() {
        let start = Instant::from_micros(1_000_000);
        let mut hold = Hold::new(start);
        hold.discovery(start, Discovery::Waiting);
        assert_eq!(hold.ends(), start + HOLD_MAX);
        hold.discovery(start, Discovery::Announced);
        assert_eq!(hold.ends(), start + ANNOUNCED);
        assert_eq!(hold.standing(start + ANNOUNCED, false), Standing::Alone);
        assert_eq!(hold.silent_until(), None);
    }
}
