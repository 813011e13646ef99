//! The slot table: one register per slot, merged by maximum (a CRDT).
//!
//! Order of two records of a slot: the higher term wins; at the same term the smaller hash of the
//! holder, a release losing against every claim; of the same holder the larger heartbeat. So merging
//! is commutative, idempotent and free of order, but for records that are not believed: terms that
//! jump too far and holders that are banned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::cell::{Beat, Cell, NOBODY, Verdict};
use crate::message::{SlotRecord, flags};
use crate::tuning::Tuning;
use crate::{Instant, NodeId};

/// Most banned holders; the first to end makes room.
const BANNED_MAX: usize = 4096;

/// What a merge did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Merged {
    /// The record is what was known.
    Same,
    /// It is an older word of the holder that is known.
    Behind,
    /// It lost against what is known.
    Older,
    /// It is not believed.
    Refused,
    /// The same holder lives on.
    Grew,
    /// Another holder, or a release.
    Changed {
        /// Who held it before.
        was: NodeId,
    },
}

#[derive(Debug, Clone, Copy)]
struct Strikes {
    count: u32,
    last: Instant,
}

/// All slots as known here.
#[derive(Debug)]
pub(super) struct SlotTable {
    tuning: Arc<Tuning>,
    content: [u8; 32],
    cells: Vec<Cell>,
    banned: BTreeMap<NodeId, Instant>,
    strikes: BTreeMap<NodeId, Strikes>,
}

