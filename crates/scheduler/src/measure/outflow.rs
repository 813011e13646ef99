//! Whether this machine's uplink has room: then what it has may be taken out of turn.
//!
//! Turns keep an uplink that is full from sending what others could pass on. One that sends far less than it was seen
//! to send needs none. Founded on what was sent; looked at again and again, and ended as soon as it sends more.

use super::meter::Meter;
use crate::{Instant, Tuning};

/// What this machine sends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outflow {
    sent: Meter,
    room: bool,
}

impl Outflow {
    /// Bytes were sent to a peer.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent.add(bytes);
    }

    /// Whether there is room for more.
    pub(crate) fn look(&mut self, now: Instant, tuning: &Tuning) -> bool {
        let passed = self.sent.lasts(now);
        let (soon, late) = tuning.room_look;
        // a few blocks of a slow line tell nothing
        if passed >= late || passed >= soon && self.sent.bytes() >= tuning.span_min * 4 {
            let percent = if self.room {
                tuning.room_percent.1
            } else {
                tuning.room_percent.0
            };
            let ended = self.sent.end(now, Some(tuning.room_forget));
            self.room = !ended.is_at_least(percent);
        }
        self.room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen after seconds in which so many bytes each were sent.
    fn after(seconds: &[u64]) -> bool {
        let (mut out, mut room) = (Outflow::default(), false);
        for (second, bytes) in (1u64..).zip(seconds) {
            out.sent(*bytes);
            let now = Instant::from_micros(second * 1_000_000);
            room = out.look(now, &Tuning::default());
        }
        room
    }

    #[test]
    fn who_sends_far_less_than_before_has_room_until_it_sends_as_much_again() {
        assert!(!after(&[]) && !after(&[1_000_000, 1_000_000]));
        assert!(!after(&[1_000_000, 600_000]));
        assert!(after(&[1_000_000, 400_000]));
        assert!(after(&[1_000_000, 400_000, 700_000]));
        assert!(!after(&[1_000_000, 400_000, 900_000]));
    }

    #[test]
    fn a_few_blocks_of_a_slow_line_tell_nothing() {
        assert!(!after(&[200_000, 60_000, 0, 0]));
        assert!(after(&[200_000, 60_000, 0, 0, 0]));
    }
}
