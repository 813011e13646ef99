//! How many connections a fetch of small files may use.
//!
//! What must stay true: a server that is overwhelmed gets half as many, and more again with time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Blame, SourceError};

/// Most connections of one fetch.
const LANES_MAX: u32 = 16;

/// Successes that allow one more after troubles.
const SUCCESSES: u32 = 8;
/// Connections that come late within this time have one cause.
const CAUSE_TIME: Duration = Duration::from_secs(2);

/// How many connections a fetch of small files may use: fewer after troubles, one more after some successes.
#[derive(Debug)]
pub(super) struct Lanes(Mutex<State>);

#[derive(Debug)]
struct State {
    /// In parts of `SUCCESSES`.
    parts: u32,
    overrun_at: Option<Instant>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self(Mutex::new(State {
            parts: LANES_MAX * SUCCESSES,
            overrun_at: None,
        }))
    }
}

impl Lanes {
    pub(super) fn allowed(&self) -> u32 {
        self.state().parts / SUCCESSES
    }

    /// Learns from how a fetch ended.
    pub(super) fn note(&self, end: &Result<(), SourceError>) {
        let mut state = self.state();
        state.parts = match end.as_ref().map_err(SourceError::blame) {
            Ok(()) => (state.parts + 1).min(LANES_MAX * SUCCESSES),
            Err(Blame::Busy { .. } | Blame::Broken) => (state.parts / 2).max(SUCCESSES),
            Err(_) => return,
        };
    }

    /// A connection came so late that the server's system must have dropped the first try: too many were made
    /// at once for a server that closes them after each answer, as several fetches may run.
    pub(super) fn overrun(&self, now: Instant) {
        let mut state = self.state();
        let known = |at| now.saturating_duration_since(at) < CAUSE_TIME;
        if !state.overrun_at.is_some_and(known) {
            state.overrun_at = Some(now);
            state.parts = (state.parts / 4).max(SUCCESSES);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_overwhelmed_gets_half_as_many_and_more_later() {
        let lanes = Lanes::default();
        let busy = Err(SourceError::Busy {
            name: "m".to_owned(),
            what: "later".to_owned(),
            retry_after: None,
        });
        for left in [8, 4, 2, 1, 1] {
            lanes.note(&busy);
            assert_eq!(lanes.allowed(), left);
        }
        lanes.note(&Err(SourceError::CalledOff));
        for _ in 0..SUCCESSES {
            assert_eq!(lanes.allowed(), 1);
            lanes.note(&Ok(()));
        }
        assert_eq!(lanes.allowed(), 2);
    }

    #[test]
    fn connections_that_come_late_together_count_once() {
        let (lanes, now) = (Lanes::default(), Instant::now());
        for (after_ms, left) in [(0, 4), (10, 4), (1900, 4), (2100, 1), (9000, 1)] {
            lanes.overrun(now + Duration::from_millis(after_ms));
            assert_eq!(lanes.allowed(), left, "after {after_ms} ms");
        }
    }
}
