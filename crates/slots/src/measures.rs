//! What this machine does, measured: what it takes in, what it reads of origins, and when it tells others.

use std::sync::Arc;

use crate::Instant;
use crate::held::Held;
use crate::link::LinkPeak;
use crate::load::{Load, Look};
use crate::tuning::Tuning;
use crate::view::View;

/// Measures of this machine.
#[derive(Debug)]
pub(super) struct Measures {
    tuning: Arc<Tuning>,
    link: LinkPeak,
    load: Load,
    /// Bytes that came from origins, and how many of them had when the last beat was due.
    read: u64,
    read_before: u64,
    before_at: Instant,
    /// Bytes a second that it reads under each slot.
    goodput: u64,
    beat_at: Instant,
    /// Since when it holds a slot.
    holds_since: Instant,
    /// Something other than its link limited it since the last beat.
    limited: bool,
    /// This machine's uplink has room.
    room: bool,
}

impl Measures {
    pub(super) fn new(tuning: &Arc<Tuning>, now: Instant) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            link: LinkPeak::default(),
            load: Load::new(tuning, now),
            read: 0,
            read_before: 0,
            before_at: now,
            goodput: 0,
            beat_at: now,
            holds_since: now,
            limited: false,
            room: false,
        }
    }

    pub(super) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// A source brought bytes, an origin or another.
    pub(super) fn received(&mut self, now: Instant, bytes: u64, is_origin: bool) {
        self.link.add(now, bytes, &self.tuning);
        self.load.add(now, bytes);
        if is_origin {
            self.read = self.read.saturating_add(bytes);
        }
    }

    /// Bytes that came from origins in all.
    pub(super) fn origin_bytes(&self) -> u64 {
        self.read
    }

    /// The first slot is held from now on.
    pub(super) fn begins(&mut self, now: Instant) {
        self.beat_at = now + self.tuning.first_beat;
        self.holds_since = now;
        (self.before_at, self.read_before) = (now, self.read);
    }

    /// When the next beat is due.
    pub(super) fn beat_at(&self) -> Instant {
        self.beat_at
    }

    /// Whether a beat is due; then it is measured how fast each of so many slots is read.
    pub(super) fn beats(&mut self, now: Instant, slots: usize) -> bool {
        if now < self.beat_at {
            return false;
        }
        let tuning = &self.tuning;
        let young = now.since(self.holds_since) < tuning.young;
        self.beat_at = now
            + if young {
                tuning.first_beat
            } else {
                tuning.heartbeat
            };
        let passed = u64::try_from(now.since(self.before_at).as_millis())
            .unwrap_or(1)
            .max(1);
        let bytes = self.read.saturating_sub(self.read_before);
        let slots = u64::try_from(slots).unwrap_or(1).max(1);
        self.goodput = bytes.saturating_mul(1000) / passed / slots;
        (self.before_at, self.read_before) = (now, self.read);
        true
    }

    /// Bytes a second that it reads under each slot, as last measured.
    pub(super) fn goodput(&self) -> u64 {
        self.goodput
    }

    /// Something other than its link limits it.
    pub(super) fn limits(&mut self, limited: bool) {
        self.limited |= limited;
    }

    /// Whether something other than its link limited it since the last beat.
    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// Others were told of that.
    pub(super) fn forget_limits(&mut self) {
        self.limited = false;
    }

    /// This machine's uplink has room, or not; whether that is news.
    pub(super) fn has_room(&mut self, room: bool) -> bool {
        std::mem::replace(&mut self.room, room) != room
    }

    /// Whether its uplink has room.
    pub(super) fn room(&self) -> bool {
        self.room
    }

    pub(super) fn link(&self) -> LinkPeak {
        self.link
    }

    pub(super) fn load(&self) -> &Load {
        &self.load
    }

    /// Whether it takes in about as much as its link was ever seen to bring for a while.
    pub(super) fn is_link_full(&self) -> bool {
        self.load.takes_in(self.link.sustained())
    }

    /// Looks whether it has more to do than it can, or less, if that is due; whether what others are told changed.
    pub(super) fn weighs(&mut self, now: Instant, view: &View<'_>, held: &Held) -> bool {
        if !self.load.is_due(now) {
            return false;
        }
        let reads = !held.is_empty() && !self.limited && !held.was_full(now);
        let is_full = self.link.sustained() == 0 || self.is_link_full();
        // what comes far more slowly than this machine's link can is held up by who sends it
        let look = if is_full && view.missing.intersects(view.available) {
            Look::Behind
        } else if reads || view.pieces_left == 0 {
            Look::Even
        } else {
            Look::Waiting
        };
        self.load.looks(now, look, reads && held.is_reading())
    }

    /// Whether a machine with this link should read instead, if it has nothing else to do.
    pub(super) fn is_slower_than(&self, link: u64) -> bool {
        let mine = self
            .link
            .sustained()
            .saturating_mul(self.tuning.outrun_percent)
            / 100;
        mine > 0 && link > mine
    }
}
