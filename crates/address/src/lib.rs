#![doc = include_str!("../README.md")]
//! Addresses as they may be shown: without logins, passkeys and the secrets of a query.
//!
//! What must stay true: nothing of a login and no value of a query is shown, whether the address can be
//! read as one or not: slashes may be too few or too many behind the scheme, or lean the other way. A part of
//! a path is left out if it looks like a passkey.
//!
//! ```
//! use swarmcopy_address::{Shown, in_text};
//! let address = "https://me:secret@tracker.example/0123456789abcdef0123/announce?key=1&b";
//! assert_eq!(Shown(address).to_string(), "https://tracker.example/../announce?key=..&..");
//! assert_eq!(in_text("cannot read ftp://me:pw@h/x: no"), "cannot read ftp://h/x: no");
//! ```

use std::borrow::Cow;
use std::fmt;

/// Shortest part of a path that may be taken for a passkey.
const PASSKEY_LEN_MIN: usize = 16;
/// Longest part of a text that is searched for the end of a login.
const LOGIN_LEN_MAX: usize = 512;
/// What begins an address also where no slashes stand behind it.
const SCHEMES: [&str; 10] = [
    "http", "https", "ftp", "ftps", "udp", "ws", "wss", "smb", "socks5", "ssh",
];

/// An address that is shown by `Display` and `Debug` without its secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shown<A>(pub A);

impl<A: AsRef<str>> fmt::Display for Shown<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.as_ref();
        let begun = Begun::find(address).filter(|begun| is_scheme(begun.before.trim_start()));
        match begun {
            Some(Begun {
                before, mark, rest, ..
            }) => {
                write!(f, "{before}{mark}{}", hidden(rest))
            }
            None => f.write_str(&in_text(
                address.rsplit_once('@').map_or(address, |(_, rest)| rest),
            )),
        }
    }
}

impl<A: AsRef<str>> fmt::Debug for Shown<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// Addresses that are shown by `Debug` without their secrets.
#[derive(Clone, Copy)]
pub struct ShownAll<I>(pub I);

impl<I> fmt::Debug for ShownAll<I>
where
    I: IntoIterator + Clone,
    I::Item: AsRef<str>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.clone().into_iter().map(Shown);
        f.debug_list().entries(shown).finish()
    }
}

/// Implements `Debug` for a struct that holds addresses. Fields before the semicolon are shown as they are, the
/// others as the expressions beside them say, in which they stand by their names. A field that is left out does
/// not compile.
///
/// ```
/// use swarmcopy_address::{ShownAll, debug_shown};
/// struct Mirror {
///     priority: u32,
///     urls: Vec<String>,
/// }
/// debug_shown!(Mirror { priority; urls: ShownAll(urls) });
/// let mirror = Mirror { priority: 1, urls: vec!["http://me:pw@h/".to_owned()] };
/// assert_eq!(format!("{mirror:?}"), r#"Mirror { priority: 1, urls: ["http://h/"] }"#);
/// ```
#[macro_export]
macro_rules! debug_shown {
    ($name:ident $(<$life:lifetime>)? {
        $($plain:ident),* $(,)?; $($field:ident: $shown:expr),* $(,)?
    }) => {
        impl $(<$life>)? ::std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let Self { $($plain,)* $($field,)* } = self;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($plain), $plain))*
                    $(.field(stringify!($field), &$shown))*
                    .finish()
            }
        }
    };
}

/// A text with each address in it as it may be shown.
pub fn in_text(text: &str) -> Cow<'_, str> {
    shown_in(text, Kind::Plain)
}

/// The same for lines of JSON, which stay JSON.
pub fn in_json(json: &str) -> Cow<'_, str> {
    shown_in(json, Kind::Json)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Json,
}

