//! Numbers for people: sizes, rates, durations, hashes.

use std::fmt::Write as _;
use std::time::Duration;

/// A size in decimal units with three digits: `4.21 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1000, "kB"),
    ];
    // a number that would round up to the next unit's 1.00 still stands as 1000 of the smaller
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let whole = bytes / unit;
    let hundredths = bytes % unit * 100 / unit;
    match whole {
        0..=9 => format!("{whole}.{hundredths:02} {name}"),
        10..=99 => format!("{whole}.{} {name}", hundredths / 10),
        _ => format!("{whole} {name}"),
    }
}

/// A rate: `112 MB/s`.
pub(crate) fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// A piece length in binary units: `4 MiB`.
pub(crate) fn piece_len(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// A time left, as a clock shows it: `0:14`, `1:02:03`.
pub(crate) fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A time taken: `0.07 s`, `12.3 s`, `3 min 20 s`.
pub(crate) fn taken(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{seconds}.{:02} s", time.subsec_millis() / 10),
        10..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Whole percents, 100 only when all is there.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    let percent = u128::from(part.min(whole)) * 100 / u128::from(whole.max(1));
    if whole == 0 {
        100
    } else {
        u64::try_from(percent).unwrap_or(100)
    }
}

/// How many seconds `bytes` take at `rate`, unless nothing moves.
pub(crate) fn seconds_left(bytes: u64, rate: u64) -> Option<u64> {
    (rate > 0).then(|| bytes.div_ceil(rate.max(1)))
}

/// Seconds for JSON, in milliseconds' resolution.
pub(crate) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// A ratio for JSON, in ten-thousandths.
pub(crate) fn ratio(ratio: f64) -> f64 {
    (ratio * 10_000.0).round() / 10_000.0
}

/// Numbers in a row: `0 2`; `-` if there is none.
pub(crate) fn numbers(numbers: &[u32]) -> String {
    if numbers.is_empty() {
        return "-".to_owned();
    }
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(" ")
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A count with its noun: `1 file`, `12 files`.
pub(crate) fn count(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// A moment in UTC, such as `2026-11-29 12:30 UTC`.
pub(crate) fn date(at: std::time::SystemTime) -> String {
    let since = at
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, seconds) = (since / 86_400, since % 86_400);
    // the civil calendar, with years that begin in March
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
    );
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
        seconds / 3600,
        seconds / 60 % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        let texts = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (4_215_000_000, "4.21 GB"),
            (56_789_000, "56.7 MB"),
            (999_999_999, "999 MB"),
            (u64::MAX, "18446744 TB"),
        ];
        for (number, text) in texts {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(piece_len(4 << 20), "4 MiB");
        assert_eq!(piece_len(16 << 10), "16 KiB");
        assert_eq!(piece_len(1_000_001), "1000001 bytes");
    }

    #[test]
    fn times_read_as_clocks_and_sentences() {
        assert_eq!(clock(14), "0:14");
        assert_eq!(clock(3723), "1:02:03");
        assert_eq!(taken(Duration::from_millis(66)), "0.06 s");
        assert_eq!(taken(Duration::from_millis(12_340)), "12.3 s");
        assert_eq!(taken(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(taken(Duration::from_mins(121)), "2 h 1 min");
    }

    #[test]
    fn a_hundred_percent_means_all() {
        assert_eq!(percent(999_999, 1_000_000), 99);
        assert_eq!(percent(5, 5), 100);
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }

    #[test]
    fn what_does_not_move_has_no_time_left() {
        assert_eq!(seconds_left(100, 0), None);
        assert_eq!(seconds_left(101, 100), Some(2));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| date(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00 UTC");
        assert_eq!(at(1_709_208_000), "2024-02-29 12:00 UTC");
        assert_eq!(at(1_795_952_999), "2026-11-29 11:49 UTC");
    }
}
