#![doc = include_str!("../README.md")]
//! Addresses as they may be shown: without logins, passkeys and the secrets of a query.
//!
//! What must stay true: nothing of a login and no value of a query is shown, whether the address can be
//! read as one or not. A part of a path is left out if it looks like a passkey.
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
/// What stands between the scheme of an address and the rest.
const MARK: &str = "://";

/// An address that is shown by `Display` and `Debug` without its secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shown<A>(pub A);

impl<A: AsRef<str>> fmt::Display for Shown<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.0.as_ref();
        match address.split_once(MARK) {
            Some((scheme, rest)) => write!(f, "{scheme}{MARK}{}", hidden(rest)),
            None => f.write_str(address.rsplit_once('@').map_or(address, |(_, rest)| rest)),
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
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let end = after.find(ends_address).unwrap_or(after.len());
        let (address, more) = after.split_at_checked(end).unwrap_or((after, ""));
        shown.push_str(before);
        shown.push_str(MARK);
        let told = address.trim_end_matches([':', ';', ',', '.', ')']);
        shown.push_str(&hidden(told));
        shown.push_str(address.get(told.len()..).unwrap_or_default());
        rest = more;
    }
    shown.push_str(rest);
    shown.into()
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
    let port = match host.rsplit_once(']') {
        Some((_, port)) => port.strip_prefix(':').unwrap_or_default(),
        None => host.split_once(':').map_or("", |(_, port)| port),
    };
    match rest.rsplit_once('@') {
        Some((_, behind)) if port.bytes().any(|byte| !byte.is_ascii_digit()) => behind,
        _ => rest,
    }
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
        assert_eq!(in_text("no address: a@b"), "no address: a@b");
        assert_eq!(in_text("ends ://"), "ends ://");
    }

    proptest! {
        #[test]
        fn no_login_and_no_value_is_ever_shown(
            scheme in "(http|ftps|udp)",
            user in "[a-z%:]{1,5}",
            path in "[a-z/%.]{0,9}",
            text in "[ \"(]{0,2}",
        ) {
            let address = format!("{scheme}://{user}:S3CRET@host/{path}?key=S3CRET&S3CRET");
            prop_assert!(!shown(&address).contains("S3CRET"));
            let told = in_text(&format!("{text}{address}{text}")).into_owned();
            prop_assert!(!told.contains("S3CRET") && told.contains("host/"), "{}", told);
        }
    }
}
