//! The server's lock behind a slot.
//!
//! A refused lock is asked for again; a slot without its lock reads no share. A lock that stays
//! refused while the table says the slot is ours, and whose holder gives no sign of life, has leaked
//! (a power cut): one machine of all may then read slowly without.

use std::time::Duration;

use crate::message::flags;
use crate::{Instant, LockWord, OriginKind};

/// The server's lock of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Not needed.
    None,
    /// Asked for at this time, after being refused since the other.
    Asked {
        since: Instant,
        refused: Option<Instant>,
    },
    /// Refused; asked again at this time.
    Refused { since: Instant, again: Instant },
    /// Held.
    Held,
    /// Taken for leaked: read slowly without.
    Leaked,
}

impl Lock {
    /// Whether a slot with this lock may read such an origin: locks bind shares only.
    pub(super) fn allows(self, kind: OriginKind) -> bool {
        kind != OriginKind::Share || matches!(self, Self::None | Self::Held | Self::Leaked)
    }

    /// A lock is needed from now on; whether it is to be asked for.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        let asks = *self == Self::None;
        if asks {
            *self = Self::Asked {
                since: now,
                refused: None,
            };
        }
        asks
    }

    /// The server's word; it is asked again at that time, if need be.
    pub(super) fn hear(&mut self, now: Instant, again: Instant, word: LockWord) {
        *self = match (word, *self) {
            (LockWord::Held, _) => Self::Held,
            (LockWord::InUse, _) | (LockWord::Refused, Self::None | Self::Held) => {
                Self::Refused { since: now, again }
            }
            (LockWord::Refused, Self::Asked { since, refused }) => Self::Refused {
                since: refused.unwrap_or(since),
                again,
            },
            (LockWord::Refused, kept @ (Self::Refused { .. } | Self::Leaked)) => kept,
        };
    }

    /// Time passes; whether it is to be asked for again. refused for so long it has leaked,
    /// if this slot may go without.
    pub(super) fn retry(&mut self, now: Instant, leaks: Option<Duration>) -> bool {
        let Self::Refused { since, again } = *self else {
            return false;
        };
        if now < again {
            return false;
        }
        let leaked = leaks.is_some_and(|leaks| now.since(since) >= leaks);
        *self = if leaked {
            Self::Leaked
        } else {
            Self::Asked {
                since,
                refused: Some(since),
            }
        };
        !leaked
    }

    /// When it is asked for again.
    pub(super) fn asks_again_at(self) -> Option<Instant> {
        match self {
            Self::Refused { again, .. } => Some(again),
            _ => None,
        }
    }

    /// What others are told of it.
    pub(super) fn flag(self) -> u32 {
        match self {
            Self::Refused { .. }
            | Self::Asked {
                refused: Some(_), ..
            } => flags::NO_LOCK,
            Self::Leaked => flags::UNGUARDED,
            _ => 0,
        }
    }
}
