//! Under which name a disk stores a file of a content.
//!
//! What a Windows disk can't store under its own name (`a:b`, `CON`, `trail.`) is stored under
//! another one there: each character that stands in the way becomes `%XX`. What must stay true: no
//! two names are stored under one. So a `%` is escaped itself where what follows would be read as
//! such an escape (`%43ON`, `a%3F`); `My%20file` and `100%` stay as they are.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::RelPath;

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

impl RelPath {
    /// The path on a disk of `platform`, relative. No two paths have the same; a disk that folds
    /// names may still take two for one: see [`fold_key`](Self::fold_key).
    pub fn to_path(&self, platform: Platform) -> PathBuf {
        match platform {
            Platform::Unix => self.names().collect(),
            Platform::Windows => self.names().map(windows_name).collect(),
        }
    }

    /// The paths under which a source on a disk of `platform` may have the file, the likeliest
    /// first: the names that were given, where that disk can have them, and those that a copy of
    /// ours has. On Windows the folder that they are joined to must begin with `\\?\`
    /// if there are two, because `trail.` and `aux.txt` mean something else without.
    pub fn source_paths(&self, platform: Platform) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = self.given_path(platform).into_iter().collect();
        let stored = self.to_path(platform);
        if !paths.contains(&stored) {
            paths.push(stored);
        }
        paths
    }

    /// The path as it was given, if a disk of `platform` can have it.
    fn given_path(&self, platform: Platform) -> Option<PathBuf> {
        match platform {
            Platform::Unix => self.given_names()?.map(os_name).collect(),
            Platform::Windows => match self.given_names() {
                Some(names) => names
                    .map(|name| true_name(std::str::from_utf8(name).ok()?))
                    .collect(),
                None => self.names().map(true_name).collect(),
            },
        }
    }

    /// A key under which two paths are equal if a disk of `platform` that folds case and Unicode
    /// forms would take what it stores for the same file.
    pub fn fold_key(&self, platform: Platform) -> String {
        let names: Vec<String> = match platform {
            Platform::Unix => self.names().map(fold).collect(),
            Platform::Windows => self.names().map(|name| fold(&windows_name(name))).collect(),
        };
        names.join("/")
    }
}

/// A name as a unix disk has it.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "a unix disk can have every name, others can't"
)]
fn os_name(name: &[u8]) -> Option<&std::ffi::OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(name))
}

/// A name as a unix disk has it, as far as another system can say it.
#[cfg(not(unix))]
fn os_name(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok()
}

/// A name that a Windows disk can have, if only by its full path.
fn true_name(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.contains(is_reserved))
}

