//! The rates of a rehearsal, and the least time in which it can be done at them.

use std::time::Duration;

use crate::{RehearsalOptions, RehearsalRate};

/// The time that the default rates aim at.
pub(crate) const AIM: Duration = Duration::from_secs(10);

/// Rates in bytes a second; `None` = unlimited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) origin: Option<u64>,
    pub(crate) link: Option<u64>,
}

impl Rates {
    pub(crate) fn of(options: &RehearsalOptions, bytes: u64) -> Self {
        let auto = usual_rate(bytes);
        let rate = |rate: RehearsalRate| match rate {
            RehearsalRate::Auto => Some(auto),
            RehearsalRate::Unlimited => None,
            RehearsalRate::Limited(rate) => Some(rate.max(1)),
        };
        Self {
            origin: rate(options.origin_rate),
            link: rate(options.link_rate),
        }
    }

    /// The least time for `machines` that start one after another.
    pub(crate) fn bound(self, machines: u64, bytes: u64, stagger: Duration) -> Option<Duration> {
        Some(least_time(
            (self.origin?, self.link?),
            (machines, bytes),
            stagger,
        ))
    }
}

/// The rate of origin and links where none is named: so that so many bytes take about 10 s at best.
pub fn usual_rate(bytes: u64) -> u64 {
    (bytes / AIM.as_secs()).max(64 * 1024)
}

/// The least time in which an origin and so many machines can have spread so many bytes to all, at these rates of
/// origin and links in bytes a second: max(F / u_s, F / d_min, N F / (u_s + sum u_i)), after Kumar and Ross (2006), for
/// machines that start one after another: the last takes its copy after it has come, and who is not there yet gives
/// nothing.
pub fn least_time(
    (origin, link): (u64, u64),
    (machines, bytes): (u64, u64),
    stagger: Duration,
) -> Duration {
    let micros = |bytes: u64, rate: u64| u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
    let step = stagger.as_micros();
    let last = step * u128::from(machines.saturating_sub(1));
    let wanted = u128::from(bytes) * u128::from(machines) * 1_000_000;
    // what everybody could have given until then, in bytes a second times microseconds
    let given = |at: u128| {
        let here = at.checked_div(step).map_or(u128::from(machines), |begun| {
            u128::from(machines).min(begun + 1)
        });
        // the first has given for `at`, the next for a step less, and so on
        let there = at * here - step * here * here.saturating_sub(1) / 2;
        u128::from(origin) * at + u128::from(link) * there
    };
    let (mut low, mut high) = (0, last + wanted / u128::from(origin.max(1)) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if given(middle) >= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let bound = micros(bytes, origin)
        .max(last + micros(bytes, link))
        .max(low);
    Duration::from_micros(u64::try_from(bound).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_slowest_of_three() {
        let bound = |origin, link, machines| {
            Rates {
                origin: Some(origin),
                link: Some(link),
            }
            .bound(machines, 1000, Duration::ZERO)
            .unwrap()
            .as_secs()
        };
        assert_eq!(bound(100, 100, 4), 10); // the origin sends one copy
        assert_eq!(bound(500, 100, 4), 10); // each machine takes one copy
        assert_eq!(bound(1000, 1, 1000), 1000);
        assert_eq!(bound(1000, 1000, 1), 1);
        assert_eq!(bound(1, 1, 3), 1000); // 3 F / (1 + 3): less than the origin's own time
        let open = Rates {
            origin: None,
            link: Some(1),
        };
        assert_eq!(open.bound(1, 1, Duration::ZERO), None);
    }

    #[test]
    fn who_comes_later_ends_later_and_gives_later() {
        let bound = |rates: (u64, u64), machines, stagger| {
            let (origin, link) = (Some(rates.0), Some(rates.1));
            let stagger = Duration::from_secs(stagger);
            Rates { origin, link }
                .bound(machines, 1000, stagger)
                .unwrap()
                .as_secs()
        };
        assert_eq!(bound((100, 100), 4, 0), 10);
        assert_eq!(bound((100, 100), 4, 5), 25, "the last comes after 15 s");
        // 100 machines, an origin of 100: 100,000 bytes; alone it gives 100 a second
        assert_eq!(bound((100, 10_000), 100, 0), 10);
        assert!(bound((100, 50), 100, 1) > bound((100, 50), 100, 0));
    }
}
