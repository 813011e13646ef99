//! This machine as a reader of the origin: which slots it claims, keeps, tells of, and gives back as time passes.
//!
//! Cost: O(slots) per call; the content's pieces are looked through at most a few times a second,
//! and only while a slot is free or its holder brings nothing.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex};

use crate::access::Access;
use crate::agenda::{Agenda, Moment};
use crate::cell::NOBODY;
use crate::claims::{Claims, rivals};
use crate::config::{Mode, OriginConfig};
use crate::heirs::heirs;
use crate::held::Held;
use crate::measures::Measures;
use crate::message::{SlotMessage, flags};
use crate::own::{Own, Stolen};
use crate::report::word;
use crate::room::Room;
use crate::search::Search;
use crate::sight::Sight;
use crate::standing::Standing;
use crate::view::View;
use crate::walk::Walk;
use crate::watch::{Mine, Watch, is_slow};
use crate::work::Work;
use crate::{Instant, LockWord, Reason, SourceId};

/// This machine as a reader.
#[derive(Debug)]
pub(super) struct Holder {
    access: Access,
    held: Held,
    claims: Claims,
    measures: Measures,
    watch: Watch,
    work: Work,
}

impl Holder {
    pub(super) fn new(
        config: OriginConfig,
        layout: &Layout,
        rng: fastrand::Rng,
        now: Instant,
    ) -> Self {
        let slots = config.slots();
        let tuning = Arc::new(config.tuning);
        Self {
            access: Access::new(config),
            held: Held::new(&tuning, layout, now),
            claims: Claims::new(&tuning, slots, rng, now),
            measures: Measures::new(&tuning, now),
            watch: Watch::new(&tuning, slots, now),
            work: Work::new(tuning.look),
        }
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// The policy, the origins or the hours change.
    pub(super) fn access_mut(&mut self) -> &mut Access {
        &mut self.access
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    pub(super) fn measures(&self) -> &Measures {
        &self.measures
    }

    pub(super) fn measures_mut(&mut self) -> &mut Measures {
        &mut self.measures
    }

    pub(super) fn is_starving(&self) -> bool {
        self.watch.is_starving()
    }

    /// There are fewer slots than was thought: none is held.
    pub(super) fn shrink(&mut self, now: Instant, slots: u32) {
        self.held.forget_slots();
        self.claims.shrink(slots);
        self.watch.shrink(slots, now);
        self.work.forget();
    }

    /// A piece is verified here; whether it was read from an origin.
    pub(super) fn have(&mut self, now: Instant, piece: PieceIndex, agenda: &mut Agenda) -> bool {
        self.watch.useful(now);
        let decide = self.held.came(now, piece);
        if decide == Some(true) {
            agenda.wake_at_once();
        }
        decide.is_some()
    }

    /// The read of a planned piece failed.
    pub(super) fn failed(&mut self, now: Instant, piece: u32, room: &Room, agenda: &mut Agenda) {
        if let Some(decide) = self.held.failed(room.extents(), piece) {
            self.access.look_again(now);
            if decide {
                agenda.wake_at_once();
            }
        }
    }

    /// A source (of any kind) brought bytes; whether that is news for others.
    pub(super) fn received(&mut self, now: Instant, source: SourceId, bytes: u64) -> bool {
        self.watch.useful(now);
        let is_origin = self.access.named(source).is_some();
        self.measures.received(now, bytes, is_origin);
        is_origin && bytes > 0 && self.claims.brought(now)
    }

    /// A peer took a block.
    pub(super) fn uploaded(&mut self, now: Instant) {
        self.held.uploaded(now);
    }

    /// An origin came, went or changed: one that is in trouble limits this machine.
    pub(super) fn looks_at_origins(&mut self) {
        self.measures.limits(self.access.is_in_trouble());
    }

    /// Slots are offered to this machine.
    pub(super) fn offered(&mut self, now: Instant, offers: u64) {
        self.claims.offered(now, offers);
    }

    /// The server's word on the lock for this slot.
    pub(super) fn guard(&mut self, now: Instant, slot: u32, word: LockWord, agenda: &mut Agenda) {
        self.held.hear_lock(now, slot, word, agenda);
    }

    /// Asks for locks where they are needed.
    pub(super) fn ask_locks(&mut self, now: Instant, agenda: &mut Agenda) {
        if self.access.needs_locks() {
            self.held.ask_locks(now, agenda);
        }
    }

    /// Another machine takes from this slot: if its link is much faster, it gets the slot, or others would wait for
    /// what this machine reads.
    pub(super) fn yield_to(&mut self, at: &mut Moment<'_>, slot: u32, link: u64) {
        let now = at.now;
        let is_slower = self.measures.is_slower_than(link);
        let Some(own) = self.held.find_mut(slot).filter(|_| is_slower) else {
            return;
        };
        own.leave(0);
        self.claims.modest(now, self.access.config().tuning.slow);
        at.room.greet_all(now);
        at.agenda.wake(now);
    }

    /// Another machine's claim won (R2): reads end at the next piece boundary.
    pub(super) fn lose(&mut self, at: &mut Moment<'_>, slot: u32) {
        let now = at.now;
        if self.held.remove(slot, at.agenda).is_some() {
            let reads = self.held.in_hand_of(slot);
            at.agenda
                .cancel(reads.filter_map(|piece| at.room.extents().piece(piece)));
            at.room.counts(now, self.measures.origin_bytes());
            at.agenda.explain(Reason::SlotLost, None);
        }
    }

    /// Gives back the slots that are to be left and are not read any more.
    fn release_left(&mut self, at: &mut Moment<'_>) {
        let now = at.now;
        while let Some(slot) = self.held.left() {
            let Some(own) = self.held.remove(slot, at.agenda) else {
                break;
            };
            let (flags, heir) = own.is_left().unwrap_or_default();
            if let Some(heir) = heir {
                at.room.offer(heir, slot);
            }
            at.room
                .release(now, slot, flags, own.resume(at.room.extents()));
            at.room.counts(now, self.measures.origin_bytes());
            at.agenda.explain(Reason::SlotReleased, None);
        }
    }

    /// Time passes: does what is due.
    pub(super) fn pass_time(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        let standing = at.room.stands(now, view.peers > 0);
        self.access.sees(view.pieces_left, standing);
        at.room.says_reads(now, !self.access.must_leave());
        if self.measures.weighs(now, view, &self.held) {
            at.room.greet_all(now);
        }
        if self.watch.is_due(now) {
            self.tick(at, view);
        }
        if self.access.config().mode == Mode::Protect {
            self.keep(at, view);
            self.claim_free(at, view);
            self.beat(at);
        }
    }

    /// When something is due, besides what is due already.
    pub(super) fn next_due(&self, now: Instant, room: &Room) -> Option<Instant> {
        let idle = !self.access.is_copying() && self.held.is_empty();
        let slots = (0..room.slots()).filter(|slot| !idle && !self.held.owns(*slot));
        let deaths = slots.filter_map(|slot| room.table().live_until(now, slot));
        let own = self.held.iter().flat_map(Own::opens);
        let single = [
            (!idle).then_some(self.watch.next()),
            (!self.held.is_empty()).then_some(self.measures.beat_at()),
            room.company().next_change(now).filter(|_| !idle),
        ];
        let all = deaths.chain(own).chain(self.claims.times());
        let all = all.chain(single.into_iter().flatten());
        all.filter(|at| *at > now).min()
    }

    /// Looks at slow things.
    fn tick(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        at.room.forget(now);
        let copying = self.access.is_copying();
        if self.watch.starves(now, copying && self.held.is_empty()) {
            at.room.greet_all(now);
        }
        if copying && self.access.standing() == Standing::Together {
            let mine = Mine {
                held: &self.held,
                measures: &self.measures,
                rate_bytes: self.access.config().rate_bytes,
            };
            self.watch
                .doubt_idle((now, at.room), view, mine, &mut self.work);
        }
        self.held.try_leaked_locks(at.agenda);
    }

    /// Looks after the slots held here: whether to keep, to give back, to take from others.
    fn keep(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        if self.held.is_empty() {
            return;
        }
        if self.access.must_leave() {
            let done = self.access.is_complete();
            self.held.leave_all(if done { flags::DONE } else { 0 });
        }
        self.give_way(at, view);
        let limit = at.room.limit(now, self.access.standing());
        self.held.shed(now, limit.unwrap_or(self.held.len()));
        let lone = at.room.table().lowest_refused(now);
        self.held.retry_locks(now, lone, at.agenda);
        self.use_up(at, view);
        self.release_left(at);
    }

    /// Lets others try where this machine could read for a while and got nothing.
    fn give_way(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        let sight = Sight::new(now, view, at.room, &self.held);
        let limited = self.access.config().rate_bytes.is_some() || self.held.was_full(now);
        let refused = self.access.is_refused();
        let could = self.may_read(now) && !self.access.must_leave();
        let to_blame = could && (!limited || refused) && sight.has_work();
        let others = at.room.gossip().others_read();
        let refused = to_blame.then_some(refused);
        if self.claims.is_in_vain(now, refused, others) {
            self.held.leave_all(0);
            at.room.greet_all(now);
        }
    }

    /// Slots held here that have nothing left: the last takes from others (R4), or all are given
    /// back (R3).
    fn use_up(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        // in case nobody asked for a read
        if self.held.is_look_due(now) && !self.access.is_refused() {
            let work = Sight::new(now, view, at.room, &self.held).work();
            self.held.have_work(work);
        }
        for place in 0..self.held.len() {
            let kept = self.held.kept();
            let Some(mut own) = self.held.nth(place) else {
                break;
            };
            if !own.is_idle(now) {
                continue;
            }
            let (slot, goodput) = (own.slot(), self.measures.goodput());
            let sight = Sight::new(now, view, at.room, &self.held);
            let steal = (kept == 1).then(|| sight.takable(slot, goodput)).flatten();
            if let Some((extent, count)) = steal {
                own.takes(Stolen {
                    extent,
                    count,
                    open_at: now + at.agenda.notice(),
                });
            } else {
                // what peers say to have, or what another took, is not on its way from here: if they don't
                // bring it, the slot is needed
                let done = !sight.is_taken_from(slot) && own.has_read();
                own.leave(if done { flags::DONE } else { 0 });
            }
            self.held.put(own);
            if steal.is_some() {
                self.tell(now, slot, at.room);
            }
        }
    }

    /// Claims free slots whose time has come.
    fn claim_free(&mut self, at: &mut Moment<'_>, view: &View<'_>) {
        let now = at.now;
        let limit = at.room.limit(now, self.access.standing());
        let limit = limit.unwrap_or(self.held.len());
        let learned = now >= at.room.company().learned_at();
        let allowed = self.access.may_claim(learned);
        for slot in 0..at.room.slots() {
            let allowed = allowed && self.held.len() < limit && !self.held.owns(slot);
            let spread = at.room.spread_time(self.measures.link().burst());
            let sight = Sight::new(now, view, at.room, &self.held);
            let wanted = allowed
                && at.room.is_free(now, slot, spread)
                && self.work.has(now, slot, || sight.work());
            if !wanted {
                self.claims.forget(slot);
                continue;
            }
            let (access, measures) = (&self.access, &self.measures);
            let rivals = || rivals(now, view.link_goodput, access, measures, at.room);
            if self.claims.is_due(now, slot, rivals) {
                self.claim(at, slot, spread);
            }
        }
    }

    fn claim(&mut self, at: &mut Moment<'_>, slot: u32, spread: Duration) {
        let now = at.now;
        let is_heard = at.room.gossip().iter().next().is_some();
        let settle = at.agenda.notice() * u32::from(is_heard);
        let read = self.measures.origin_bytes();
        let Some(claimed) = at.room.claim(now, slot, spread, read) else {
            return;
        };
        if self.held.is_empty() {
            self.claims.begins(now);
            self.measures.begins(now);
        }
        let open_at = now + settle;
        let walk = Walk::new(slot, claimed.start, open_at.max(claimed.settled));
        self.held
            .take(Own::new(slot, open_at, claimed.extent, walk));
        self.ask_locks(now, at.agenda);
        let reason = if claimed.was == NOBODY {
            Reason::SlotClaimed
        } else {
            Reason::SlotTakenOver
        };
        at.agenda.explain(reason, None);
    }

    /// Tells that this machine lives, and how it fares.
    fn beat(&mut self, at: &mut Moment<'_>) {
        let now = at.now;
        if self.held.is_empty() || !self.measures.beats(now, self.held.len()) {
            return;
        }
        self.measure(at);
        self.release_left(at);
        for own in self.held.iter() {
            self.tell(now, own.slot(), at.room);
        }
        self.measures.forget_limits();
    }

    /// Tells one slot's state at once.
    fn tell(&self, now: Instant, slot: u32, room: &mut Room) {
        let Some(own) = self.held.find(slot) else {
            return;
        };
        let word = word(now, own, &self.access, &self.held, &self.measures);
        room.beat(now, word);
    }

    /// Looks how fast it reads: a holder that is slow by its own fault gives back (T_slow).
    fn measure(&mut self, at: &mut Moment<'_>) {
        let now = at.now;
        let held_back = self.access.config().rate_bytes.is_some() || self.access.is_in_trouble();
        let excused = !self.held.is_reading() || held_back;
        let waits = self.measures.is_limited() || self.held.was_full(now);
        let others = at.room.table().goodputs_beside(at.room.me(), now);
        let tuning = self.access.config().tuning;
        let slow = !excused && is_slow(&tuning, self.measures.goodput(), waits, &others);
        if self.claims.is_too_slow(now, slow) {
            self.rest(at, tuning.slow_rest);
        }
        let may_move = !excused && !waits && self.measures.load().is_behind(now);
        let heirs = may_move.then(|| heirs(now, at.room, &self.held, &self.measures));
        let heirs = heirs.unwrap_or_default();
        if !heirs.is_empty() {
            if self.rest(at, tuning.slow) {
                self.held.leave_to(&heirs);
            }
        } else if at.room.gossip().are_slowed() && at.room.gossip().others_read() {
            self.rest(at, tuning.slow_rest);
        }
    }

    /// Gives every slot back to those that are faster, and claims later than they for a while. Who has them again
    /// within that time keeps them: nobody else took them.
    fn rest(&mut self, at: &mut Moment<'_>, time: Duration) -> bool {
        let now = at.now;
        if self.claims.is_modest(now) {
            return false;
        }
        self.claims.modest(now, time);
        self.held.leave_all(0);
        at.room.greet_all(now);
        at.agenda.wake(now);
        true
    }

    /// Whether a slot held here is open, and its lock lets some origin be read.
    fn may_read(&self, now: Instant) -> bool {
        let opens = |own: &Own| own.is_open(now) && self.access.can_use(own.lock());
        self.held.iter().any(opens)
    }

    /// Whether new reads may begin.
    pub(super) fn may_begin(&self, now: Instant) -> bool {
        let has_right = self.access.is_fast() || self.may_read(now);
        !self.access.must_leave() && self.access.licence().is_some() && has_right
    }

    /// Looks for the next run of pieces to read from `source`; they are in hand then.
    pub(super) fn find(
        &mut self,
        at: &mut Moment<'_>,
        source: SourceId,
        view: &View<'_>,
        max: u32,
    ) -> Option<(u32, u32)> {
        let now = at.now;
        let origin = self.access.looks(now, source)?;
        let fast = self.access.is_fast();
        let link = self.measures.link().burst();
        if !fast && self.held.is_full(now, view, link) {
            self.measures.limits(true);
            at.agenda.explain(Reason::DeniedWindow, Some(source));
            return None;
        }
        let search = Search::new((now, view, at.room), origin, max);
        let sighted = search.run(&mut self.held, fast);
        let moved = sighted.moved.into_iter();
        moved.for_each(|slot| self.tell(now, slot, at.room));
        if sighted.dry {
            at.agenda.wake_at_once();
        }
        if sighted.run.is_none() {
            self.access.rest(now, source);
        }
        sighted.run
    }

    /// These pieces are read from now on.
    pub(super) fn begins(&mut self, now: Instant, run: (u32, u32), room: &Room) {
        let fast = self.access.is_fast();
        self.held.begin(now, room.extents(), run, fast);
    }

    /// What this machine says of itself.
    pub(super) fn words(&self, now: Instant) -> SlotMessage {
        SlotMessage {
            starving: self.watch.is_starving(),
            yields: self.claims.yields(now) || self.access.must_leave(),
            link_goodput: self.measures.link().sustained(),
            waits: self.measures.load().waits(now),
            capacity: self.measures.load().capacity(now),
            room: self.measures.room(),
            claims: self.held.claims(),
            ..SlotMessage::default()
        }
    }
}
