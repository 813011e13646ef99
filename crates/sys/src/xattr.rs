//! Extended attributes that users give (`user.*`, as Linux keeps them), as text.
//!
//! The text holds each attribute of a file as its name without `user.`, in which every byte but letters,
//! digits, `.`, `_` and `-` is `%XX`, then `=` and its value in hexadecimal digits; they stand in the order
//! of their names with commas between them. What must stay true: no other attributes are read or touched.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Longest text in bytes.
pub const TEXT_LEN_MAX: usize = 64 * 1024;

/// The attributes of one file: names without `user.`, and values.
type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// Reads the attributes of a file or folder; `None` if it has none, or the disk has no such attributes.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system has none; [`io::ErrorKind::InvalidData`] where the text would be
/// longer than [`TEXT_LEN_MAX`].
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let found = crate::retry::retry(|| platform::read(path))?;
    let text = text(&found);
    if text.len() > TEXT_LEN_MAX {
        let message = "its extended attributes are longer than 32 KiB";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Gives the file or folder these attributes and takes others away. It must be no link.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a text that is none; [`io::ErrorKind::Unsupported`] where the system or the
/// disk has no such attributes and some are wanted.
pub fn set(path: &Path, attributes: Option<&str>) -> io::Result<()> {
    let wanted = attributes.map_or_else(|| Ok(Attributes::new()), parse)?;
    crate::retry::retry(|| platform::set(path, &wanted))
}

/// Whether a text is one of attributes.
pub fn check(text: &str) -> io::Result<()> {
    parse(text).map(|_| ())
}

fn text(attributes: &Attributes) -> String {
    let mut parts = Vec::new();
    for (name, value) in attributes {
        let mut part = String::new();
        for byte in name {
            if is_plain(*byte) {
                part.push(char::from(*byte));
            } else {
                part.push('%');
                part.push_str(&hex(*byte));
            }
        }
        part.push('=');
        part.extend(value.iter().map(|byte| hex(*byte)));
        parts.push(part);
    }
    parts.join(",")
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn parse(text: &str) -> io::Result<Attributes> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "no extended attributes");
    let mut attributes = Attributes::new();
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or_else(refused)?;
        let (name, value) = (parse_name(name), parse_hex(value));
        let (Some(name), Some(value)) = (name.filter(|name| !name.is_empty()), value) else {
            return Err(refused());
        };
        if attributes.insert(name, value).is_some() {
            return Err(refused());
        }
    }
    Ok(attributes)
}

fn parse_name(text: &str) -> Option<Vec<u8>> {
    let (mut name, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let (code, after) = rest.split_first_chunk::<2>()?;
            rest = after;
            let code = parse_hex(std::str::from_utf8(code).ok()?)?;
            // a zero would end the name early
            name.extend(code.first().filter(|byte| **byte != 0)?.to_le_bytes());
        } else {
            name.push(Some(*byte).filter(|byte| is_plain(*byte))?);
        }
    }
    Some(name)
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pair = |[high, low]: &[u8; 2]| u8::try_from(digit(high)? * 16 + digit(low)?).ok();
    pairs
        .iter()
        .map(pair)
        .collect::<Option<_>>()
        .filter(|_| rest.is_empty())
}

#[cfg(target_os = "linux")]
mod platform {
    use super::Attributes;
    use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lremovexattr, lsetxattr};
    use rustix::io::Errno;
    use std::ffi::OsString;
    use std::io;
    use std::os::unix::ffi::OsStringExt;
    use std::path::Path;

    const PREFIX: &[u8] = b"user.";
    /// `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` of the kernel.
    const LEN_MAX: usize = 64 * 1024;

    pub(super) fn read(path: &Path) -> io::Result<Attributes> {
        let mut names = vec![0; LEN_MAX];
        let len = match llistxattr(path, &mut names) {
            Err(Errno::OPNOTSUPP) => 0,
            len => len?,
        };
        let names = names.get(..len).unwrap_or_default();
        let own = names.split(|byte| *byte == 0);
        let own = own.filter_map(|name| name.strip_prefix(PREFIX));
        let mut found = Attributes::new();
        for name in own.filter(|name| !name.is_empty()) {
            let mut value = vec![0; LEN_MAX];
            match lgetxattr(path, full(name), &mut value) {
                Ok(len) => {
                    value.truncate(len);
                    found.insert(name.to_vec(), value);
                }
                // taken away meanwhile
                Err(Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    pub(super) fn set(path: &Path, wanted: &Attributes) -> io::Result<()> {
        let found = read(path)?;
        let done = |done: Result<(), Errno>| match done {
            Err(Errno::OPNOTSUPP) => Err(io::ErrorKind::Unsupported.into()),
            done => done.map_err(io::Error::from),
        };
        for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
            done(lremovexattr(path, full(name)))?;
        }
        for (name, value) in wanted {
            if found.get(name) != Some(value) {
                done(lsetxattr(path, full(name), value, XattrFlags::empty()))?;
            }
        }
        Ok(())
    }

    fn full(name: &[u8]) -> OsString {
        OsString::from_vec([PREFIX, name].concat())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::Attributes;
    use std::io;
    use std::path::Path;

    pub(super) fn read(_path: &Path) -> io::Result<Attributes> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn set(_path: &Path, wanted: &Attributes) -> io::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written() {
        let mut attributes = Attributes::new();
        attributes.insert(b"origin.url".to_vec(), b"http://a".to_vec());
        attributes.insert(b"a,b=\xff".to_vec(), Vec::new());
        let told = text(&attributes);
        assert_eq!(told, "a%2cb%3d%ff=,origin.url=687474703a2f2f61");
        assert_eq!(parse(&told).unwrap(), attributes);
        for wrong in [
            "", "a", "=00", "a=0", "a=0g", "a b=", "%00=", "%4=", "a=,a=",
        ] {
            let error = check(wrong).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{wrong}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_has_the_attributes_that_it_was_given_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("it");
        std::fs::write(&path, "x").unwrap();
        match set(&path, Some("a=00ff,b=61")) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                eprintln!("skipped: this disk has no extended attributes");
                return;
            }
            done => done.unwrap(),
        }
        assert_eq!(read(&path).unwrap().as_deref(), Some("a=00ff,b=61"));
        set(&path, Some("b=62,c=")).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("b=62,c="));
        set(&path, None).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }
}
