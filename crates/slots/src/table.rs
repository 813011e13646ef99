//! The slot table: one register per slot, merged by maximum (a CRDT).
//!
//! Order of two records of a slot: the higher term wins; at the same term the smaller hash of the
//! holder, a release losing against every claim; of the same holder the larger heartbeat. So merging
//! is commutative, idempotent and free of order, but for records that are not believed: terms that
//! jump too far and holders that are banned. How fresh a record is, is local knowledge: the time
//! since its heartbeat last grew.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::message::{SlotRecord, flags};
use crate::{Instant, NodeId};

/// A holder is dead after this long without a heartbeat.
pub(super) const DEAD: Duration = Duration::from_secs(5);
/// The same when the link to it broke.
const DEAD_AFTER_RESET: Duration = Duration::from_millis(1500);
/// So much sooner after it let us wait for blocks, and for so long told nothing.
const SOONER_AFTER_SILENCE: Duration = Duration::from_secs(1);
const BEATS_MISSED: Duration = Duration::from_millis(2200);
/// For so long after a holder's death others may still pass on what it said.
pub(super) const PASSED_ON: Duration = Duration::from_millis(1500);
/// A holder's word about itself is up to date for this long.
const CURRENT: Duration = Duration::from_millis(1500);
/// A term this far ahead is not believed at once.
const TERM_JUMP_MAX: u64 = 16;
/// A term above this is never believed of a slot that nothing is known of.
const TERM_FIRST_MAX: u64 = 1 << 32;
/// A heartbeat this far ahead is not believed.
const HEARTBEAT_JUMP_MAX: u64 = 1 << 20;
/// A term that jumps is believed when two machines say so, or one for this long.
const FAR_PATIENCE: Duration = Duration::from_secs(10);
/// How long a banned holder can't claim.
const BAN: Duration = Duration::from_mins(10);
/// Most banned holders; the first to end makes room.
const BANNED_MAX: usize = 4096;
/// A takeover of a slot whose holder spoke this lately is a strike against the new one.
const USURP_FRESH: Duration = Duration::from_millis(2500);
/// Strikes closer together count as one, strikes further apart than `STRIKE_MEMORY` don't add up.
const STRIKE_EVERY: Duration = Duration::from_secs(1);
const STRIKE_MEMORY: Duration = Duration::from_mins(1);
const STRIKES_MAX: u32 = 3;

/// Flags that explain why a holder makes no progress.
pub(super) const EXCUSES: u32 = flags::ORIGIN_DOWN | flags::NO_LOCK;
/// The end of an excuse starts the clock of progress anew, at most this often.
const EXCUSED_EVERY: Duration = Duration::from_mins(1);

/// Nobody: the holder of a released slot.
pub(super) const NOBODY: NodeId = NodeId([0; 8]);

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
struct Far {
    term: u64,
    from: NodeId,
    since: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Strikes {
    count: u32,
    last: Instant,
}

/// One slot as known here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) record: SlotRecord,
    /// When the record changed or its heartbeat grew.
    pub(super) grew: Instant,
    /// When this holder was first seen.
    pub(super) taken: Instant,
    /// When a piece of the slot last came, the holder changed, or nothing of it was to be read.
    pub(super) progress: Instant,
    /// Who read the slot last, and whether that machine is gone.
    reader: Option<NodeId>,
    reader_gone: bool,
    /// When a piece of the slot last came since this holder took it.
    pub(super) brought: Option<Instant>,
    /// The holder counts as dead although it speaks: it brings nothing.
    doubted: bool,
    excused: Option<Instant>,
    reset: Option<Instant>,
    /// When the holder's machine said that the holder is dead.
    died: Option<Instant>,
    /// The links broke with those to many others: that proves no death.
    parted: bool,
    far: Option<Far>,
}

impl Cell {
    /// When all that the holder passed on has been heard of, if it says no more; `spread` = how long what it read
    /// may be on its way.
    pub(super) fn settled(&self, spread: Duration) -> Instant {
        let silent = self.grew + DEAD;
        let gone = match (self.died, self.reset.filter(|_| !self.parted)) {
            _ if self.record.holder == NOBODY => Some(self.grew + spread),
            (Some(died), _) => Some(died + PASSED_ON),
            (None, Some(reset)) => Some(reset + DEAD_AFTER_RESET.max(spread)),
            (None, None) => None,
        };
        gone.map_or(silent, |at| at.min(silent))
    }

    /// Whether the holder was said to be dead, and nothing was heard of it since but old words.
    fn has_died(&self) -> bool {
        self.died.is_some_and(|at| self.grew < at + PASSED_ON)
    }
}

/// All slots as known here.
#[derive(Debug)]
pub(super) struct SlotTable {
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
    pub(super) fn new(content: [u8; 32], slots: u32, now: Instant) -> Self {
        let cells = (0..slots)
            .map(|slot| Cell {
                record: SlotRecord {
                    slot,
                    ..SlotRecord::default()
                },
                grew: now,
                taken: now,
                progress: now,
                reader: None,
                reader_gone: false,
                brought: None,
                doubted: false,
                excused: None,
                reset: None,
                died: None,
                parted: false,
                far: None,
            })
            .collect();
        Self {
            content,
            cells,
            banned: BTreeMap::new(),
            strikes: BTreeMap::new(),
        }
    }

