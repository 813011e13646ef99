//! Names of files as a document gives them, taken only where they stay inside a folder.
//!
//! A `FilePath` is relative: none of its names is empty, `.` or `..`, or holds a separator, a
//! backslash or a control character, and the first is no drive. Joining it to a folder cannot
//! leave that folder. What a disk cannot store, or folds, is the business of whoever writes.

use crate::excerpt::excerpt;
use crate::limits::{NAME_LEN_MAX, NAMES_MAX};
use std::cmp::Ordering;
use std::fmt;

/// Why a path is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It begins with `/` or a drive.
    #[error("path is not relative")]
    Absolute,
    /// A name that is empty, `.` or `..`, or holds a backslash or a control character.
    #[error("path holds the unsafe name {0:?}")]
    Unsafe(String),
    /// A name longer than [`NAME_LEN_MAX`].
    #[error("path holds a name of {0} units of UTF-16")]
    TooLong(usize),
    /// More than [`NAMES_MAX`] names.
    #[error("path has {0} levels")]
    TooDeep(usize),
}

/// A relative path, names joined with `/`.
///
/// ```
/// use swarmcopy_metalink::FilePath;
/// assert_eq!(FilePath::parse("docs/read me.txt").unwrap().names().count(), 2);
/// assert!(FilePath::parse("docs/../../etc/passwd").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FilePath {
    joined: Box<str>,
}

impl FilePath {
    /// Takes names joined with `/`.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.starts_with('/') || is_drive(path) {
            return Err(PathError::Absolute);
        }
        let depth = path.split('/').count();
        if depth > NAMES_MAX {
            return Err(PathError::TooDeep(depth));
        }
        path.split('/').try_for_each(check)?;
        Ok(Self {
            joined: path.into(),
        })
    }

    /// The names joined with `/`.
    pub fn as_str(&self) -> &str {
        &self.joined
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.joined.split('/')
    }

    /// Whether `self` is `folder` or lies in it.
    pub(crate) fn is_within(&self, folder: &Self) -> bool {
        self.joined
            .strip_prefix(&*folder.joined)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// By names, outermost first: what lies in a folder follows the folder at once.
impl Ord for FilePath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.joined.as_bytes(), other.joined.as_bytes());
        // a name ends before any other goes on; no name holds a NUL
        let rank = |c: u8| if c == b'/' { 0 } else { c };
        match a.iter().zip(b).find(|(a, b)| a != b) {
            Some((a, b)) => rank(*a).cmp(&rank(*b)),
            None => a.len().cmp(&b.len()),
        }
    }
}

impl PartialOrd for FilePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether `path` begins as paths of Windows do: a letter and a colon.
fn is_drive(path: &str) -> bool {
    let mut chars = path.chars();
    chars
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && chars.next() == Some(':')
}

fn check(name: &str) -> Result<(), PathError> {
    let parts = matches!(name, "" | "." | "..");
    if parts || name.chars().any(|c| c == '\\' || c.is_ascii_control()) {
        return Err(PathError::Unsafe(excerpt(name)));
    }
    let len = name.encode_utf16().count();
    if len > NAME_LEN_MAX {
        return Err(PathError::TooLong(len));
    }
    Ok(())
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for bad in [
            "", "/", "/etc", "a//b", "a/", "..", "../x", "a/../b", ".", "./a", "a/.", "a\\b",
            "..\\x", "a\0b", "a\nb", "C:/x", "c:x",
        ] {
            assert!(FilePath::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            FilePath::parse(&"x".repeat(256)),
            Err(PathError::TooLong(256))
        );
        assert_eq!(
            FilePath::parse(&vec!["d"; 257].join("/")),
            Err(PathError::TooDeep(257))
        );
    }

    #[test]
    fn awkward_names_are_kept() {
        for good in ["a b/ü#%&+[x]?/…", "...", "..a", "ab:c/d:e", "CON", "trail."] {
            assert_eq!(FilePath::parse(good).unwrap().as_str(), good);
        }
    }

    proptest! {
        #[test]
        fn paths_are_ordered_by_names(a in "[a!/é]{1,9}", b in "[a!/é]{1,9}") {
            if let (Ok(a), Ok(b)) = (FilePath::parse(&a), FilePath::parse(&b)) {
                prop_assert_eq!(a.cmp(&b), a.names().cmp(b.names()));
            }
        }
    }

    #[test]
    fn only_whole_names_lie_within() {
        let path = |path| FilePath::parse(path).unwrap();
        assert!(path("a/b").is_within(&path("a")) && path("a").is_within(&path("a")));
        assert!(!path("ab").is_within(&path("a")) && !path("a").is_within(&path("a/b")));
    }
}
