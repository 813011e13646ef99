//! Machines that were lost without a farewell while they lacked something: who is done waits for them a while.
//!
//! A machine that is frozen, or whose network was away, comes back to where it left. What must stay true: who left in
//! order, or is known to be dead, is not waited for, and nobody for longer than [`LOST_FOR`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use swarmcopy_scheduler::{Down, NodeId, SourceId};

/// How long somebody who was lost is waited for.
const LOST_FOR: Duration = Duration::from_mins(1);
/// Machines that are remembered.
const LOST_MAX: usize = 1024;

/// Who is linked and lacks something, and who of them was lost.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    nodes: BTreeMap<SourceId, NodeId>,
    lacking: BTreeSet<SourceId>,
    away: BTreeMap<NodeId, Instant>,
}

impl Lost {
    /// A machine of ours is linked.
    pub(crate) fn linked(&mut self, id: SourceId, node: NodeId) {
        self.away.remove(&node);
        self.nodes.insert(id, node);
    }

    /// A peer wants something of ours, or nothing any more.
    pub(crate) fn lacks(&mut self, id: SourceId, lacks: bool) {
        if lacks {
            self.lacking.insert(id);
        } else {
            self.lacking.remove(&id);
        }
    }

    /// A link is gone.
    pub(crate) fn gone(&mut self, id: SourceId, how: Down, now: Instant) {
        let lacked = self.lacking.remove(&id);
        let node = self.nodes.remove(&id);
        if let Some(node) = node.filter(|_| lacked && how == Down::Reset)
            && self.away.len() < LOST_MAX
        {
            self.away.insert(node, now);
        }
    }

    /// The process is known to be dead.
    pub(crate) fn dead(&mut self, node: NodeId) {
        self.away.remove(&node);
    }

    /// Whether somebody may come back for the rest.
    pub(crate) fn is_waited_for(&self, now: Instant) -> bool {
        let mut away = self.away.values();
        away.any(|at| now.saturating_duration_since(*at) < LOST_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SourceId = SourceId(7);
    const NODE: NodeId = NodeId([7; 8]);

    fn lost(lacks: bool, how: Down, now: Instant) -> Lost {
        let mut lost = Lost::default();
        lost.linked(ID, NODE);
        lost.lacks(ID, lacks);
        lost.gone(ID, how, now);
        lost
    }

    #[test]
    fn who_was_lost_and_lacks_something_is_waited_for_a_minute() {
        let now = Instant::now();
        let lost = lost(true, Down::Reset, now);
        assert!(lost.is_waited_for(now + LOST_FOR / 2));
        assert!(!lost.is_waited_for(now + LOST_FOR));
    }

    #[test]
    fn who_left_in_order_or_lacked_nothing_is_not_waited_for() {
        let now = Instant::now();
        assert!(!lost(true, Down::Closed, now).is_waited_for(now));
        assert!(!lost(false, Down::Reset, now).is_waited_for(now));
        let mut stranger = Lost::default();
        stranger.lacks(ID, true);
        stranger.gone(ID, Down::Reset, now);
        assert!(!stranger.is_waited_for(now), "not one of ours");
    }

    #[test]
    fn who_comes_back_or_is_dead_is_lost_no_more() {
        let now = Instant::now();
        let mut back = lost(true, Down::Reset, now);
        back.linked(SourceId(8), NODE);
        assert!(!back.is_waited_for(now));
        let mut dead = lost(true, Down::Reset, now);
        dead.dead(NODE);
        assert!(!dead.is_waited_for(now));
    }
}
