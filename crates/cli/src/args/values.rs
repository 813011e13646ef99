//! Values of flags: sizes, rates, durations, locations.
//!
//! What must stay true: a value that could be meant in two ways is refused with both readings, no number
//! wraps round, and what is said of an address does not repeat it.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use swarmcopy::{GROUP_LEN_MAX, MACHINE_NAME_LEN_MAX};

/// Longest name of a service.
const SERVICE_LEN_MAX: usize = 80;

/// A number of bytes a second, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// As fast as it goes.
    Max,
    /// This many bytes a second.
    Bytes(u64),
}

impl Rate {
    /// The limit in bytes a second, if there is one.
    pub(crate) fn limit(self) -> Option<u64> {
        match self {
            Self::Max => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// Parses the name of a service.
pub(crate) fn service(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && text.len() <= SERVICE_LEN_MAX && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a name of letters, digits, - _ and ., at most {SERVICE_LEN_MAX} of them"
        ))
    }
}

/// Parses a size such as `4MiB`, `1.5G` or `65536`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text)?;
    let factor = unit_bytes(unit).ok_or_else(|| unknown_unit(unit))?;
    scale(number, factor)
}

/// Parses a rate such as `50M`, `400Mbit` or `max`.
pub(crate) fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    let text = text.strip_suffix("/s").unwrap_or(text);
    let (number, unit) = split(text)?;
    let bytes = match unit
        .strip_suffix("bit")
        .or_else(|| unit.strip_suffix("bps"))
    {
        Some(prefix) => {
            let factor = unit_bytes(prefix).filter(|_| !prefix.ends_with(['B', 'b']));
            scale(number, factor.ok_or_else(|| unknown_unit(unit))?)? / 8
        }
        None => scale(number, unit_bytes(unit).ok_or_else(|| unknown_unit(unit))?)?,
    };
    if bytes == 0 {
        Err("a rate must not be 0".to_owned())
    } else {
        Ok(Rate::Bytes(bytes))
    }
}

/// Parses a duration such as `30s`, `1h30m` or `500ms`; a plain number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: write 30s, 10m, 2h or 1h30m");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let ms = number.checked_mul(unit_ms).ok_or_else(wrong)?;
        total = total
            .checked_add(Duration::from_millis(ms))
            .ok_or_else(wrong)?;
        rest = after;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// Parses an address to listen on; `:6881` means all IPv4 addresses.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix(':').and_then(|port| port.parse().ok()) {
        return Ok((Ipv4Addr::UNSPECIFIED, port).into());
    }
    text.parse()
        .map_err(|_| "it is no ADDR:PORT, such as 0.0.0.0:6881".to_owned())
}

/// Parses the address of a peer; names are looked up later.
pub(crate) fn peer(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let port = port
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .filter(|port| *port != 0);
    port.map(|_| text.to_owned())
        .ok_or_else(|| "it is no HOST:PORT".to_owned())
}

/// Parses the URL of a mirror.
pub(crate) fn mirror(text: &str) -> Result<String, String> {
    url(text, &["http", "https", "ftp", "ftps"])
}

/// Parses the URL of a tracker.
pub(crate) fn tracker(text: &str) -> Result<String, String> {
    url(text, &["http", "https", "udp"])
}

/// Parses a number of connections.
pub(crate) fn connections(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=1000).contains(number));
    number.ok_or_else(|| format!("{text:?} is no number from 1 to 1000"))
}

/// Parses the name of a group.
pub(crate) fn group(text: &str) -> Result<String, String> {
    if text.len() <= GROUP_LEN_MAX {
        Ok(text.to_owned())
    } else {
        let len = text.len();
        Err(format!(
            "a group's name has at most {GROUP_LEN_MAX} bytes, this one has {len}"
        ))
    }
}

/// Parses what a machine calls itself.
pub(crate) fn machine_name(text: &str) -> Result<String, String> {
    let len = text.len();
    if text.trim().is_empty() || text.contains(char::is_control) {
        Err("a machine's name has letters, and no control characters".to_owned())
    } else if len > MACHINE_NAME_LEN_MAX {
        Err(format!(
            "a machine's name has at most {MACHINE_NAME_LEN_MAX} bytes, this one has {len}"
        ))
    } else {
        Ok(text.to_owned())
    }
}

/// Parses a country as metalinks name it.
pub(crate) fn country(text: &str) -> Result<String, String> {
    let code = text.trim().to_ascii_lowercase();
    if code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_lowercase()) {
        Ok(code)
    } else {
        Err("a country is two letters, as de".to_owned())
    }
}

/// Parses the location of a share: a path. What other locations there are is said.
pub(crate) fn share() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(share_path)
}

fn share_path(text: OsString) -> Result<PathBuf, String> {
    let lower = text.to_string_lossy().to_ascii_lowercase();
    if lower.starts_with("smb://") {
        return Err("smb:// locations are not built yet: mount the share and give its path".into());
    }
    if ["http://", "https://", "ftp://", "ftps://"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
    {
        return Err("a URL is a mirror: give it with --mirror".into());
    }
    if lower.is_empty() {
        Err("an empty path".into())
    } else {
        Ok(text.into())
    }
}

fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let scheme = text
        .split_once("://")
        .filter(|(_, rest)| !rest.is_empty() && !rest.starts_with('/'));
    match scheme {
        Some((scheme, _)) if schemes.contains(&scheme.to_ascii_lowercase().as_str()) => {
            Ok(text.to_owned())
        }
        _ => Err(format!(
            "a URL that begins with {} is wanted",
            schemes.join("://, ") + "://"
        )),
    }
}

