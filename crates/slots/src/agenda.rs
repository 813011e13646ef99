//! What the gate wants done: when it is to be called, what is to be explained, locked and cancelled.

use std::collections::VecDeque;
use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use crate::room::Room;
use crate::tuning::Tuning;
use crate::{Instant, Reason, SourceId};

/// Most decisions kept for `poll_explain`; older ones are dropped.
const EXPLAINED_MAX: usize = 256;

/// A decision with what it is about.
pub type Explained = (Reason, Option<SourceId>, Option<PieceIndex>);

/// Something happens, or time passes: what it changes besides this machine's own part.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub(super) now: Instant,
    pub(super) room: &'a mut Room,
    pub(super) agenda: &'a mut Agenda,
}

/// What is to be done, and when.
#[derive(Debug)]
pub(super) struct Agenda {
    now: Instant,
    wake: Instant,
    /// How long word to others takes, for what others must have heard of; at least and at most so long.
    notice: (Duration, Duration, Duration),
    explained: VecDeque<Explained>,
    locks: VecDeque<(u32, bool)>,
    cancels: VecDeque<PieceIndex>,
}

impl Agenda {
    pub(super) fn new(tuning: &Tuning, now: Instant) -> Self {
        Self {
            now,
            wake: now,
            notice: (tuning.notice, tuning.notice, tuning.heartbeat),
            explained: VecDeque::new(),
            locks: VecDeque::new(),
            cancels: VecDeque::new(),
        }
    }

    /// The time is told.
    pub(super) fn sees(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// The time as it was last told.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// The way to peers and back takes so long, as far as was seen.
    pub(super) fn learn_way(&mut self, way: Duration) {
        let (_, least, most) = self.notice;
        self.notice.0 = way.clamp(least, most);
    }

    /// How long word to others takes.
    pub(super) fn notice(&self) -> Duration {
        self.notice.0
    }

    /// The gate is to be called at this time, if not before.
    pub(super) fn wake(&mut self, at: Instant) {
        self.wake = self.wake.min(at);
    }

    /// The gate is to be called as soon as possible.
    pub(super) fn wake_at_once(&mut self) {
        self.wake = Instant::ZERO;
    }

    /// All that was due is done: the gate is to be called at this time, or never.
    pub(super) fn sleep(&mut self, until: Option<Instant>) {
        self.wake = until.unwrap_or(Instant::from_micros(u64::MAX));
    }

    /// When the gate is to be called.
    pub(super) fn wakes_at(&self) -> Option<Instant> {
        (self.wake < Instant::from_micros(u64::MAX)).then_some(self.wake)
    }

    pub(super) fn explain(&mut self, reason: Reason, source: Option<SourceId>) {
        if self.explained.len() >= EXPLAINED_MAX {
            self.explained.pop_front();
        }
        self.explained.push_back((reason, source, None));
    }

    /// The lock of a slot is to be taken (`true`), or let go of (`false`).
    pub(super) fn lock(&mut self, slot: u32, take: bool) {
        self.locks.push_back((slot, take));
    }

    /// The reads of these pieces are to end.
    pub(super) fn cancel(&mut self, pieces: impl IntoIterator<Item = PieceIndex>) {
        self.cancels.extend(pieces);
    }

    pub(super) fn poll_explain(&mut self) -> Option<Explained> {
        self.explained.pop_front()
    }

    pub(super) fn poll_lock(&mut self) -> Option<(u32, bool)> {
        self.locks.pop_front()
    }

    pub(super) fn poll_cancel(&mut self) -> Option<PieceIndex> {
        self.cancels.pop_front()
    }
}
