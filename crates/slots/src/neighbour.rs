//! A neighbour of ours: what it said of itself, what it was told, and how far its word about others counts.

use std::time::Duration;

use crate::message::{Claim, MESSAGE_ITEMS_MAX, SlotMessage};
use crate::table::bit;
use crate::tuning::Tuning;
use crate::{Hello, Instant, MachineClass, NodeId, SourceId};

/// A claim of more pieces than this is no read.
const CLAIM_PIECES_MAX: u32 = 1024;

/// Lets `limit.1` pass at once and one each `limit.0` later.
#[derive(Debug, Clone, Copy, Default)]
struct Pace(Instant);

impl Pace {
    fn ready_at(self, limit: (Duration, u64)) -> Instant {
        self.0
            - limit
                .0
                .saturating_mul(u32::try_from(limit.1.saturating_sub(1)).unwrap_or(0))
    }

    fn take(&mut self, now: Instant, limit: (Duration, u64)) -> bool {
        let ready = now >= self.ready_at(limit);
        if ready {
            self.0 = self.0.max(now) + limit.0;
        }
        ready
    }
}

/// What is known of a neighbour's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TableOf {
    /// It has not said yet.
    Unheard,
    /// It is ours.
    Us,
    /// It is that of another group.
    Others,
}

/// Whether a neighbour can read an origin, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It has none.
    NoOrigin,
    /// It has one, but others should read instead.
    Yields,
    /// It can.
    Reads,
}

/// What a neighbour says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said {
    /// It waits for bytes that nobody brings it.
    pub(super) starving: bool,
    /// Most bytes a second that it was seen to take in; 0 = unknown.
    pub(super) link_goodput: u64,
    /// Bytes a second that it takes in, if it could take more than is read; else 0.
    pub(super) waits: u64,
    /// Most bytes a second that it can take in; 0 = unknown.
    pub(super) capacity: u64,
    /// Its uplink has room: what it has may be taken out of turn.
    pub(super) room: bool,
    /// It finds us slow.
    pub(super) finds_us_slow: bool,
}

/// What a neighbour was told, and is still to be told.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// It gets a message, even one without records.
    greet: bool,
    /// How many marks it was told, and up to which number counts.
    marks: usize,
    counts: u64,
    /// Slots that it is to be offered.
    offers: u64,
    pace: Pace,
}

/// A neighbour of ours.
#[derive(Debug)]
pub(super) struct Neighbour {
    source: SourceId,
    node: NodeId,
    class: MachineClass,
    reach: Reach,
    said: Said,
    table: TableOf,
    /// How many slots it told to have changed hands while their holders lived, and when last.
    tales: (u32, Instant),
    /// We find it slow.
    is_slow: bool,
    claims: Vec<(Claim, Instant)>,
    told: Told,
    taken: Pace,
}

impl Neighbour {
    pub(super) fn new(now: Instant, source: SourceId, hello: &Hello) -> Self {
        Self {
            source,
            node: hello.node,
            class: hello.class,
            reach: if hello.origins.is_empty() {
                Reach::NoOrigin
            } else {
                Reach::Reads
            },
            said: Said {
                starving: hello.starving,
                ..Said::default()
            },
            table: TableOf::Unheard,
            tales: (0, now),
            is_slow: false,
            claims: Vec::new(),
            told: Told {
                greet: true,
                marks: 0,
                counts: 0,
                offers: 0,
                pace: Pace(now),
            },
            taken: Pace(now),
        }
    }

    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    pub(super) fn node(&self) -> NodeId {
        self.node
    }

    pub(super) fn said(&self) -> &Said {
        &self.said
    }

    /// Whether its table is not known to be that of another group.
    pub(super) fn is_ours(&self) -> bool {
        self.table != TableOf::Others
    }

    pub(super) fn is_wired(&self) -> bool {
        self.class == MachineClass::Wired
    }

    /// Whether it can read an origin, as far as it knows.
    pub(super) fn may_read(&self) -> bool {
        self.reach == Reach::Reads
    }

    /// Whether it has an origin to read.
    pub(super) fn has_origin(&self) -> bool {
        self.reach != Reach::NoOrigin
    }

    /// Whether we find it slow.
    pub(super) fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// We find it slow, or not; it is told, if that is news.
    pub(super) fn finds_slow(&mut self, slow: bool) -> bool {
        let is_news = self.is_slow != slow;
        self.is_slow = slow;
        self.told.greet |= is_news;
        is_news
    }

