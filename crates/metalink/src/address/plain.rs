//! Addresses read by the grammar of RFC 3986, without tables of international names.
//!
//! What must stay true: what is taken is written as the crate `url` would write it. What that would have to guess at
//! (names that are not ASCII, numbers in place of names, backslashes, control characters) is refused.

use std::fmt::Write as _;

use super::scheme::check_scheme;
use crate::report::Reason;

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Inner {
    text: String,
    /// Where the path begins.
    path: usize,
}

impl Inner {
    pub(super) fn resolve(text: &str, base: Option<&Self>) -> Result<Self, Reason> {
        if text.contains(|it: char| it.is_control() || it == '\\') {
            return fault("a character that no address has");
        }
        let text = text.trim_matches(' ').split('#').next().unwrap_or_default();
        match (scheme_of(text), base) {
            (Some((scheme, rest)), _) => {
                check_scheme(&scheme)?;
                match rest.strip_prefix("//") {
                    Some(rest) => Self::absolute(&scheme, rest),
                    None => fault("it has no host"),
                }
            }
            (None, None) => Err(Reason::Relative),
            (None, Some(base)) => base.relative(text),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn absolute(scheme: &str, rest: &str) -> Result<Self, Reason> {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, below) = rest.split_at(end);
        let mut text = format!("{scheme}://{}", authority_of(scheme, authority)?);
        let path = text.len();
        text.push_str(&below_of(below));
        Ok(Self { text, path })
    }

    /// RFC 3986 section 5.2.2.
    fn relative(&self, text: &str) -> Result<Self, Reason> {
        let (server, below) = self.text.split_at(self.path);
        if let Some(rest) = text.strip_prefix("//") {
            let scheme = server.split(':').next().unwrap_or_default();
            return Self::absolute(scheme, rest);
        }
        let own = below.split('?').next().unwrap_or_default();
        let below = match text.bytes().next() {
            None => below.to_owned(),
            Some(b'/') => text.to_owned(),
            Some(b'?') => format!("{own}{text}"),
            Some(_) => {
                let folder = own
                    .rfind('/')
                    .map_or("", |at| own.get(..=at).unwrap_or("/"));
                format!("{folder}{text}")
            }
        };
        Ok(Self {
            text: format!("{server}{}", below_of(&below)),
            path: self.path,
        })
    }
}

fn fault<T>(what: &str) -> Result<T, Reason> {
    Err(Reason::Url(what.to_owned()))
}

/// The scheme in small letters, and what follows it.
fn scheme_of(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut letters = scheme.bytes();
    let first = letters.next().is_some_and(|it| it.is_ascii_alphabetic());
    let all = letters.all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    (first && all).then(|| (scheme.to_ascii_lowercase(), rest))
}

/// Login, host and port, the port only where it is not the scheme's own.
fn authority_of(scheme: &str, text: &str) -> Result<String, Reason> {
    let (login, server) = match text.rsplit_once('@') {
        Some((login, server)) => (format!("{login}@"), server),
        None => (String::new(), text),
    };
    let plain = |text: &str| {
        let fits = |it: u8| it.is_ascii_alphanumeric() || b"-._~%".contains(&it);
        !text.is_empty() && text.bytes().all(fits)
    };
    let told = login
        .strip_suffix('@')
        .map(|it| it.split_once(':').unwrap_or((it, "none")));
    if told.is_some_and(|(user, password)| !plain(user) || !plain(password)) {
        return fault("a login that can't be read");
    }
    let (host, port) = match server.rfind(']') {
        Some(end) => server.split_at(end.saturating_add(1)),
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let host = host_of(host)?;
    let port = match port.strip_prefix(':').unwrap_or(port) {
        "" => None,
        digits if digits.bytes().all(|it| it.is_ascii_digit()) => match digits.parse::<u16>() {
            Ok(port) => Some(port),
            Err(_) => return fault("invalid port number"),
        },
        _ => return fault("invalid port number"),
    };
    let own = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "ftp" => Some(21),
        _ => None,
    };
    let port = port.filter(|port| Some(*port) != own);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    Ok(format!("{login}{host}{port}"))
}

/// A name, or an address in its usual form.
fn host_of(text: &str) -> Result<String, Reason> {
    if let Some(inner) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        return match inner.parse::<std::net::Ipv6Addr>() {
            Ok(ip) if ip.to_ipv4_mapped().is_none() => Ok(format!("[{ip}]")),
            _ => fault("invalid IPv6 address"),
        };
    }
    let letters = |label: &str| {
        let fits = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
        !label.is_empty()
            && label.bytes().all(fits)
            && !label.to_ascii_lowercase().starts_with("xn--")
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if !name.split('.').all(letters) {
        return fault("a name of a host that can't be read");
    }
    let is_number = |label: &str| {
        let hex = label
            .get(..2)
            .is_some_and(|it| it.eq_ignore_ascii_case("0x"));
        hex || label.bytes().all(|it| it.is_ascii_digit())
    };
    // 0x7f.1 and 010.0.0.1 are addresses to some, and names to others
    let usual = |text: &str| text.parse::<std::net::Ipv4Addr>().is_ok();
    if name.rsplit('.').next().is_some_and(is_number) && (!usual(name) || name != text) {
        return fault("invalid IPv4 address");
    }
    Ok(text.to_ascii_lowercase())
}

/// Path and query, without steps up and down, escaped where they must be.
fn below_of(text: &str) -> String {
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let mut names: Vec<&str> = Vec::new();
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => {
                names.pop();
            }
            _ => {
                names.push(part);
                continue;
            }
        }
        if is_last {
            names.push("");
        }
    }
    let mut all = format!("/{}", escaped(&names.join("/"), b"\"<>`{} "));
    if let Some(query) = query {
        all.push('?');
        all.push_str(&escaped(query, b"\"<>' "));
    }
    all
}

