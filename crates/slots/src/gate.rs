//! The gate of the origin: takes in what happened, is asked who reads what.
//!
//! Events only change what is known and when [`OriginGate::timeout`] is to be called; the decisions
//! fall there (`holder`) and in [`OriginGate::next_read`] (`search`). In the mode `never` there is no licence, so no
//! plan can be made; the gate still passes on what others say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex};

use crate::agenda::{Agenda, Explained, Moment};
use crate::config::{Hours, OriginConfig};
use crate::holder::Holder;
use crate::message::{MESSAGE_ITEMS_MAX, SlotMessage, SlotRecord};
use crate::report::{rate_max, reason};
use crate::room::Room;
use crate::sight::Sight;
use crate::standing::Standing;
use crate::view::{OriginState, OriginStatus, ReadEnd, ReadPlan, View};
use crate::{
    Discovery, Down, Hello, Instant, LockWord, NodeId, OriginKind, OriginTag, Reason, SourceId,
};

/// Decides whether, when and what this machine reads from origins.
#[derive(Debug)]
pub struct OriginGate {
    room: Room,
    holder: Holder,
    agenda: Agenda,
}

impl OriginGate {
    /// A gate that knows of no origin and no machine yet.
    pub fn new(mut config: OriginConfig, layout: Arc<Layout>, seed: u64, now: Instant) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let offset = Duration::from_millis(rng.u64(0..5000));
        config.tuning = config.tuning.bounded();
        let tuning = config.tuning;
        let room = Room::new(&config, layout, offset, now);
        Self {
            holder: Holder::new(config, room.extents().layout(), rng, now),
            room,
            agenda: Agenda::new(&tuning, now),
        }
    }

    fn moment(&mut self, now: Instant) -> (&mut Holder, Moment<'_>) {
        let at = Moment {
            now,
            room: &mut self.room,
            agenda: &mut self.agenda,
        };
        (&mut self.holder, at)
    }

    /// This machine can reach an origin (told once per origin of the content).
    pub fn origin_up(&mut self, now: Instant, source: SourceId, tag: OriginTag, kind: OriginKind) {
        self.holder.access_mut().origin_up(now, source, (tag, kind));
        self.holder.ask_locks(now, &mut self.agenda);
        self.agenda.wake(now);
    }

    /// It can't any more. The last one gone, every slot is given back (R5).
    pub fn origin_down(&mut self, now: Instant, source: SourceId) {
        self.holder.access_mut().origin_down(source);
        self.holder.looks_at_origins();
        self.agenda.wake(now);
    }

    /// An origin's health changed.
    pub fn origin_state(&mut self, now: Instant, source: SourceId, state: OriginState) {
        self.holder.access_mut().origin_state(source, state);
        self.holder.looks_at_origins();
        self.agenda.wake(now);
    }

    /// The policy's hours open or close.
    pub fn hours(&mut self, now: Instant, hours: Hours) {
        self.holder.access_mut().hours(hours);
        self.agenda.wake(now);
    }

    /// A share has lock files after all: its reading waits for locks from now on.
    pub fn guarded(&mut self, now: Instant) {
        self.holder.access_mut().guarded();
        self.holder.ask_locks(now, &mut self.agenda);
        self.agenda.wake(now);
    }

    /// Gives every slot back at once: this process is about to end.
    pub fn close(&mut self, now: Instant) {
        self.holder.access_mut().close();
        self.agenda.wake(now);
    }

    /// Discovery has news.
    pub fn discovery(&mut self, now: Instant, news: Discovery) {
        self.room.discovery(now, news);
        self.agenda.wake(now);
    }

    /// A machine of ours is connected (stock clients are not told here).
    pub fn peer_up(&mut self, now: Instant, peer: SourceId, hello: &Hello) {
        if !self.room.joins(now, peer, hello) {
            return;
        }
        self.agenda.wake(now);
        if self.room.is_of(hello.group.as_deref()) {
            self.meet_readers_max(now, hello.readers_max);
        }
    }

    /// It is no more; other sources are ignored.
    pub fn peer_down(&mut self, now: Instant, peer: SourceId, how: Down) {
        if self.room.leaves(now, peer, how) {
            self.agenda.wake(now);
        }
    }

    /// A peer lets us wait for what was asked of it.
    pub fn peer_silent(&mut self, now: Instant, peer: SourceId) {
        if self.room.is_silent(now, peer) {
            self.agenda.wake(now);
        }
    }

    /// A process is dead, as its machine's refusal says; who is still linked lives.
    pub fn died(&mut self, now: Instant, node: NodeId) {
        if self.room.dies(now, node) {
            self.agenda.wake(now);
        }
    }

    /// A piece is verified here, from whatever source.
    pub fn have(&mut self, now: Instant, piece: PieceIndex) {
        if !self.holder.have(now, piece, &mut self.agenda) {
            self.room.progressed(now, piece.value());
        }
    }

    /// A peer shows a missing piece that nobody had before: somebody reads.
    pub fn appeared(&mut self, now: Instant, piece: PieceIndex) {
        self.room.progressed(now, piece.value());
    }

    /// The read of one planned piece ended. Once is enough for a piece, more does no harm.
    pub fn read_ended(&mut self, now: Instant, piece: PieceIndex, end: ReadEnd) {
        let index = piece.value();
        match end {
            ReadEnd::Verified if self.holder.held().is_in_hand(index) => self.have(now, piece),
            ReadEnd::Verified => {}
            ReadEnd::Failed => self.holder.failed(now, index, &self.room, &mut self.agenda),
        }
    }

    /// A peer (of any kind) took bytes from us.
    pub fn uploaded(&mut self, now: Instant, _peer: SourceId, bytes: u64) {
        if bytes > 0 {
            self.holder.uploaded(now);
        }
    }

    /// A source (of any kind) brought bytes.
    pub fn received(&mut self, now: Instant, source: SourceId, bytes: u64) {
        if self.holder.received(now, source, bytes) {
            self.room.greet_all(now);
        }
    }

    /// A peer brings too little though enough is asked of it, or does so no more.
    pub fn finds_slow(&mut self, now: Instant, peer: SourceId, slow: bool) {
        self.room.finds_slow(now, peer, slow);
    }

    /// This machine's uplink has room for more, or not.
    pub fn has_room(&mut self, now: Instant, room: bool) {
        if self.holder.measures_mut().has_room(room) {
            self.room.greet_all(now);
        }
    }

    /// An origin brought wrong bytes for this piece.
    pub fn bad(&mut self, now: Instant, source: SourceId, piece: PieceIndex) {
        if let Some((tag, _)) = self.holder.access().named(source) {
            self.room.found_bad(now, tag, piece);
        }
    }

    /// The server's word on the lock for this slot.
    pub fn guard(&mut self, now: Instant, slot: u32, word: LockWord) {
        self.holder.guard(now, slot, word, &mut self.agenda);
    }

    /// A machine of ours sent its slot message. O(records), O(1) each.
    pub fn message(&mut self, now: Instant, from: SourceId, message: &SlotMessage) {
        let Some(is_first) = self.room.greets(now, from, message) else {
            return;
        };
        if is_first {
            self.agenda.wake(now);
        }
        self.meet_readers_max(now, message.readers_max);
        if !self.room.shares_table(now, from, message.readers_max) {
            return;
        }
        let mut changed = 0;
        for record in message.records.iter().take(MESSAGE_ITEMS_MAX) {
            changed |= self.hear(now, from, record);
        }
        if changed != 0 {
            self.room.passes_on(now, changed, from);
        }
        self.room.notes(now, from, message);
        if message.offers != 0 {
            self.holder.offered(now, message.offers);
            self.agenda.wake(now);
        }
    }

    /// Merges one record; gives the bit of its slot if it was news.
    fn hear(&mut self, now: Instant, from: SourceId, record: &SlotRecord) -> u64 {
        let heard = self.room.merge(now, from, record);
        let (holder, mut at) = self.moment(now);
        if let Some(slot) = heard.taken_from {
            let link = at.room.gossip().link_of(record.holder);
            holder.yield_to(&mut at, slot, link);
        }
        if let Some(was) = heard.was {
            let me = at.room.me();
            if was == me {
                holder.lose(&mut at, record.slot);
            }
            if record.holder == me {
                // a claim that this process never made: take it back
                at.room.release(now, record.slot, 0, record.extent);
            }
            at.agenda.wake(now);
        }
        heard.mask
    }

    /// Others know of fewer slots: nothing is known of those.
    fn meet_readers_max(&mut self, now: Instant, readers_max: u32) {
        if readers_max == 0 || readers_max >= self.room.slots() {
            return;
        }
        let (holder, mut at) = self.moment(now);
        while let Some(slot) = holder.held().first() {
            holder.lose(&mut at, slot);
        }
        holder.shrink(now, readers_max);
        self.room.shrink(now, readers_max);
        self.agenda.wake(now);
    }

    /// Does what is due. Call when `next_timeout` is reached; calling more often does no harm.
    pub fn timeout(&mut self, now: Instant, view: &View<'_>) {
        self.agenda.sees(now);
        self.agenda.learn_way(view.way);
        let (holder, mut at) = self.moment(now);
        holder.pass_time(&mut at, view);
        self.room.refresh(now);
        let due = self.holder.next_due(now, &self.room);
        let full = self.room.gossip().next_full();
        self.agenda.sleep(due.into_iter().chain(full).min());
        #[cfg(any(debug_assertions, feature = "invariants"))]
        crate::invariants::after_timeout(&self.holder, &self.room);
    }

    /// When `timeout` is to be called; changes with every event.
    pub fn next_timeout(&self) -> Option<Instant> {
        let flush = self.room.gossip().next_flush();
        self.agenda.wakes_at().into_iter().chain(flush).min()
    }

    /// The next run of pieces to read from `source`, at most `pieces_max`; they count as in hand
    /// until `have` or `read_ended`. Amortised O(1) per piece passed.
    pub fn next_read(
        &mut self,
        now: Instant,
        source: SourceId,
        view: &View<'_>,
        pieces_max: u32,
    ) -> Option<ReadPlan> {
        self.agenda.sees(now);
        if !self.holder.may_begin(now) || pieces_max == 0 {
            return None;
        }
        let (holder, mut at) = self.moment(now);
        let (first, count) = holder.find(&mut at, source, view, pieces_max)?;
        let (access, piece) = (self.holder.access(), self.room.extents().piece(first)?);
        let licence = access.licence()?;
        let reason = access.why(licence.is_fast(), view.peers_slow);
        let plan = ReadPlan::new(licence, piece, count, reason);
        #[cfg(any(debug_assertions, feature = "invariants"))]
        crate::invariants::plan(&self.holder, &self.sight(now, view), source, &plan);
        self.holder.begins(now, (first, count), &self.room);
        Some(plan)
    }

    fn sight<'a>(&'a self, now: Instant, view: &'a View<'a>) -> Sight<'a> {
        Sight {
            now,
            view,
            room: &self.room,
            held: self.holder.held(),
        }
    }

    /// The next message to send; ask until `None` after each timeout.
    pub fn poll_message(&mut self, now: Instant) -> Option<(SourceId, SlotMessage)> {
        self.room.poll_message(now, || self.holder.words(now))
    }

    /// The next piece in hand whose slot was lost (R2): its job ends at the next piece boundary.
    pub fn poll_cancel(&mut self) -> Option<PieceIndex> {
        self.agenda.poll_cancel()
    }

    /// The next lock to take (`true`) or to let go of (`false`).
    pub fn poll_guard(&mut self) -> Option<(u32, bool)> {
        self.agenda.poll_lock()
    }

    /// The next decision to explain.
    pub fn poll_explain(&mut self) -> Option<Explained> {
        self.agenda.poll_explain()
    }

    /// Why `piece` is not, or is, to be read from `source` now.
    pub fn reason(
        &self,
        now: Instant,
        source: SourceId,
        view: &View<'_>,
        piece: PieceIndex,
    ) -> Reason {
        let sight = self.sight(now, view);
        reason(self.holder.access(), &sight, source, piece.value())
    }

    /// Bytes a second that this machine may read from all origins together; `None` = no limit.
    pub fn rate_max(&self) -> Option<u64> {
        let (access, held) = (self.holder.access(), self.holder.held());
        rate_max(self.agenda.now(), access, held, &self.room)
    }

    /// Whether an origin may be open: permits live exactly as long as this is true.
    pub fn may_open(&self, now: Instant) -> bool {
        self.holder.may_begin(now) || self.is_reading()
    }

    /// How many slots are given back as soon as what is on its way has come, from an origin that answers.
    pub fn leaving(&self) -> usize {
        if self.holder.access().is_refused() {
            return 0;
        }
        self.holder.held().leaving()
    }

    /// Whether this piece is read under a slot that is being given back.
    pub fn leaves(&self, piece: PieceIndex) -> bool {
        self.holder.held().leaves(piece.value())
    }

    /// Whether something is on its way from an origin.
    pub fn is_reading(&self) -> bool {
        self.holder.held().is_reading()
    }

    /// Whether an origin ever brought this machine anything.
    pub fn has_read(&self) -> bool {
        self.holder.measures().origin_bytes() > 0
    }

    /// Whether this machine takes in about as much as its link was ever seen to bring for a while.
    pub fn is_link_full(&self) -> bool {
        self.holder.measures().is_link_full()
    }

    /// Whether this machine holds a slot, or nobody holds some.
    pub fn may_get_slot(&self, now: Instant) -> bool {
        let (mut slots, table) = (0..self.room.slots(), self.room.table());
        let is_held = |slot| table.live_holder(now, slot).is_some();
        !self.holder.held().is_empty() || !slots.all(is_held)
    }

    /// Whether the policy lets this machine read at all.
    pub fn has_licence(&self) -> bool {
        self.holder.access().licence().is_some()
    }

    /// Whether this machine is alone: long runs pay then.
    pub fn is_alone(&self, _now: Instant) -> bool {
        self.holder.access().standing() == Standing::Alone
    }

    /// The machines that hold a slot, as known here.
    pub fn readers(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        self.room.table().live_holders(now)
    }

    /// What that machine was seen to take in, bytes a second, by its own word; 0 = unknown.
    pub fn link_of(&self, peer: SourceId) -> u64 {
        let peer = self.room.gossip().find(peer);
        peer.map_or(0, |one| one.said().link_goodput)
    }

    /// Whether that peer says so: it is to be unchoked.
    pub fn peer_is_starving(&self, peer: SourceId) -> bool {
        let peer = self.room.gossip().find(peer);
        peer.is_some_and(|one| one.said().starving)
    }

    /// Whether that peer says so of itself.
    pub fn peer_has_room(&self, peer: SourceId) -> bool {
        let peer = self.room.gossip().find(peer);
        peer.is_some_and(|one| one.said().room)
    }

    /// For reports.
    pub fn status(&self, now: Instant) -> OriginStatus {
        let (slots, slots_ever) = self.holder.held().masks();
        let live: BTreeSet<NodeId> = self.readers(now).collect();
        let gossip = self.room.gossip();
        let others = gossip
            .bytes_sum()
            .saturating_sub(gossip.bytes_of(self.room.me()));
        let origin_bytes = self.holder.measures().origin_bytes();
        OriginStatus {
            slots,
            readers_max: self.room.slots(),
            slots_ever,
            origin_bytes,
            swarm_bytes: others.saturating_add(origin_bytes),
            holders: u32::try_from(live.len()).unwrap_or(u32::MAX),
            machines: self.room.machines(now, u32::MAX),
            starving: self.holder.is_starving(),
        }
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    #[cfg(test)]
    pub(super) fn room_mut(&mut self) -> &mut Room {
        &mut self.room
    }

    #[cfg(test)]
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }
}
