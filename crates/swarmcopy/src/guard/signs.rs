//! Signs of life: whether those who hold the locks live.
//!
//! A holder takes and drops the sign beside its lock in turns. A sign that changes is given by
//! somebody; one that stands still, taken or not, may have been left behind by a power cut.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use swarmcopy_sys::lock::SlotLocks;

/// A change speaks for its holder for that long: a few turns.
const ALIVE: Duration = Duration::from_secs(5);

/// What was seen beside the locks of one folder.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// How each sign was seen last, and when it changed.
    seen: BTreeMap<u32, (bool, Option<Instant>)>,
}

impl Signs {
    /// Looks at the signs beside all locks but `ours`: whether anybody lives there.
    pub(super) fn look(&mut self, locks: &SlotLocks, ours: &[u32], now: Instant) -> bool {
        for slot in (0..locks.slots()).filter(|slot| !ours.contains(slot)) {
            if let Ok(taken) = locks.sees_sign(slot) {
                self.note(slot, taken, now);
            }
        }
        let lives = |at: &Instant| now.saturating_duration_since(*at) < ALIVE;
        self.seen
            .iter()
            .any(|(slot, (_, changed))| !ours.contains(slot) && changed.as_ref().is_some_and(lives))
    }

    fn note(&mut self, slot: u32, taken: bool, now: Instant) {
        let (last, changed) = self.seen.entry(slot).or_insert((taken, None));
        if *last != taken {
            (*last, *changed) = (taken, Some(now));
        }
    }
}
