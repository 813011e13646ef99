//! Times, modes and flags of files, folders and links themselves.
//!
//! What must stay true: nothing here follows a link in the last component, except [`set_mode`] and
//! [`set_flags`], whose callers have looked that there is none; times are in units of 100 ns since 1970,
//! which both kinds of systems can hold.

use std::fs::Metadata;
use std::io;
use std::path::Path;

use crate::retry::retry;

/// Flags that Windows keeps for a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the operating system"
)]
pub struct Flags {
    /// Nobody writes it.
    pub read_only: bool,
    /// It is not shown.
    pub hidden: bool,
    /// It belongs to the operating system.
    pub system: bool,
    /// It was changed since the last backup.
    pub archive: bool,
}

/// When the bytes were last changed, in units of 100 ns since 1970, rounded down.
pub fn modified(metadata: &Metadata) -> i64 {
    platform::modified(metadata)
}

/// A number that changes with the file's length, times and identity: as long as it is the same, the file is
/// most likely what it was. On unix it changes with whatever is done to the file, its mode and its names too.
pub fn stamp(metadata: &Metadata) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    let facts = platform::facts(metadata);
    facts
        .iter()
        .flat_map(|fact| fact.to_le_bytes())
        .fold(BASIS, mix)
}

/// Sets when the bytes of `path` were last changed; of a link itself where `path` is one.
pub fn set_modified(path: &Path, time: i64) -> io::Result<()> {
    retry(|| platform::set_modified(path, time))
}

/// The twelve mode bits; `None` where the system has none.
pub fn mode(metadata: &Metadata) -> Option<u16> {
    platform::mode(metadata)
}

/// Sets the twelve mode bits of the file or folder at `path`.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system has none.
pub fn set_mode(path: &Path, mode: u16) -> io::Result<()> {
    retry(|| platform::set_mode(path, mode))
}

/// The flags; `None` where the system has none but the mode bits.
pub fn flags(metadata: &Metadata) -> Option<Flags> {
    platform::flags(metadata)
}

/// Sets the flags of the file or folder at `path`.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system has none.
pub fn set_flags(path: &Path, flags: Flags) -> io::Result<()> {
    retry(|| platform::set_flags(path, flags))
}

/// Lets the owner write the file or folder at `path`, if it is no link. Says whether that took a change.
pub fn make_writable(path: &Path) -> io::Result<bool> {
    let metadata = crate::fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(false);
    }
    retry(|| platform::make_writable(path, &metadata))
}

#[cfg(unix)]
mod platform {
    use super::Flags;
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};
    use std::fs::{Metadata, Permissions, set_permissions};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    const UNITS: i64 = 10_000_000;

    pub(super) fn modified(metadata: &Metadata) -> i64 {
        let whole = metadata.mtime().saturating_mul(UNITS);
        whole.saturating_add(metadata.mtime_nsec() / 100)
    }

    pub(super) fn facts(metadata: &Metadata) -> [i128; 4] {
        let ns = |seconds, ns| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        [
            i128::from(metadata.size()),
            ns(metadata.mtime(), metadata.mtime_nsec()),
            ns(metadata.ctime(), metadata.ctime_nsec()),
            i128::from(metadata.ino()),
        ]
    }

    pub(super) fn set_modified(path: &Path, time: i64) -> io::Result<()> {
        let last_modification = Timespec {
            tv_sec: time.div_euclid(UNITS),
            tv_nsec: time.rem_euclid(UNITS) * 100,
        };
        let last_access = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        };
        let times = Timestamps {
            last_access,
            last_modification,
        };
        Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn mode(metadata: &Metadata) -> Option<u16> {
        u16::try_from(metadata.mode() & 0o7777).ok()
    }

    pub(super) fn set_mode(path: &Path, mode: u16) -> io::Result<()> {
        set_permissions(path, Permissions::from_mode(u32::from(mode)))
    }

    pub(super) fn flags(_metadata: &Metadata) -> Option<Flags> {
        None
    }

    pub(super) fn set_flags(_path: &Path, _flags: Flags) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    /// A folder must be entered to be written, too.
    pub(super) fn make_writable(path: &Path, metadata: &Metadata) -> io::Result<bool> {
        let wanted = if metadata.is_dir() { 0o700 } else { 0o200 };
        let mode = metadata.mode() & 0o7777;
        if mode & wanted == wanted {
            return Ok(false);
        }
        set_permissions(path, Permissions::from_mode(mode | wanted))?;
        Ok(true)
    }
}

