//! Who should read instead: machines that can do more than this one.
//!
//! Links are not compared by what they were seen to bring: that tells what others sent. What counts is what a machine
//! takes in while it has more to take than it can ([`Load`](crate::load::Load)).

use crate::held::Held;
use crate::measures::Measures;
use crate::neighbour::Neighbour;
use crate::own::Own;
use crate::room::Room;
use crate::{Instant, NodeId};

/// Machines that should read instead of this one, which can't keep up with what is there: those that can do more,
/// that have all there is and could take more, or that nobody knows yet, while few were tried.
pub(super) fn heirs(now: Instant, room: &Room, held: &Held, of: &Measures) -> Vec<NodeId> {
    let (load, tuning) = (of.load(), of.tuning());
    let mine = load.capacity(now).saturating_mul(tuning.outdone_percent) / 100;
    if mine == 0 {
        return Vec::new();
    }
    let holders: Vec<NodeId> = room.table().live_holders(now).collect();
    let gossip = room.gossip();
    let tries = may_try(now, room, held, of);
    let score = |one: &Neighbour| {
        let said = one.said();
        let is_better = said.capacity > mine || load.is_matched_by(said.waits);
        let is_unknown = said.capacity == 0 && gossip.bytes_of(one.node()) == 0;
        let may_do = said.link_goodput.saturating_mul(tuning.outdone_times) >= mine;
        let is_new = is_unknown && may_do && tries;
        let score = said.capacity.max(said.link_goodput).max(said.waits);
        (is_better || is_new).then_some((score, one.node()))
    };
    let others = gossip
        .iter()
        .filter(|one| one.may_read() && !one.is_slow() && !holders.contains(&one.node()));
    let mut heirs: Vec<(u64, NodeId)> = others.filter_map(score).collect();
    heirs.sort_unstable_by(|a, b| b.cmp(a));
    heirs.truncate(held.len());
    heirs.into_iter().map(|(_, node)| node).collect()
}

/// Whether machines that nobody knows should be tried as readers: few were, and much is left of the slots.
fn may_try(now: Instant, room: &Room, held: &Held, of: &Measures) -> bool {
    let tuning = of.tuning();
    let of_slots = |own: &Own| u64::from(own.extents_ahead(room.extents()));
    let ahead: u64 = held.iter().map(of_slots).sum();
    let left = ahead * room.extents().len_bytes();
    let long = left
        >= of
            .goodput()
            .max(1)
            .saturating_mul(tuning.trial_left.as_secs());
    // in a large room some are fast anyhow, and word of a change takes longer than the change
    let large = room.machines(now, tuning.trial_room_max + 1) > tuning.trial_room_max;
    let slots = usize::try_from(room.slots()).unwrap_or(0);
    long && !large && room.gossip().tested() < slots * tuning.trials_each
}

/// Whether this machine can do less than another that may read.
pub(super) fn is_outdone(now: Instant, room: &Room, of: &Measures) -> bool {
    let tuning = of.tuning();
    let known = of
        .load()
        .capacity(now)
        .saturating_mul(tuning.outdone_percent)
        / 100;
    // who can't keep up with what others read is no better reader, though it never read
    let unknown = of.load().behind(now).saturating_mul(tuning.outdone_times);
    let mine = if known > 0 { known } else { unknown };
    let does = |one: &Neighbour| one.said().capacity.max(one.said().waits);
    let outdoes = |one: &Neighbour| one.may_read() && does(one) > mine;
    mine > 0 && room.gossip().iter().any(outdoes)
}
