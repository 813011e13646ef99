//! What is known of the others: who is there, who holds which slot, who took what from whom, what was said.
//!
//! Words of neighbours are heard here: records, claims, marks and counts. Cheap, because heartbeats of the whole
//! swarm pass: O(1) per record.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex};

use crate::cell::{NOBODY, Verdict};
use crate::config::{Isolated, OriginConfig, READERS_MAX_MAX};
use crate::extent::Extents;
use crate::gossip::{Gossip, News};
use crate::marks::Marks;
use crate::message::{MESSAGE_ITEMS_MAX, SlotMessage, SlotRecord};
use crate::neighbour::Neighbour;
use crate::rights::{Claimed, Rights};
use crate::standing::{Company, Standing, WhenIsolated};
use crate::table::{Merged, SlotTable, bit};
use crate::tuning::Tuning;
use crate::{Discovery, Down, Hello, Instant, NodeId, OriginTag, SourceId};

/// What became of a record that was heard.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard {
    /// The bit of its slot, if it was news.
    pub(super) mask: u64,
    /// The slot that its holder takes extents from.
    pub(super) taken_from: Option<u32>,
    /// Who held the slot before, if it changed hands.
    pub(super) was: Option<NodeId>,
}

/// What is known of the others.
#[derive(Debug)]
pub(super) struct Room {
    tuning: Arc<Tuning>,
    rights: Rights,
    group: String,
    marks: Marks,
    gossip: Gossip,
    company: Company,
}

