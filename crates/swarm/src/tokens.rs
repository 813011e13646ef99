//! A budget that refills: so many at once, then so many a second.
//!
//! No I/O and no waiting: who finds it empty does without. It is what everything is measured by that a peer can
//! make us do or remember.

use std::time::Duration;

use tokio::time::Instant;

/// A budget of whole tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    max: u32,
    level: u32,
    /// Time in which one token grows.
    every: Duration,
    /// Up to when tokens have grown.
    grown: Instant,
}

impl Tokens {
    /// A full budget of `max` tokens, of which one comes back in each `every`.
    pub(crate) fn new(now: Instant, max: u32, every: Duration) -> Self {
        Self {
            max,
            level: max,
            every,
            grown: now,
        }
    }

    /// Takes one token; false if there is none.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        self.take_up_to(now, 1) == 1
    }

    /// Takes at most `wanted` tokens; returns how many there were.
    pub(crate) fn take_up_to(&mut self, now: Instant, wanted: u32) -> u32 {
        self.grow(now);
        let taken = wanted.min(self.level);
        self.level -= taken;
        taken
    }

    /// Whether there is a token.
    pub(crate) fn has_any(&mut self, now: Instant) -> bool {
        self.grow(now);
        self.level > 0
    }

    /// Whether nothing was taken that has not come back.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.grow(now);
        self.level == self.max
    }

    fn grow(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.grown).as_micros();
        let grown = age.checked_div(self.every.as_micros()).unwrap_or(0);
        let grown = u32::try_from(grown).unwrap_or(u32::MAX);
        self.level = self.level.saturating_add(grown).min(self.max);
        self.grown = if self.level == self.max {
            now
        } else {
            self.grown + self.every.saturating_mul(grown)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_budget_refills_up_to_its_size() {
        let start = Instant::now();
        let mut tokens = Tokens::new(start, 3, Duration::from_millis(500));
        assert_eq!(tokens.take_up_to(start, 5), 3);
        assert!(!tokens.take(start + Duration::from_millis(499)));
        assert!(!tokens.is_full(start + Duration::from_millis(700)));
        assert!(tokens.take(start + Duration::from_millis(700)));
        assert!(!tokens.take(start + Duration::from_millis(999)));
        assert!(tokens.take(start + Duration::from_secs(1)));
        let later = start + Duration::from_hours(1);
        assert!(tokens.is_full(later));
        assert_eq!(tokens.take_up_to(later, 9), 3);
    }
}
