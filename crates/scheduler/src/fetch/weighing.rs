//! How far peers were weighed against origins.

use std::time::Duration;

use crate::Instant;

/// The pause before thin peers are tried again doubles so often at most.
const TRIES_DOUBLED: u32 = 4;

/// Whether origins are tried beside slow peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trial {
    /// Nothing speaks for it.
    #[default]
    None,
    /// It began then, when peers brought so many bytes a second.
    Since(Instant, u64),
    /// What origins bring beside them is seen since then.
    Seen(Instant, u64),
    /// It showed nothing; not before that time again.
    NotBefore(Instant),
}

/// How far peers were weighed against origins.
#[derive(Debug, Default)]
pub(crate) struct Weighing {
    trial: Trial,
    /// Since when peers bring too little.
    slow_since: Option<Instant>,
    /// Since when they are taken for thin.
    thin_since: Instant,
    /// How often thin ones were tried again.
    tries: u32,
}

impl Weighing {
    /// Whether origins are tried.
    pub(crate) fn trial(&self) -> Trial {
        self.trial
    }

    /// Origins are tried, or not to be tried for a while.
    pub(crate) fn set_trial(&mut self, trial: Trial) {
        self.trial = trial;
    }

    /// What origins bring is known; since when, and what peers brought alone, while that is a trial.
    pub(crate) fn seen(&mut self, now: Instant) -> Option<(Instant, u64)> {
        if let Trial::Since(_, alone) = self.trial {
            self.trial = Trial::Seen(now, alone);
        }
        match self.trial {
            Trial::Seen(since, alone) => Some((since, alone)),
            _ => None,
        }
    }

    /// Some are taken for thin from now on.
    pub(crate) fn found_thin(&mut self, now: Instant) {
        self.thin_since = now;
    }

    /// Whether it is time to try those that are thin again: later each time.
    pub(crate) fn tries_again(&mut self, now: Instant, again: Duration) -> bool {
        let is_due = now.since(self.thin_since) >= again * (1 << self.tries.min(TRIES_DOUBLED));
        if is_due {
            self.thin_since = now;
            self.tries = self.tries.saturating_add(1);
        }
        is_due
    }

    /// Peers bring too little; since when.
    pub(crate) fn slow(&mut self, now: Instant) -> Instant {
        *self.slow_since.get_or_insert(now)
    }

    /// They bring enough, or nothing can be told of them.
    pub(crate) fn not_slow(&mut self) {
        self.slow_since = None;
    }
}
