//! The neighbours of ours: what each has said, and what each is still to be told.
//!
//! Records are told by marking their bits; a message is made when it is asked for. A neighbour that
//! has told us a record needn't hear it from us. At most `TAKEN` messages of one neighbour are
//! taken in; we send fewer than that, so between honest machines nothing is dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::message::{Claim, NodeBytes, SlotMessage, message_items_max};
use crate::neighbour::{Neighbour, Pace, Reach, TableOf};
use crate::table::{SlotTable, bit};
use crate::{Hello, Instant, MachineClass, NodeId, SourceId};

/// Changes of this long are told in one message.
const COALESCE: Duration = Duration::from_millis(20);
/// Messages sent to one neighbour: one each so often, with so many at once.
const SENT: (Duration, u64) = (Duration::from_millis(60), 8);
/// Messages taken from one neighbour: one each so often, with so many at once.
const TAKEN: (Duration, u64) = (Duration::from_millis(50), 40);
/// The full table is told again after this.
const FULL_EVERY: Duration = Duration::from_secs(30);
/// A claim counts for this long.
const CLAIM_FRESH: Duration = Duration::from_secs(2);
/// A claim of more pieces than this is no read.
const CLAIM_PIECES_MAX: u32 = 1024;
/// Most machines whose bytes are counted.
const COUNTED_MAX: usize = 4096;

/// All neighbours of ours, by source.
#[derive(Debug)]
pub(super) struct Gossip {
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
    pub(super) fn new(now: Instant, offset: Duration) -> Self {
        Self {
            all: Vec::new(),
            dirty: Vec::new(),
            any_claims: false,
            reads: true,
            full_at: now + FULL_EVERY + offset,
            flush_at: None,
            bytes: BTreeMap::new(),
            bytes_seq: 0,
        }
    }

    fn place(&self, source: SourceId) -> Option<usize> {
        self.all
            .binary_search_by_key(&source, |one| one.source)
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
        self.all.iter().filter(|one| one.table != TableOf::Others)
    }

    /// What the machine was seen to take in, bytes a second, by its own word; 0 = unknown.
    pub(super) fn link_of(&self, node: NodeId) -> u64 {
        let mut all = self.iter();
        all.find(|one| one.node == node)
            .map_or(0, |one| one.link_goodput)
    }

    /// A neighbour joins and is to be told `known`.
    pub(super) fn join(&mut self, now: Instant, source: SourceId, hello: &Hello, known: u64) {
        let place = match self.all.binary_search_by_key(&source, |one| one.source) {
            Ok(place) => {
                self.all.remove(place);
                self.dirty.remove(place);
                place
            }
            Err(place) => place,
        };
        let neighbour = Neighbour {
            source,
            node: hello.node,
            class: hello.class,
            reach: if hello.origins.is_empty() {
                Reach::NoOrigin
            } else {
                Reach::Reads
            },
            starving: hello.starving,
            link_goodput: 0,
            waits: 0,
            capacity: 0,
            offers: 0,
            room: false,
            table: TableOf::Unheard,
            tales: (0, now),
            slow: (false, false),
            claims: Vec::new(),
            greet: true,
            told_marks: 0,
            told_bytes: 0,
            sent: Pace(now),
            taken: Pace(now),
        };
        self.all.insert(place, neighbour);
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
        let neighbour = self.find_mut(source)?;
        neighbour.taken.take(now, TAKEN).then_some(neighbour)
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
        if let Some(one) = self.all.iter_mut().find(|one| one.node == node) {
            one.offers |= bit(slot);
        }
    }

    /// What a neighbour is to be offered; told once.
    pub(super) fn take_offers(&mut self, source: SourceId) -> u64 {
        let one = self.find_mut(source);
        one.map_or(0, |one| std::mem::take(&mut one.offers))
    }