impl Room {
    /// Nobody is known yet; `offset` = when the full table is told, so that not all machines do at once.
    pub(super) fn new(
        config: &OriginConfig,
        layout: Arc<Layout>,
        offset: Duration,
        now: Instant,
    ) -> Self {
        let when_isolated = match config.isolated {
            Isolated::Wait => WhenIsolated::Waits,
            Isolated::Trickle | Isolated::Read => WhenIsolated::GoesOn,
        };
        let tuning = &Arc::new(config.tuning);
        Self {
            tuning: Arc::clone(tuning),
            rights: Rights::new(tuning, config, layout, now),
            group: config.group.clone(),
            marks: Marks::new(tuning.believed),
            gossip: Gossip::new(tuning, now, offset),
            company: Company::new(tuning, now, when_isolated),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.rights.me()
    }

    /// Whether a machine of this group shares our table, as far as it says.
    pub(super) fn is_of(&self, group: Option<&str>) -> bool {
        group.is_none_or(|group| group == self.group)
    }

    pub(super) fn slots(&self) -> u32 {
        self.table().slots()
    }

    pub(super) fn extents(&self) -> &Extents {
        self.rights.extents()
    }

    pub(super) fn table(&self) -> &SlotTable {
        self.rights.table()
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    #[cfg(test)]
    pub(super) fn table_mut(&mut self) -> &mut SlotTable {
        self.rights.table_mut()
    }

    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    pub(super) fn gossip(&self) -> &Gossip {
        &self.gossip
    }

    pub(super) fn company(&self) -> &Company {
        &self.company
    }

    /// Discovery has news.
    pub(super) fn discovery(&mut self, now: Instant, news: Discovery) {
        self.company.discovery(now, news);
    }

    /// How this machine stands to the others; `anyone` = somebody is connected, stock clients included.
    pub(super) fn stands(&mut self, now: Instant, anyone: bool) -> Standing {
        if anyone {
            self.company.contact(now);
        }
        self.company.standing(now, anyone)
    }

    /// A machine of ours is connected; whether it is not this one.
    pub(super) fn joins(&mut self, now: Instant, peer: SourceId, hello: &Hello) -> bool {
        let is_other = hello.node != self.me();
        if is_other {
            self.gossip
                .join(now, peer, hello, self.rights.table().known());
            self.company.joined(now, hello.node);
        }
        is_other
    }

    /// It is no more; whether it was known.
    pub(super) fn leaves(&mut self, now: Instant, peer: SourceId, how: Down) -> bool {
        let Some(gone) = self.gossip.part(peer) else {
            return false;
        };
        if how == Down::Closed {
            self.company.left(now);
            self.rights.leaves(gone.node());
            return true;
        }
        let broken = self.company.lost(now, gone.node());
        let left = u32::try_from(self.gossip.iter().count()).unwrap_or(u32::MAX);
        let parted = broken > self.slots() && broken >= left / self.tuning.parted_ratio;
        self.rights.link_broke(now, gone.node(), parted);
        true
    }

    /// A peer lets us wait for what was asked of it; whether it is one of ours.
    pub(super) fn is_silent(&mut self, now: Instant, peer: SourceId) -> bool {
        let node = self.gossip.find(peer).map(Neighbour::node);
        if let Some(node) = node {
            self.rights.is_silent(now, node);
        }
        node.is_some()
    }

    /// A process is dead, as its machine's refusal says; who is still linked lives. Whether that is so.
    pub(super) fn dies(&mut self, now: Instant, node: NodeId) -> bool {
        let is_linked = self.gossip.iter().any(|peer| peer.node() == node);
        if !is_linked {
            self.rights.dies(now, node);
            self.company.died(node);
        }
        !is_linked
    }

    /// Everybody gets a message: something changed.
    pub(super) fn greet_all(&mut self, now: Instant) {
        self.gossip.greet_all(now);
    }

    /// This machine reads, or has no reason or no right to.
    pub(super) fn says_reads(&mut self, now: Instant, reads: bool) {
        self.gossip.says_reads(now, reads);
    }

    /// A peer brings too little though enough is asked of it, or does so no more.
    pub(super) fn finds_slow(&mut self, now: Instant, peer: SourceId, slow: bool) {
        self.gossip.finds_slow(now, peer, slow);
    }

    /// A neighbour is to be offered a slot that is given back.
    pub(super) fn offer(&mut self, heir: NodeId, slot: u32) {
        self.gossip.offer(heir, slot);
    }

    /// Tells the full table again where that is due.
    pub(super) fn refresh(&mut self, now: Instant) {
        self.gossip.refresh(now, self.rights.table().known());
    }

    /// The next message to send; `words` = what this machine says of itself.
    pub(super) fn poll_message(
        &mut self,
        now: Instant,
        words: impl FnOnce() -> SlotMessage,
    ) -> Option<(SourceId, SlotMessage)> {
        let (to, told) = self.gossip.next_due(now, self.marks.told_len())?;
        let mut message = SlotMessage {
            group: self.group.clone(),
            readers_max: self.table().slots(),
            node: self.me(),
            slow: self.gossip.find(to).is_some_and(Neighbour::is_slow),
            offers: self.gossip.take_offers(to),
            records: self.table().records(told),
            ..words()
        };
        self.gossip.fill(to, &mut message, &self.marks);
        Some((to, message))
    }

    /// A piece came, or is shown by a peer as the first: somebody reads.
    pub(super) fn progressed(&mut self, now: Instant, piece: u32) {
        self.rights.progressed(now, piece);
    }

    /// What became of a look at a slot of whose holder nothing came.
    pub(super) fn judged(&mut self, now: Instant, slot: u32, verdict: Verdict) {
        self.rights.judged(now, slot, verdict);
    }

    /// Forgets what is long over.
    pub(super) fn forget(&mut self, now: Instant) {
        self.rights.forget(now);
    }

    /// An origin was found to have a piece wrong.
    pub(super) fn found_bad(&mut self, now: Instant, tag: OriginTag, piece: PieceIndex) {
        self.marks.found(tag, piece.value());
        self.gossip.greet_all(now);
    }

    /// There are fewer slots than was thought: nothing is known of them.
    pub(super) fn shrink(&mut self, now: Instant, slots: u32) {
        self.rights.shrink(now, slots);
        self.company.again(now);
        self.gossip.greet_all(now);
    }

    /// A neighbour says something of itself, if its message is taken in; whether it is the first time that it does.
    pub(super) fn greets(
        &mut self,
        now: Instant,
        from: SourceId,
        message: &SlotMessage,
    ) -> Option<bool> {
        let neighbour = self.gossip.take(now, from)?;
        if message.group != self.group {
            neighbour.is_of_others();
            return None;
        }
        if message.readers_max == 0 || message.readers_max > READERS_MAX_MAX {
            return None;
        }
        let first = neighbour.says(message);
        if first {
            self.company.table();
        }
        Some(first)
    }

    /// Whether a message is of the table as it is known here; who thinks of more slots is told.
    pub(super) fn shares_table(&mut self, now: Instant, from: SourceId, slots: u32) -> bool {
        let shares = slots <= self.table().slots();
        if !shares {
            self.gossip.tell(now, from, self.rights.table().known());
        }
        shares
    }

    /// These slots changed: everybody but `from` is told.
    pub(super) fn passes_on(&mut self, now: Instant, mask: u64, from: SourceId) {
        self.gossip.spread(now, mask, Some(from));
    }

    /// Merges one record.
    pub(super) fn merge(&mut self, now: Instant, from: SourceId, record: &SlotRecord) -> Heard {
        let mask = bit(record.slot);
        let Some(teller) = self.gossip.find(from).map(Neighbour::node) else {
            return Heard::default();
        };
        if self.is_tale(now, teller, record) && !self.gossip.tells_tale(now, from) {
            // who is named here tells it otherwise
            self.gossip.tell(now, from, mask);
            return Heard::default();
        }
        match self.rights.merge(now, teller, record) {
            Merged::Same => self.gossip.knows(from, mask),
            Merged::Older => self.gossip.tell(now, from, mask),
            Merged::Refused | Merged::Behind => {}
            Merged::Grew => return self.heard_of(now, record),
            Merged::Changed { was } => {
                let heard = self.heard_of(now, record);
                self.rights.takes_no_more(now, was);
                return Heard {
                    was: Some(was),
                    ..heard
                };
            }
        }
        Heard::default()
    }

    /// Whether somebody else than the new or the old holder tells that a slot was taken or given back, though its
    /// holder is this machine or a neighbour, and lives.
    fn is_tale(&self, now: Instant, teller: NodeId, record: &SlotRecord) -> bool {
        let Some(known) = self.table().record(record.slot) else {
            return false;
        };
        let changes = record.holder != known.holder && record.term > known.term;
        let is_near =
            |node: NodeId| node == self.me() || self.gossip.iter().any(|one| one.node() == node);
        let first_hand = teller == record.holder || teller == known.holder;
        changes
            && !first_hand
            && known.holder != NOBODY
            && is_near(known.holder)
            && self.table().is_current(now, record.slot)
    }

    fn heard_of(&mut self, now: Instant, record: &SlotRecord) -> Heard {
        if record.holder != NOBODY && record.holder != self.me() {
            self.gossip
                .counted(now, record.holder, record.origin_bytes, News::InRecord);
        }
        Heard {
            mask: bit(record.slot),
            taken_from: self.rights.hears(now, record),
            was: None,
        }
    }

    /// Takes in what a message says besides records; its claims, marks and counts.
    pub(super) fn notes(&mut self, now: Instant, from: SourceId, message: &SlotMessage) {
        let Some(node) = self.gossip.find(from).map(Neighbour::node) else {
            return;
        };
        self.gossip.claimed(now, from, &message.claims);
        for (tag, piece) in message.bad.iter().take(MESSAGE_ITEMS_MAX) {
            self.marks.heard(now, node, (*tag, *piece));
        }
        for count in message.bytes.iter().take(MESSAGE_ITEMS_MAX) {
            if count.node != self.me() {
                self.gossip
                    .counted(now, count.node, count.bytes, News::Alone);
            }
        }
    }

    /// This machine claims a slot, and has read so many bytes of origins before.
    pub(super) fn claim(
        &mut self,
        now: Instant,
        slot: u32,
        spread: Duration,
        origin_bytes: u64,
    ) -> Option<Claimed> {
        let claimed = self.rights.claim(now, slot, spread, origin_bytes)?;
        self.gossip.spread(now, bit(slot), None);
        Some(claimed)
    }

    /// This machine says how it fares with a slot.
    pub(super) fn beat(&mut self, now: Instant, word: SlotRecord) {
        self.rights.beat(now, word);
        self.gossip
            .counted(now, self.rights.me(), word.origin_bytes, News::InRecord);
        self.gossip.spread(now, bit(word.slot), None);
    }

    /// A slot is given back, to be gone on with at this extent.
    pub(super) fn release(&mut self, now: Instant, slot: u32, flags: u32, extent: u32) {
        self.rights.release(now, slot, flags, extent);
        self.gossip.spread(now, bit(slot), None);
    }

    /// What this machine has read in all is passed on by itself: it holds a slot less.
    pub(super) fn counts(&mut self, now: Instant, origin_bytes: u64) {
        self.gossip
            .counted(now, self.rights.me(), origin_bytes, News::Alone);
    }

    /// Machines that may read, as known here, counted up to `max`.
    pub(super) fn machines(&self, now: Instant, max: u32) -> u32 {
        let mut count = 1;
        let mut nodes: Vec<NodeId> = Vec::new();
        let near = self.gossip.iter().filter(|one| one.may_read());
        let near = near.map(Neighbour::node);
        for node in near.chain(self.table().live_holders(now)) {
            if count >= max {
                break;
            }
            if node != self.me() && !nodes.contains(&node) {
                nodes.push(node);
                count += 1;
            }
        }
        count
    }

    /// How many slots a machine that stands like this may hold (T_solo), if it may claim any.
    pub(super) fn limit(&self, now: Instant, standing: Standing) -> Option<usize> {
        let slots = self.table().slots();
        let limit = match standing {
            Standing::Alone | Standing::CutOff => slots,
            Standing::Listening => return None,
            Standing::Unsure if self.company.silent_until().is_some_and(|at| at > now) => 1,
            Standing::Unsure | Standing::Together => slots.div_ceil(self.machines(now, slots)),
        };
        Some(usize::try_from(limit).unwrap_or(1))
    }

    /// Whether nobody holds the slot, nor are its last pieces still on their way, which takes so long.
    pub(super) fn is_free(&self, now: Instant, slot: u32, spread: Duration) -> bool {
        if self.table().live_holder(now, slot).is_some() {
            return false;
        }
        if !self.table().is_done(slot) {
            return true;
        }
        // pieces that a far too slow neighbour still passes on say nothing of the last ones
        let trickles = self.gossip.iter().any(Neighbour::is_slow);
        let cell = self.table().cell(slot);
        now >= cell.map_or(now, |cell| cell.heard(!trickles)) + spread
    }

    /// How long what somebody read may be on its way to this machine: two pieces at the rate of its link.
    pub(super) fn spread_time(&self, link: u64) -> Duration {
        if self.gossip.iter().next().is_none() {
            return Duration::ZERO;
        }
        let two = self.extents().piece_len().saturating_mul(2_000_000);
        let micros = two.checked_div(link);
        let least = self.tuning.spread_min;
        micros
            .map_or(least, Duration::from_micros)
            .clamp(least, self.tuning.dead())
    }
}