/// The number and the unit behind it.
fn split(text: &str) -> Result<(&str, &str), String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        Err(format!("{text:?} is no number"))
    } else {
        Ok((number, unit.trim()))
    }
}

fn unit_bytes(unit: &str) -> Option<u64> {
    Some(match unit {
        "" | "B" => 1,
        "K" | "k" | "KB" | "kB" => 1000,
        "M" | "MB" => 1_000_000,
        "G" | "g" | "GB" => 1_000_000_000,
        "T" | "t" | "TB" => 1_000_000_000_000,
        "KiB" | "Ki" => 1 << 10,
        "MiB" | "Mi" => 1 << 20,
        "GiB" | "Gi" => 1 << 30,
        "TiB" | "Ti" => 1 << 40,
        _ => return None,
    })
}

fn unknown_unit(unit: &str) -> String {
    match unit {
        "Kb" | "kb" | "Mb" | "mb" | "Gb" | "gb" => {
            format!("{unit:?}: bytes or bits? write for example MB or Mbit")
        }
        "m" => "\"m\": write M for 1,000,000 or MiB for 1,048,576".to_owned(),
        _ => format!("unknown unit {unit:?}: write K, M, G, T (decimal) or KiB, MiB, GiB, TiB"),
    }
}

/// The decimal `number` times `factor`, rounded down.
fn scale(number: &str, factor: u64) -> Result<u64, String> {
    let wrong = || format!("{number:?} is no number that fits");
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return Err(wrong());
    }
    let digits = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    let whole: u128 = whole.parse().map_err(|_| wrong())?;
    let part: u128 = fraction.parse().map_err(|_| wrong())?;
    let factor = u128::from(factor);
    let bytes = whole
        .checked_mul(factor)
        .and_then(|bytes| bytes.checked_add(part * factor / 10_u128.pow(digits)));
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_no_message_has_room_for_is_refused() {
        assert!(group(&"ü".repeat(32)).is_ok());
        let refused = group(&"ü".repeat(33)).unwrap_err();
        assert!(
            refused.contains("64") && refused.contains("66"),
            "{refused}"
        );
    }

    #[test]
    fn sizes_are_decimal_unless_they_say_otherwise() {
        let sizes = [
            ("65536", 65_536),
            ("1M", 1_000_000),
            ("1MiB", 1 << 20),
            ("1.5G", 1_500_000_000),
            ("0.5KiB", 512),
            ("2T", 2_000_000_000_000),
            ("16KiB", 16 << 10),
            ("3 GB", 3_000_000_000),
        ];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn sizes_that_make_no_sense_are_refused() {
        for text in [
            "",
            "M",
            "-1",
            "1.",
            ".5",
            "1.2.3",
            "1X",
            "1m",
            "1Mb",
            "99999999T",
            "1Mbit",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_bytes_unless_they_say_bit() {
        let rates = [
            ("50M", 50_000_000),
            ("400Mbit", 50_000_000),
            ("1Gbit/s", 125_000_000),
            ("30MB/s", 30_000_000),
            ("8bit", 1),
            ("1MiB/s", 1 << 20),
        ];
        for (text, bytes) in rates {
            assert_eq!(rate(text), Ok(Rate::Bytes(bytes)), "{text}");
        }
        assert_eq!(rate("max"), Ok(Rate::Max));
        for text in ["0", "4bit", "10Mb", "1MBbit", "fast", ""] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_add_up() {
        let durations = [
            ("30s", 30_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("0", 0),
            ("45", 45_000),
        ];
        for (text, ms) in durations {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "s",
            "10x",
            "1h30",
            "-5s",
            "99999999999999999999s",
            "9999999999999999999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn locations_of_other_kinds_say_what_to_do() {
        assert!(
            share_path("smb://server/x".into())
                .unwrap_err()
                .contains("not built yet")
        );
        assert!(
            share_path("HTTP://server/x".into())
                .unwrap_err()
                .contains("--mirror")
        );
        assert_eq!(
            share_path("//server/x".into()),
            Ok(PathBuf::from("//server/x"))
        );
        assert!(mirror("server/x").is_err() && mirror("https://server/x").is_ok());
        assert!(tracker("http://").is_err() && tracker("udp://t:6969").is_ok());
    }

    #[test]
    fn addresses_need_a_port() {
        assert_eq!(listen(":6881"), Ok("0.0.0.0:6881".parse().unwrap()));
        assert_eq!(listen("[::1]:0"), Ok("[::1]:0".parse().unwrap()));
        assert!(listen("6881").is_err() && listen("host:1").is_err());
        assert!(peer("lab-7:6881").is_ok() && peer("[::1]:6881").is_ok());
        assert!(peer("lab-7").is_err() && peer("lab-7:0").is_err() && peer(":6881").is_err());
    }
}