fn shown_in(text: &str, kind: Kind) -> Cow<'_, str> {
    let Some(first) = Begun::find(text) else {
        return Cow::Borrowed(text);
    };
    let mut shown = String::with_capacity(text.len());
    let (mut next, mut rest) = (Some(first), text);
    while let Some(begun) = next {
        let Begun {
            before,
            mark,
            rest: behind,
            ..
        } = begun;
        let (address, more) = behind
            .split_at_checked(len_of(behind, kind))
            .unwrap_or((behind, ""));
        let told = without_stop(address);
        shown.push_str(before);
        shown.push_str(mark);
        if begun.is_sure {
            shown.push_str(&hidden(told));
        } else {
            shown.push_str(without_login(told));
        }
        shown.push_str(address.get(told.len()..).unwrap_or_default());
        (next, rest) = (Begun::find(more), more);
    }
    shown.push_str(rest);
    shown.into()
}

/// An address in a text without what belongs to the text; the dots that stand for a secret are no full stop.
fn without_stop(address: &str) -> &str {
    let told = address.trim_end_matches([':', ';', ',', '.', ')']);
    let dotted = address
        .get(..told.len() + 2)
        .filter(|text| text.ends_with(".."));
    dotted
        .filter(|_| told.ends_with(['=', '?', '&', '/']))
        .unwrap_or(told)
}

/// What was typed where an address or a path may stand: also what looks like a login without a scheme is
/// left out. A colon behind a slash is none of a login, nor is that of a drive.
pub fn typed(text: &str) -> Cow<'_, str> {
    let login = text
        .rsplit_once('@')
        .and_then(|(login, _)| login.split_once(':'));
    let is_login = |(user, password): (&str, &str)| {
        let is_drive = user.len() == 1 && password.starts_with(['/', '\\']);
        !is_drive && !user.contains(['/', '\\'])
    };
    if login.is_some_and(is_login) {
        Shown(text).to_string().into()
    } else {
        in_text(text)
    }
}

/// An address that begins in a text.
#[derive(Clone, Copy)]
struct Begun<'a> {
    /// What stands before the scheme's colon.
    before: &'a str,
    /// The colon, and all slashes behind it.
    mark: &'a str,
    rest: &'a str,
    /// Whether it is an address, not only what has the look of one.
    is_sure: bool,
}

impl<'a> Begun<'a> {
    /// The first one in `text`.
    fn find(text: &'a str) -> Option<Self> {
        text.match_indices(':').find_map(|(at, _)| {
            let (before, behind) = text.split_at_checked(at)?;
            let rest = behind
                .trim_start_matches(':')
                .trim_start_matches(['/', '\\']);
            let mark = behind.strip_suffix(rest)?;
            let is_sure = mark.starts_with("://") || names_scheme(before);
            let is_likely = mark.len() > 1 && before.len() > 1 && ends_as_scheme(before);
            let begun = Self {
                before,
                mark,
                rest,
                is_sure,
            };
            (is_sure || is_likely).then_some(begun)
        })
    }
}

/// Whether a text ends with a scheme of ours; letters of an escape may stand before it.
fn names_scheme(before: &str) -> bool {
    SCHEMES.iter().any(|scheme| {
        let tail = before.len().checked_sub(scheme.len());
        let tail = tail.and_then(|at| before.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(scheme))
    })
}

/// Whether a text ends as schemes do; one letter is the name of a drive.
fn ends_as_scheme(before: &str) -> bool {
    before.bytes().rev().take(2).all(is_of_scheme)
}

fn is_scheme(text: &str) -> bool {
    text.bytes().all(is_of_scheme)
}

fn is_of_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// How long the address is that begins a text. A password may hold what ends addresses: then it goes on behind
/// the login's end.
fn len_of(rest: &str, kind: Kind) -> usize {
    let end = rest.find(ends_address).unwrap_or(rest.len());
    let (head, more) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if head.contains(['/', '?', '#', '@']) || !has_password(head) {
        return end;
    }
    let mut is_escaped = false;
    let near = more.char_indices().take_while(|(at, c)| {
        let is_end = *c == '\n' || kind == Kind::Json && *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        *at < LOGIN_LEN_MAX && !is_end
    });
    let login = near.filter(|(_, c)| *c == '@').last();
    let Some(behind) = login.and_then(|(at, _)| more.get(at..)) else {
        return end;
    };
    let len = behind.find(ends_address).unwrap_or(behind.len());
    rest.len() - behind.len() + len
}

