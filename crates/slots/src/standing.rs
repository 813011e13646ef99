//! How this machine stands to the others: listening, alone, together with them, or cut off.
//!
//! Computed from who is connected now and who was lost without a farewell lately. Who left in order, was never one of
//! ours, or is known to be dead does not count, so the last machine of a room is alone. Claiming before having
//! learned the table makes a reader too many; waiting for nobody costs time: so a machine listens only as long as
//! discovery has somebody to wait for.

use std::sync::Arc;

use crate::tuning::Tuning;
use crate::{Discovery, Instant, NodeId};

/// Most machines that are remembered as lost.
const LOST_MAX: usize = 64;

/// What discovery has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing yet: a tracker is waited for since then, or a local announcement went out.
    None {
        waiting: Option<Instant>,
        announced: Option<Instant>,
    },
    /// Others are there.
    Named(Instant),
    /// Nobody else is.
    Nobody(Instant),
}

/// What discovery has brought.
#[derive(Debug)]
struct Discovered {
    tuning: Arc<Tuning>,
    started: Instant,
    answer: Answer,
    /// Since when each of those who were named was met or could not be reached.
    met: Option<Instant>,
}

impl Discovered {
    /// Discovery has news; whether somebody is named who was not.
    fn hear(&mut self, now: Instant, news: Discovery) -> bool {
        match (news, &mut self.answer) {
            (Discovery::Off | Discovery::Nobody, answer) => *answer = Answer::Nobody(now),
            (Discovery::Named | Discovery::Met, answer) => {
                let is_new = !matches!(answer, Answer::Named(_));
                if is_new {
                    *answer = Answer::Named(now);
                }
                let met = (news == Discovery::Met).then_some(now);
                self.met = met.map(|now| self.met.unwrap_or(now));
                return is_new;
            }
            (Discovery::Announced, Answer::None { waiting, announced }) => {
                // it is said only when no tracker is waited for any more
                *waiting = None;
                announced.get_or_insert(now);
            }
            (Discovery::Waiting, Answer::None { waiting, .. }) => {
                waiting.get_or_insert(now);
            }
            (Discovery::Announced | Discovery::Waiting, _) => {}
        }
        false
    }

    fn is_named(&self) -> bool {
        matches!(self.answer, Answer::Named(_))
    }

    /// When nothing more is to be learned, `quiet` after others came, of whom so many are there and told their tables.
    fn learned_at(&self, quiet: Option<Instant>, peers: u32, tables: u32) -> Instant {
        match self.answer {
            Answer::Nobody(at) => quiet
                .unwrap_or(at)
                .min(at.max(self.started) + self.tuning.hold_max),
            Answer::Named(at) if tables >= self.tuning.tables_enough => at,
            Answer::Named(at) => {
                let told = quiet.filter(|_| tables > 0);
                // none of those who were met is of ours, so nobody has a table
                let met = self
                    .met
                    .filter(|_| peers == 0)
                    .map(|met| met + self.tuning.quiet());
                let last = at + self.tuning.hold_max;
                told.into_iter().chain(met).fold(last, Instant::min)
            }
            Answer::None {
                waiting: None,
                announced: Some(at),
            } => quiet
                .unwrap_or(at)
                .max(at + self.tuning.announced)
                .min(at + self.tuning.hold_max),
            Answer::None { waiting, .. } => waiting.unwrap_or(self.started) + self.tuning.hold_max,
        }
    }

    /// How a machine stands that is alone with this.
    fn standing(&self, now: Instant, learned_at: Instant) -> Standing {
        match self.answer {
            Answer::None {
                waiting: None,
                announced: Some(at),
            } if now >= at + self.tuning.announced => Standing::Alone,
            Answer::None { .. } => Standing::Unsure,
            _ if now < learned_at => Standing::Listening,
            _ => Standing::Alone,
        }
    }

    /// Until when a tracker's silence allows one slot only.
    fn silent_until(&self) -> Option<Instant> {
        match self.answer {
            Answer::None {
                waiting: Some(at), ..
            } => Some(at + self.tuning.silent_max),
            Answer::None {
                announced: None, ..
            } => Some(self.started + self.tuning.silent_max),
            _ => None,
        }
    }
}

/// How this machine stands to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Others may be there: nothing is claimed yet.
    Listening,
    /// The same, but a tracker does not answer: one slot may be claimed.
    Unsure,
    /// Nobody else is there.
    Alone,
    /// Others are connected.
    Together,
    /// Others are there and out of reach.
    CutOff,
}

/// What a machine does that is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenIsolated {
    /// It goes on, so the belief may end by itself.
    GoesOn,
    /// It waits for others as long as any are named.
    Waits,
}