    /// Everybody gets a message, even one without records: something else changed.
    pub(super) fn greet_all(&mut self, now: Instant) {
        self.all.iter_mut().for_each(|one| one.greet = true);
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
            let due = now + COALESCE;
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
            self.full_at = now + FULL_EVERY;
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
            let news = one.greet
                || one.table != TableOf::Others
                    && (*dirty != 0 || one.told_marks < marks || one.told_bytes < self.bytes_seq);
            if !news {
                continue;
            }
            if !one.sent.take(now, SENT) {
                let ready = one.sent.ready_at(SENT);
                blocked = Some(blocked.map_or(ready, |at| at.min(ready)));
                continue;
            }
            one.greet = false;
            let told = lowest_bits(*dirty, message_items_max);
            *dirty &= !told;
            return Some((one.source, told));
        }
        self.flush_at = blocked;
        None
    }

    /// Adds to a message what this neighbour was not yet told of counts; gives where marks go on.
    pub(super) fn fill(&mut self, source: SourceId, message: &mut SlotMessage) -> usize {
        let Some(place) = self.place(source) else {
            return 0;
        };
        let Some(one) = self.all.get_mut(place) else {
            return 0;
        };
        if one.told_bytes < self.bytes_seq {
            let mut news: Vec<(u64, NodeBytes)> = self
                .bytes
                .iter()
                .filter(|(_, (_, seq))| *seq > one.told_bytes)
                .map(|(node, (bytes, seq))| {
                    (
                        *seq,
                        NodeBytes {
                            node: *node,
                            bytes: *bytes,
                        },
                    )
                })
                .collect();
            news.sort_unstable_by_key(|(seq, _)| *seq);
            news.truncate(message_items_max);
            one.told_bytes = news.last().map_or(self.bytes_seq, |(seq, _)| *seq);
            message.bytes = news.into_iter().map(|(_, count)| count).collect();
        }
        let from = one.told_marks;
        one.told_marks = from.saturating_add(message_items_max);
        from
    }

    /// Sets how many marks the neighbour was told.
    pub(super) fn told_marks(&mut self, source: SourceId, told: usize) {
        self.find_mut(source)
            .into_iter()
            .for_each(|one| one.told_marks = told);
    }

    /// Keeps a neighbour's claims.
    pub(super) fn claimed(&mut self, now: Instant, source: SourceId, claims: &[Claim]) {
        let Some(one) = self.find_mut(source) else {
            return;
        };
        if claims.is_empty() && one.claims.is_empty() {
            return;
        }
        one.claims.clear();
        one.claims.extend(
            claims
                .iter()
                .take(message_items_max)
                .map(|claim| (*claim, now)),
        );
        self.any_claims = self.all.iter().any(|one| !one.claims.is_empty());
    }

    /// Whether a neighbour has lately said that it reads the piece, and holds the slot for it.
    pub(super) fn is_claimed(&self, now: Instant, piece: u32, table: &SlotTable) -> bool {
        let reads = |node: NodeId, (claim, at): &(Claim, Instant)| {
            let lately = now.since(*at) < CLAIM_FRESH && claim.count <= CLAIM_PIECES_MAX;
            let is_in = piece >= claim.first && piece - claim.first < claim.count;
            lately && is_in && table.live_holder(now, claim.slot) == Some(node)
        };
        self.any_claims
            && self
                .all
                .iter()
                .any(|one| one.claims.iter().any(|claim| reads(one.node, claim)))
    }

    /// Whether a machine is known that is connected by cable and may read.
    pub(super) fn knows_wired(&self) -> bool {
        self.iter()
            .any(|one| one.may_read() && one.class == MachineClass::Wired)
    }

    /// This neighbour brings us too little though enough is asked of it: it is told.
    pub(super) fn finds_slow(&mut self, now: Instant, source: SourceId, slow: bool) {
        let one = self.find_mut(source).filter(|one| one.slow.0 != slow);
        if let Some(one) = one {
            (one.slow.0, one.greet) = (slow, true);
            self.want_flush(now);
        }
    }

    /// Whether at least half of the neighbours find us slow.
    pub(super) fn are_slowed(&self) -> bool {
        let slowed = self.iter().filter(|one| one.slow.1).count();
        slowed > 0 && slowed * 2 >= self.iter().count()
    }

    /// Whether a neighbour has origins to read.
    pub(super) fn others_read(&self) -> bool {
        self.iter().any(|one| one.reach != Reach::NoOrigin)
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

    #[test]
    fn what_we_send_is_within_what_is_taken() {
        let (mut sent, mut taken) = (Pace::default(), Pace::default());
        let start = Instant::from_micros(1_000_000);
        (sent.0, taken.0) = (start, start);
        let mut count = 0;
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            if sent.take(now, SENT) {
                count += 1;
                assert!(taken.take(now, TAKEN));
            }
        }
        assert!(count > 160 && count < 200, "{count}");
    }
}
