//! Files and folders of the local disk, with patience: each call is made again as [`retry`] and
//! [`held`] say.
//!
//! What must stay true: these do what their namesakes of [`std::fs`] do, and nothing more.

use std::fs::{self, File, Metadata, OpenOptions, ReadDir, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::held;
use crate::retry::retry;

/// Opens a file as `options` say.
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    retry(|| options.open(path))
}

/// Opens a file to read.
pub fn open_read(path: &Path) -> io::Result<File> {
    retry(|| File::open(path))
}

/// What is known of an open file.
#[expect(clippy::disallowed_methods, reason = "the one place that has patience")]
pub fn metadata_of(file: &File) -> io::Result<Metadata> {
    retry(|| file.metadata())
}

/// Gives a file or a folder another name; a file that has it gives way.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    held::rename(from, to)
}

/// Makes a folder.
pub fn create_dir(path: &Path) -> io::Result<()> {
    retry(|| fs::create_dir(path))
}

/// Makes a folder and those above it that are missing.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    match retry(|| fs::create_dir_all(path)) {
        // the look at what is there may have been interrupted
        Err(error) if error.kind() == ErrorKind::AlreadyExists && metadata(path)?.is_dir() => {
            Ok(())
        }
        done => done,
    }
}

/// Removes a file or a link.
pub fn remove_file(path: &Path) -> io::Result<()> {
    held::remove_file(path)
}

/// Removes an empty folder.
pub fn remove_dir(path: &Path) -> io::Result<()> {
    held::remove_dir(path)
}

/// Gives a file one more name.
pub fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    retry(|| fs::hard_link(from, to))
}

/// Copies the bytes and the mode of a file; what is at `to` is replaced.
pub fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    retry(|| fs::copy(from, to))
}

/// Writes a small file.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    retry(|| fs::write(path, bytes))
}

/// What lies at `path`, links followed.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    retry(|| fs::metadata(path))
}

/// What lies at `path` itself.
pub fn symlink_metadata(path: &Path) -> io::Result<Metadata> {
    retry(|| fs::symlink_metadata(path))
}

/// The text of a symbolic link.
pub fn read_link(path: &Path) -> io::Result<PathBuf> {
    retry(|| fs::read_link(path))
}

/// The entries of a folder.
pub fn read_dir(path: &Path) -> io::Result<ReadDir> {
    retry(|| fs::read_dir(path))
}

/// Sets the length of a file.
pub fn set_len(file: &File, len: u64) -> io::Result<()> {
    held::patiently(|| retry(|| file.set_len(len)))
}

/// What came of an attempt to lock a whole file against other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// It holds until the file is closed.
    Taken,
    /// Another handle holds it.
    Held,
    /// This file system has no locks, or nobody who keeps them (NFS without its daemon).
    None,
}

/// Locks a file, unless another handle holds it. Doesn't wait.
pub fn lock(file: &File) -> io::Result<Lock> {
    retry(|| match file.try_lock() {
        Ok(()) => Ok(Lock::Taken),
        Err(TryLockError::WouldBlock) => Ok(Lock::Held),
        Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Lock::None),
        Err(TryLockError::Error(error)) => Err(error),
    })
}

fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP];
    #[cfg(not(unix))]
    let codes = [1]; // ERROR_INVALID_FUNCTION
    error.kind() == ErrorKind::Unsupported
        || error
            .raw_os_error()
            .is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        write(&path, b"x").unwrap();
        let (first, second) = (open_read(&path).unwrap(), open_read(&path).unwrap());
        assert_eq!(lock(&first).unwrap(), Lock::Taken);
        assert_eq!(lock(&second).unwrap(), Lock::Held);
        drop(first);
        assert_eq!(lock(&second).unwrap(), Lock::Taken);
    }

    #[cfg(unix)]
    #[test]
    fn a_server_without_a_lock_daemon_has_no_locks() {
        assert!(has_no_locks(&io::Error::from_raw_os_error(libc::ENOLCK)));
        assert!(!has_no_locks(&io::Error::from_raw_os_error(libc::EIO)));
    }
}
