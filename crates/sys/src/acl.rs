//! Access lists (POSIX.1e, as Linux keeps them), as text.
//!
//! The text is the short form that `setfacl` reads, with numbers for users and groups and `d:` before the
//! entries that a folder's new files get: `u::rw-,u:1001:r--,g::r--,m::r--,o::---`. What must stay true: no
//! text makes a list that the kernel would take for another one.

use std::io;
use std::path::Path;

/// Reads the list of a file or folder; `None` if its mode bits say all.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system or the disk has no such lists.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    crate::retry::retry(|| platform::read(path))
}

/// Gives the file or folder this list, or none, if it has another one. It must be no link.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a text that is no list; [`io::ErrorKind::Unsupported`] as [`read`].
pub fn set(path: &Path, list: Option<&str>) -> io::Result<()> {
    if let Some(list) = list {
        check(list)?;
    }
    crate::retry::retry(|| platform::set(path, list))
}

/// Whether a text is a list.
pub fn check(list: &str) -> io::Result<()> {
    entries(list).map(|_| ())
}

/// Whom an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    default: bool,
    tag: u16,
    perm: u16,
    id: u32,
}

const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NO_ID: u32 = u32::MAX;

/// Reads a text.
fn entries(list: &str) -> io::Result<Vec<Entry>> {
    let refused = || io::Error::new(io::ErrorKind::InvalidInput, "not an access list");
    list.split(',')
        .map(|text| entry(text).ok_or_else(refused))
        .collect()
}

fn entry(text: &str) -> Option<Entry> {
    let (default, text) = match text.strip_prefix("d:") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut parts = text.split(':');
    let (who, id, perm) = (parts.next()?, parts.next()?, parts.next()?);
    let (tag, id) = match (who, id) {
        ("u", "") => (USER_OBJ, NO_ID),
        ("g", "") => (GROUP_OBJ, NO_ID),
        ("m", "") => (MASK, NO_ID),
        ("o", "") => (OTHER, NO_ID),
        ("u", id) => (USER, id.parse().ok()?),
        ("g", id) => (GROUP, id.parse().ok()?),
        _ => return None,
    };
    let bits: Option<u16> = match perm.as_bytes() {
        [r, w, x] => [(r, b'r', 4), (w, b'w', 2), (x, b'x', 1)]
            .iter()
            .map(|(found, letter, bit)| match **found {
                b'-' => Some(0),
                found if found == *letter => Some(*bit),
                _ => None,
            })
            .sum(),
        _ => None,
    };
    let entry = Entry {
        default,
        tag,
        perm: bits?,
        id,
    };
    parts.next().is_none().then_some(entry)
}

/// Writes a text.
#[cfg(any(target_os = "linux", test))]
fn text(entries: &[Entry]) -> String {
    let each = entries.iter().map(|entry| {
        let who = match entry.tag {
            USER_OBJ | USER => "u",
            GROUP_OBJ | GROUP => "g",
            MASK => "m",
            _ => "o",
        };
        let id = match entry.tag {
            USER | GROUP => entry.id.to_string(),
            _ => String::new(),
        };
        let bit = |bit, letter| if entry.perm & bit != 0 { letter } else { '-' };
        let default = if entry.default { "d:" } else { "" };
        format!(
            "{default}{who}:{id}:{}{}{}",
            bit(4, 'r'),
            bit(2, 'w'),
            bit(1, 'x')
        )
    });
    each.collect::<Vec<_>>().join(",")
}

#[cfg(target_os = "linux")]
mod platform {
    use super::{Entry, entries, text};
    use rustix::fs::{XattrFlags, lgetxattr, lremovexattr, lsetxattr};
    use rustix::io::Errno;
    use std::io;
    use std::path::Path;

    const NAMES: [(&str, bool); 2] = [
        ("system.posix_acl_access", false),
        ("system.posix_acl_default", true),
    ];
    /// `POSIX_ACL_XATTR_VERSION` of the kernel.
    const VERSION: u32 = 2;
    const ENTRY_LEN: usize = 8;
    const LEN_MAX: usize = 64 * 1024;

    pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
        let mut all = Vec::new();
        for (name, default) in NAMES {
            let mut buffer = vec![0; LEN_MAX];
            match lgetxattr(path, name, &mut buffer) {
                Ok(len) => all.extend(decode(buffer.get(..len).unwrap_or_default(), default)?),
                Err(Errno::NODATA) => {}
                Err(Errno::OPNOTSUPP) => return Err(io::ErrorKind::Unsupported.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((!all.is_empty()).then(|| text(&all)))
    }

    fn decode(bytes: &[u8], default: bool) -> io::Result<Vec<Entry>> {
        let unknown = || io::Error::new(io::ErrorKind::InvalidData, "an unknown access list");
        let (version, rest) = bytes.split_first_chunk::<4>().ok_or_else(unknown)?;
        if u32::from_le_bytes(*version) != VERSION || rest.len() % ENTRY_LEN != 0 {
            return Err(unknown());
        }
        let (entries, _) = rest.as_chunks::<ENTRY_LEN>();
        let entry = |[t0, t1, p0, p1, a, b, c, d]: &[u8; ENTRY_LEN]| Entry {
            default,
            tag: u16::from_le_bytes([*t0, *t1]),
            perm: u16::from_le_bytes([*p0, *p1]),
            id: u32::from_le_bytes([*a, *b, *c, *d]),
        };
        Ok(entries.iter().map(entry).collect())
    }

    fn encode(entries: &[Entry]) -> Vec<u8> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for entry in entries {
            bytes.extend_from_slice(&entry.tag.to_le_bytes());
            bytes.extend_from_slice(&entry.perm.to_le_bytes());
            bytes.extend_from_slice(&entry.id.to_le_bytes());
        }
        bytes
    }

    pub(super) fn set(path: &Path, list: Option<&str>) -> io::Result<()> {
        if read(path)?.as_deref() == list {
            return Ok(());
        }
        let wanted = list.map(entries).transpose()?.unwrap_or_default();
        for (name, default) in NAMES {
            let own = wanted.iter().filter(|entry| entry.default == default);
            let own: Vec<Entry> = own.copied().collect();
            let done = if own.is_empty() {
                lremovexattr(path, name)
            } else {
                lsetxattr(path, name, &encode(&own), XattrFlags::empty())
            };
            match done {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(Errno::OPNOTSUPP) => return Err(io::ErrorKind::Unsupported.into()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::path::Path;

    pub(super) fn read(_path: &Path) -> io::Result<Option<String>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn set(_path: &Path, _list: Option<&str>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "u::rwx,u:1001:r--,g::r-x,g:7:-w-,m::rwx,o::---,d:u::rwx,d:u:5:r--,d:g::r-x,d:m::r-x,d:o::--x";

    #[test]
    fn a_text_is_read_as_it_was_written() {
        assert_eq!(text(&entries(LIST).unwrap()), LIST);
        for wrong in [
            "",
            "u::rw",
            "x::rw-",
            "u::rwx-",
            "u:root:rw-",
            "u::wr-",
            "u::rw-,",
            "m:5:rw-",
            "u::rw-:x",
        ] {
            assert_eq!(
                check(wrong).unwrap_err().kind(),
                io::ErrorKind::InvalidInput,
                "{wrong}"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_keeps_its_list_until_it_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        match set(dir.path(), Some(LIST)) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                eprintln!("skipped: this disk has no access lists");
                return;
            }
            done => done.unwrap(),
        }
        assert_eq!(read(dir.path()).unwrap().as_deref(), Some(LIST));
        set(dir.path(), None).unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
    }
}