/// Writes what is no plain ASCII, and these, as bytes in hexadecimal digits.
fn escaped(text: &str, also: &[u8]) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !also.contains(&byte) {
            all.push(char::from(byte));
        } else {
            // a text takes whatever is written
            let _ = write!(all, "%{byte:02X}");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Result<String, Reason> {
        Inner::resolve(text, None).map(|it| it.text)
    }

    fn joined(reference: &str) -> String {
        let base = Inner::resolve("http://h/b/c/d;p?q", None).unwrap();
        Inner::resolve(reference, Some(&base)).unwrap().text
    }

    #[test]
    fn references_are_resolved_as_the_standard_says() {
        // RFC 3986 sections 5.4.1 and 5.4.2
        for (reference, want) in [
            ("g", "http://h/b/c/g"),
            ("./g", "http://h/b/c/g"),
            ("g/", "http://h/b/c/g/"),
            ("/g", "http://h/g"),
            ("//g", "http://g/"),
            ("?y", "http://h/b/c/d;p?y"),
            ("g?y", "http://h/b/c/g?y"),
            ("#s", "http://h/b/c/d;p?q"),
            ("g#s", "http://h/b/c/g"),
            (";x", "http://h/b/c/;x"),
            (".", "http://h/b/c/"),
            ("..", "http://h/b/"),
            ("../g", "http://h/b/g"),
            ("../../../../g", "http://h/g"),
            ("/../g", "http://h/g"),
            ("..g", "http://h/b/c/..g"),
            ("./g/.", "http://h/b/c/g/"),
            ("g?y/../x", "http://h/b/c/g?y/../x"),
            ("a b/é", "http://h/b/c/a%20b/%C3%A9"),
        ] {
            assert_eq!(joined(reference), want, "{reference}");
        }
    }

    #[test]
    fn what_others_would_guess_at_is_refused() {
        for bad in [
            "http://",
            "http:///x",
            "http:h",
            "ftps:a",
            "http://h:99999/",
            "http://h:x/",
            "http://0x7f.1/",
            "http://010.0.0.1/",
            "http://1.2.3/",
            "http://h\\@evil/",
            "http://ü/",
            "http://[::1/",
            "http://a b/",
            "http://h..x/",
            "http://h/\n",
        ] {
            assert!(matches!(plain(bad), Err(Reason::Url(_))), "{bad}");
        }
        assert!(matches!(plain("rsync://h/a"), Err(Reason::Scheme(_))));
        assert_eq!(plain("a/b"), Err(Reason::Relative));
        assert_eq!(plain("HTTP://H:80").unwrap(), "http://h/");
        assert_eq!(
            plain("http://1.2.3.4:81/%2E%2e/a").unwrap(),
            "http://1.2.3.4:81/a"
        );
    }

    #[cfg(feature = "url")]
    proptest::proptest! {
        #[test]
        fn what_is_taken_means_the_same_to_browsers(
            base in "(http|https|ftp)://[a-zA-Z0-9.:@\\[\\]-]{1,12}(/[a-z.%2eE/?]{0,9})?",
            text in "((http|HTTPS|ftp):)?(//[a-z0-9:@.]{0,8})?[ -~é]{0,12}",
        ) {
            use super::super::whole;
            let (ours, theirs) = (Inner::resolve(&base, None), whole::Inner::resolve(&base, None));
            if let Ok(ours) = ours {
                let theirs = theirs.unwrap();
                proptest::prop_assert_eq!(ours.as_str(), theirs.as_str());
                if let Ok(ours) = Inner::resolve(&text, Some(&ours)) {
                    let theirs = whole::Inner::resolve(&text, Some(&theirs)).unwrap();
                    proptest::prop_assert_eq!(ours.as_str(), theirs.as_str());
                }
            }
        }
    }
}
