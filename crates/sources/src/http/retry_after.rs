//! `Retry-After` (RFC 9110 section 10.2.3): seconds or a date.

use std::time::{Duration, SystemTime};

/// Longest pause that a server is granted; it may ask again. A server that is well again before the
/// hours it asked for is not left alone that long.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub(super) const retry_after_max: Duration = Duration::from_secs(30);

/// Reads the header's value, told at `now`. A date in the past is no pause; nonsense is none at all.
pub(super) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let delay = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Duration::from_secs(date_seconds(value)?).saturating_sub(since_1970)
    };
    Some(delay.min(retry_after_max))
}

/// Seconds from 1970 to `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may send.
fn date_seconds(date: &str) -> Option<u64> {
    let (_, date) = date.split_once(", ")?;
    let mut words = date.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (
        clock.next()?.ok()?,
        clock.next()?.ok()?,
        clock.next()?.ok()?,
    );
    let sane = (1..=31).contains(&day) && (1970..10_000).contains(&year) && hour < 24;
    if !sane || minute > 59 || second > 60 || words.next() != Some("GMT") {
        return None;
    }
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let at = months.iter().position(|name| *name == month)?;
    let days = days_before(year, u64::try_from(at).ok()?) + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days from 1970 to the first of the month (0 = January) of `year`.
fn days_before(year: u64, month: u64) -> u64 {
    // counted in years that begin in March, so that the leap day is the last
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days_since_0 = year * 365 + leap_days + (month * 153 + 2) / 5;
    days_since_0.saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(parse(" 12 ", at(0)), Some(Duration::from_secs(12)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"; // 784111777 by RFC 9110's example
        assert_eq!(
            parse(date, at(784_111_777 - 30)),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse(date, at(784_111_777 + 30)), Some(Duration::ZERO));
        let leap = "Thu, 29 Feb 2024 00:00:00 GMT";
        assert_eq!(
            parse(leap, at(1_709_164_800 - 1)),
            Some(Duration::from_secs(1))
        );
        let epoch = "Thu, 01 Jan 1970 00:00:07 GMT";
        assert_eq!(parse(epoch, at(0)), Some(Duration::from_secs(7)));
    }

    #[test]
    fn nonsense_is_no_pause_and_long_ones_are_cut() {
        for bad in [
            "",
            "soon",
            "-1",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999 08:49:37 GMT",
            "Sun, 06 Nov 1994 8 GMT",
        ] {
            assert_eq!(parse(bad, at(0)), None, "{bad}");
        }
        for long in [
            &u64::MAX.to_string(),
            "100000",
            "Sun, 06 Nov 2094 08:49:37 GMT",
        ] {
            assert_eq!(parse(long, at(0)), Some(retry_after_max));
        }
    }
}
