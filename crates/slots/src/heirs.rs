//! Who should read instead: machines that can do more than this one, and how a slot goes to one of them.
//!
//! Links are not compared by what they were seen to bring: that tells what others sent. What counts is what a machine
//! takes in while it has more to take than it can ([`Load`](super::load::Load)).

use std::time::Duration;

use super::gate::OriginGate;
use super::load::Look;
use super::neighbour::Neighbour;
use super::own::Own;
use super::view::View;
use crate::{Instant, NodeId};

/// A machine gives way to one that is known to take in so many percent of what it can itself.
const OUTDONE_PERCENT: u64 = 130;
/// Or so many times what this one takes in while it is behind, if it never read.
const OUTDONE_TIMES: u64 = 3;
/// Who takes work from a slot gets all of it, if its link is so many percent of its holder's.
const OUTRUN_PERCENT: u64 = 160;
/// So many machines for each slot are tried as readers where nobody knows who is fast, and only while more is left
/// to read than this takes.
const TRIALS_EACH: usize = 3;
const TRIAL_LEFT: Duration = Duration::from_secs(1);
/// In rooms of more machines than this nobody is tried.
const ROOM_MAX: u32 = 32;
/// Who gives back for its link claims again after this, if nobody else did.
const LINK_REST: Duration = Duration::from_secs(5);

impl OriginGate {
    /// Gives its slots to these, the best first.
    pub(super) fn hand_over(&mut self, now: Instant, heirs: &[NodeId]) {
        let is_resting = now < self.modest_until;
        self.rest(now, LINK_REST);
        if !is_resting {
            let heirs = heirs.iter().cycle();
            for (own, heir) in self.own.iter_mut().zip(heirs) {
                own.heir = Some(*heir);
            }
        }
    }

    /// Machines that should read instead of this one, which can't keep up with what is there: those that can do more,
    /// that have all there is and could take more, or that nobody knows yet, while few were tried.
    pub(super) fn heirs(&self, now: Instant) -> Vec<NodeId> {
        let holders: Vec<NodeId> = self.readers(now).collect();
        let mine = self.load.capacity(now).saturating_mul(OUTDONE_PERCENT) / 100;
        if mine == 0 {
            return Vec::new();
        }
        let tries = self.may_try(now);
        let score = |one: &Neighbour| {
            let is_better = one.capacity > mine || self.load.is_matched_by(one.waits);
            let is_unknown = one.capacity == 0 && self.gossip.bytes_of(one.node) == 0;
            let may_do = one.link_goodput.saturating_mul(OUTDONE_TIMES) >= mine;
            let is_new = is_unknown && may_do && tries;
            let score = one.capacity.max(one.link_goodput).max(one.waits);
            (is_better || is_new).then_some((score, one.node))
        };
        let others = self
            .gossip
            .iter()
            .filter(|one| one.may_read() && !one.slow.0 && !holders.contains(&one.node));
        let mut heirs: Vec<(u64, NodeId)> = others.filter_map(score).collect();
        heirs.sort_unstable_by(|a, b| b.cmp(a));
        heirs.truncate(self.own.len());
        heirs.into_iter().map(|(_, node)| node).collect()
    }

    /// Whether machines that nobody knows should be tried as readers: few were, and much is left of the slots.
    fn may_try(&self, now: Instant) -> bool {
        let of_slots = |own: &Own| u64::from(own.extents_ahead(&self.extents));
        let ahead: u64 = self.own.iter().map(of_slots).sum();
        let left = self.layout.piece_len() * ahead * u64::from(self.extents.len_max());
        let long = left >= self.goodput.max(1).saturating_mul(TRIAL_LEFT.as_secs());
        // in a large room some are fast anyhow, and word of a change takes longer than the change
        let large = self.machines(now, ROOM_MAX + 1) > ROOM_MAX;
        let slots = usize::try_from(self.table.slots()).unwrap_or(0);
        long && !large && self.gossip.tested() < slots * TRIALS_EACH
    }

    /// Whether this machine can do less than another that may read.
    pub(super) fn is_outdone(&self, now: Instant) -> bool {
        let known = self.load.capacity(now).saturating_mul(OUTDONE_PERCENT) / 100;
        // who can't keep up with what others read is no better reader, though it never read
        let unknown = self.load.behind(now).saturating_mul(OUTDONE_TIMES);
        let mine = if known > 0 { known } else { unknown };
        let outdoes = |one: &Neighbour| one.may_read() && one.capacity.max(one.waits) > mine;
        mine > 0 && self.gossip.iter().any(outdoes)
    }

    /// Looks whether this machine has more to do than it can, or less.
    pub(super) fn weigh_load(&mut self, now: Instant, view: &View<'_>) {
        if !self.load.is_due(now) {
            return;
        }
        let reads = !self.own.is_empty() && !self.limited && !self.window.was_full(now);
        let is_full = self.link.sustained() == 0 || self.is_link_full();
        // what comes far more slowly than this machine's link can is held up by who sends it
        let look = if is_full && view.missing.intersects(view.available) {
            Look::Behind
        } else if reads || view.pieces_left == 0 {
            Look::Even
        } else {
            Look::Waiting
        };
        let reads = reads && self.is_reading();
        if self.load.looks(now, look, reads) {
            self.gossip.greet_all(now);
        }
    }

    /// Whether a machine with this link should read instead, if it has nothing else to do.
    pub(super) fn is_slower_than(&self, link: u64) -> bool {
        let mine = self.link.sustained().saturating_mul(OUTRUN_PERCENT) / 100;
        mine > 0 && link > mine
    }

    /// Whether this machine holds a slot, or nobody holds some.
    pub fn may_get_slot(&self, now: Instant) -> bool {
        let mut slots = 0..self.table.slots();
        !self.own.is_empty() || slots.any(|slot| self.table.live_holder(now, slot).is_none())
    }

    /// Whether an origin ever brought this machine anything.
    pub fn has_read(&self) -> bool {
        self.origin_bytes > 0
    }

    /// Whether this machine takes in about as much as its link was ever seen to bring for a while.
    pub fn is_link_full(&self) -> bool {
        self.load.takes_in(self.link.sustained())
    }

    /// Lets others claim first for a while.
    pub(super) fn modest(&mut self, now: Instant) {
        self.modest_until = now + LINK_REST;
        self.gossip.greet_all(now);
    }
}