/// Letters as large ones and then as small ones (a small letter may have two large forms, and the
/// other way round), where that is one letter for one: `ß` is not `ss` on any disk.
pub(crate) fn fold(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let one = |mut letters: Box<dyn ExactSizeIterator<Item = char>>, c: char| {
        let letter = letters.next().filter(|_| letters.len() == 0);
        letter.unwrap_or(c)
    };
    let large = |c: char| one(Box::new(c.to_uppercase()), c);
    let small = |c: char| one(Box::new(c.to_lowercase()), c);
    name.nfc().map(large).map(small).nfc().collect()
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

/// Whether no Windows disk stores `c`, wherever it stands in a name.
fn is_reserved(c: char) -> bool {
    c.is_control() || "<>:\"|?*\\".contains(c)
}

fn windows_name(name: &str) -> String {
    let device = is_device(name);
    let mut stored = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        let rest = name.get(at + c.len_utf8()..).unwrap_or_default();
        let trailing = rest.is_empty() && (c == '.' || c == ' ');
        let escape = c == '%' && is_escape(rest, at == 0);
        if is_reserved(c) || trailing || escape || (device && at == 0) {
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

/// Whether a `%` before `rest` would be read as the beginning of an escape that [`windows_name`]
/// makes there. Small digits count too: the disk folds them.
fn is_escape(rest: &str, first: bool) -> bool {
    let code = rest
        .get(..2)
        .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
        return false;
    };
    match byte {
        // the first byte of the control characters that UTF-8 has two bytes for, and `%` itself
        0xc2 | b'%' => true,
        b'.' | b' ' => rest.len() == 2,
        b'A'..=b'Z' | b'a'..=b'z' => first,
        _ => is_reserved(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn stored(name: &str) -> PathBuf {
        RelPath::parse(name).unwrap().to_path(Platform::Windows)
    }

    #[test]
    fn awkward_names_are_kept_on_unix() {
        let path = RelPath::parse("a b/ü#%&+[x]?/…").unwrap();
        assert_eq!(path.to_path(Platform::Unix), Path::new("a b/ü#%&+[x]?/…"));
        assert_eq!(path.name(), "…");
    }

    #[test]
    fn names_that_windows_reserves_are_stored_under_another() {
        for (name, other) in [
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
            assert_eq!(stored(name), Path::new(other), "{name}");
        }
    }

    #[test]
    fn only_what_looks_like_an_escape_is_escaped_again() {
        for (name, other) in [
            ("%43ON", "%2543ON"),
            ("a%3f", "a%253f"),
            ("a%2E", "a%252E"),
            ("a%253F", "a%25253F"),
            ("a%C2%85", "a%25C2%2585"),
        ] {
            assert_eq!(stored(name), Path::new(other), "{name}");
        }
        for plain in [
            "My%20file",
            "v1%2E2",
            "a%43",
            "100%",
            "%zz",
            "%",
            "%2",
            "%ü",
        ] {
            assert_eq!(stored(plain), Path::new(plain));
        }
    }

    #[test]
    fn sources_are_asked_for_the_given_name_first() {
        let given = RelPath::parse("d/caf_")
            .unwrap()
            .with_given([&b"d"[..], b"caf\xe9"]);
        let windows = given.source_paths(Platform::Windows);
        assert_eq!(windows, [Path::new("d/caf_")]);
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let there = given.source_paths(Platform::Unix);
            assert_eq!(there[0].as_os_str().as_bytes(), b"d/caf\xe9");
            assert_eq!(there[1], Path::new("d/caf_"));
        }
    }

    #[test]
    fn windows_shares_are_asked_for_the_true_name_first() {
        let paths = |path: &str| {
            RelPath::parse(path)
                .unwrap()
                .source_paths(Platform::Windows)
        };
        let two = |a: &str, b: &str| vec![PathBuf::from(a), PathBuf::from(b)];
        assert_eq!(paths("aux.txt"), two("aux.txt", "%61ux.txt"));
        assert_eq!(paths("d./trail."), two("d./trail.", "d%2E/trail%2E"));
        assert_eq!(paths("%43ON"), two("%43ON", "%2543ON"));
        assert_eq!(paths("plain"), [PathBuf::from("plain")]);
        // a colon would name a stream of another file
        assert_eq!(paths("a:b"), [PathBuf::from("a%3Ab")]);
        let turned = RelPath::parse("ab").unwrap().with_given(["a\u{202e}b"]);
        assert_eq!(
            turned.source_paths(Platform::Windows),
            two("a\u{202e}b", "ab")
        );
        let slash = RelPath::parse("ab").unwrap().with_given(["a\\b"]);
        assert_eq!(slash.source_paths(Platform::Windows), [PathBuf::from("ab")]);
    }

    #[test]
    fn folded_names_collide() {
        let key = |path: &str| RelPath::parse(path).unwrap().fold_key(Platform::Windows);
        assert_eq!(key("Docs/README"), key("docs/readme"));
        assert_eq!(key("u\u{308}"), key("\u{fc}"));
        assert_eq!(key("U\u{308}"), key("\u{fc}"));
        assert_eq!(key("\u{3c2}"), key("\u{3c3}"));
        assert_ne!(key("a"), key("b"));
        assert_ne!(key("Straße"), key("Strasse"));
    }

    #[test]
    fn what_is_stored_decides_what_collides() {
        let key = |path: &str| RelPath::parse(path).unwrap().fold_key(Platform::Windows);
        assert_ne!(key("CON"), key("%43ON"));
        assert_ne!(key("a?"), key("a%3f"));
        assert_eq!(key("a%3F"), key("A%3f"));
    }

    proptest! {
        #[test]
        fn no_two_names_are_stored_under_one(
            a in "(CON|con|%43|%2E|[%2543fFCc3Ee.?: \\x01\u{85}aü]){1,5}",
            b in "(CON|con|%43|%2E|[%2543fFCc3Ee.?: \\x01\u{85}aü]){1,5}",
        ) {
            if let (Ok(a), Ok(b)) = (RelPath::parse(&a), RelPath::parse(&b)) {
                let same = a.to_path(Platform::Windows) == b.to_path(Platform::Windows);
                prop_assert_eq!(same, a == b, "{:?} {:?}", a, b);
            }
        }

        #[test]
        fn the_name_can_be_read_from_what_is_stored(
            name in "(CON|con|PRN|%43|%2E|[%2543fFCc3Ee.?: \\x01\u{85}aü]){1,6}",
        ) {
            if let Ok(path) = RelPath::parse(&name) {
                let stored = path.to_path(Platform::Windows);
                let stored = stored.to_str().unwrap();
                prop_assert_eq!(unescaped(stored), name);
                let plain = !stored.ends_with(['.', ' ']) && !stored.contains(is_reserved);
                prop_assert!(plain && !is_device(stored), "{}", stored);
            }
        }
    }

    /// Undoes the escapes, each where one may stand.
    fn unescaped(stored: &str) -> String {
        let (mut bytes, mut at) = (Vec::new(), 0);
        while let Some(c) = stored.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = &stored[at + c.len_utf8()..];
            if c == '%' && is_escape(rest, at == 0) {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                at += 3;
                // the second byte of a control character
                if bytes.last() == Some(&0xc2) {
                    bytes.push(u8::from_str_radix(&stored[at + 1..at + 3], 16).unwrap());
                    at += 3;
                }
            } else {
                bytes.extend(c.to_string().bytes());
                at += c.len_utf8();
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
