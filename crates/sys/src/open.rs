//! Opening a file for writing without being led elsewhere by its name.
//!
//! What must stay true: what is opened is a plain file with exactly this name; a symbolic link (on Windows
//! any reparse point that stands for another name), a folder or a device in its place is refused. The folders before the last component
//! are the caller's to check.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens `path` for reading and writing, creating it when missing and keeping what it holds.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the last component is a link, a pipe or a device, and
/// [`ErrorKind::IsADirectory`] or [`ErrorKind::PermissionDenied`] (Windows) when it is a folder.
pub fn nofollow_create(path: &Path) -> io::Result<File> {
    open_plain(OpenOptions::new().read(true).write(true).create(true), path)
}

/// Makes a new file at `path` and opens it for reading and writing; no link is followed, and nobody else has
/// another name for it.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when there is something, a link that leads nowhere too.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    crate::fs::open(options.read(true).write(true).create_new(true), path)
}

/// Opens the existing `path` for reading, under the same rule.
///
/// # Errors
/// As [`nofollow_create`]; [`ErrorKind::NotFound`] when there is nothing.
pub fn nofollow_read(path: &Path) -> io::Result<File> {
    open_plain(OpenOptions::new().read(true), path)
}

/// Makes `options` open a link in the last component itself or fail, instead of following it.
///
/// On unix the open fails, and does not wait for the other end of a named pipe. On Windows the link itself
/// is opened: look at what the handle is, as [`nofollow_create`] does.
pub fn nofollow(options: &mut OpenOptions) -> &mut OpenOptions {
    platform::nofollow(options)
}

fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = match crate::fs::open(nofollow(options), path) {
        Err(error) if platform::met_link(&error) => return Err(not_plain()),
        opened => opened?,
    };
    let metadata = crate::fs::metadata_of(&file)?;
    if !metadata.is_file() || metadata.is_symlink() {
        return Err(not_plain());
    }
    if platform::is_stand_in(&metadata) {
        drop(file);
        return platform::follow(options).open(path);
    }
    Ok(file)
}

fn not_plain() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "not a plain file")
}

#[cfg(unix)]
mod platform {
    use std::fs::{Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;

    pub(super) fn nofollow(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
    }

    /// The error of a link under `O_NOFOLLOW`: `EMLINK` on FreeBSD, `ELOOP` elsewhere.
    pub(super) fn met_link(error: &io::Error) -> bool {
        error
            .raw_os_error()
            .is_some_and(|code| code == libc::ELOOP || code == libc::EMLINK)
    }

    pub(super) fn is_stand_in(_metadata: &Metadata) -> bool {
        false
    }

    pub(super) fn follow(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{Metadata, OpenOptions};
    use std::io;
    use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_OPEN_REPARSE_POINT,
    };

    pub(super) fn nofollow(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
    }

    /// A link opens here, to be refused by what it is.
    pub(super) fn met_link(_error: &io::Error) -> bool {
        false
    }

    /// Whether it is a reparse point, which is no link: a file that the system keeps elsewhere, as deduplication
    /// and OneDrive do. Opened as itself it has no bytes.
    pub(super) fn is_stand_in(metadata: &Metadata) -> bool {
        metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0
    }

    pub(super) fn follow(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(0)
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::fs::{Metadata, OpenOptions};
    use std::io;

    /// Nothing is known here that would keep a link from being followed.
    pub(super) fn nofollow(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn met_link(_error: &io::Error) -> bool {
        false
    }

    pub(super) fn is_stand_in(_metadata: &Metadata) -> bool {
        false
    }

    pub(super) fn follow(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_created_once_and_keeps_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        crate::io::write_all_at(&nofollow_create(&path).unwrap(), b"kept", 0).unwrap();
        drop(nofollow_create(&path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        assert!(nofollow_read(&path).is_ok());
    }

    #[test]
    fn a_folder_is_refused_and_a_missing_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(nofollow_create(folder.path()).is_err());
        assert!(nofollow_read(folder.path()).is_err());
        let missing = nofollow_read(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_refused_whether_or_not_its_target_exists() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("outside"), b"safe").unwrap();
        std::os::unix::fs::symlink(path("outside"), path("link")).unwrap();
        std::os::unix::fs::symlink(path("nowhere"), path("dangling")).unwrap();
        for error in [
            nofollow_create(&path("link")).unwrap_err(),
            nofollow_read(&path("link")).unwrap_err(),
            nofollow_create(&path("dangling")).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert!(!path("nowhere").exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_named_pipe_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(nofollow_read(&path).is_err());
        assert!(nofollow_create(&path).is_err());
    }

    #[cfg(windows)]
    #[test]
    fn a_link_is_refused_where_links_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("outside"), b"safe").unwrap();
        let made = std::os::windows::fs::symlink_file(path("outside"), path("link"));
        // wine says yes and makes nothing
        if made.is_err() || !path("link").is_symlink() {
            eprintln!("skipped: this account or system cannot make symbolic links");
            return;
        }
        assert!(nofollow_create(&path("link")).is_err());
    }
}
