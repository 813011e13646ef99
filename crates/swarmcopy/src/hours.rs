//! Parts of the day in which origins may be read.

use std::fmt;
use std::str::FromStr;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A part of the day such as `18:00-06:00`, by the clock of the place; it may cross midnight. One
/// that ends where it begins is the whole day.
///
/// ```
/// let night: swarmcopy::Hours = "18:00-06:00".parse()?;
/// assert!(night.contains(23 * 60) && !night.contains(12 * 60));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// Whether that minute of the day lies in it.
    pub fn contains(self, minute: u16) -> bool {
        let Self { from, to } = self;
        if from < to {
            (from..to).contains(&minute)
        } else {
            minute >= from || minute < to
        }
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|_| plain)
        };
        let minute = |time: &str| {
            let (hour, minute) = time.split_once(':')?;
            let (hour, minute) = (number(hour)?, number(minute)?);
            let of_day = hour * 60 + minute;
            (minute < 60 && of_day <= DAY).then_some(of_day)
        };
        text.split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)))
            .map(|(from, to)| Self { from, to })
            .ok_or_else(|| format!("{text:?} is no part of a day: write HH:MM-HH:MM"))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        let ((h, m), (to_h, to_m)) = ((from / 60, from % 60), (to / 60, to % 60));
        write!(f, "{h:02}:{m:02}-{to_h:02}:{to_m:02}")
    }
}

/// Whether everybody who named hours names this minute; who named none agrees.
pub(crate) fn all_allow<'a>(named: impl Iterator<Item = &'a Vec<Hours>>, minute: u16) -> bool {
    let allows = |hours: &Vec<Hours>| hours.iter().any(|part| part.contains(minute));
    named.filter(|hours| !hours.is_empty()).all(allows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> Hours {
        text.parse().unwrap()
    }

    #[test]
    fn parts_of_a_day_are_read_back() {
        for text in ["18:00-06:00", "00:00-24:00", "09:05-17:59"] {
            assert_eq!(hours(text).to_string(), text);
        }
        for text in [
            "",
            "18-6",
            "25:00-06:00",
            "18:00",
            "18:60-19:00",
            "1:00-2:00",
            "24:01-01:00",
            "+1:00-02:00",
        ] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_minute_belongs_to_it_and_the_last_does_not() {
        let day = hours("08:00-17:30");
        assert!(day.contains(480) && day.contains(1049));
        assert!(!day.contains(479) && !day.contains(1050));
        let night = hours("22:00-06:00");
        assert!(night.contains(1320) && night.contains(0) && night.contains(359));
        assert!(!night.contains(360) && !night.contains(1319));
        assert!((0..DAY).all(|minute| hours("00:00-24:00").contains(minute)));
        assert!((0..DAY).all(|minute| hours("07:00-07:00").contains(minute)));
    }

    #[test]
    fn all_who_name_hours_must_agree() {
        let (night, late) = (vec![hours("18:00-06:00")], vec![hours("22:00-23:00")]);
        let both = [night.clone(), late, Vec::new()];
        assert!(all_allow(both.iter(), 22 * 60) && !all_allow(both.iter(), 20 * 60));
        let either = [[night, vec![hours("12:00-13:00")]].concat()];
        assert!(all_allow(either.iter(), 12 * 60) && !all_allow(either.iter(), 15 * 60));
        assert!(all_allow([].iter(), 0));
    }
}
