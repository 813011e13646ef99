//! The arithmetic of bounds: the shortest time for one machine among those that share what can be sent.

use crate::link::micros_for;

/// Times that are tried.
const STEPS_MAX: u32 = 2_000;
/// By so much a time grows from one try to the next.
const STEP_PARTS: u64 = 64;

/// What is known of the ways to one machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ways {
    /// Bytes a second of its own uplink, which brings it nothing.
    pub(crate) own_up: u64,
    /// Bytes a second that those who may read can pass on.
    pub(crate) readers_up: u64,
    /// Microseconds in which those who have what it lacks can have sent it once.
    pub(crate) from_holders: u64,
    /// The same for what no origin brings.
    pub(crate) unread: u64,
}

/// A part of the room in numbers.
#[derive(Debug)]
pub(crate) struct Room {
    /// What each lacks, and what its downlink takes.
    pub(crate) takers: Vec<(u64, u64)>,
    pub(crate) origin_rate: u64,
    pub(crate) up: u64,
    /// Bytes that nobody has.
    pub(crate) nowhere: u64,
    /// Bytes that are read beside, by those whose policy lets them.
    pub(crate) more: u64,
    pub(crate) content: u64,
}

impl Room {
    /// The shortest time for one of them in microseconds, and whether one more copy would save a third
    /// of it.
    pub(crate) fn bound(&self, place: usize, ways: Ways) -> (u64, bool) {
        let Some((left, down)) = self.takers.get(place).copied() else {
            return (0, false);
        };
        let alone = self.takers.len() == 1;
        let own = micros_for(left, down);
        let read = micros_for(self.nowhere.min(left), self.origin_rate);
        let passed_on = if alone {
            0
        } else {
            micros_for(self.nowhere.min(left), ways.readers_up)
        };
        let least = own.max(read).max(ways.unread);
        let others_up = self.up.saturating_sub(ways.own_up);
        let once = self.nowhere.saturating_add(self.more);
        let twice = once.saturating_add(self.content);
        let once_least = least.max(passed_on).max(ways.from_holders);
        let once = self.with(left, once, others_up, once_least);
        let twice = self.with(left, twice, others_up, least.max(passed_on / 2));
        let most = twice.saturating_add(twice / 2);
        (once.min(most), self.origin_rate > 0 && once >= most)
    }

    /// The same where so many bytes may be read.
    fn with(&self, left: u64, readable: u64, others_up: u64, least: u64) -> u64 {
        let from_peers = left.saturating_sub(readable);
        let mut time = least.max(micros_for(from_peers, others_up)).max(1);
        for _ in 0..STEPS_MAX {
            if self.is_enough(readable, time) {
                break;
            }
            time += time / STEP_PARTS + 1000;
        }
        time
    }

    /// Whether all can have what they can take within this time.
    fn is_enough(&self, readable: u64, micros: u64) -> bool {
        let bytes = |rate: u64| {
            let bytes = u128::from(rate) * u128::from(micros) / 1_000_000;
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        let taken = self.takers.iter().fold(0u64, |sum, (left, down)| {
            sum.saturating_add(bytes(*down).min(*left))
        });
        let read = bytes(self.origin_rate).min(readable);
        taken <= read.saturating_add(bytes(self.up))
    }
}
