//! When silent things are looked at again, though nothing happens.

use crate::Instant;

/// When silent things are looked at again.
#[derive(Debug)]
pub(crate) struct Clock {
    tick_at: Instant,
    /// When an origin that failed may be asked again.
    probe_at: Option<Instant>,
}

impl Clock {
    /// The first look comes then.
    pub(crate) fn new(tick_at: Instant) -> Self {
        Self {
            tick_at,
            probe_at: None,
        }
    }

    /// Whether it is time for a look.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.tick_at
    }

    /// A look was taken; the next comes then.
    pub(crate) fn looked(&mut self, next: Instant) {
        self.tick_at = next;
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
