//! The neighbours of ours: what each has said, and what each is still to be told.
//!
//! Records are told by marking their bits; a message is made when it is asked for. A neighbour that
//! has told us a record needn't hear it from us. A neighbour's messages are
//! taken in at a limited rate; we send fewer than that, so between honest machines nothing is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::marks::Marks;
use crate::message::{Claim, MESSAGE_ITEMS_MAX, NodeBytes, SlotMessage};
use crate::neighbour::Neighbour;
use crate::table::SlotTable;
use crate::tuning::Tuning;
use crate::{Hello, Instant, NodeId, SourceId};

/// Most machines whose bytes are counted.
const COUNTED_MAX: usize = 4096;

/// All neighbours of ours, by source.
#[derive(Debug)]
pub(super) struct Gossip {
    tuning: Arc<Tuning>,
    all: Vec<Neighbour>,
    /// Slots each is to be told, in the order of `all`.
    dirty: Vec<u64>,
    any_claims: bool,
    /// Whether this machine has reason and right to read, as all were told.
    reads: bool,
    full_at: Instant,
    /// When the next messages are due.
    flush_at: Option<Instant>,
    bytes: BTreeMap<NodeId, (u64, u64)>,
    bytes_seq: u64,
}

impl Gossip {
    pub(super) fn new(tuning: &Arc<Tuning>, now: Instant, offset: Duration) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            all: Vec::new(),
            dirty: Vec::new(),
            any_claims: false,
            reads: true,
            full_at: now + tuning.full_every + offset,
            flush_at: None,
            bytes: BTreeMap::new(),
            bytes_seq: 0,
        }
    }

    fn place(&self, source: SourceId) -> Option<usize> {
        self.all
            .binary_search_by_key(&source, Neighbour::source)
            .ok()
    }

    pub(super) fn find(&self, source: SourceId) -> Option<&Neighbour> {
        self.all.get(self.place(source)?)
    }

    pub(super) fn find_mut(&mut self, source: SourceId) -> Option<&mut Neighbour> {
        let place = self.place(source)?;
        self.all.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Neighbour> {
        self.all.iter().filter(|one| one.is_ours())
    }

    /// What the machine was seen to take in, bytes a second, by its own word; 0 = unknown.
    pub(super) fn link_of(&self, node: NodeId) -> u64 {
        let mut all = self.iter();
        all.find(|one| one.node() == node)
            .map_or(0, |one| one.said().link_goodput)
    }

    /// A neighbour joins and is to be told `known`.
    pub(super) fn join(&mut self, now: Instant, source: SourceId, hello: &Hello, known: u64) {
        let place = match self.all.binary_search_by_key(&source, Neighbour::source) {
            Ok(place) => {
                self.all.remove(place);
                self.dirty.remove(place);
                place
            }
            Err(place) => place,
        };
        self.all.insert(place, Neighbour::new(now, source, hello));
        self.dirty.insert(place, known);
        self.flush_at = Some(now);
    }

    /// A neighbour leaves.
    pub(super) fn part(&mut self, source: SourceId) -> Option<Neighbour> {
        let place = self.place(source)?;
        self.dirty.remove(place);
        Some(self.all.remove(place))
    }

    /// Whether a message of this neighbour is taken in now.
    pub(super) fn take(&mut self, now: Instant, source: SourceId) -> Option<&mut Neighbour> {
        let tuning = Arc::clone(&self.tuning);
        let neighbour = self.find_mut(source)?;
        neighbour.takes(now, &tuning).then_some(neighbour)
    }

    /// A neighbour tells that a slot changed hands though its holder lives; whether that is to be believed.
    pub(super) fn tells_tale(&mut self, now: Instant, source: SourceId) -> bool {
        let tuning = Arc::clone(&self.tuning);
        let teller = self.find_mut(source);
        teller.is_some_and(|one| one.tells_tale(now, &tuning))
    }

    /// The slots in `mask` changed: everybody but `except` is told.
    pub(super) fn spread(&mut self, now: Instant, mask: u64, except: Option<SourceId>) {
        let skip = except.and_then(|source| self.place(source));
        let kept = skip.and_then(|place| self.dirty.get(place).copied());
        self.dirty.iter_mut().for_each(|dirty| *dirty |= mask);
        if let (Some(place), Some(kept)) = (skip, kept) {
            self.dirty
                .get_mut(place)
                .into_iter()
                .for_each(|dirty| *dirty = kept);
        }
        self.want_flush(now);
    }

    /// One neighbour is to be told these slots.
    pub(super) fn tell(&mut self, now: Instant, source: SourceId, mask: u64) {
        if let Some(place) = self.place(source) {
            self.dirty
                .get_mut(place)
                .into_iter()
                .for_each(|dirty| *dirty |= mask);
            self.want_flush(now);
        }
    }

    /// A neighbour knows these slots as we do.
    pub(super) fn knows(&mut self, source: SourceId, mask: u64) {
        if let Some(place) = self.place(source) {
            self.dirty
                .get_mut(place)
                .into_iter()
                .for_each(|dirty| *dirty &= !mask);
        }
    }

    /// A neighbour is to be offered a slot that is given back.
    pub(super) fn offer(&mut self, node: NodeId, slot: u32) {
        if let Some(one) = self.all.iter_mut().find(|one| one.node() == node) {
            one.offer(slot);
        }
    }

    /// What a neighbour is to be offered; told once.
    pub(super) fn take_offers(&mut self, source: SourceId) -> u64 {
        let one = self.find_mut(source);
        one.map_or(0, Neighbour::take_offers)
    }

    /// Everybody gets a message, even one without records: something else changed.
    pub(super) fn greet_all(&mut self, now: Instant) {
        self.all.iter_mut().for_each(Neighbour::greet);
        self.want_flush(now);
    }

    /// This machine reads, or has no reason or no right to: all are told when that changes, so that nobody waits for one
    /// that has everything.
    pub(super) fn says_reads(&mut self, now: Instant, reads: bool) {
        if std::mem::replace(&mut self.reads, reads) != reads {
            self.greet_all(now);
        }
    }

    fn want_flush(&mut self, now: Instant) {
        if !self.all.is_empty() {
            let due = now + self.tuning.coalesce;
            self.flush_at = Some(self.flush_at.map_or(due, |at| at.min(due)));
        }
    }

    /// When messages are due.
    pub(super) fn next_flush(&self) -> Option<Instant> {
        self.flush_at
    }

    /// When the full table is due again.
    pub(super) fn next_full(&self) -> Option<Instant> {
        (!self.all.is_empty()).then_some(self.full_at)
    }

    /// Marks the full table as due everywhere, each 30 s.
    pub(super) fn refresh(&mut self, now: Instant, known: u64) {
        if now >= self.full_at {
            self.full_at = now + self.tuning.full_every;
            if known != 0 {
                self.spread(now, known, None);
            }
        }
    }

    /// The next neighbour to send to, and the slots to tell it; `marks` = how many marks there are.
    pub(super) fn next_due(&mut self, now: Instant, marks: usize) -> Option<(SourceId, u64)> {
        if self.flush_at.is_none_or(|at| at > now) {
            return None;
        }
        let mut blocked: Option<Instant> = None;
        for (one, dirty) in self.all.iter_mut().zip(&mut self.dirty) {
            if !one.has_news(*dirty != 0, marks, self.bytes_seq) {
                continue;
            }
            if let Err(ready) = one.tell(now, &self.tuning) {
                blocked = Some(blocked.map_or(ready, |at| at.min(ready)));
                continue;
            }
            let told = lowest_bits(*dirty, MESSAGE_ITEMS_MAX);
            *dirty &= !told;
            return Some((one.source(), told));
        }
        self.flush_at = blocked;
        None
    }

    /// Adds to a message what this neighbour was not yet told of counts and marks.
    pub(super) fn fill(&mut self, source: SourceId, message: &mut SlotMessage, marks: &Marks) {
        let Some(place) = self.place(source) else {
            return;
        };
        let Some(one) = self.all.get_mut(place) else {
            return;
        };
        let (told_marks, mut told_counts) = one.told();
        if told_counts < self.bytes_seq {
            let is_news = |(_, (_, seq)): &(&NodeId, &(u64, u64))| *seq > told_counts;
            let count = |(node, (bytes, seq)): (&NodeId, &(u64, u64))| {
                let (node, bytes) = (*node, *bytes);
                (*seq, NodeBytes { node, bytes })
            };
            let news = self.bytes.iter().filter(is_news).map(count);
            let mut news: Vec<(u64, NodeBytes)> = news.collect();
            news.sort_unstable_by_key(|(seq, _)| *seq);
            news.truncate(MESSAGE_ITEMS_MAX);
            told_counts = news.last().map_or(self.bytes_seq, |(seq, _)| *seq);
            message.bytes = news.into_iter().map(|(_, count)| count).collect();
        }
        message.bad = marks.told(told_marks, MESSAGE_ITEMS_MAX);
        one.is_told(told_marks + message.bad.len(), told_counts);
    }

    /// Keeps a neighbour's claims.
    pub(super) fn claimed(&mut self, now: Instant, source: SourceId, claims: &[Claim]) {
        let Some(one) = self.find_mut(source) else {
            return;
        };
        if claims.is_empty() && !one.has_claims() {
            return;
        }
        one.claims(now, claims);
        self.any_claims = self.all.iter().any(Neighbour::has_claims);
    }

    /// Whether a neighbour has lately said that it reads the piece, and holds the slot for it.
    pub(super) fn is_claimed(&self, now: Instant, piece: u32, table: &SlotTable) -> bool {
        let reads = |one: &Neighbour| {
            let holds = |slot| table.live_holder(now, slot) == Some(one.node());
            one.reads_under(now, piece, &self.tuning).any(holds)
        };
        self.any_claims && self.all.iter().any(reads)
    }

    /// Whether a machine is known that is connected by cable and may read.
    pub(super) fn knows_wired(&self) -> bool {
        self.iter().any(|one| one.may_read() && one.is_wired())
    }

    /// This neighbour brings us too little though enough is asked of it: it is told.
    pub(super) fn finds_slow(&mut self, now: Instant, source: SourceId, slow: bool) {
        let one = self.find_mut(source);
        if one.is_some_and(|one| one.finds_slow(slow)) {
            self.want_flush(now);
        }
    }

    /// Whether at least half of the neighbours find us slow.
    pub(super) fn are_slowed(&self) -> bool {
        let slowed = self.iter().filter(|one| one.said().finds_us_slow).count();
        slowed > 0 && slowed * 2 >= self.iter().count()
    }

    /// Whether a neighbour has origins to read.
    pub(super) fn others_read(&self) -> bool {
        self.iter().any(Neighbour::has_origin)
    }

    /// A machine's count as told apart from a record: passed on when it is news.
    pub(super) fn counted(&mut self, now: Instant, node: NodeId, bytes: u64, news: News) {
        let known = self.bytes.get(&node).copied();
        if known.is_some_and(|(old, _)| old >= bytes) {
            return;
        }
        if known.is_none() && (self.bytes.len() >= COUNTED_MAX || bytes == 0) {
            return;
        }
        let seq = if let (Some((_, seq)), News::InRecord) = (known, news) {
            seq
        } else {
            self.bytes_seq += 1;
            self.want_flush(now);
            self.bytes_seq
        };
        self.bytes.insert(node, (bytes, seq));
    }

    /// What one machine has read, as told to others.
    pub(super) fn bytes_of(&self, node: NodeId) -> u64 {
        self.bytes.get(&node).map_or(0, |(bytes, _)| *bytes)
    }

    /// How many machines have read.
    pub(super) fn tested(&self) -> usize {
        self.bytes.len()
    }

    /// What all machines have read, as known here.
    pub(super) fn bytes_sum(&self) -> u64 {
        self.bytes
            .values()
            .fold(0u64, |sum, (bytes, _)| sum.saturating_add(*bytes))
    }
}

/// Where a count was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// In a record, which spreads by itself.
    InRecord,
    /// On its own.
    Alone,
}

/// The lowest `count` set bits.
fn lowest_bits(mask: u64, count: usize) -> u64 {
    let mut rest = mask;
    for _ in 0..count {
        rest &= rest.wrapping_sub(1);
    }
    mask & !rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_bits_are_taken() {
        assert_eq!(lowest_bits(0b1011_0100, 2), 0b1_0100);
        assert_eq!(lowest_bits(0, 3), 0);
        assert_eq!(lowest_bits(u64::MAX, 64), u64::MAX);
    }
}
