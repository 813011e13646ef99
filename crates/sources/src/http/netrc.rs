//! Logins from a `.netrc` file.
//!
//! What must stay true: a password is never part of `Debug` output.

use std::fmt;

use http::HeaderValue;

/// Most entries that are kept.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const netrc_entries_max: usize = 10_000;

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
    /// Reads the file's text. Words that mean nothing here are passed over.
    pub fn parse(text: &str) -> Self {
        let mut entries: Vec<(String, Login)> = Vec::new();
        let mut words = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(str::split_whitespace);
        while let Some(word) = words.next() {
            let host = match word {
                "default" => Some(String::new()),
                "machine" => words.next().map(str::to_lowercase),
                _ => None,
            };
            if let Some(host) = host {
                if entries.len() == netrc_entries_max {
                    break;
                }
                entries.push((
                    host,
                    Login {
                        user: String::new(),
                        password: String::new(),
                    },
                ));
                continue;
            }
            let Some((_, login)) = entries.last_mut() else {
                continue;
            };
            match word {
                "login" => login.user = word_of(words.next()),
                "password" => login.password = word_of(words.next()),
                "account" => drop(words.next()),
                _ => {}
            }
        }
        Self { entries }
    }

    /// The login for `host`: its own, or the default one.
    pub fn login(&self, host: &str) -> Option<&Login> {
        let host = host.to_lowercase();
        let own = self.entries.iter().find(|entry| entry.0 == host);
        own.or_else(|| self.entries.iter().find(|entry| entry.0.is_empty()))
            .map(|entry| &entry.1)
    }
}

fn word_of(word: Option<&str>) -> String {
    word.unwrap_or_default().to_owned()
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
