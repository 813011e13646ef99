//! Headers of servers and a user's logins, made up.

use std::time::{Duration, SystemTime};

use arbitrary::Arbitrary;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::answer::{self, Answer, Asked};
use super::netrc::Netrc;
use super::retry_after::{self, RETRY_AFTER_MAX};
use crate::fuzzing::made_of;

#[derive(Debug, Arbitrary)]
enum Word {
    Machine(String),
    Default,
    Login(String),
    Password(String),
    Quoted(String),
    Account(String),
    Macro(Vec<String>),
    Comment(String),
    Text(String),
    Line,
}

fn put(word: &Word, text: &mut String) {
    match word {
        Word::Machine(host) => text.extend(["machine ", host]),
        Word::Default => text.push_str("default"),
        Word::Login(user) => text.extend(["login ", user]),
        Word::Password(password) => text.extend(["password ", password]),
        Word::Quoted(password) => {
            let escaped = password.replace('\\', "\\\\").replace('"', "\\\"");
            text.extend(["password \"", &escaped, "\""]);
        }
        Word::Account(account) => text.extend(["account ", account]),
        Word::Macro(lines) => {
            text.push_str("macdef init\n");
            for line in lines {
                text.extend([line, "\n"]);
            }
            text.push('\n');
        }
        Word::Comment(words) => text.extend(["# ", words, "\n"]),
        Word::Text(words) => text.push_str(words),
        Word::Line => text.push('\n'),
    }
    text.push(' ');
}

/// A file of logins in any words: no password is shown, and an entry that stands before it all is found.
pub fn netrc(bytes: &[u8]) {
    let Some(words) = made_of::<Vec<Word>>(bytes) else {
        return;
    };
    let mut text = "machine honest.example login me password S3CR3T\n".to_owned();
    words.iter().for_each(|word| put(word, &mut text));
    let netrc = Netrc::parse(&text);
    let login = netrc
        .login("Honest.Example")
        .map(|login| login.user.as_str());
    // what follows may add to the entry
    assert!(login.is_some());
    assert!(!format!("{netrc:?}").contains("S3CR3T"));
    for word in &words {
        if let Word::Machine(host) = word {
            // whatever comes of it, it is looked for without harm
            let _ = netrc.login(host);
            let _ = netrc.login_of(host, "me");
        }
    }
}

#[derive(Debug, Arbitrary)]
enum Pause {
    Seconds(u64),
    Date {
        day: u8,
        month: u8,
        year: u64,
        hour: u8,
        minute: u8,
        second: u8,
    },
    Text(String),
    Time(u32),
}

/// Any `Retry-After` at any time: a pause within the limit, or none.
pub fn retry_after(bytes: &[u8]) {
    let Some((pause, now)) = made_of::<(Pause, u32)>(bytes) else {
        return;
    };
    const MONTHS: [&str; 13] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Foo",
    ];
    let value = match &pause {
        Pause::Seconds(seconds) => seconds.to_string(),
        Pause::Date {
            day,
            month,
            year,
            hour,
            minute,
            second,
        } => {
            let month = MONTHS[usize::from(*month) % MONTHS.len()];
            format!("Sun, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
        }
        Pause::Text(text) => text.clone(),
        Pause::Time(seconds) => httpdate::fmt_http_date(since_1970(*seconds)),
    };
    let told = retry_after::parse(&value, since_1970(now));
    assert!(told.is_none_or(|pause| pause <= RETRY_AFTER_MAX));
    let right = match pause {
        Pause::Seconds(seconds) => seconds,
        Pause::Time(seconds) => u64::from(seconds.saturating_sub(now)),
        Pause::Date { .. } | Pause::Text(_) => return,
    };
    assert_eq!(told, Some(Duration::from_secs(right).min(RETRY_AFTER_MAX)));
}

fn since_1970(seconds: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into())
}

#[derive(Debug, Arbitrary)]
enum Header {
    Range {
        first: u64,
        last: u64,
        total: Option<u64>,
    },
    RangeText(String),
    Length(u64),
    LengthText(String),
    Tag(String),
    Kind(bool),
    Encoding(bool),
    Location(String),
    RetryAfter(String),
}

fn pair(header: &Header) -> (HeaderName, String) {
    match header {
        Header::Range { first, last, total } => {
            let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
            (
                header::CONTENT_RANGE,
                format!("bytes {first}-{last}/{total}"),
            )
        }
        Header::RangeText(text) => (header::CONTENT_RANGE, text.clone()),
        Header::Length(len) => (header::CONTENT_LENGTH, len.to_string()),
        Header::LengthText(text) => (header::CONTENT_LENGTH, text.clone()),
        Header::Tag(tag) => (header::ETAG, format!("\"{tag}\"")),
        Header::Kind(html) => {
            let kind = if *html { "text/html" } else { "application/x" };
            (header::CONTENT_TYPE, kind.to_owned())
        }
        Header::Encoding(packed) => {
            let coding = if *packed { "gzip" } else { "identity" };
            (header::CONTENT_ENCODING, coding.to_owned())
        }
        Header::Location(url) => (header::LOCATION, url.clone()),
        Header::RetryAfter(text) => (header::RETRY_AFTER, text.clone()),
    }
}

/// Any answer to a range that was asked for: what is taken of it lies in the file and begins where it was asked.
pub fn content_range(bytes: &[u8]) {
    type Made = ((u32, u32, u32), u16, Option<String>, bool, Vec<Header>);
    let Some(((from, to, len), status, etag, html, made)) = made_of::<Made>(bytes) else {
        return;
    };
    let len = u64::from(len).max(1);
    let from = u64::from(from) % len;
    let to = (from + 1 + u64::from(to) % len).min(len);
    let etag = etag.map(|tag| format!("\"{tag}\""));
    let asked = Asked {
        from,
        to,
        len,
        etag: etag.as_deref(),
        html,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in made.iter().map(pair) {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    let status = StatusCode::from_u16(100 + status % 500).unwrap_or(StatusCode::PARTIAL_CONTENT);
    match answer::read(status, &headers, &asked, SystemTime::UNIX_EPOCH) {
        Answer::Bytes { start, end, whole } => {
            assert!(start <= end && end <= len && start == if whole { 0 } else { from });
        }
        Answer::Busy { retry_after, .. } => {
            assert!(retry_after.is_none_or(|pause| pause <= RETRY_AFTER_MAX));
        }
        _ => {}
    }
}
