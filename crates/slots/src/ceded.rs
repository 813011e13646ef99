//! Extents that other machines took from their slots.
//!
//! Word that an extent was taken keeps it from others for a while, and longer only as pieces of it come: saying it
//! again does not renew it. What a machine that is gone took and did not read is free again soon.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tuning::Tuning;
use crate::{Instant, NodeId};

/// Most extents known to have been taken from their slot.
const CEDED_MAX: usize = 256;

/// Extents that were taken, by whom, and until when that counts.
#[derive(Debug)]
pub(super) struct Ceded {
    tuning: Arc<Tuning>,
    taken: BTreeMap<u32, (NodeId, Instant)>,
}

impl Ceded {
    pub(super) fn new(tuning: &Arc<Tuning>) -> Self {
        Self {
            tuning: Arc::clone(tuning),
            taken: BTreeMap::new(),
        }
    }

    /// A machine took an extent; `brought` = when a piece of its slot last came.
    pub(super) fn cede(&mut self, now: Instant, by: NodeId, extent: u32, brought: Option<Instant>) {
        if self.taken.len() >= CEDED_MAX && !self.taken.contains_key(&extent) {
            return;
        }
        // it may be on its way for so long after the last word of it
        let known_for = self.tuning.dead();
        let until = now + known_for;
        match self.taken.get_mut(&extent) {
            Some((thief, known)) if *thief == by => {
                if brought.is_some_and(|at| at + known_for > *known) {
                    *known = until;
                }
            }
            Some(other) => *other = (by, until),
            None => drop(self.taken.insert(extent, (by, until))),
        }
    }

    /// A machine gave its slot back, or is dead: what it took from others and did not read is theirs again, when
    /// word of what it did read has had its time.
    pub(super) fn takes_no_more(&mut self, now: Instant, node: NodeId) {
        let over = now + self.tuning.lost;
        let its = self.taken.values_mut().filter(|(thief, _)| *thief == node);
        its.for_each(|(_, until)| *until = (*until).min(over));
    }

    /// Who has taken the extent, if that still counts.
    pub(super) fn taker(&self, now: Instant, extent: u32) -> Option<NodeId> {
        let (node, until) = self.taken.get(&extent)?;
        (*until > now).then_some(*node)
    }

    /// What is over is remembered for a while: saying it again does not renew it.
    pub(super) fn forget(&mut self, now: Instant) {
        let kept = self.tuning.full_every;
        self.taken.retain(|_, (_, until)| *until + kept > now);
    }

    /// The numbers of extents mean nothing any more.
    pub(super) fn clear(&mut self) {
        self.taken.clear();
    }
}
