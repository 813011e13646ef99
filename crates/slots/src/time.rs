//! Points in time as the scheduler is told of them.
//!
//! The scheduler owns no clock: every call says what time it is. A point is a count of
//! microseconds since a start that the caller chose, so virtual time and recorded traces fit too.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: microseconds since the caller's start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

impl Instant {
    /// The start.
    pub const ZERO: Self = Self(0);

    /// The point `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if that lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, delay: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, delay: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}
