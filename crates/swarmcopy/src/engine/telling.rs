//! Which decisions are told: at most one for a reason and a source in a second.
//!
//! The one place where explanations are made has one of these. What must stay true: what is left out is counted and
//! told with the next, or alone once the second is over; the memory is bounded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::{Reason, SourceId};

/// Least time between two tellings of one reason and source.
const EVERY: Duration = Duration::from_secs(1);
/// Pairs of reason and source that are remembered.
const PAIRS_MAX: usize = 1024;

/// What a decision is about: its reason, and the source it concerns.
type About = (Reason, Option<SourceId>);

#[derive(Debug)]
struct Last {
    at: Instant,
    left_out: u64,
    piece: Option<PieceIndex>,
}

/// A decision to be told now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(crate) reason: Reason,
    pub(crate) source: Option<SourceId>,
    pub(crate) piece: Option<PieceIndex>,
    /// How many like it were not told.
    pub(crate) left_out: u64,
}

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct Tellings {
    last: BTreeMap<About, Last>,
}

impl Tellings {
    /// A decision was taken: what is to be told of it now, if anything.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        about: About,
        piece: Option<PieceIndex>,
    ) -> Option<Telling> {
        let (reason, source) = about;
        if let Some(last) = self.last.get_mut(&about)
            && now.saturating_duration_since(last.at) < EVERY
        {
            last.left_out += 1;
            last.piece = piece;
            return None;
        }
        if self.last.len() >= PAIRS_MAX {
            self.last
                .retain(|_, last| now.saturating_duration_since(last.at) < EVERY);
        }
        let fresh = Last {
            at: now,
            left_out: 0,
            piece: None,
        };
        let left_out = if self.last.len() < PAIRS_MAX {
            self.last.insert(about, fresh).map_or(0, |old| old.left_out)
        } else {
            0
        };
        Some(Telling {
            reason,
            source,
            piece,
            left_out,
        })
    }

    /// What was left out in a second that is over, and nothing like it came since.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Telling> {
        let over = self.last.iter_mut().filter(|(_, last)| {
            last.left_out > 0 && now.saturating_duration_since(last.at) >= EVERY
        });
        over.map(|((reason, source), last)| {
            last.at = now;
            Telling {
                reason: *reason,
                source: *source,
                piece: last.piece,
                // this one is told
                left_out: std::mem::take(&mut last.left_out) - 1,
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = (Reason::OriginPaused, Some(SourceId(1)));

    #[test]
    fn a_reason_is_told_once_in_a_second_for_each_source() {
        let (mut tellings, start) = (Tellings::default(), Instant::now());
        let mut told = 0;
        for step in 0..100_000 {
            let now = start + Duration::from_micros(100 * step);
            told += usize::from(tellings.take(now, ABOUT, None).is_some());
            told += tellings.due(now).len();
        }
        assert_eq!(told, 10);
        let other = (Reason::OriginPaused, Some(SourceId(2)));
        assert!(tellings.take(start, other, None).is_some());
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let (mut tellings, start) = (Tellings::default(), Instant::now());
        for _ in 0..4 {
            tellings.take(start, ABOUT, None);
        }
        assert_eq!(tellings.due(start), []);
        let next = tellings.take(start + EVERY, ABOUT, None).unwrap();
        assert_eq!(next.left_out, 3);
        for _ in 0..3 {
            tellings.take(start + EVERY, ABOUT, None);
        }
        let due = tellings.due(start + 2 * EVERY);
        assert_eq!(due.iter().map(|one| one.left_out).collect::<Vec<_>>(), [2]);
        assert_eq!(tellings.due(start + 3 * EVERY), []);
    }

    #[test]
    fn the_memory_is_bounded() {
        let (mut tellings, now) = (Tellings::default(), Instant::now());
        for id in 0..5000 {
            tellings.take(now, (Reason::PeerSnubbed, Some(SourceId(id))), None);
        }
        assert_eq!(tellings.last.len(), PAIRS_MAX);
    }
}
