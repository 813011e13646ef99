//! Numbers that can be replaced: each written once, known by name, and held to what can be.
//!
//! What must stay true: whatever somebody sets, [`Number::within`] gives one with which nothing divides by zero, waits
//! for no time at all or counts beyond its type.

use std::time::Duration;

/// Shortest and longest time.
const TIMES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_hours(24));
/// Most of what is counted.
const COUNT_MAX: u32 = 1 << 16;
/// Most bytes, and whatever else is as large.
const SIZE_MAX: u64 = 1 << 40;

/// A number, or two that belong together.
pub trait Number: Sized {
    /// So many percent of it, one at least.
    #[must_use]
    fn scaled(self, percent: u32) -> Self;

    /// The nearest that can be.
    #[must_use]
    fn within(self) -> Self;

    /// It in whole numbers; times in microseconds.
    fn values(self) -> Vec<u64>;

    /// What [`values`](Self::values) were made of: takes as many as it needs.
    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self>;
}

impl Number for Duration {
    fn scaled(self, percent: u32) -> Self {
        self.saturating_mul(percent) / 100
    }

    fn within(self) -> Self {
        self.clamp(TIMES.0, TIMES.1)
    }

    fn values(self) -> Vec<u64> {
        vec![u64::try_from(self.as_micros()).unwrap_or(u64::MAX)]
    }

    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self> {
        values.next().copied().map(Self::from_micros)
    }
}

impl Number for u32 {
    fn scaled(self, percent: u32) -> Self {
        (self.saturating_mul(percent) / 100).max(1)
    }

    fn within(self) -> Self {
        self.clamp(1, COUNT_MAX)
    }

    fn values(self) -> Vec<u64> {
        vec![self.into()]
    }

    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self> {
        values.next().and_then(|value| Self::try_from(*value).ok())
    }
}

impl Number for u64 {
    fn scaled(self, percent: u32) -> Self {
        (self.saturating_mul(percent.into()) / 100).max(1)
    }

    fn within(self) -> Self {
        self.clamp(1, SIZE_MAX)
    }

    fn values(self) -> Vec<u64> {
        vec![self]
    }

    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self> {
        values.next().copied()
    }
}

impl Number for usize {
    fn scaled(self, percent: u32) -> Self {
        let percent = Self::try_from(percent).unwrap_or(Self::MAX);
        (self.saturating_mul(percent) / 100).max(1)
    }

    fn within(self) -> Self {
        self.clamp(1, Self::try_from(COUNT_MAX).unwrap_or(Self::MAX))
    }

    fn values(self) -> Vec<u64> {
        vec![u64::try_from(self).unwrap_or(u64::MAX)]
    }

    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self> {
        values.next().and_then(|value| Self::try_from(*value).ok())
    }
}

impl<A: Number, B: Number> Number for (A, B) {
    fn scaled(self, percent: u32) -> Self {
        (self.0.scaled(percent), self.1.scaled(percent))
    }

    fn within(self) -> Self {
        (self.0.within(), self.1.within())
    }

    fn values(self) -> Vec<u64> {
        let (mut values, others) = (self.0.values(), self.1.values());
        values.extend(others);
        values
    }

    fn take(values: &mut std::slice::Iter<'_, u64>) -> Option<Self> {
        Some((A::take(values)?, B::take(values)?))
    }
}

/// Two bounds of which the first is the lesser.
pub fn in_order<T: Ord + Copy>(bounds: (T, T)) -> (T, T) {
    (bounds.0, bounds.1.max(bounds.0))
}

/// Writes down each number of a `Tuning` once: what it means, its name, its kind and its default.
#[macro_export]
macro_rules! numbers {
    ($(#[$about:meta])* pub struct Tuning {
        $($(#[$meaning:meta])* $name:ident: $kind:ty = $usual:expr;)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Tuning {
            $($(#[$meaning])* pub $name: $kind,)*
        }

        impl Default for Tuning {
            fn default() -> Self {
                Self { $($name: $usual,)* }
            }
        }

        impl Tuning {
            /// The names of all of them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Makes the number of this name so many percent of what it is, one at least; whether there is one.
            pub fn scale(&mut self, name: &str, percent: u32) -> bool {
                match name {
                    $(stringify!($name) => self.$name = $crate::Number::scaled(self.$name, percent),)*
                    _ => return false,
                }
                true
            }

            /// Each by its name, in whole numbers: times in microseconds, two where one has two.
            pub fn values(&self) -> Vec<(&'static str, Vec<u64>)> {
                vec![$((stringify!($name), $crate::Number::values(self.$name))),*]
            }

            /// Sets the number of this name to such [`values`](Self::values); whether there is one, and it takes them.
            pub fn set(&mut self, name: &str, values: &[u64]) -> bool {
                let mut values = values.iter();
                match name {
                    $(stringify!($name) => match $crate::Number::take(&mut values) {
                        Some(number) if values.as_slice().is_empty() => self.$name = number,
                        _ => return false,
                    },)*
                    _ => return false,
                }
                true
            }

            /// Each within what a number of its kind can be.
            fn each_within(self) -> Self {
                Self { $($name: $crate::Number::within(self.$name),)* }
            }
        }
    };
}