    /// Whether a message of it is taken in now.
    pub(super) fn takes(&mut self, now: Instant, tuning: &Tuning) -> bool {
        self.taken.take(now, tuning.taken())
    }

    /// It says something of another table.
    pub(super) fn is_of_others(&mut self) {
        self.table = TableOf::Others;
    }

    /// It says this of itself; whether it is the first time that it does.
    pub(super) fn says(&mut self, message: &SlotMessage) -> bool {
        if self.has_origin() {
            self.reach = if message.yields {
                Reach::Yields
            } else {
                Reach::Reads
            };
        }
        self.said = Said {
            starving: message.starving,
            link_goodput: message.link_goodput,
            waits: message.waits,
            capacity: message.capacity,
            room: message.room,
            finds_us_slow: message.slow,
        };
        std::mem::replace(&mut self.table, TableOf::Us) == TableOf::Unheard
    }

    /// It tells that a slot changed hands though its holder lives; whether that is to be believed.
    pub(super) fn tells_tale(&mut self, now: Instant, tuning: &Tuning) -> bool {
        let (count, last) = self.tales;
        let count = if now.since(last) >= tuning.memory {
            0
        } else {
            count
        };
        self.tales = (count.saturating_add(1), now);
        count < tuning.tales_max
    }

    /// It says that it reads these pieces.
    pub(super) fn claims(&mut self, now: Instant, claims: &[Claim]) {
        self.claims.clear();
        let claims = claims.iter().take(MESSAGE_ITEMS_MAX);
        self.claims.extend(claims.map(|claim| (*claim, now)));
    }

    pub(super) fn has_claims(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Under which slots it has lately said to read the piece.
    pub(super) fn reads_under(
        &self,
        now: Instant,
        piece: u32,
        tuning: &Tuning,
    ) -> impl Iterator<Item = u32> {
        let fresh = tuning.claim_fresh;
        let reads = move |(claim, at): &&(Claim, Instant)| {
            let lately = now.since(*at) < fresh && claim.count <= CLAIM_PIECES_MAX;
            lately && piece >= claim.first && piece - claim.first < claim.count
        };
        self.claims
            .iter()
            .filter(reads)
            .map(|(claim, _)| claim.slot)
    }

    /// It is to be offered a slot that is given back.
    pub(super) fn offer(&mut self, slot: u32) {
        self.told.offers |= bit(slot);
    }

    /// What it is to be offered; told once.
    pub(super) fn take_offers(&mut self) -> u64 {
        std::mem::take(&mut self.told.offers)
    }

    /// It gets a message, even one without records.
    pub(super) fn greet(&mut self) {
        self.told.greet = true;
    }

    /// Whether there is something to tell it: records, so many marks, counts up to this number.
    pub(super) fn has_news(&self, records: bool, marks: usize, counts: u64) -> bool {
        let more = records || self.told.marks < marks || self.told.counts < counts;
        self.told.greet || self.is_ours() && more
    }

    /// It is told now, or not before the time that is given.
    pub(super) fn tell(&mut self, now: Instant, tuning: &Tuning) -> Result<(), Instant> {
        let limit = (tuning.sent_every, tuning.sent_at_once);
        if !self.told.pace.take(now, limit) {
            return Err(self.told.pace.ready_at(limit));
        }
        self.told.greet = false;
        Ok(())
    }

    /// How many marks it was told, and up to which number counts.
    pub(super) fn told(&self) -> (usize, u64) {
        (self.told.marks, self.told.counts)
    }

    /// It was told so many marks, and counts up to this number.
    pub(super) fn is_told(&mut self, marks: usize, counts: u64) {
        (self.told.marks, self.told.counts) = (marks, counts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_send_is_within_what_is_taken() {
        let (mut sent, mut taken) = (Pace::default(), Pace::default());
        let tuning = Tuning::default();
        let limit = (tuning.sent_every, tuning.sent_at_once);
        let start = Instant::from_micros(1_000_000);
        (sent.0, taken.0) = (start, start);
        let mut count = 0;
        for ms in 0..10_000 {
            let now = start + Duration::from_millis(ms);
            if sent.take(now, limit) {
                count += 1;
                assert!(taken.take(now, tuning.taken()));
            }
        }
        assert!(count > 160 && count < 200, "{count}");
    }
}
