//! When something would be here: the one arithmetic of bytes, rates and times.

use std::time::Duration;

/// How long `bytes` take at `rate` bytes a second; `None` where that is not known.
pub(crate) fn time_at(bytes: u64, rate: u64) -> Option<Duration> {
    let micros = bytes.saturating_mul(1_000_000).checked_div(rate);
    micros.map(Duration::from_micros)
}

/// Bytes that come in this time at `rate` bytes a second.
pub(crate) fn bytes_in(time: Duration, rate: u64) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    rate.saturating_mul(millis) / 1000
}
