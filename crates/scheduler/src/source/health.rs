//! What is known of an origin's health: founded on its own answers, and ended by the next one.
//!
//! Nothing else decides about it: no slot that is given back, and no time that passed. After a failure the next
//! request is the probe. Its wait grows while probes fail and never exceeds a limit, so an origin that is well
//! again is used within that time.

use std::time::Duration;

use crate::{Instant, Tuning};

/// What other origins could be asked for the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Beside {
    /// None that does not fail.
    Nobody,
    /// Some that did not fail.
    Others,
    /// One whose last answer was right.
    Serving,
}

/// What the origin's last answers say of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Finding {
    /// It was not asked yet.
    #[default]
    Untried,
    /// It answers.
    Serves,
    /// It asked to be left alone (429, 503).
    Busy,
    /// It refuses, breaks off, stays silent or answers nonsense.
    Down,
}

/// The health of one origin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Health {
    finding: Finding,
    /// Failures in a row.
    failures: u32,
    /// It is not asked before.
    next_probe: Instant,
    /// It brought bytes at some time.
    proven: bool,
}

impl Health {
    /// Bytes or a right answer came.
    pub(crate) fn answered(&mut self) {
        self.finding = Finding::Serves;
        self.failures = 0;
        self.proven = true;
    }

    /// It refused, broke off, stayed silent or answered nonsense; `brought` = after some useful bytes.
    pub(crate) fn failed(&mut self, now: Instant, brought: bool, tuning: &Tuning) {
        self.fail(now, Finding::Down, (brought, None), tuning);
    }

    /// It asked for patience, for so long if it said so.
    pub(crate) fn busy(
        &mut self,
        now: Instant,
        brought: bool,
        told: Option<Duration>,
        tuning: &Tuning,
    ) {
        self.fail(now, Finding::Busy, (brought, told), tuning);
    }

    fn fail(
        &mut self,
        now: Instant,
        finding: Finding,
        (brought, told): (bool, Option<Duration>),
        tuning: &Tuning,
    ) {
        let is_burst = self.failures > 0 && now < self.next_probe;
        self.finding = finding;
        if is_burst && told.is_none() {
            // requests of one moment fail together: that is one failure
            return;
        }
        self.failures = if brought { 1 } else { self.failures + 1 };
        let doublings = self.failures.saturating_sub(1).min(u32::BITS / 2);
        let (wait, wait_max) = tuning.retry_origin;
        let own = wait.saturating_mul(1 << doublings).min(wait_max);
        let wait = told.map_or(own, |told| told.clamp(wait, tuning.patience));
        self.next_probe = self.next_probe.max(now + wait);
    }

    /// What its last answers say.
    pub(crate) fn finding(&self) -> Finding {
        self.finding
    }

    /// Whether it may be asked now.
    pub(crate) fn may_be_asked(&self, now: Instant) -> bool {
        now >= self.next_probe
    }

    /// When it is asked again, if that is later.
    pub(crate) fn next_probe(&self, now: Instant) -> Option<Instant> {
        (self.next_probe > now).then_some(self.next_probe)
    }

    /// Whether its last answer was a failure.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// No byte for at least this long is silence; others can be asked meanwhile, if there are some.
    pub(crate) fn patience(&self, beside: Beside, tuning: &Tuning) -> Duration {
        // an answer may take longer than it was waited for the times before
        let longer = |first: Duration, failures: u32| first * (1 << failures.min(tuning.doublings));
        match (self.proven, beside) {
            (_, Beside::Serving) => longer(tuning.patience_short, self.failures),
            (true, _) if self.failures > 0 => longer(tuning.patience_short, self.failures - 1),
            (true, _) => tuning.patience,
            (false, Beside::Others) => longer(tuning.patience_origin.1, self.failures),
            (false, Beside::Nobody) => longer(tuning.patience_origin.0, self.failures),
        }
    }

    /// What this one is to others that are silent.
    pub(crate) fn beside(&self) -> Beside {
        match self.finding {
            Finding::Serves => Beside::Serving,
            Finding::Untried => Beside::Others,
            Finding::Busy | Finding::Down => Beside::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUNING: fn() -> Tuning = Tuning::default;
    const START: Instant = Instant::from_micros(1_000_000);

    /// How long it takes until it is asked again after each of `count` failures in a row.
    fn waits(count: usize) -> Vec<Duration> {
        let (mut health, mut now) = (Health::default(), START);
        let mut waits = Vec::new();
        for _ in 0..count {
            health.failed(now, false, &TUNING());
            let next = health.next_probe(now).unwrap();
            waits.push(next.since(now));
            now = next;
        }
        waits
    }

    #[test]
    fn probes_become_rarer_up_to_a_limit() {
        let waits = waits(40);
        assert_eq!(waits[..4], [200, 400, 800, 1500].map(Duration::from_millis));
        assert!(waits.iter().all(|wait| *wait <= TUNING().retry_origin.1));
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let mut health = Health::default();
        (0..16).for_each(|_| health.failed(START, false, &TUNING()));
        assert!(health.may_be_asked(START + TUNING().retry_origin.0));
    }

    #[test]
    fn a_server_s_word_is_kept_within_limits() {
        for (told, kept) in [(0, 200), (700, 700), (100_000_000, 2000)] {
            let mut health = Health::default();
            health.busy(START, false, Some(Duration::from_millis(told)), &TUNING());
            let wait = health.next_probe(START).unwrap().since(START);
            assert_eq!(wait, Duration::from_millis(kept), "{told}");
        }
    }

    #[test]
    fn one_that_brings_something_each_time_is_asked_again_soon() {
        let (mut health, mut now) = (Health::default(), START);
        for _ in 0..20 {
            health.failed(now, true, &TUNING());
            let next = health.next_probe(now).unwrap();
            assert_eq!(next.since(now), TUNING().retry_origin.0);
            now = next;
        }
    }

    #[test]
    fn a_right_answer_ends_the_finding() {
        let mut health = Health::default();
        health.failed(START, false, &TUNING());
        assert_eq!(health.finding(), Finding::Down);
        health.answered();
        assert_eq!(
            (health.finding(), health.is_failing()),
            (Finding::Serves, false)
        );
    }

    #[test]
    fn an_answer_may_take_longer_with_each_failure_whoever_else_is_there() {
        for (beside, proven, waits) in [
            (Beside::Nobody, false, [3000, 6000, 12_000, 12_000]),
            (Beside::Others, false, [2500, 5000, 10_000, 10_000]),
            (Beside::Serving, false, [1000, 2000, 4000, 4000]),
            (Beside::Serving, true, [1000, 2000, 4000, 4000]),
            // it is known to answer: who failed once is given less at first
            (Beside::Nobody, true, [2000, 1000, 2000, 4000]),
        ] {
            let (mut health, mut now) = (Health::default(), START);
            if proven {
                health.answered();
            }
            let first = health.patience(beside, &TUNING());
            let mut patience = vec![first];
            for _ in 0..3 {
                health.failed(now, false, &TUNING());
                now = now + TUNING().retry_origin.1;
                patience.push(health.patience(beside, &TUNING()));
            }
            assert_eq!(patience, waits.map(Duration::from_millis), "{beside:?}");
            health.answered();
            let proven = health.patience(beside, &TUNING());
            assert!(proven <= first.min(TUNING().patience), "{beside:?}");
        }
    }
}
