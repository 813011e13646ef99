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
        let auto = (bytes / AIM.as_secs()).max(64 * 1024);
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

    /// max(F / u_s, F / d_min, N F / (u_s + sum u_i)), after Kumar and Ross (2006).
    pub(crate) fn bound(self, machines: u64, bytes: u64) -> Option<Duration> {
        let (origin, link) = (self.origin?, self.link?);
        let micros =
            |bytes: u64, rate: u64| u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
        let together = origin.saturating_add(link.saturating_mul(machines));
        let bound = micros(bytes, origin)
            .max(micros(bytes, link))
            .max(micros(bytes.saturating_mul(machines), together));
        Some(Duration::from_micros(
            u64::try_from(bound).unwrap_or(u64::MAX),
        ))
    }
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
            .bound(machines, 1000)
            .unwrap()
            .as_secs()
        };
        assert_eq!(bound(100, 100, 4), 10); // the origin sends one copy
        assert_eq!(bound(500, 100, 4), 10); // each machine takes one copy
        assert_eq!(bound(1000, 1, 1000), 1000);
        assert_eq!(bound(1000, 1000, 1), 1);
        let open = Rates {
            origin: None,
            link: Some(1),
        };
        assert_eq!(open.bound(1, 1), None);
    }
}
