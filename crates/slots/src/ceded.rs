//! Extents that other machines took from their slots.
//!
//! Word that an extent was taken keeps it from others for a while, and longer only as pieces of it come: saying it
//! again does not renew it. What a machine that is gone took and did not read is free again soon.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cell::PASSED_ON;
use crate::{Instant, NodeId};

/// An extent taken by another machine may be on its way for this long after its last word.
const CEDED: Duration = Duration::from_secs(5);
/// So long after that it can't be taken again by the same machine.
const CEDED_KNOWN: Duration = Duration::from_secs(30);
/// Most extents known to have been taken from their slot.
const CEDED_MAX: usize = 256;

/// Extents that were taken, by whom, and until when that counts.
#[derive(Debug, Default)]
pub(super) struct Ceded(BTreeMap<u32, (NodeId, Instant)>);

impl Ceded {
    /// A machine took an extent; `brought` = when a piece of its slot last came.
    pub(super) fn cede(&mut self, now: Instant, by: NodeId, extent: u32, brought: Option<Instant>) {
        if self.0.len() >= CEDED_MAX && !self.0.contains_key(&extent) {
            return;
        }
        let until = now + CEDED;
        match self.0.get_mut(&extent) {
            Some((thief, known)) if *thief == by => {
                if brought.is_some_and(|at| at + CEDED > *known) {
                    *known = until;
                }
            }
            Some(other) => *other = (by, until),
            None => drop(self.0.insert(extent, (by, until))),
        }
    }

    /// A machine gave its slot back, or is dead: what it took from others and did not read is theirs again, when
    /// word of what it did read has had its time.
    pub(super) fn takes_no_more(&mut self, now: Instant, node: NodeId) {
        let its = self.0.values_mut().filter(|(thief, _)| *thief == node);
        its.for_each(|(_, until)| *until = (*until).min(now + PASSED_ON));
    }

    /// Who has taken the extent, if that still counts.
    pub(super) fn taker(&self, now: Instant, extent: u32) -> Option<NodeId> {
        let (node, until) = self.0.get(&extent)?;
        (*until > now).then_some(*node)
    }

    /// What is over is remembered for a while: saying it again does not renew it.
    pub(super) fn forget(&mut self, now: Instant) {
        self.0.retain(|_, (_, until)| *until + CEDED_KNOWN > now);
    }

    /// The numbers of extents mean nothing any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
