//! The server's locks behind the slots, and how fast this machine may read.
//!
//! A refused lock is asked for again; a slot without its lock reads no share. A lock that stays
//! refused while the table says the slot is ours, and whose holder gives no sign of life, has leaked
//! (a power cut): one machine of all may then read slowly without.

use std::time::Duration;

use super::config::{GuardUse, Isolated};
use super::gate::OriginGate;
use super::message::flags;
use super::own::Lock;
use super::standing::Standing;
use crate::{Instant, LockWord};

const AGAIN: Duration = Duration::from_millis(500);
/// Refused for this long is leaked.
const LEAKED: Duration = Duration::from_secs(10);
/// What an isolated machine may read, bytes a second.
const TRICKLE: u64 = 5_000_000;

impl OriginGate {
    /// The server's word on the lock for this slot.
    pub fn guard(&mut self, now: Instant, slot: u32, word: LockWord) {
        let Some(own) = self.own_mut(slot) else {
            if word == LockWord::Held {
                self.guards.push_back((slot, false));
            }
            return;
        };
        let again = now + AGAIN;
        own.lock = match (word, own.lock) {
            (LockWord::Held, _) => Lock::Held,
            (LockWord::InUse, _) | (LockWord::Refused, Lock::None | Lock::Held) => {
                Lock::Refused { since: now, again }
            }
            (LockWord::Refused, Lock::Asked { since, refused }) => Lock::Refused {
                since: refused.unwrap_or(since),
                again,
            },
            (LockWord::Refused, kept @ (Lock::Refused { .. } | Lock::Leaked)) => kept,
        };
        self.wake(now);
    }

    /// The next lock to take (`true`) or to let go of (`false`).
    pub fn poll_guard(&mut self) -> Option<(u32, bool)> {
        self.guards.pop_front()
    }

    /// Asks again for refused locks, or goes without where that is due.
    pub(super) fn retry_locks(&mut self, now: Instant) {
        let lone = self.only_this_one_lacks(now);
        for own in &mut self.own {
            let Lock::Refused { since, again } = own.lock else {
                continue;
            };
            if now < again {
                continue;
            }
            if now.since(since) >= LEAKED && lone == Some(own.slot) {
                own.lock = Lock::Leaked;
            } else {
                own.lock = Lock::Asked {
                    since,
                    refused: Some(since),
                };
                self.guards.push_back((own.slot, true));
            }
        }
    }

    /// The lowest slot whose lock is refused, if it is ours and nobody reads unguarded.
    fn only_this_one_lacks(&self, now: Instant) -> Option<u32> {
        let mut lowest = None;
        for slot in 0..self.table.slots() {
            if self.table.live_holder(now, slot).is_none() {
                continue;
            }
            let told = self.table.cell(slot).map_or(0, |cell| cell.record.flags);
            if told & flags::UNGUARDED != 0 {
                return None;
            }
            if told & flags::NO_LOCK != 0 {
                lowest = lowest.or(Some(slot));
            }
        }
        lowest.filter(|slot| self.owns(*slot))
    }

    /// Bytes a second that this machine may read from all origins together; `None` = no limit.
    pub fn rate_max(&self) -> Option<u64> {
        let slots = u64::from(self.table.slots());
        let mine = u64::try_from(self.own.len()).unwrap_or(u64::MAX);
        let leaked = self.own.iter().any(|own| own.lock == Lock::Leaked);
        let held = self.config.guard == GuardUse::Active
            && self.own.iter().any(|own| own.lock == Lock::Held);
        let alone = self.standing == Standing::CutOff && self.config.isolated == Isolated::Trickle;
        let share = self.config.rate_bytes.map(|rate| {
            let live = (0..self.table.slots())
                .filter(|slot| self.table.live_holder(self.now, *slot).is_some())
                .count();
            let live = u64::try_from(live).unwrap_or(slots).max(mine).max(1);
            let mine = if leaked { 1 } else { mine };
            rate.saturating_mul(mine) / if leaked { slots.max(1) } else { live }
        });
        let slow = (leaked && share.is_none() || alone && !held).then_some(TRICKLE);
        [share, slow].into_iter().flatten().min()
    }
}