/// Whether an address in a text ends before `c`.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'<>`\\|".contains(c)
}

/// What stands behind the scheme, without secrets.
fn hidden(rest: &str) -> String {
    let rest = without_login(rest);
    let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    let parts = place.split('/').enumerate();
    // the first part is the host
    let parts = parts.map(|(at, part)| {
        if at > 0 && is_passkey(part) {
            ".."
        } else {
            part
        }
    });
    let mut shown = parts.collect::<Vec<_>>().join("/");
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((key, _)) if key.len() < PASSKEY_LEN_MIN => format!("{key}=.."),
            _ => "..".to_owned(),
        });
        shown.push('?');
        shown.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

/// What stands behind a login. A password may hold a slash though none may: then the text is no
/// address, and all before the last `@` is taken for a login.
fn without_login(rest: &str) -> &str {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or(rest);
    if let Some((login, _)) = host.rsplit_once('@') {
        return rest.get(login.len() + 1..).unwrap_or_default();
    }
    match rest.rsplit_once('@') {
        Some((_, behind)) if has_password(host) => behind,
        _ => rest,
    }
}

/// Whether what stands where the port does is none.
fn has_password(host: &str) -> bool {
    let port = match host.rsplit_once(']') {
        Some((_, port)) => port.strip_prefix(':').unwrap_or_default(),
        None => host.split_once(':').map_or("", |(_, port)| port),
    };
    port.bytes().any(|byte| !byte.is_ascii_digit())
}

