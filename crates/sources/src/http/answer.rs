//! What a server's answer means: a pure look at status and headers.
//!
//! What must stay true: bytes are used only if the answer says that they are the asked file's, with its
//! length in the content and from the asked place (RFC 9110 sections 14 and 15).

use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    LOCATION, RETRY_AFTER,
};

use super::retry_after;
use crate::Lack;
use swarmcopy_address::Shown;

/// What was asked for: bytes `from..to` of a file of `len` bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) len: u64,
    /// The tag that was sent with `If-Range`.
    pub(super) etag: Option<&'a str>,
    /// Whether HTML is what the file's name promises.
    pub(super) html: bool,
}

/// Why a file is not taken from a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Status(u16),
    Total(u64),
    Html,
    Encoded,
    /// The server sends the file from its beginning alone, and its answers break off.
    BreaksOff,
    /// The server sends the file from its beginning alone, and between two answers the file became another.
    Changed,
    /// The server sends the file from its beginning alone, and what comes too early cannot be kept.
    Spool(std::io::ErrorKind),
    OtherRange,
    NoAddress,
    /// The code of an FTP server's reply.
    #[cfg(feature = "ftp")]
    Reply(u32),
    /// A name that no FTP command can hold.
    #[cfg(feature = "ftp")]
    Name,
    Redirects,
    Redirect,
    Private,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Its body is the file from `start` to `end`; `whole` if the server ignored the range, and `end` is
    /// only hoped for if it told no length.
    Bytes { start: u64, end: u64, whole: bool },
    /// The file is elsewhere.
    Moved(Shown<String>),
    /// The file changed since its tag was learnt.
    Changed,
    /// The file is not to be had.
    Refused(Refusal),
    /// The server wants to be left alone.
    Busy {
        what: String,
        retry_after: Option<Duration>,
    },
    /// The server lets this machine not in.
    Closed(String),
    /// The server is of no use.
    Broken(String),
}

/// Says what an answer means, told at `now`.
pub(super) fn read(
    status: StatusCode,
    headers: &HeaderMap,
    asked: &Asked<'_>,
    now: SystemTime,
) -> Answer {
    match status.as_u16() {
        200 => whole(headers, asked),
        206 => partial(headers, asked),
        301 | 302 | 303 | 307 | 308 => match text(headers, &LOCATION) {
            Some(location) => Answer::Moved(Shown(location.to_owned())),
            None => Answer::Refused(Refusal::Redirect),
        },
        code @ (408 | 429 | 502 | 503 | 504) => Answer::Busy {
            what: words(code),
            retry_after: text(headers, &RETRY_AFTER)
                .and_then(|value| retry_after::parse(value, now)),
        },
        code @ (401 | 407) => Answer::Closed(words(code)),
        code @ 500.. => Answer::Broken(words(code)),
        code => Answer::Refused(Refusal::Status(code)),
    }
}

/// The strong entity tag of an answer.
pub(super) fn strong_etag(headers: &HeaderMap) -> Option<&str> {
    text(headers, &ETAG).filter(|tag| tag.starts_with('"') && tag.len() > 1 && tag.ends_with('"'))
}

fn whole(headers: &HeaderMap, asked: &Asked<'_>) -> Answer {
    let told = text(headers, &CONTENT_LENGTH).and_then(|len| len.parse::<u64>().ok());
    let refusal = match told {
        Some(len) if len == asked.len => None,
        _ if is_encoded(headers) => Some(Refusal::Encoded),
        _ if !asked.html && is_html(headers) => Some(Refusal::Html),
        Some(len) => Some(Refusal::Total(len)),
        None => None,
    };
    if let Some(refusal) = refusal {
        return Answer::Refused(refusal);
    }
    if asked.etag.is_some() && strong_etag(headers) != asked.etag {
        return Answer::Changed;
    }
    Answer::Bytes {
        start: 0,
        end: asked.len,
        whole: true,
    }
}

