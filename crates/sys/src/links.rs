//! Symbolic links, names of one file, and trees that change places.
//!
//! What must stay true: a link is made where nothing is, or not at all; [`exchange`] leaves both paths taken
//! at every moment.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use crate::FileId;
use crate::retry::retry;

/// What a symbolic link is made to lead to: Windows keeps that with the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTo {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// Makes a symbolic link with the text `target` at `path`.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] or [`io::ErrorKind::Unsupported`] where the file system has none,
/// or where Windows wants Developer Mode or a privilege.
pub fn symlink(target: &Path, path: &Path, to: LinkTo) -> io::Result<()> {
    platform::symlink(target, path, to)
}

/// The file's identity, if it has more names than one. `metadata` is what `path` itself is.
pub fn shared_id(path: &Path, metadata: &Metadata) -> io::Result<Option<FileId>> {
    platform::shared_id(path, metadata)
}

/// Whether an open file has more names than one.
pub fn is_shared(file: &File) -> io::Result<bool> {
    platform::is_shared(file)
}

/// Lets two paths of one file system change places in one step.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system has no such step.
pub fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    retry(|| platform::exchange(a, b))
}

#[cfg(unix)]
mod platform {
    use super::LinkTo;
    use crate::FileId;
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    pub(super) fn symlink(target: &Path, path: &Path, _to: LinkTo) -> io::Result<()> {
        std::os::unix::fs::symlink(target, path)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with Windows"
    )]
    pub(super) fn shared_id(_path: &Path, metadata: &Metadata) -> io::Result<Option<FileId>> {
        Ok((metadata.nlink() > 1).then(|| FileId::of_metadata(metadata)))
    }

    pub(super) fn is_shared(file: &File) -> io::Result<bool> {
        Ok(crate::fs::metadata_of(file)?.nlink() > 1)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use std::io::ErrorKind;

        match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
            // a file system that lacks it says that the flag is wrong
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                Err(ErrorKind::Unsupported.into())
            }
            done => Ok(done?),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(windows)]
mod platform {
    use super::LinkTo;
    use crate::FileId;
    use std::fs::{File, Metadata};
    use std::io::{self, ErrorKind};
    use std::os::windows::fs::{symlink_dir, symlink_file};
    use std::path::Path;

    /// A link needs a privilege, or Developer Mode.
    const PRIVILEGE_NOT_HELD: i32 = 1314;

    pub(super) fn symlink(target: &Path, path: &Path, to: LinkTo) -> io::Result<()> {
        let made = match to {
            LinkTo::File => symlink_file(target, path),
            LinkTo::Folder => symlink_dir(target, path),
        };
        match made {
            Err(error) if error.raw_os_error() == Some(PRIVILEGE_NOT_HELD) => {
                Err(ErrorKind::PermissionDenied.into())
            }
            made => made,
        }
    }

    pub(super) fn shared_id(path: &Path, _metadata: &Metadata) -> io::Result<Option<FileId>> {
        crate::file_id::shared_of_path(path)
    }

    pub(super) fn is_shared(file: &File) -> io::Result<bool> {
        crate::file_id::is_shared(file)
    }

    pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use super::LinkTo;
    use crate::FileId;
    use std::fs::{File, Metadata};
    use std::io::{self, ErrorKind};
    use std::path::Path;

    pub(super) fn is_shared(_file: &File) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn symlink(_target: &Path, _path: &Path, _to: LinkTo) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn shared_id(_path: &Path, _metadata: &Metadata) -> io::Result<Option<FileId>> {
        Ok(None)
    }

    pub(super) fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn two_names_of_a_file_have_one_id_and_one_name_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "x").unwrap();
        let id = |name: &str| {
            let path = at(name);
            shared_id(&path, &fs::symlink_metadata(&path).unwrap()).unwrap()
        };
        assert_eq!(id("a"), None);
        fs::hard_link(at("a"), at("b")).unwrap();
        assert_eq!(id("a"), id("b"));
        assert!(id("a").is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_folders_change_places() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("old")).unwrap();
        fs::create_dir(at("new")).unwrap();
        fs::write(at("new/x"), "x").unwrap();
        exchange(&at("old"), &at("new")).unwrap();
        assert!(at("old/x").exists() && at("new").exists() && !at("new/x").exists());
    }
}