/// Whether a part of a path looks like a key: long, of letters and digits, and no word.
fn is_passkey(part: &str) -> bool {
    let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    part.len() >= PASSKEY_LEN_MIN && plain && digits >= 2 && digits < part.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(address: &str) -> String {
        Shown(address).to_string()
    }

    #[test]
    fn an_address_without_secrets_is_shown_as_it_is() {
        for plain in [
            "http://h:8080/d/x.iso",
            "udp://tracker.example:6969/announce",
            "https://[2001:db8::1]:443/a%20b/Windows-11-Enterprise-2024",
            "http://h/20240101/Visual_Studio_2022.exe",
            "smb://server/share/CS5",
            "C:\\share",
        ] {
            assert_eq!(shown(plain), plain);
            assert_eq!(in_text(plain), plain);
        }
    }

    #[test]
    fn logins_are_left_out() {
        for (address, told) in [
            ("http://me:secret@h/x", "http://h/x"),
            ("ftp://me@h/x", "ftp://h/x"),
            ("http://me:se@cret@h:1/x", "http://h:1/x"),
            ("http://me:se/cret@h/x", "http://h/x"),
            ("me:secret@proxy:3128", "proxy:3128"),
            ("//me:secret@h", "h"),
        ] {
            assert_eq!(shown(address), told);
        }
    }

    #[test]
    fn logins_are_left_out_however_an_address_is_written() {
        for (address, told) in [
            ("http:/me:pw@h/x", "http:/h/x"),
            ("http:me:pw@h", "http:h"),
            ("HTTP:\\\\me:pw@h", "HTTP:\\\\h"),
            ("ftp:/u:p@h/x", "ftp:/h/x"),
            ("https:///me:pw@h/x?k=v", "https:///h/x?k=.."),
            ("http:/\\/me@h", "http:/\\/h"),
            ("foo:/me:pw@h/x", "foo:/h/x"),
            ("svn+ssh:me:pw@h/x", "svn+ssh:h/x"),
            (" http:/me:pw@h", " http:/h"),
        ] {
            assert_eq!(shown(address), told);
            assert_eq!(in_text(address), told);
            assert_eq!(typed(address), told);
            let text = format!("cannot open '{address}': (\"{address}\")");
            assert_eq!(
                in_text(&text),
                format!("cannot open '{told}': (\"{told}\")")
            );
        }
    }

    #[test]
    fn a_password_with_what_ends_addresses_is_left_out_of_a_text() {
        for login in [
            "me:a b",
            "me:it's",
            "me:a <b> `c`|d",
            "me:a\\\"b",
            "me:a\\\\\\\"b",
        ] {
            let text = format!("\"cannot open http://{login}@h/x: no\"");
            assert_eq!(in_text(&text), "\"cannot open http://h/x: no\"");
            assert_eq!(in_json(&text), "\"cannot open http://h/x: no\"");
        }
        assert_eq!(in_text("http://me:a\"b@h/x"), "http://h/x");
        for plain in [
            "cannot open http://h:80 for me@home",
            "cannot open http://h:80/a b@c",
            "see http: a@b",
        ] {
            assert_eq!(in_text(plain), plain);
        }
        for json in [
            "{\"a\":\"http://h:x\",\"b\":\"c@d\"}",
            "{\"a\":\"http://h:x\\\\\",\"b\":\"c@d\"}",
        ] {
            assert_eq!(in_json(json), json);
        }
    }

    #[test]
    fn paths_and_names_are_no_logins() {
        for plain in [
            "C:\\a@b",
            "cannot open C:\\share\\x:y@z",
            "12:30@home.txt",
            "/mnt/a:b@c/d",
            "{\"path\":\"me:x@y\"}",
            "at ab:/0123456789abcdef0123/x?k=v",
        ] {
            assert_eq!(in_text(plain), plain);
        }
        for plain in ["a@b", "C:\\x:a@b", "/mnt/a:b@c", "./12:30@x"] {
            assert_eq!(typed(plain), plain);
        }
        assert_eq!(typed("me:pw@h:x"), "h:x");
        assert_eq!(typed("--mirror=http:/me:pw@h"), "h");
    }

    #[test]
    fn passkeys_and_queries_are_left_out() {
        let told =
            shown("http://t/announce/c12fe1c06bba254a9dc9f519b335aa7c/x?passkey=abc&uid=7#f");
        assert_eq!(told, "http://t/announce/../x?passkey=..&uid=..");
        assert_eq!(
            shown("http://h/x?c12fe1c06bba254a9dc9f519b335aa7c"),
            "http://h/x?.."
        );
    }

    #[test]
    fn lists_of_addresses_are_shown_without_secrets() {
        let tiers = [vec!["http://a:b@h/x?k=v"], vec!["udp://t:1"]];
        let told = format!("{:?}", ShownAll(tiers.iter().flatten()));
        assert_eq!(told, r#"["http://h/x?k=..", "udp://t:1"]"#);
        let none: Option<String> = None;
        assert_eq!(format!("{:?}", ShownAll(&none)), "[]");
    }

    #[test]
    fn addresses_in_a_text_are_shown_without_secrets() {
        let text = "mirror \"http://a:b@h/x?k=v\" and (ftp://c:d@g/y), or http://i/?q=1: no";
        let told = "mirror \"http://h/x?k=..\" and (ftp://g/y), or http://i/?q=..: no";
        assert_eq!(in_text(text), told);
        assert_eq!(in_text(told), told, "shown twice");
        for end in ["", ".", ":", "..."] {
            for told in [
                "http://h/x?k=..",
                "http://h/x?..",
                "http://h/a?k=..&..",
                "http://h/..",
            ] {
                let told = format!("{told}{end}");
                assert_eq!(in_text(&told), told);
            }
        }
        assert_eq!(in_text("no address: a@b"), "no address: a@b");
        assert_eq!(in_text("ends ://"), "ends ://");
    }

    proptest! {
        #[test]
        fn no_login_and_no_value_is_ever_shown(
            scheme in "(http|ftps|udp)",
            mark in ":[/\\\\]{0,4}",
            user in "[a-z%:]{1,5}",
            path in "[a-z/%.]{0,9}",
            text in "[ \"(]{0,2}",
        ) {
            let address = format!("{scheme}{mark}{user}:S3CRET@host/{path}?key=S3CRET&S3CRET");
            prop_assert!(!shown(&address).contains("S3CRET"));
            let told = in_text(&format!("{text}{address}{text}")).into_owned();
            prop_assert_eq!(&in_text(&told), &told, "shown twice");
            prop_assert!(!told.contains("S3CRET") && told.contains("host/"), "{}", told);
        }
    }
}
