//! When silent things are looked at again, though nothing happens.

use std::time::Duration;

use crate::Instant;

/// How often silent things are looked at: snubs, pauses, turns of upload.
const TICK: Duration = Duration::from_millis(500);
/// The same while a peer that never brought anything is asked, or the last pieces come: the room may wait for it.
const TICK_ON_TRIAL: Duration = Duration::from_millis(100);

/// When silent things are looked at again.
#[derive(Debug)]
pub(crate) struct Clock {
    tick_at: Instant,
    /// When an origin that failed may be asked again.
    probe_at: Option<Instant>,
}

impl Clock {
    /// The first look comes after a whole tick.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            tick_at: now + TICK,
            probe_at: None,
        }
    }

    /// Whether it is time for a look.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.tick_at
    }

    /// A look was taken; the next comes soon where the room may wait for what it shows.
    pub(crate) fn looked(&mut self, now: Instant, soon: bool) {
        self.tick_at = now + if soon { TICK_ON_TRIAL } else { TICK };
    }

    /// The next look comes by then at the latest.
    pub(crate) fn look_by(&mut self, at: Instant) {
        self.tick_at = self.tick_at.min(at);
    }

    /// An origin that failed may be asked again then.
    pub(crate) fn probe(&mut self, at: Option<Instant>) {
        self.probe_at = at;
    }

    /// When the next look comes.
    pub(crate) fn tick_at(&self) -> Instant {
        self.tick_at
    }

    /// When an origin that failed may be asked again.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.probe_at
    }
}
