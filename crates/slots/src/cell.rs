//! One slot as known here: its record, what its holder brought, and what is known of the holder's life.
//!
//! How fresh a record is, is local knowledge: the time since its heartbeat last grew. A broken link makes a holder
//! die sooner, a refusal of its machine at once, and links that broke with many others at all prove nothing.

use std::time::Duration;

use crate::message::{SlotRecord, flags};
use crate::tuning::Tuning;
use crate::{Instant, NodeId};

/// A term this far ahead is not believed at once.
const TERM_JUMP_MAX: u64 = 16;
/// A term above this is never believed of a slot that nothing is known of.
const TERM_FIRST_MAX: u64 = 1 << 32;
/// A heartbeat this far ahead is not believed.
const HEARTBEAT_JUMP_MAX: u64 = 1 << 20;

/// Flags that explain why a holder makes no progress.
const EXCUSES: u32 = flags::ORIGIN_DOWN | flags::NO_LOCK;

/// Nobody: the holder of a released slot.
pub(super) const NOBODY: NodeId = NodeId([0; 8]);

/// The link to a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// Nothing is known against it.
    Whole,
    /// It broke, and no word of the holder came since.
    Broken(Instant),
    /// The same, with those to many others: that proves no death.
    Parted,
}

/// Who read the slot last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Nobody is known to have.
    Nobody,
    /// This machine.
    Known(NodeId),
    /// A machine that is gone for good.
    Gone,
}

/// A term that is too far ahead to be believed at once.
#[derive(Debug, Clone, Copy)]
struct Far {
    term: u64,
    from: NodeId,
    since: Instant,
}

/// What a newer heartbeat of the known holder did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// It is the one that is known.
    Same,
    /// It is an older one.
    Behind,
    /// It is not believed.
    Refused,
    /// The holder lives on.
    Grew,
}

/// What becomes of a holder of whose slot nothing came for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is waited for.
    Waits,
    /// Pieces of the slot turned up in the swarm.
    Brings,
    /// Nothing of the slot is to be read: that it brings nothing proves nothing.
    Rests,
    /// It counts as dead: it holds the slot by its word alone, or has an excuse for too long.
    Doubted,
    /// It can't claim for a while.
    Banned,
}

/// One slot as known here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    record: SlotRecord,
    /// When the record changed or its heartbeat grew.
    grew: Instant,
    /// When a piece of the slot last came, the holder changed, or nothing of it was to be read.
    progress: Instant,
    /// When a piece of the slot last came since this holder took it.
    brought: Option<Instant>,
    reader: Reader,
    link: Link,
    /// The holder counts as dead although it speaks: it brings nothing.
    doubted: bool,
    /// When the holder's machine said that the holder is dead.
    died: Option<Instant>,
    /// When an excuse last started the clock of progress anew.
    excused: Option<Instant>,
    far: Option<Far>,
}

impl Cell {
    /// A slot that was never held.
    pub(super) fn new(slot: u32, now: Instant) -> Self {
        Self {
            record: SlotRecord {
                slot,
                ..SlotRecord::default()
            },
            grew: now,
            progress: now,
            brought: None,
            reader: Reader::Nobody,
            link: Link::Whole,
            doubted: false,
            died: None,
            excused: None,
            far: None,
        }
    }

    pub(super) fn record(&self) -> &SlotRecord {
        &self.record
    }

    pub(super) fn holder(&self) -> NodeId {
        self.record.holder
    }

    /// When a piece of the slot last came, the holder changed, or nothing of it was to be read.
    pub(super) fn progress(&self) -> Instant {
        self.progress
    }

    /// When a piece of the slot last came since this holder took it.
    pub(super) fn brought(&self) -> Option<Instant> {
        self.brought
    }

    /// When word of the slot last came, or a piece of it, if pieces count.
    pub(super) fn heard(&self, pieces_count: bool) -> Instant {
        let came = if pieces_count {
            self.progress
        } else {
            self.grew
        };
        came.max(self.grew)
    }

    /// Whether its holder says why nothing comes.
    pub(super) fn is_excused(&self) -> bool {
        self.record.flags & EXCUSES != 0
    }

    /// Another record: a claim, a heartbeat of our own, or a release.
    pub(super) fn set(&mut self, now: Instant, record: SlotRecord) {
        if record.holder != NOBODY {
            self.reader = Reader::Known(record.holder);
        }
        if self.record.holder != record.holder {
            (self.progress, self.brought) = (now, None);
            self.doubted = false;
            self.died = None;
        }
        self.record = record;
        self.grew = now;
        self.link = Link::Whole;
    }

    /// The known holder says this of itself.
    pub(super) fn beat(&mut self, now: Instant, record: &SlotRecord, tuning: &Tuning) -> Beat {
        let known = self.record.heartbeat;
        if record.heartbeat <= known {
            return if record.heartbeat == known {
                Beat::Same
            } else {
                Beat::Behind
            };
        }
        if record.heartbeat - known > HEARTBEAT_JUMP_MAX {
            return Beat::Refused;
        }
        let was_stuck = self.is_excused() && record.flags & EXCUSES == 0;
        if was_stuck && self.excused.is_none_or(|at| now.since(at) > tuning.memory) {
            self.excused = Some(now);
            self.progress = now;
        }
        self.record = *record;
        self.grew = now;
        self.link = Link::Whole;
        Beat::Grew
    }

