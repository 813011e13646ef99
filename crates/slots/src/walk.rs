//! How far a slot was read, in the order that all its holders follow.
//!
//! A walk begins where the former holder was and goes once around. What former holders passed is readable only when
//! word of what they read has had its time.

use crate::Instant;
use crate::extent::Extents;

/// What a look for the next piece found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// This run.
    Run { first: u32, count: u32, extent: u32 },
    /// Nothing now, but there is work.
    Later,
    /// Nothing at all.
    Nothing,
}

/// A place in the order of a slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    slot: u32,
    /// Where the order is begun: where the former holder was.
    start: u32,
    /// How many extents were passed since the start, and how many pieces of the next.
    passed: u32,
    offset: u32,
    /// What former holders passed is not read before: it may be on its way (R7).
    again_at: Instant,
}

impl Walk {
    pub(super) fn new(slot: u32, start: u32, again_at: Instant) -> Self {
        Self {
            slot,
            start,
            passed: 0,
            offset: 0,
            again_at,
        }
    }

    /// Extents after the one being read, in this round.
    pub(super) fn extents_ahead(&self, extents: &Extents) -> u32 {
        extents
            .count(self.slot)
            .saturating_sub(self.passed.saturating_add(1))
    }

    /// The extent at which the next holder should go on.
    pub(super) fn resume(&self, extents: &Extents) -> u32 {
        let count = extents.count(self.slot).max(1);
        extents
            .nth(self.slot, self.start.saturating_add(self.passed) % count)
            .unwrap_or(0)
    }

    /// A read of this piece failed: it is looked at again before what comes behind it.
    pub(super) fn rewind(&mut self, extents: &Extents, piece: u32) {
        let extent = extents.extent_of(piece);
        let count = extents.count(self.slot).max(1);
        let Some(place) = extents.place_in(self.slot, extent) else {
            return;
        };
        let passed = (place + count - self.start % count) % count;
        let offset = piece - extents.pieces_of(extent).0;
        if (passed, offset) < (self.passed, self.offset) {
            (self.passed, self.offset) = (passed, offset);
        }
    }

    /// Looks for the next run of at most `max` eligible pieces, from where it stopped, at most once
    /// around. A look that finds nothing moves nothing. Amortised O(1) per piece passed.
    pub(super) fn find(
        &mut self,
        now: Instant,
        extents: &Extents,
        max: u32,
        eligible: &dyn Fn(u32) -> bool,
    ) -> Found {
        let count = extents.count(self.slot);
        let early = now < self.again_at;
        let before = (self.passed, self.offset);
        let mut later = false;
        for _ in 0..=count {
            if self.passed >= count {
                self.passed = 0;
                self.offset = 0;
            }
            let place = (self.start + self.passed) % count.max(1);
            let Some(extent) = extents.nth(self.slot, place) else {
                return Found::Nothing;
            };
            let (first, end) = extents.pieces_of(extent);
            let from = first.saturating_add(self.offset);
            if let Some((first_found, run)) = run_in(from, end, max, eligible) {
                if place >= self.start || !early {
                    self.offset = first_found + run - first;
                    return Found::Run {
                        first: first_found,
                        count: run,
                        extent,
                    };
                }
                later = true;
            }
            self.passed += 1;
            self.offset = 0;
        }
        (self.passed, self.offset) = before;
        if later { Found::Later } else { Found::Nothing }
    }
}

/// The first run of eligible pieces in `from..end`, at most `max` long.
pub(super) fn run_in(
    from: u32,
    end: u32,
    max: u32,
    eligible: &dyn Fn(u32) -> bool,
) -> Option<(u32, u32)> {
    let first = (from..end).find(|piece| eligible(*piece))?;
    let longest = end.min(first.saturating_add(max.max(1)));
    let stop = (first + 1..longest)
        .find(|piece| !eligible(*piece))
        .unwrap_or(longest);
    Some((first, stop - first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    #[test]
    fn a_look_that_finds_nothing_moves_nothing() {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(1 << 20).file(path, 64 << 20).build();
        let extents = Extents::new(std::sync::Arc::new(layout.unwrap()), &[1; 32], 1);
        let first = extents.pieces_of(extents.nth(0, 0).unwrap()).0;
        let mut walk = Walk::new(0, 0, Instant::ZERO);
        let none = walk.find(Instant::ZERO, &extents, 1, &|_| false);
        assert_eq!(none, Found::Nothing);
        let found = walk.find(Instant::ZERO, &extents, 1, &|_| true);
        assert!(
            matches!(found, Found::Run { first: at, .. } if at == first),
            "{found:?}"
        );
    }
}