    /// How many slots.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.cells.len()).unwrap_or(u32::MAX)
    }

    /// The slot's cell.
    pub(super) fn cell(&self, slot: u32) -> Option<&Cell> {
        self.cells.get(at(slot))
    }

    /// All cells, by slot.
    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter()
    }

    /// Sets my own record: a claim, a heartbeat or a release.
    pub(super) fn set(&mut self, now: Instant, record: SlotRecord) {
        let Some(cell) = self.cells.get_mut(at(record.slot)) else {
            return;
        };
        if record.holder != NOBODY {
            (cell.reader, cell.reader_gone) = (Some(record.holder), false);
        }
        if cell.record.holder != record.holder {
            cell.taken = now;
            (cell.progress, cell.brought) = (now, None);
            cell.doubted = false;
            cell.died = None;
        }
        cell.record = record;
        cell.grew = now;
        cell.reset = None;
    }

    /// A piece of the slot came from the swarm.
    pub(super) fn progressed(&mut self, now: Instant, slot: u32) {
        if let Some(cell) = self.cells.get_mut(at(slot)) {
            (cell.progress, cell.brought) = (now, Some(now));
        }
    }

    /// Nothing of the slot is to be read: that it brings nothing proves nothing.
    pub(super) fn rests(&mut self, now: Instant, slot: u32) {
        if let Some(cell) = self.cells.get_mut(at(slot)) {
            cell.progress = now;
        }
    }

    /// Merges a record that `from` told. O(1); hashes only where two claim the same term.
    pub(super) fn merge(&mut self, now: Instant, from: NodeId, record: &SlotRecord) -> Merged {
        let Some(mine) = self.cells.get(at(record.slot)).map(|cell| cell.record) else {
            return Merged::Refused;
        };
        if (mine.term, mine.holder) == (record.term, record.holder) {
            return self.merge_heartbeat(now, &mine, record);
        }
        if record.term < mine.term || (record.term == mine.term && !self.wins(record, &mine)) {
            return Merged::Older;
        }
        if self.is_banned(now, record.holder) || !self.term_believed(now, from, record) {
            return Merged::Refused;
        }
        self.judge(now, record);
        if self.is_banned(now, record.holder) {
            return Merged::Refused;
        }
        self.set(now, *record);
        Merged::Changed { was: mine.holder }
    }

    fn merge_heartbeat(&mut self, now: Instant, mine: &SlotRecord, record: &SlotRecord) -> Merged {
        if record.heartbeat == mine.heartbeat {
            return Merged::Same;
        }
        if record.heartbeat < mine.heartbeat {
            return Merged::Behind;
        }
        if record.heartbeat - mine.heartbeat > HEARTBEAT_JUMP_MAX {
            return Merged::Refused;
        }
        let Some(cell) = self.cells.get_mut(at(record.slot)) else {
            return Merged::Refused;
        };
        let was_stuck = mine.flags & EXCUSES != 0 && record.flags & EXCUSES == 0;
        if was_stuck && cell.excused.is_none_or(|at| now.since(at) > EXCUSED_EVERY) {
            cell.excused = Some(now);
            cell.progress = now;
        }
        cell.record = *record;
        cell.grew = now;
        cell.reset = None;
        Merged::Grew
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

    fn term_believed(&mut self, now: Instant, from: NodeId, record: &SlotRecord) -> bool {
        let Some(cell) = self.cells.get_mut(at(record.slot)) else {
            return false;
        };
        let known = cell.record.term;
        if known == 0 && record.term <= TERM_FIRST_MAX || record.term - known <= TERM_JUMP_MAX {
            cell.far = None;
            return true;
        }
        let believed = cell.far.is_some_and(|far| {
            record.term.abs_diff(far.term) <= TERM_JUMP_MAX
                && (far.from != from || now.since(far.since) >= FAR_PATIENCE)
        });
        if believed {
            cell.far = None;
        } else if cell
            .far
            .is_none_or(|far| record.term.abs_diff(far.term) > TERM_JUMP_MAX)
        {
            cell.far = Some(Far {
                term: record.term,
                from,
                since: now,
            });
        }
        believed
    }

    /// Who takes slots again and again from holders that live is a liar.
    fn judge(&mut self, now: Instant, record: &SlotRecord) {
        let Some(cell) = self.cells.get(at(record.slot)) else {
            return;
        };
        let old = cell.record;
        let lives = cell.reset.is_none() && !cell.has_died();
        let fresh = lives && now.since(cell.grew) < USURP_FRESH;
        let usurps = old.holder != NOBODY && record.holder != NOBODY && record.term > old.term;
        if !usurps || !fresh || self.is_banned(now, old.holder) {
            return;
        }
        let strikes = self.strikes.entry(record.holder).or_insert(Strikes {
            count: 0,
            last: Instant::ZERO,
        });
        let apart = now.since(strikes.last);
        if strikes.count > 0 && apart < STRIKE_EVERY {
            return;
        }
        let before = if apart < STRIKE_MEMORY {
            strikes.count
        } else {
            0
        };
        *strikes = Strikes {
            count: before + 1,
            last: now,
        };
        if strikes.count >= STRIKES_MAX {
            self.ban(now, record.holder);
        }
        self.strikes
            .retain(|_, strikes| now.since(strikes.last) < STRIKE_MEMORY);
    }

    /// The link to a holder broke: it is dead soon unless its heartbeat comes by others.
    pub(super) fn holder_reset(&mut self, now: Instant, node: NodeId) {
        for cell in self
            .cells
            .iter_mut()
            .filter(|cell| cell.record.holder == node)
        {
            (cell.reset, cell.parted) = (Some(now), false);
        }
    }

    /// The holder does not bring what was asked of it, and its heartbeat is missing, too: it is dead in a moment, unless
    /// a word of it comes.
    pub(super) fn holder_silent(&mut self, now: Instant, node: NodeId) {
        let of_node = |cell: &&mut Cell| cell.record.holder == node;
        for cell in self.cells.iter_mut().filter(of_node) {
            if cell.reset.is_none() && now.since(cell.grew) >= BEATS_MISSED {
                cell.reset = Some(now - SOONER_AFTER_SILENCE);
            }
        }
    }

    /// The holder's machine says that it is dead. Words of it that others had still to pass on change nothing.
    pub(super) fn holder_died(&mut self, now: Instant, node: NodeId) {
        let of_node = |cell: &&mut Cell| cell.record.holder == node;
        for cell in self.cells.iter_mut().filter(of_node) {
            cell.died = Some(now);
        }
    }

    /// Many links broke at once: until its next word nobody knows where a holder is, and only
    /// silence proves that it is dead.
    pub(super) fn fell_apart(&mut self, now: Instant) {
        for cell in &mut self.cells {
            cell.reset.get_or_insert(now);
            cell.parted = true;
        }
    }

    /// The slot's holder speaks but brings nothing: it counts as dead.
    pub(super) fn doubt(&mut self, slot: u32) {
        if let Some(cell) = self.cells.get_mut(at(slot)) {
            cell.doubted = true;
        }
    }

    /// The holder can't claim for a while, and its slots count as dead.
    pub(super) fn ban(&mut self, now: Instant, node: NodeId) {
        if node == NOBODY {
            return;
        }
        self.banned.retain(|_, until| *until > now);
        if self.banned.len() >= BANNED_MAX {
            self.banned.pop_first();
        }
        self.banned.insert(node, now + BAN);
    }

    /// Whether the holder is banned.
    pub(super) fn is_banned(&self, now: Instant, node: NodeId) -> bool {
        !self.banned.is_empty() && self.banned.get(&node).is_some_and(|until| *until > now)
    }

    /// Until when the slot's holder counts as live; `None` when nobody does.
    pub(super) fn live_until(&self, now: Instant, slot: u32) -> Option<Instant> {
        let cell = self.cell(slot)?;
        let holder = cell.record.holder;
        if holder == NOBODY || cell.doubted || cell.has_died() || self.is_banned(now, holder) {
            return None;
        }
        let silent = cell.grew + DEAD;
        Some(
            cell.reset
                .filter(|_| !cell.parted)
                .map_or(silent, |at| silent.min(at + DEAD_AFTER_RESET)),
        )
    }

    /// The slot's live holder.
    pub(super) fn live_holder(&self, now: Instant, slot: u32) -> Option<NodeId> {
        self.live_until(now, slot).filter(|until| *until > now)?;
        Some(self.cell(slot)?.record.holder)
    }

    /// Whether what the slot's live holder says of itself is up to date.
    pub(super) fn is_current(&self, now: Instant, slot: u32) -> bool {
        self.live_holder(now, slot).is_some()
            && self
                .cell(slot)
                .is_some_and(|it| it.reset.is_none() && now.since(it.grew) < CURRENT)
    }

    /// Whether the slot was released with nothing left to read, by a machine that is not known to be gone.
    pub(super) fn is_done(&self, slot: u32) -> bool {
        self.cell(slot).is_some_and(|cell| {
            let done = cell.record.holder == NOBODY && cell.record.flags & flags::DONE != 0;
            done && !cell.reader_gone
        })
    }

    /// A machine is gone for good: what it read and did not pass on comes from nowhere.
    pub(super) fn reader_gone(&mut self, node: NodeId) {
        let its = self
            .cells
            .iter_mut()
            .filter(|cell| cell.reader == Some(node));
        its.for_each(|cell| cell.reader_gone = true);
    }

    /// Slots about which something is known.
    pub(super) fn known(&self) -> u64 {
        self.cells
            .iter()
            .filter(|cell| cell.record.term > 0)
            .fold(0, |mask, cell| mask | bit(cell.record.slot))
    }
}

/// The bit of a slot in a mask.
pub(super) fn bit(slot: u32) -> u64 {
    1u64.checked_shl(slot).unwrap_or(0)
}
