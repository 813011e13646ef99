//! A slot that this machine holds: what it reads under it, and how it will be given back.

use std::time::Duration;

use crate::extent::Extents;
use crate::lock::Lock;
use crate::walk::{Found, Walk, run_in};
use crate::{Instant, LockWord, NodeId, OriginKind};

/// Extents taken from another slot: a run of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stolen {
    /// The first of them.
    pub(super) extent: u32,
    pub(super) count: u32,
    pub(super) open_at: Instant,
}

impl Stolen {
    fn holds(self, extents: &Extents, extent: u32) -> bool {
        extents
            .run(self.extent, self.count)
            .any(|one| one == extent)
    }
}

/// Whether the slot is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stay {
    /// It is.
    Keeps,
    /// It is given back with these flags once its reads have ended, to this machine if it wants to have it.
    Leaves { flags: u32, heir: Option<NodeId> },
}

/// What there is to read under the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// The slot's own pieces.
    Slot,
    /// Extents taken from another.
    Taken(Stolen),
    /// Nothing was found.
    Dry,
}

/// What a look for pieces changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// Nothing that others should hear of at once.
    Nothing,
    /// Where it reads, near the end of its work.
    Moved,
    /// It has nothing more to read.
    Dry,
}

/// A slot held here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    slot: u32,
    /// Nothing is read before: the claim must have reached others.
    open_at: Instant,
    lock: Lock,
    stay: Stay,
    work: Work,
    /// Pieces in hand.
    reads: u32,
    /// Something was read here.
    has_read: bool,
    /// The extent read last.
    extent: u32,
    walk: Walk,
}

impl Own {
    /// A slot that was just claimed: it is read from `extent` on, by this walk.
    pub(super) fn new(slot: u32, open_at: Instant, extent: u32, walk: Walk) -> Self {
        Self {
            slot,
            open_at,
            lock: Lock::None,
            stay: Stay::Keeps,
            work: Work::Slot,
            reads: 0,
            has_read: false,
            extent,
            walk,
        }
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot
    }

    /// Pieces in hand.
    pub(super) fn reads(&self) -> u32 {
        self.reads
    }