fn partial(headers: &HeaderMap, asked: &Asked<'_>) -> Answer {
    let Some((start, end, total)) = text(headers, &CONTENT_RANGE).and_then(content_range) else {
        return Answer::Refused(Refusal::OtherRange);
    };
    match total {
        Some(total) if total != asked.len => Answer::Refused(Refusal::Total(total)),
        None if is_encoded(headers) => Answer::Refused(Refusal::Encoded),
        _ if start != asked.from || end > asked.len => Answer::Refused(Refusal::OtherRange),
        _ => Answer::Bytes {
            start,
            end,
            whole: false,
        },
    }
}

/// First byte, end and total of `bytes 0-9/100`; the total may be `*`.
fn content_range(value: &str) -> Option<(u64, u64, Option<u64>)> {
    let (unit, range) = value.trim().split_once(' ')?;
    let (range, total) = range.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse::<u64>().ok()?),
    };
    let sane = unit.eq_ignore_ascii_case("bytes") && first <= last;
    sane.then_some((first, last.checked_add(1)?, total))
}

fn is_encoded(headers: &HeaderMap) -> bool {
    text(headers, &CONTENT_ENCODING)
        .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
}

fn is_html(headers: &HeaderMap) -> bool {
    let kind = text(headers, &CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn words(code: u16) -> String {
    let reason = StatusCode::from_u16(code)
        .ok()
        .and_then(|code| code.canonical_reason());
    format!("{code} {}", reason.unwrap_or("(no words)"))
}

impl Refusal {
    /// Whether the file is not there, or not for this machine.
    pub(crate) fn lack(self) -> Lack {
        match self {
            Self::Status(401 | 402 | 403 | 407 | 451) | Self::Html | Self::Private => Lack::Barred,
            _ => Lack::Absent,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => f.write_str(&words(*code)),
            Self::Total(len) => write!(f, "a file of {len} bytes"),
            Self::Html => f.write_str("a web page (perhaps a login) instead of the file"),
            Self::Encoded => f.write_str("compressed though asked for plain bytes"),
            Self::BreaksOff => {
                f.write_str("breaks off each time, and comes from its beginning alone")
            }
            Self::Changed => f.write_str("changed meanwhile, and comes from its beginning alone"),
            Self::Spool(error) => write!(
                f,
                "comes from its beginning alone, and what comes early cannot be kept: {error}"
            ),
            Self::OtherRange => f.write_str("other bytes than asked for"),
            #[cfg(feature = "ftp")]
            Self::Reply(code) => write!(f, "the server says {code}"),
            #[cfg(feature = "ftp")]
            Self::Name => f.write_str("a name that FTP cannot say"),
            Self::NoAddress => f.write_str("no address of it"),
            Self::Redirects => f.write_str("too many redirects"),
            Self::Redirect => f.write_str("a redirect to nowhere"),
            Self::Private => f.write_str("a redirect to a private address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked {
        from: 100,
        to: 200,
        len: 1000,
        etag: None,
        html: false,
    };

    fn answer(status: u16, headers: &[(&'static str, &str)], asked: &Asked<'_>) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        read(
            StatusCode::from_u16(status).unwrap(),
            &map,
            asked,
            SystemTime::UNIX_EPOCH,
        )
    }

    fn refused(status: u16, headers: &[(&'static str, &str)]) -> Refusal {
        match answer(status, headers, &ASKED) {
            Answer::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_partial_answer_must_start_where_asked_and_have_the_right_total() {
        let range = |value: &str| answer(206, &[("content-range", value)], &ASKED);
        let good = |end| Answer::Bytes {
            start: 100,
            end,
            whole: false,
        };
        assert_eq!(range("bytes 100-199/1000"), good(200));
        assert_eq!(range("bytes 100-149/*"), good(150));
        assert_eq!(range("bytes 100-999/1000"), good(1000));
        for other in [
            "bytes 0-199/1000",
            "bytes 101-199/1000",
            "bytes 100-1000/1000",
            "bytes 200-100/1000",
            "bytes */1000",
            "items 100-199/1000",
            "",
            "bytes 100-18446744073709551615/*",
        ] {
            assert_eq!(
                range(other),
                Answer::Refused(Refusal::OtherRange),
                "{other}"
            );
        }
        assert_eq!(
            range("bytes 100-199/999"),
            Answer::Refused(Refusal::Total(999))
        );
        assert_eq!(refused(206, &[]), Refusal::OtherRange);
    }

    #[test]
    fn a_whole_answer_must_have_the_right_length_if_it_tells_one() {
        let plain = Answer::Bytes {
            start: 0,
            end: 1000,
            whole: true,
        };
        assert_eq!(answer(200, &[("content-length", "1000")], &ASKED), plain);
        assert_eq!(answer(200, &[], &ASKED), plain);
        assert_eq!(
            refused(200, &[("content-length", "999")]),
            Refusal::Total(999)
        );
    }

    #[test]
    fn a_web_page_is_taken_only_where_the_name_or_length_promises_one() {
        let page = [("content-type", "text/html; charset=utf-8")];
        assert_eq!(refused(200, &page), Refusal::Html);
        let exact = [("content-type", "text/html"), ("content-length", "1000")];
        assert!(matches!(answer(200, &exact, &ASKED), Answer::Bytes { .. }));
        let html = Asked {
            html: true,
            ..ASKED
        };
        assert!(matches!(answer(200, &page, &html), Answer::Bytes { .. }));
    }

    #[test]
    fn compressed_bytes_are_taken_only_with_the_files_own_length() {
        assert_eq!(
            refused(200, &[("content-encoding", "gzip")]),
            Refusal::Encoded
        );
        let gz = [("content-encoding", "x-gzip"), ("content-length", "1000")];
        assert!(matches!(answer(200, &gz, &ASKED), Answer::Bytes { .. }));
    }

    #[test]
    fn a_failed_if_range_means_a_changed_file() {
        let asked = Asked {
            etag: Some("\"a\""),
            ..ASKED
        };
        assert_eq!(answer(200, &[("etag", "\"b\"")], &asked), Answer::Changed);
        assert!(matches!(
            answer(200, &[("etag", "\"a\"")], &asked),
            Answer::Bytes { .. }
        ));
        let mut headers = HeaderMap::new();
        headers.insert("etag", "W/\"a\"".parse().unwrap());
        assert_eq!(strong_etag(&headers), None);
    }

    #[test]
    fn statuses_say_whose_fault_it_is() {
        for code in [400, 403, 404, 410, 416, 451] {
            assert_eq!(refused(code, &[]), Refusal::Status(code));
        }
        for code in [429, 502, 503, 504] {
            let wait = Some(Duration::from_secs(7));
            let told = answer(code, &[("retry-after", "7")], &ASKED);
            assert!(
                matches!(told, Answer::Busy { retry_after, .. } if retry_after == wait),
                "{code}"
            );
        }
        for (code, closed) in [(401, true), (407, true), (500, false), (501, false)] {
            match answer(code, &[], &ASKED) {
                Answer::Closed(_) => assert!(closed, "{code}"),
                Answer::Broken(_) => assert!(!closed, "{code}"),
                other => panic!("{code}: {other:?}"),
            }
        }
        for (refusal, lack) in [
            (Refusal::Status(403), Lack::Barred),
            (Refusal::Html, Lack::Barred),
            (Refusal::Status(404), Lack::Absent),
            (Refusal::OtherRange, Lack::Absent),
        ] {
            assert_eq!(refusal.lack(), lack, "{refusal}");
        }
        assert_eq!(refused(302, &[]), Refusal::Redirect);
        assert_eq!(refused(302, &[]).to_string(), "a redirect to nowhere");
    }
}
