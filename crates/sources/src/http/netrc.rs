//! Logins from a `.netrc` file.
//!
//! What must stay true: a password is never part of `Debug` output.

use std::fmt;

use http::HeaderValue;

/// Most entries that are kept.
const NETRC_ENTRIES_MAX: usize = 10_000;

/// A user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Login {
    /// The value of an `Authorization` header (RFC 7617).
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let plain = format!("{}:{}", self.user, self.password);
        let mut value =
            HeaderValue::try_from(format!("Basic {}", base64(plain.as_bytes()))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for at in 0..4u32 {
            let index = usize::try_from((bits >> (18 - 6 * at)) & 63).unwrap_or(0);
            let digit = ALPHABET.get(index).copied().unwrap_or(b'A');
            let used = usize::try_from(at).is_ok_and(|at| at <= group.len());
            text.push(char::from(if used { digit } else { b'=' }));
        }
    }
    text
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// The logins of a `.netrc` file.
#[derive(Debug, Clone, Default)]
pub struct Netrc {
    /// By host; an empty name is `default`.
    entries: Vec<(String, Login)>,
}

impl Netrc {
    /// Reads the file's text. Words that mean nothing here are passed over, and so are macros and
    /// comments. A word in double quotes may hold blanks, and `\"`, `\\`, `\n`, `\r` and `\t`.
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<(String, Login)> = Vec::new();
        let mut words = Words { rest: text };
        while let Some(word) = words.next() {
            let host = match word.as_str() {
                "default" => Some(String::new()),
                "machine" => words.next().map(|host| host.to_lowercase()),
                _ => None,
            };
            if let Some(host) = host {
                if entries.len() == NETRC_ENTRIES_MAX {
                    break;
                }
                let (user, password) = (String::new(), String::new());
                entries.push((host, Login { user, password }));
                continue;
            }
            if word == "macdef" {
                words.skip_macro();
                continue;
            }
            let Some((_, login)) = entries.last_mut() else {
                continue;
            };
            match word.as_str() {
                "login" => login.user = words.next().unwrap_or_default(),
                "password" => login.password = words.next().unwrap_or_default(),
                "account" => drop(words.next()),
                _ => {}
            }
        }
        Self { entries }
    }

    /// The login of `user` at `host`, if the file has its password.
    pub(super) fn login_of(&self, host: &str, user: &str) -> Option<&Login> {
        let host = host.to_lowercase();
        let own = |name: &str| name == host || name.is_empty();
        let mut entries = self.entries.iter().filter(|(name, _)| own(name));
        entries
            .find(|(_, login)| login.user == user)
            .map(|entry| &entry.1)
    }

    /// The login for `host`: its own, or the default one.
    pub fn login(&self, host: &str) -> Option<&Login> {
        let host = host.to_lowercase();
        let own = self.entries.iter().find(|entry| entry.0 == host);
        own.or_else(|| self.entries.iter().find(|entry| entry.0.is_empty()))
            .map(|entry| &entry.1)
    }
}

/// The words of the text, one after the other.
struct Words<'a> {
    rest: &'a str,
}

impl Words<'_> {
    /// Passes over a macro: it ends with an empty line.
    fn skip_macro(&mut self) {
        let mut rest = self.rest;
        while let Some((line, more)) = rest.split_once('\n') {
            rest = more;
            let next = more.split('\n').next().unwrap_or_default();
            if line.trim().is_empty() || next.trim().is_empty() {
                break;
            }
        }
        let ends = rest.contains('\n') || rest.trim().is_empty();
        self.rest = if ends { rest } else { "" };
    }

    /// Passes over blanks and lines that are comments.
    fn skip_blanks(&mut self) {
        let mut at_line_start = self.rest.starts_with('#');
        loop {
            let trimmed = self.rest.trim_start();
            let skipped = self.rest.len() - trimmed.len();
            let blanks = self.rest.get(..skipped).unwrap_or_default();
            at_line_start |= blanks.contains('\n');
            self.rest = trimmed;
            if !(at_line_start && trimmed.starts_with('#')) {
                return;
            }
            self.rest = trimmed
                .find('\n')
                .and_then(|end| trimmed.get(end..))
                .unwrap_or_default();
        }
    }

    /// The rest of a word in quotes; one that does not end is none.
    fn quoted(&mut self) -> Option<String> {
        let mut word = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Some(word);
                }
                '\\' => word.push(match chars.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                }),
                c => word.push(c),
            }
        }
        self.rest = "";
        None
    }
}

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.skip_blanks();
        if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            return self.quoted();
        }
        let end = self
            .rest
            .find(char::is_whitespace)
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_finds_its_own_login_or_the_default() {
        let netrc = Netrc::parse(
            "# machine no login no\nmachine Mirror.example login me\n  password s3cret\n\
             machine other login you password word account x\ndefault login anonymous password me@x",
        );
        assert_eq!(netrc.login("mirror.EXAMPLE").unwrap().password, "s3cret");
        assert_eq!(netrc.login("other").unwrap().user, "you");
        assert_eq!(netrc.login("third").unwrap().user, "anonymous");
        assert!(
            Netrc::parse("login x password y machine")
                .login("a")
                .is_none()
        );
    }

    #[test]
    fn words_in_quotes_hold_blanks_and_escapes() {
        let netrc = Netrc::parse(
            "machine a login \"me too\" password \"p w\\\"d\\\\ #1\"\nmachine b login DOM\\u password #x",
        );
        let login = netrc.login("a").unwrap();
        assert_eq!((&*login.user, &*login.password), ("me too", "p w\"d\\ #1"));
        let login = netrc.login("b").unwrap();
        assert_eq!((&*login.user, &*login.password), ("DOM\\u", "#x"));
        let open = Netrc::parse("machine a login x password \"never ends\nmachine b login y");
        assert_eq!(open.login("a").unwrap().password, "");
    }

    #[test]
    fn a_macro_ends_with_an_empty_line() {
        let text = "macdef init\nmachine evil login no\n\nmachine a login me password p\n\
                    macdef up\r\nmachine evil login no\r\n\r\nmachine b login you\nmacdef end\nmachine evil";
        let netrc = Netrc::parse(text);
        assert_eq!(netrc.login("a").unwrap().password, "p");
        assert_eq!(netrc.login("b").unwrap().user, "you");
        assert!(netrc.login("evil").is_none());
    }

    #[test]
    fn a_user_in_the_address_finds_its_own_password() {
        let netrc = Netrc::parse("machine a login x password 1 machine a login y password 2");
        assert_eq!(netrc.login_of("A", "y").unwrap().password, "2");
        assert!(netrc.login_of("a", "z").is_none());
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn a_password_is_not_shown() {
        let netrc = Netrc::parse("machine a login b password hunter2");
        assert!(!format!("{netrc:?}").contains("hunter2"));
    }
}