    /// Whether reads may begin, the lock apart.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.stay == Stay::Keeps && now >= self.open_at
    }

    /// Whether reads of such an origin may begin.
    pub(super) fn may_read(&self, now: Instant, kind: OriginKind) -> bool {
        self.is_open(now) && self.lock.allows(kind)
    }

    pub(super) fn lock(&self) -> Lock {
        self.lock
    }

    /// A lock is needed from now on; whether it is to be asked for.
    pub(super) fn ask_lock(&mut self, now: Instant) -> bool {
        self.lock.ask(now)
    }

    /// The server's word on the lock, which is asked for again at that time, if need be.
    pub(super) fn hear_lock(&mut self, now: Instant, again: Instant, word: LockWord) {
        self.lock.hear(now, again, word);
    }

    /// Whether a refused lock is to be asked for again; refused for so long it has leaked, if this
    /// slot may go without.
    pub(super) fn retry_lock(&mut self, now: Instant, leaks: Option<Duration>) -> bool {
        self.lock.retry(now, leaks)
    }

    /// What was begun to read under the slot before it was lost is still under way.
    pub(super) fn goes_on(&mut self, reads: u32) {
        self.reads = reads;
    }

    /// A piece is read under it.
    pub(super) fn begins(&mut self) {
        self.reads += 1;
        self.has_read = true;
    }

    /// The read of a piece ended; whether something is to be decided now.
    pub(super) fn ends(&mut self) -> bool {
        self.reads = self.reads.saturating_sub(1);
        self.reads == 0 && (self.is_leaving() || self.is_dry())
    }

    /// A read of this piece failed: there is work, from that piece on.
    pub(super) fn fails(&mut self, extents: &Extents, piece: u32) {
        if self.work == Work::Dry {
            self.work = Work::Slot;
        }
        self.walk.rewind(extents, piece);
    }

    /// It is to be given back, with these flags, if it is not already.
    pub(super) fn leave(&mut self, flags: u32) {
        if self.stay == Stay::Keeps {
            self.stay = Stay::Leaves { flags, heir: None };
        }
    }

    /// It is to be given back to this machine.
    pub(super) fn leave_to(&mut self, to: NodeId) {
        self.leave(0);
        if let Stay::Leaves { heir, .. } = &mut self.stay {
            *heir = Some(to);
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.stay != Stay::Keeps
    }

    /// The flags and the heir of a slot that is to be given back and not read any more.
    pub(super) fn is_left(&self) -> Option<(u32, Option<NodeId>)> {
        match self.stay {
            Stay::Leaves { flags, heir } if self.reads == 0 => Some((flags, heir)),
            _ => None,
        }
    }

    pub(super) fn is_dry(&self) -> bool {
        self.work == Work::Dry
    }

    /// Whether it has nothing to read and nothing under way, and may be given back or take from others.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.reads == 0 && self.is_dry() && self.is_open(now)
    }

    /// Whether only its own pieces count, and none is under way.
    pub(super) fn is_at_rest(&self) -> bool {
        self.reads == 0 && !matches!(self.work, Work::Taken(_))
    }

    /// Its own pieces were looked through: there is something to read, or not.
    pub(super) fn has_work(&mut self, has_work: bool) {
        self.work = if has_work { Work::Slot } else { Work::Dry };
    }

    /// It takes extents from another slot.
    pub(super) fn takes(&mut self, stolen: Stolen) {
        self.work = Work::Taken(stolen);
    }

    /// The flags of a slot that has nothing left: what it read is on its way.
    pub(super) fn has_read(&self) -> bool {
        self.has_read
    }

    /// Whether it took this extent from another slot; `open_by` = and reads it by then.
    pub(super) fn has_taken(
        &self,
        extents: &Extents,
        extent: u32,
        open_by: Option<Instant>,
    ) -> bool {
        let Work::Taken(stolen) = self.work else {
            return false;
        };
        open_by.is_none_or(|now| stolen.open_at <= now) && stolen.holds(extents, extent)
    }

    /// Whether pieces of this extent are in hand.
    pub(super) fn is_reading(&self, extent: u32) -> bool {
        self.extent == extent && self.reads > 0
    }

    /// The extents that it reads: the first, and how many.
    pub(super) fn told(&self) -> (u32, u32) {
        match self.work {
            Work::Taken(stolen) => (stolen.extent, stolen.count),
            Work::Slot | Work::Dry => (self.extent, 1),
        }
    }

    /// When reads may begin of what is not open yet.
    pub(super) fn opens(&self) -> impl Iterator<Item = Instant> {
        let stolen = match self.work {
            Work::Taken(stolen) => Some(stolen.open_at),
            Work::Slot | Work::Dry => None,
        };
        [Some(self.open_at), stolen, self.lock.asks_again_at()]
            .into_iter()
            .flatten()
    }

    /// Extents after the one being read.
    pub(super) fn extents_ahead(&self, extents: &Extents) -> u32 {
        self.walk.extents_ahead(extents)
    }

    /// The extent at which the next holder should go on.
    pub(super) fn resume(&self, extents: &Extents) -> u32 {
        self.walk.resume(extents)
    }

    /// It reads this extent now.
    pub(super) fn reads_extent(&mut self, extent: u32) {
        self.extent = extent;
    }

    /// The next run of the slot, or of the extents that it took from another.
    pub(super) fn find(
        &mut self,
        now: Instant,
        extents: &Extents,
        max: u32,
        eligible: &dyn Fn(u32) -> bool,
    ) -> Found {
        let Work::Taken(stolen) = self.work else {
            return self.walk.find(now, extents, max, eligible);
        };
        if now < stolen.open_at {
            return Found::Later;
        }
        // from the far end: by the time it meets the slot's holder that one has heard of it
        let all: Vec<u32> = extents.run(stolen.extent, stolen.count).collect();
        let run = all.into_iter().rev().find_map(|extent| {
            let (first, end) = extents.pieces_of(extent);
            let (first, count) = run_in(first, end, max, eligible)?;
            Some(Found::Run {
                first,
                count,
                extent,
            })
        });
        run.unwrap_or(Found::Nothing)
    }

    /// Keeps what a look found; `narrowed` = an origin was looked through that lacks something, which says nothing
    /// about the slot.
    pub(super) fn note(
        &mut self,
        (extents, tail): (&Extents, u32),
        found: Found,
        narrowed: bool,
    ) -> Noted {
        let is_taken = matches!(self.work, Work::Taken(_));
        match found {
            Found::Run { extent, .. } if !is_taken && extent != self.extent => {
                self.extent = extent;
                let near_end = self.extents_ahead(extents) <= tail;
                if near_end {
                    Noted::Moved
                } else {
                    Noted::Nothing
                }
            }
            Found::Run { .. } | Found::Later => Noted::Nothing,
            Found::Nothing if narrowed => {
                self.work = Work::Slot;
                Noted::Nothing
            }
            Found::Nothing => {
                self.work = Work::Dry;
                Noted::Dry
            }
        }
    }
}