    /// Whether a higher term is believed that `from` tells.
    pub(super) fn believes(
        &mut self,
        now: Instant,
        from: NodeId,
        term: u64,
        tuning: &Tuning,
    ) -> bool {
        let known = self.record.term;
        if known == 0 && term <= TERM_FIRST_MAX || term - known <= TERM_JUMP_MAX {
            self.far = None;
            return true;
        }
        let is_same = |far: &Far| term.abs_diff(far.term) <= TERM_JUMP_MAX;
        let said_before = self.far.filter(is_same);
        let believed = said_before
            .is_some_and(|it| it.from != from || now.since(it.since) >= tuning.far_patience);
        if believed {
            self.far = None;
        } else if said_before.is_none() {
            self.far = Some(Far {
                term,
                from,
                since: now,
            });
        }
        believed
    }

    /// A piece of the slot came.
    pub(super) fn progressed(&mut self, now: Instant) {
        (self.progress, self.brought) = (now, Some(now));
    }

    /// Nothing of it came for a while: what a look at that showed.
    pub(super) fn judged(&mut self, now: Instant, verdict: Verdict) {
        match verdict {
            Verdict::Waits | Verdict::Banned => {}
            Verdict::Brings => self.progressed(now),
            Verdict::Rests => self.progress = now,
            Verdict::Doubted => self.doubted = true,
        }
    }

    /// The link to the holder broke: it is dead soon unless its heartbeat comes by others.
    pub(super) fn link_broke(&mut self, now: Instant) {
        self.link = Link::Broken(now);
    }

    /// Many links broke at once: until its next word nobody knows where the holder is.
    pub(super) fn fell_apart(&mut self) {
        self.link = Link::Parted;
    }

    /// The holder does not bring what was asked of it. Where its heartbeat is missing, too, it is dead in a moment.
    pub(super) fn is_silent(&mut self, now: Instant, tuning: &Tuning) {
        if self.link == Link::Whole && now.since(self.grew) >= tuning.beats_missed() {
            self.link = Link::Broken(now - tuning.heartbeat);
        }
    }

    /// The holder's machine says that the holder is dead.
    pub(super) fn dies(&mut self, now: Instant) {
        self.died = Some(now);
    }

    /// Who read the slot last is gone for good, if that is this machine: what it did not pass on comes from nowhere.
    pub(super) fn reader_gone(&mut self, node: NodeId) {
        if self.reader == Reader::Known(node) {
            self.reader = Reader::Gone;
        }
    }

    /// Whether the holder was said to be dead, and nothing was heard of it since but old words.
    fn has_died(&self, tuning: &Tuning) -> bool {
        self.died.is_some_and(|at| self.grew < at + tuning.lost)
    }

    /// Whether its holder spoke a moment ago, by a link that is whole.
    pub(super) fn is_fresh(&self, now: Instant, tuning: &Tuning) -> bool {
        let lives = self.link == Link::Whole && !self.has_died(tuning);
        lives && now.since(self.grew) < tuning.usurp_fresh()
    }

    /// Whether its holder's word about itself is up to date.
    pub(super) fn is_current(&self, now: Instant, tuning: &Tuning) -> bool {
        self.link == Link::Whole && now.since(self.grew) < tuning.current()
    }

    /// Until when its holder counts as live; `None` when nobody does.
    pub(super) fn live_until(&self, tuning: &Tuning) -> Option<Instant> {
        if self.record.holder == NOBODY || self.doubted || self.has_died(tuning) {
            return None;
        }
        let silent = self.grew + tuning.dead();
        Some(match self.link {
            Link::Broken(at) => silent.min(at + tuning.lost),
            Link::Whole | Link::Parted => silent,
        })
    }

    /// When all that the holder passed on has been heard of, if it says no more; `spread` = how long what it read
    /// may be on its way.
    pub(super) fn settled(&self, spread: Duration, tuning: &Tuning) -> Instant {
        let gone = match (self.died, self.link) {
            _ if self.record.holder == NOBODY => Some(self.grew + spread),
            (Some(died), _) => Some(died + tuning.lost),
            (None, Link::Broken(at)) => Some(at + tuning.lost.max(spread)),
            (None, Link::Whole | Link::Parted) => None,
        };
        let silent = self.grew + tuning.dead();
        gone.map_or(silent, |at| at.min(silent))
    }

    /// Whether it was released with nothing left to read, by a machine that is not known to be gone.
    pub(super) fn is_done(&self) -> bool {
        let done = self.record.holder == NOBODY && self.record.flags & flags::DONE != 0;
        done && self.reader != Reader::Gone
    }
}
