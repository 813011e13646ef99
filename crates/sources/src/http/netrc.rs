//! Logins from a `.netrc` file.
//!
//! What must stay true: a password is never part of `Debug` output.

use std::fmt;

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
                "login" => login.user = words.next().unwrap_or_default().to_owned(),
                "password" => login.password = words.next().unwrap_or_default().to_owned(),
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
    fn a_password_is_not_shown() {
        let netrc = Netrc::parse("machine a login b password hunter2");
        assert!(!format!("{netrc:?}").contains("hunter2"));
    }
}