#[cfg(windows)]
mod platform {
    use super::Flags;
    use std::fs::{FileTimes, Metadata, OpenOptions, symlink_metadata};
    use std::io::{self, ErrorKind};
    use std::os::windows::ffi::OsStrExt;
    use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_NORMAL,
        FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FILE_FLAG_BACKUP_SEMANTICS,
        FILE_FLAG_OPEN_REPARSE_POINT, FILE_WRITE_ATTRIBUTES, SetFileAttributesW,
    };

    /// 1970 in units of 100 ns since 1601.
    const EPOCH: u64 = 116_444_736_000_000_000;

    pub(super) fn modified(metadata: &Metadata) -> i64 {
        let time = i128::from(metadata.last_write_time()) - i128::from(EPOCH);
        i64::try_from(time).unwrap_or(i64::MAX)
    }

    pub(super) fn facts(metadata: &Metadata) -> [i128; 4] {
        [
            i128::from(metadata.file_size()),
            i128::from(metadata.last_write_time()),
            i128::from(metadata.creation_time()),
            i128::from(metadata.file_attributes()),
        ]
    }

    pub(super) fn set_modified(path: &Path, time: i64) -> io::Result<()> {
        let file = OpenOptions::new()
            .access_mode(FILE_WRITE_ATTRIBUTES)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
            .open(path)?;
        let time = system_time(time).ok_or(ErrorKind::InvalidInput)?;
        file.set_times(FileTimes::new().set_modified(time))
    }

    fn system_time(time: i64) -> Option<SystemTime> {
        let units = time.unsigned_abs();
        let nanos = u32::try_from(units % 10_000_000).ok()? * 100;
        let since = Duration::new(units / 10_000_000, nanos);
        if time < 0 {
            UNIX_EPOCH.checked_sub(since)
        } else {
            UNIX_EPOCH.checked_add(since)
        }
    }

    pub(super) fn mode(_metadata: &Metadata) -> Option<u16> {
        None
    }

    pub(super) fn set_mode(_path: &Path, _mode: u16) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn flags(metadata: &Metadata) -> Option<Flags> {
        let found = metadata.file_attributes();
        Some(Flags {
            read_only: found & FILE_ATTRIBUTE_READONLY != 0,
            hidden: found & FILE_ATTRIBUTE_HIDDEN != 0,
            system: found & FILE_ATTRIBUTE_SYSTEM != 0,
            archive: found & FILE_ATTRIBUTE_ARCHIVE != 0,
        })
    }

    pub(super) fn set_flags(path: &Path, flags: Flags) -> io::Result<()> {
        let found = symlink_metadata(path)?.file_attributes();
        let mut wanted = found;
        for (bit, set) in [
            (FILE_ATTRIBUTE_READONLY, flags.read_only),
            (FILE_ATTRIBUTE_HIDDEN, flags.hidden),
            (FILE_ATTRIBUTE_SYSTEM, flags.system),
            (FILE_ATTRIBUTE_ARCHIVE, flags.archive),
        ] {
            wanted = if set { wanted | bit } else { wanted & !bit };
        }
        if wanted == found {
            return Ok(());
        }
        if wanted == 0 {
            wanted = FILE_ATTRIBUTE_NORMAL;
        }
        let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        // SAFETY: `name` ends with a zero and outlives the call.
        if unsafe { SetFileAttributesW(name.as_ptr(), wanted) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    pub(super) fn make_writable(path: &Path, metadata: &Metadata) -> io::Result<bool> {
        let Some(flags) = flags(metadata).filter(|flags| flags.read_only) else {
            return Ok(false);
        };
        set_flags(
            path,
            Flags {
                read_only: false,
                ..flags
            },
        )?;
        Ok(true)
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use super::Flags;
    use std::fs::Metadata;
    use std::io::{self, ErrorKind};
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    pub(super) fn modified(metadata: &Metadata) -> i64 {
        let since = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| {
            i64::try_from(since.as_nanos() / 100).unwrap_or(i64::MAX)
        })
    }

    pub(super) fn facts(metadata: &Metadata) -> [i128; 4] {
        [
            i128::from(metadata.len()),
            i128::from(modified(metadata)),
            0,
            0,
        ]
    }

    pub(super) fn set_modified(_path: &Path, _time: i64) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn mode(_metadata: &Metadata) -> Option<u16> {
        None
    }

    pub(super) fn set_mode(_path: &Path, _mode: u16) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn flags(_metadata: &Metadata) -> Option<Flags> {
        None
    }

    pub(super) fn set_flags(_path: &Path, _flags: Flags) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn make_writable(path: &Path, metadata: &Metadata) -> io::Result<bool> {
        let mut permissions = metadata.permissions();
        if !permissions.readonly() {
            return Ok(false);
        }
        permissions.set_readonly(false);
        std::fs::set_permissions(path, permissions)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::fs::create_dir;
    use std::fs::{symlink_metadata, write};

    #[test]
    fn a_time_is_kept_to_100_ns_before_1970_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        write(&file, "x").unwrap();
        for time in [16_999_999_991_234_567, 1, 0, -15_000_003] {
            for path in [dir.path(), file.as_path()] {
                set_modified(path, time).unwrap();
                assert_eq!(modified(&symlink_metadata(path).unwrap()), time);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_stamp_of_a_file_tells_of_a_change_though_its_time_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        write(&file, "x").unwrap();
        set_modified(&file, 70).unwrap();
        let of = || stamp(&symlink_metadata(&file).unwrap());
        let before = of();
        assert_eq!(of(), before);
        // the clock of a file system may tick a few times a second only
        for _ in 0..1000 {
            write(&file, "y").unwrap();
            set_modified(&file, 70).unwrap();
            if of() != before {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the stamp stayed the same");
    }

    #[cfg(unix)]
    #[test]
    fn the_time_of_a_link_is_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        write(&file, "x").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        set_modified(&file, 70).unwrap();
        set_modified(&link, 90).unwrap();
        assert_eq!(modified(&symlink_metadata(&file).unwrap()), 70);
        assert_eq!(modified(&symlink_metadata(&link).unwrap()), 90);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_read_only_can_be_made_writable_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("file"), dir.path().join("folder"));
        write(&file, "x").unwrap();
        create_dir(&folder).unwrap();
        for (path, locked, open) in [(&file, 0o444, 0o644), (&folder, 0o555, 0o755)] {
            set_mode(path, locked).unwrap();
            assert!(make_writable(path).unwrap());
            assert_eq!(mode(&symlink_metadata(path).unwrap()), Some(open));
            assert!(!make_writable(path).unwrap());
        }
    }
}