fn at(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

impl SlotTable {
    /// A table of `slots` slots, none of which was ever held.
    pub(super) fn new(tuning: &Arc<Tuning>, content: [u8; 32], slots: u32, now: Instant) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            content,
            cells: (0..slots).map(|slot| Cell::new(slot, now)).collect(),
            banned: BTreeMap::new(),
            strikes: BTreeMap::new(),
        }
    }

    /// A table of fewer slots for the same content, of which nothing is known.
    pub(super) fn shrunk(&self, slots: u32, now: Instant) -> Self {
        Self::new(&self.tuning, self.content, slots, now)
    }

    /// How many slots.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.cells.len()).unwrap_or(u32::MAX)
    }

    /// The slot's cell.
    pub(super) fn cell(&self, slot: u32) -> Option<&Cell> {
        self.cells.get(at(slot))
    }

    /// When all that the slot's holder passed on has been heard of, which may be on its way for `spread`.
    pub(super) fn settled(&self, slot: u32, spread: Duration) -> Option<Instant> {
        Some(self.cell(slot)?.settled(spread, &self.tuning))
    }

    /// The slot's record.
    pub(super) fn record(&self, slot: u32) -> Option<SlotRecord> {
        self.cell(slot).map(|cell| *cell.record())
    }

    /// The records of these slots.
    pub(super) fn records(&self, mask: u64) -> Vec<SlotRecord> {
        let all = self.cells.iter().map(Cell::record);
        all.filter(|record| mask & bit(record.slot) != 0)
            .copied()
            .collect()
    }

    /// Changes what is known of one slot.
    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Cell)) {
        if let Some(cell) = self.cells.get_mut(at(slot)) {
            change(cell);
        }
    }

    /// Changes what is known of the slots of one holder.
    fn change_of(&mut self, holder: NodeId, change: impl Fn(&mut Cell)) {
        let its = self.cells.iter_mut().filter(|it| it.holder() == holder);
        its.for_each(change);
    }

    /// Sets my own record: a claim, a heartbeat or a release.
    pub(super) fn set(&mut self, now: Instant, record: SlotRecord) {
        self.change(record.slot, |cell| cell.set(now, record));
    }

    /// A piece of this extent and home slot came, which may have been read under another.
    pub(super) fn progressed(&mut self, now: Instant, slot: u32, extent: u32) {
        for (of, cell) in (0..).zip(&mut self.cells) {
            let reads = cell.record().extent == extent && cell.holder() != NOBODY;
            if of == slot || reads {
                cell.progressed(now);
            }
        }
    }

    /// What became of a look at a slot of whose holder nothing came for a while.
    pub(super) fn judged(&mut self, now: Instant, slot: u32, verdict: Verdict) {
        let holder = self.cell(slot).map(Cell::holder);
        match (verdict, holder) {
            (Verdict::Banned, Some(holder)) => self.ban(now, holder),
            (Verdict::Banned, None) => {}
            _ => self.change(slot, |cell| cell.judged(now, verdict)),
        }
    }

    /// Merges a record that `from` told. O(1); hashes only where two claim the same term.
    pub(super) fn merge(&mut self, now: Instant, from: NodeId, record: &SlotRecord) -> Merged {
        let Some(mine) = self.record(record.slot) else {
            return Merged::Refused;
        };
        if (mine.term, mine.holder) == (record.term, record.holder) {
            return self.merge_heartbeat(now, record);
        }
        if record.term < mine.term || (record.term == mine.term && !self.wins(record, &mine)) {
            return Merged::Older;
        }
        let cell = self.cells.get_mut(at(record.slot));
        let is_banned = is_banned(&self.banned, now, record.holder);
        if is_banned
            || !cell.is_some_and(|cell| cell.believes(now, from, record.term, &self.tuning))
        {
            return Merged::Refused;
        }
        self.judge(now, record);
        if self.is_banned(now, record.holder) {
            return Merged::Refused;
        }
        self.set(now, *record);
        Merged::Changed { was: mine.holder }
    }

    fn merge_heartbeat(&mut self, now: Instant, record: &SlotRecord) -> Merged {
        let cell = self.cells.get_mut(at(record.slot));
        match cell.map_or(Beat::Refused, |cell| cell.beat(now, record, &self.tuning)) {
            Beat::Same => Merged::Same,
            Beat::Behind => Merged::Behind,
            Beat::Refused => Merged::Refused,
            Beat::Grew => Merged::Grew,
        }
    }

    /// Whether `new` beats `old` at the same term.
    fn wins(&self, new: &SlotRecord, old: &SlotRecord) -> bool {
        if new.holder == NOBODY || old.holder == NOBODY {
            return old.holder == NOBODY;
        }
        self.claim_hash(new) < self.claim_hash(old)
    }

    fn claim_hash(&self, record: &SlotRecord) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.content)
            .chain_update(record.slot.to_be_bytes())
            .chain_update(record.term.to_be_bytes())
            .chain_update(record.holder.0)
            .finalize()
            .into()
    }

    /// Who takes slots again and again from holders that live is a liar.
    fn judge(&mut self, now: Instant, record: &SlotRecord) {
        let Some(cell) = self.cell(record.slot) else {
            return;
        };
        let (old, fresh) = (*cell.record(), cell.is_fresh(now, &self.tuning));
        let usurps = old.holder != NOBODY && record.holder != NOBODY && record.term > old.term;
        if !usurps || !fresh || self.is_banned(now, old.holder) {
            return;
        }
        let strikes = self.strikes.entry(record.holder).or_insert(Strikes {
            count: 0,
            last: Instant::ZERO,
        });
        let apart = now.since(strikes.last);
        if strikes.count > 0 && apart < self.tuning.heartbeat {
            return;
        }
        let before = if apart < self.tuning.memory {
            strikes.count
        } else {
            0
        };
        *strikes = Strikes {
            count: before + 1,
            last: now,
        };
        if strikes.count >= self.tuning.strikes_max {
            self.ban(now, record.holder);
        }
        self.strikes
            .retain(|_, strikes| now.since(strikes.last) < self.tuning.memory);
    }

    /// The link to a holder broke: it is dead soon unless its heartbeat comes by others.
    pub(super) fn holder_reset(&mut self, now: Instant, node: NodeId) {
        self.change_of(node, |cell| cell.link_broke(now));
    }

    /// The holder does not bring what was asked of it, and its heartbeat is missing, too: it is dead in a moment, unless
    /// a word of it comes.
    pub(super) fn holder_silent(&mut self, now: Instant, node: NodeId) {
        let tuning = Arc::clone(&self.tuning);
        self.change_of(node, |cell| cell.is_silent(now, &tuning));
    }

    /// The holder's machine says that it is dead. Words of it that others had still to pass on change nothing.
    pub(super) fn holder_died(&mut self, now: Instant, node: NodeId) {
        self.change_of(node, |cell| cell.dies(now));
    }

    /// Many links broke at once: until its next word nobody knows where a holder is, and only
    /// silence proves that it is dead.
    pub(super) fn fell_apart(&mut self) {
        self.cells.iter_mut().for_each(Cell::fell_apart);
    }

    /// The holder can't claim for a while, and its slots count as dead.
    fn ban(&mut self, now: Instant, node: NodeId) {
        if node == NOBODY {
            return;
        }
        self.banned.retain(|_, until| *until > now);
        if self.banned.len() >= BANNED_MAX {
            self.banned.pop_first();
        }
        self.banned.insert(node, now + self.tuning.ban);
    }

    /// Whether the holder is banned.
    pub(super) fn is_banned(&self, now: Instant, node: NodeId) -> bool {
        is_banned(&self.banned, now, node)
    }

    /// Until when the slot's holder counts as live; `None` when nobody does.
    pub(super) fn live_until(&self, now: Instant, slot: u32) -> Option<Instant> {
        let cell = self.cell(slot)?;
        let until = cell.live_until(&self.tuning)?;
        (!self.is_banned(now, cell.holder())).then_some(until)
    }

    /// The slot's live holder.
    pub(super) fn live_holder(&self, now: Instant, slot: u32) -> Option<NodeId> {
        self.live_until(now, slot).filter(|until| *until > now)?;
        Some(self.cell(slot)?.holder())
    }

    /// The live holders, one for each slot that has one.
    pub(super) fn live_holders(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        (0..self.slots()).filter_map(move |slot| self.live_holder(now, slot))
    }

    /// What the other live holders bring each, the least first.
    pub(super) fn goodputs_beside(&self, me: NodeId, now: Instant) -> Vec<u64> {
        let others = (0..self.slots()).filter(|slot| {
            let holder = self.live_holder(now, *slot);
            holder.is_some_and(|node| node != me)
        });
        let goodputs = others.filter_map(|slot| self.record(slot).map(|it| it.goodput));
        let mut all: Vec<u64> = goodputs.filter(|goodput| *goodput > 0).collect();
        all.sort_unstable();
        all
    }

    /// The lowest slot whose lock is refused, if nobody reads unguarded.
    pub(super) fn lowest_refused(&self, now: Instant) -> Option<u32> {
        let live = (0..self.slots()).filter(|slot| self.live_holder(now, *slot).is_some());
        let mut lowest = None;
        for slot in live {
            let told = self.record(slot).map_or(0, |record| record.flags);
            if told & flags::UNGUARDED != 0 {
                return None;
            }
            if told & flags::NO_LOCK != 0 {
                lowest = lowest.or(Some(slot));
            }
        }
        lowest
    }

    /// Whether what the slot's live holder says of itself is up to date.
    pub(super) fn is_current(&self, now: Instant, slot: u32) -> bool {
        self.live_holder(now, slot).is_some()
            && self
                .cell(slot)
                .is_some_and(|cell| cell.is_current(now, &self.tuning))
    }

    /// Whether the slot was released with nothing left to read, by a machine that is not known to be gone.
    pub(super) fn is_done(&self, slot: u32) -> bool {
        self.cell(slot).is_some_and(Cell::is_done)
    }

    /// A machine is gone for good: what it read and did not pass on comes from nowhere.
    pub(super) fn reader_gone(&mut self, node: NodeId) {
        self.cells
            .iter_mut()
            .for_each(|cell| cell.reader_gone(node));
    }

    /// Slots about which something is known.
    pub(super) fn known(&self) -> u64 {
        let known = self.cells.iter().map(Cell::record);
        known
            .filter(|record| record.term > 0)
            .fold(0, |mask, record| mask | bit(record.slot))
    }
}

fn is_banned(banned: &BTreeMap<NodeId, Instant>, now: Instant, node: NodeId) -> bool {
    !banned.is_empty() && banned.get(&node).is_some_and(|until| *until > now)
}

/// The bit of a slot in a mask.
pub(super) fn bit(slot: u32) -> u64 {
    1u64.checked_shl(slot).unwrap_or(0)
}

/// The bits of all of so many slots.
pub(super) fn bits(slots: u32) -> u64 {
    (0..slots).fold(0, |mask, slot| mask | bit(slot))
}

/// The median of sorted values; the lower one of two.
pub(super) fn median_of(sorted: &[u64]) -> Option<u64> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}
