//! `Retry-After` (RFC 9110 section 10.2.3): seconds or a date.

use std::time::{Duration, SystemTime};

/// Longest pause that a server is granted; it may ask again. A server that is well again before the
/// hours it asked for is not left alone that long.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Reads the header's value, told at `now`. A date in the past is no pause; nonsense is none at all.
pub(super) fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let delay = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = httpdate::parse_http_date(value).ok()?;
        at.duration_since(now).unwrap_or_default()
    };
    Some(delay.min(RETRY_AFTER_MAX))
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
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(bad, at(0)), None, "{bad}");
        }
        for long in [
            &u64::MAX.to_string(),
            "100000",
            "Sat, 06 Nov 2094 08:49:37 GMT",
        ] {
            assert_eq!(parse(long, at(0)), Some(RETRY_AFTER_MAX));
        }
    }
}
