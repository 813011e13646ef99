//! Relative paths that stay inside the folder they are joined to.
//!
//! A `RelPath` is a list of plain names: none is empty, `.`, `..`, or holds `/`, `\` or NUL, so
//! joining it to a folder can't leave that folder on Linux or Windows. Under which names a disk
//! stores it is told by `stored`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Longest name of a path in units of UTF-16, as Windows stores it; others count bytes of UTF-8, of which no name
/// has fewer, and refuse a longer one when it is written.
pub const COMPONENT_LEN_MAX: usize = 255;
/// Most names in a path.
pub const DEPTH_MAX: usize = 256;

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
    /// A name longer than [`COMPONENT_LEN_MAX`].
    #[error("path with a name of {0} units of UTF-16")]
    TooLong(usize),
    /// More than [`DEPTH_MAX`] names.
    #[error("path of {0} levels")]
    TooDeep(usize),
}

/// A path below some folder, as plain names.
///
/// Whoever made the content may have used other names, which are no plain ones: bytes that are no
/// UTF-8, control characters. They are kept beside, to find the file at sources; they are never
/// written and never shown, and make no difference when paths are compared.
#[derive(Clone)]
pub struct RelPath {
    joined: Box<str>,
    /// The names that were given, joined with `/`, where they differ.
    given: Option<Box<[u8]>>,
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
            _ if depth > DEPTH_MAX => Err(PathError::TooDeep(depth)),
            _ => Ok(Self {
                joined: joined.into(),
                given: None,
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

    /// The same path with the names that were given for it. They are dropped where a source can't
    /// have a file under them, because one is empty, `.` or `..`, or holds `/` or NUL.
    #[must_use]
    pub fn with_given<I, N>(self, names: I) -> Self
    where
        I: IntoIterator<Item = N>,
        N: AsRef<[u8]>,
    {
        let names: Vec<N> = names.into_iter().collect();
        let bad = |name: &[u8]| matches!(name, b"" | b"." | b"..") || name.contains(&0);
        let bad = |name: &[u8]| bad(name) || name.contains(&b'/');
        let usable = !names.is_empty() && !names.iter().any(|name| bad(name.as_ref()));
        let joined = names
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join(&b'/');
        let differs = usable && joined != self.joined.as_bytes();
        Self {
            given: differs.then(|| joined.into()),
            ..self
        }
    }

    /// The names that were given, outermost first, if they are others.
    pub fn given_names(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let given = self.given.as_deref()?;
        Some(given.split(|byte| *byte == b'/'))
    }
}

impl PartialEq for RelPath {
    fn eq(&self, other: &Self) -> bool {
        self.joined == other.joined
    }
}

impl Eq for RelPath {}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.joined.cmp(&other.joined)
    }
}

impl Hash for RelPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.joined.hash(state);
    }
}

fn check(name: &str) -> Result<(), PathError> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']) {
        return Err(PathError::Unsafe(name.to_owned()));
    }
    let len = name.encode_utf16().count();
    if len > COMPONENT_LEN_MAX {
        return Err(PathError::TooLong(len));
    }
    Ok(())
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
    use crate::Platform;
    use proptest::prelude::*;
    use std::path::Component;

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for bad in [
            "", "/etc", "a//b", "a/", "..", "a/../b", ".", "a\\b", "..\\x", "a\0b",
        ] {
            assert!(RelPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(RelPath::parse(&"x".repeat(256)).is_err());
        assert!(RelPath::parse(&"字".repeat(256)).is_err());
        assert!(RelPath::parse(&"字".repeat(255)).is_ok());
        assert!(RelPath::from_names(vec!["d"; 257]).is_err());
    }

    #[test]
    fn names_that_were_given_are_kept_beside_the_plain_ones() {
        let given = |path: &str, names: &[&[u8]]| {
            let path = RelPath::parse(path).unwrap().with_given(names);
            let names = path
                .given_names()
                .map(|names| names.collect::<Vec<_>>().join(&b'|'));
            (path.as_str().to_owned(), names)
        };
        let kept = given("d/caf_", &[b"d", b"caf\xe9"]);
        assert_eq!(kept, ("d/caf_".to_owned(), Some(b"d|caf\xe9".to_vec())));
        assert_eq!(given("d/a", &[b"d", b"a"]).1, None);
        for unsafe_name in [&b".."[..], b".", b"", b"a/../b", b"a\0"] {
            assert_eq!(
                given("d/_", &[b"d", unsafe_name]).1,
                None,
                "{unsafe_name:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_its_folder(path in "[a.\\\\/: \\x00é]{0,12}") {
            if let Ok(path) = RelPath::parse(&path) {
                for platform in [Platform::Windows, Platform::Unix] {
                    if cfg!(windows) && platform == Platform::Unix {
                        continue; // its paths mean something else here
                    }
                    let stored = path.to_path(platform);
                    let plain = stored.components().all(|part| matches!(part, Component::Normal(_)));
                    prop_assert!(plain && stored.is_relative(), "{:?}", stored);
                }
                prop_assert_eq!(RelPath::from_names(path.names()).unwrap(), path);
            }
        }
    }
}