/// What is known of the others.
#[derive(Debug)]
pub(super) struct Company {
    tuning: Arc<Tuning>,
    when_isolated: WhenIsolated,
    found: Discovered,
    /// When a machine of ours last joined.
    joined: Option<Instant>,
    /// Machines of ours whose links broke without a farewell, and when.
    lost: Vec<(NodeId, Instant)>,
    /// All others left in order, and nobody came since.
    is_last: bool,
    /// When somebody was last connected or newly named.
    contact: Instant,
    tables: u32,
    peers: u32,
    /// A new table was met: nothing is claimed before.
    not_before: Instant,
    /// Since when links broke, one soon after another, and how many.
    breaking: (Instant, u32),
}

impl Company {
    pub(super) fn new(tuning: &Arc<Tuning>, now: Instant, when_isolated: WhenIsolated) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            when_isolated,
            found: Discovered {
                tuning: Arc::clone(tuning),
                started: now,
                answer: Answer::None {
                    waiting: None,
                    announced: None,
                },
                met: None,
            },
            joined: None,
            lost: Vec::new(),
            is_last: false,
            contact: now,
            tables: 0,
            peers: 0,
            not_before: now,
            breaking: (now, 0),
        }
    }

    pub(super) fn discovery(&mut self, now: Instant, news: Discovery) {
        if self.found.hear(now, news) {
            self.contact = self.contact.max(now);
        }
    }

    /// A machine of ours is connected.
    pub(super) fn joined(&mut self, now: Instant, node: NodeId) {
        self.peers = self.peers.saturating_add(1);
        self.joined = Some(now);
        self.is_last = false;
        self.lost.retain(|(lost, _)| *lost != node);
    }

    /// A machine of ours left in order. Who was left by all others so is the last one, whomever discovery names.
    pub(super) fn left(&mut self, now: Instant) {
        self.gone(now);
        self.is_last = self.peers == 0 && self.loss().is_none_or(|(_, until)| now >= until);
    }

    fn gone(&mut self, now: Instant) {
        self.peers = self.peers.saturating_sub(1);
        self.contact = now;
    }

    /// The link to a machine of ours broke.
    /// How many links broke with it, one soon after another.
    pub(super) fn lost(&mut self, now: Instant, node: NodeId) -> u32 {
        self.gone(now);
        let remembered = self.tuning.cut_off;
        self.lost
            .retain(|(lost, at)| *lost != node && now < *at + remembered);
        self.lost.truncate(LOST_MAX - 1);
        self.lost.push((node, now));
        let (since, broken) = self.breaking;
        self.breaking = if now.since(since) > self.tuning.parted_within {
            (now, 1)
        } else {
            (since, broken + 1)
        };
        self.breaking.1
    }

    /// A lost machine is dead: its machine says so.
    pub(super) fn died(&mut self, node: NodeId) {
        self.lost.retain(|(lost, _)| *lost != node);
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
        self.not_before = now + self.tuning.announced;
    }

    /// When nothing more is to be learned before the first claim, as things stand.
    pub(super) fn learned_at(&self) -> Instant {
        let quiet = self.joined.map(|at| at + self.tuning.quiet());
        self.found
            .learned_at(quiet, self.peers, self.tables)
            .max(self.not_before)
    }

    /// Until when the loss of others counts, and what it means.
    fn loss(&self) -> Option<(Standing, Instant)> {
        let last = self.lost.iter().map(|(_, at)| *at).max()?;
        Some(if self.lost.len() >= self.tuning.cut_off_lost {
            (Standing::CutOff, last + self.tuning.cut_off)
        } else {
            (Standing::Listening, last + self.tuning.lost)
        })
    }

    /// How this machine stands now; `anyone` = somebody is connected, stock clients included.
    pub(super) fn standing(&self, now: Instant, anyone: bool) -> Standing {
        if anyone || self.peers > 0 {
            return Standing::Together;
        }
        if let Some((standing, _)) = self.loss().filter(|(_, until)| now < *until) {
            return standing;
        }
        if self.found.is_named() && self.when_isolated == WhenIsolated::Waits && !self.is_last {
            let is_late = now >= self.contact + self.tuning.cut_off;
            return if is_late {
                Standing::CutOff
            } else {
                Standing::Listening
            };
        }
        self.found.standing(now, self.learned_at())
    }

    /// Until when a tracker's silence allows one slot only.
    pub(super) fn silent_until(&self) -> Option<Instant> {
        self.found.silent_until()
    }

    /// The next time at which the standing may change by itself.
    pub(super) fn next_change(&self, now: Instant) -> Option<Instant> {
        let waits = self.when_isolated == WhenIsolated::Waits && self.peers == 0;
        let changes = [
            Some(self.learned_at()),
            self.silent_until(),
            self.loss().map(|(_, until)| until),
            waits.then(|| self.contact + self.tuning.cut_off),
        ];
        changes.into_iter().flatten().filter(|at| *at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Instant = Instant::from_micros(1_000_000);
    const HOLD_MAX: Duration = Duration::from_secs(2);
    const ANNOUNCED: Duration = Duration::from_millis(300);
    const QUIET: Duration = Duration::from_millis(150);
    const CUT_OFF: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_hours(1);

    fn node(number: u8) -> NodeId {
        NodeId([number; 8])
    }

    fn company(news: &[Discovery]) -> Company {
        let mut company = Company::new(&Arc::default(), START, WhenIsolated::GoesOn);
        news.iter().for_each(|news| company.discovery(START, *news));
        company
    }

    #[test]
    fn when_all_who_were_named_are_met_only_ours_are_waited_for() {
        let mut company = company(&[Discovery::Named]);
        assert_eq!(company.learned_at(), START + HOLD_MAX);
        company.discovery(START + QUIET, Discovery::Met);
        assert_eq!(company.learned_at(), START + QUIET * 2);
        company.joined(START + QUIET, node(1));
        assert_eq!(company.learned_at(), START + HOLD_MAX);
        company.table();
        assert_eq!(company.learned_at(), START + QUIET * 2);
        company.discovery(START + QUIET, Discovery::Named);
        company.left(START + QUIET);
        assert_eq!(company.found.met, None);
    }

    #[test]
    fn an_announcement_ends_the_wait_whatever_was_said_before() {
        let mut company = company(&[Discovery::Waiting]);
        assert_eq!(company.learned_at(), START + HOLD_MAX);
        company.discovery(START, Discovery::Announced);
        assert_eq!(company.learned_at(), START + ANNOUNCED);
        assert_eq!(company.standing(START + ANNOUNCED, false), Standing::Alone);
        assert_eq!(company.silent_until(), None);
    }

    #[test]
    fn who_was_named_and_never_came_makes_nobody_wait_for_long() {
        let company = company(&[Discovery::Named]);
        let soon = START + HOLD_MAX;
        assert_eq!(company.standing(START, false), Standing::Listening);
        assert_eq!(company.standing(soon, false), Standing::Alone);
        assert_eq!(company.standing(START + HOUR, false), Standing::Alone);
    }

    #[test]
    fn the_last_machine_of_a_room_is_alone_however_the_others_went() {
        for lost in [false, true] {
            let mut company = company(&[Discovery::Named]);
            company.joined(START, node(1));
            let gone = START + HOUR;
            assert_eq!(company.standing(gone, false), Standing::Together);
            if lost {
                company.lost(gone, node(1));
            } else {
                company.left(gone);
            }
            // the tracker still names it
            company.discovery(gone + SECOND, Discovery::Named);
            assert_eq!(company.standing(gone + SECOND * 2, false), Standing::Alone);
        }
    }

    #[test]
    fn who_waits_when_isolated_is_alone_when_all_others_left_in_order() {
        for (lost, standing) in [(false, Standing::Alone), (true, Standing::CutOff)] {
            let mut company = company(&[Discovery::Named]);
            company.when_isolated = WhenIsolated::Waits;
            company.joined(START, node(1));
            let gone = START + HOUR;
            if lost {
                company.lost(gone, node(1));
            } else {
                company.left(gone);
            }
            let later = gone + CUT_OFF;
            assert_eq!(company.standing(later, false), standing);
            // somebody who came and was lost is no such company
            company.joined(later, node(2));
            company.lost(later, node(2));
            let later = later + CUT_OFF;
            assert_eq!(company.standing(later, false), Standing::CutOff);
        }
    }

    #[test]
    fn a_machine_whose_refusal_proves_its_death_is_not_waited_for() {
        let mut company = company(&[Discovery::Named]);
        company.joined(START, node(1));
        company.lost(START + HOUR, node(1));
        assert_eq!(company.standing(START + HOUR, false), Standing::Listening);
        company.died(node(1));
        assert_eq!(company.standing(START + HOUR, false), Standing::Alone);
    }

    #[test]
    fn who_loses_many_at_once_is_cut_off_for_a_while() {
        let mut company = company(&[Discovery::Named]);
        (0..5).for_each(|number| company.joined(START, node(number)));
        let gone = START + HOUR;
        (0..5).for_each(|number| _ = company.lost(gone, node(number)));
        assert_eq!(company.standing(gone + SECOND * 9, false), Standing::CutOff);
        assert_eq!(company.standing(gone + CUT_OFF, false), Standing::Alone);
        assert_eq!(company.next_change(gone), Some(gone + CUT_OFF));
        company.joined(gone, node(3));
        assert_eq!(company.standing(gone + SECOND, false), Standing::Together);
    }

    #[test]
    fn who_is_to_wait_when_isolated_waits_as_long_as_others_are_named() {
        let mut company = Company::new(&Arc::default(), START, WhenIsolated::Waits);
        company.discovery(START, Discovery::Named);
        assert_eq!(
            company.standing(START + SECOND * 9, false),
            Standing::Listening
        );
        assert_eq!(company.standing(START + HOUR, false), Standing::CutOff);
        company.discovery(START + HOUR, Discovery::Nobody);
        assert_eq!(company.standing(START + HOUR, false), Standing::Alone);
    }
}
