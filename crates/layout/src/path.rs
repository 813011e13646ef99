//! Relative paths that stay inside the folder they are joined to.
//!
//! A `RelPath` is a list of plain names: none is empty, `.`, `..`, or holds `/`, `\` or NUL, so
//! joining it to a folder can't leave that folder on Linux or Windows. What a Windows disk can't
//! store under its own name (`a:b`, `CON`, `trail.`) is stored under another one there:
//! [`RelPath::to_path`] says which.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// Longest name of a path in bytes of UTF-8: what common file systems store.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const component_len_max: usize = 255;
/// Most names in a path.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const depth_max: usize = 256;

/// Why a path is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No names at all.
    #[error("empty path")]
    Empty,
    /// A name that is empty, `.` or `..`, or holds a separator or NUL.
    #[error("path with the unsafe name {0:?}")]
    Unsafe(String),
    /// A name longer than [`component_len_max`].
    #[error("path with a name of {0} bytes")]
    TooLong(usize),
    /// More than [`depth_max`] names.
    #[error("path of {0} levels")]
    TooDeep(usize),
}

/// Whose rules for file names apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Any name without `/` and NUL.
    Unix,
    /// Reserved characters, device names, no trailing dot or space, case folded.
    Windows,
}

impl Platform {
    /// The platform this program runs on.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else {
        Self::Unix
    };
}

/// A path below some folder, as plain names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath {
    joined: Box<str>,
}

impl RelPath {
    /// Takes the names of a path, outermost first.
    pub fn from_names<I, S>(names: I) -> Result<Self, PathError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut joined = String::new();
        let mut depth = 0;
        for name in names {
            let name = name.as_ref();
            check(name)?;
            depth += 1;
            if !joined.is_empty() {
                joined.push('/');
            }
            joined.push_str(name);
        }
        match depth {
            0 => Err(PathError::Empty),
            _ if depth > depth_max => Err(PathError::TooDeep(depth)),
            _ => Ok(Self {
                joined: joined.into(),
            }),
        }
    }

    /// Parses names joined with `/`.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.is_empty() {
            return Err(PathError::Empty);
        }
        Self::from_names(path.split('/'))
    }

    /// The names joined with `/`.
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.joined.split('/')
    }

    /// The last name.
    pub fn name(&self) -> &str {
        self.names().next_back().unwrap_or_default()
    }

    /// The path on a disk of `platform`, relative. Injective up to what that disk folds: where a
    /// name can't be stored, each character of it that stands in the way becomes `%XX`.
    pub fn to_path(&self, platform: Platform) -> PathBuf {
        match platform {
            Platform::Unix => self.names().collect(),
            Platform::Windows => self.names().map(windows_name).collect(),
        }
    }

    /// A key under which two paths are equal if a disk that folds case and Unicode forms would
    /// take them for the same file.
    pub fn fold_key(&self) -> String {
        use unicode_normalization::UnicodeNormalization;
        self.joined.nfc().flat_map(char::to_lowercase).collect()
    }
}

fn check(name: &str) -> Result<(), PathError> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(PathError::Unsafe(name.to_owned()));
    }
    if name.len() > component_len_max {
        return Err(PathError::TooLong(name.len()));
    }
    Ok(())
}

/// Names that Windows takes for devices, whatever extension follows.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|digit| {
            matches!(
                digit,
                "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    });
    numbered || DEVICES.contains(&stem.as_str())
}

fn windows_name(name: &str) -> String {
    let last = name.chars().count().saturating_sub(1);
    let device = is_device(name);
    let mut stored = String::with_capacity(name.len());
    for (at, c) in name.chars().enumerate() {
        let reserved = c.is_control() || "<>:\"|?*".contains(c);
        let trailing = at == last && (c == '.' || c == ' ');
        if reserved || trailing || (device && at == 0) {
            let mut utf8 = [0; 4];
            for byte in c.encode_utf8(&mut utf8).bytes() {
                let _ = write!(stored, "%{byte:02X}");
            }
        } else {
            stored.push(c);
        }
    }
    stored
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::{Component, Path};

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for bad in [
            "", "/etc", "a//b", "a/", "..", "a/../b", ".", "a\\b", "..\\x", "a\0b",
        ] {
            assert!(RelPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::parse(&"x".repeat(256)).is_err());
        assert!(RelPath::from_names(vec!["d"; 257]).is_err());
    }

    #[test]
    fn awkward_names_are_kept_on_unix() {
        let path = RelPath::parse("a b/ü#%&+[x]?/…").unwrap();
        assert_eq!(path.to_path(Platform::Unix), Path::new("a b/ü#%&+[x]?/…"));
        assert_eq!(path.name(), "…");
    }

    #[test]
    fn names_that_windows_reserves_are_stored_under_another() {
        for (name, stored) in [
            ("a:b", "a%3Ab"),
            ("what?", "what%3F"),
            ("trail.", "trail%2E"),
            ("trail ", "trail%20"),
            ("CON", "%43ON"),
            ("con.txt", "%63on.txt"),
            ("COM7", "%43OM7"),
            ("COMMON", "COMMON"),
            ("a%b", "a%b"),
        ] {
            let path = RelPath::parse(name).unwrap().to_path(Platform::Windows);
            assert_eq!(path, Path::new(stored), "{name}");
        }
    }

    #[test]
    fn folded_names_collide() {
        let key = |path: &str| RelPath::parse(path).unwrap().fold_key();
        assert_eq!(key("Docs/README"), key("docs/readme"));
        assert_eq!(key("u\u{308}"), key("\u{fc}"));
        assert_ne!(key("a"), key("b"));
    }

    proptest! {
        #[test]
        fn no_path_leaves_its_folder(path in "[a.\\\\/: \\x00é]{0,12}") {
            if let Ok(path) = RelPath::parse(&path) {
                for platform in [Platform::Unix, Platform::Windows] {
                    let stored = path.to_path(platform);
                    let plain = stored.components().all(|part| matches!(part, Component::Normal(_)));
                    prop_assert!(plain && stored.is_relative(), "{:?}", stored);
                }
                prop_assert_eq!(RelPath::from_names(path.names()).unwrap(), path);
            }
        }
    }
}
