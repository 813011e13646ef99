//! Getting written bytes onto the disk: starting it early, and waiting for it.
//!
//! What must stay true: [`data`] returns only when the bytes survive a power cut (as far as the system can
//! promise it); [`start_writeback`] promises nothing and only shortens a later wait.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until the bytes of `file`, and the length needed to read them, are on the disk (`fdatasync`).
pub fn data(file: &File) -> io::Result<()> {
    platform::data(file)
}

/// Starts writing the given range to the disk without waiting for it, where the system can (Linux).
///
/// A `len` of 0 means up to the end of the file. Elsewhere nothing happens.
pub fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    platform::start_writeback(file, offset, len)
}

/// Waits until the names in the directory `path` are on the disk.
///
/// Does nothing on Windows, where names are journalled by the file system, and where a file system cannot
/// synchronise a directory.
pub fn dir(path: &Path) -> io::Result<()> {
    platform::dir(path)
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    use crate::retry::retry;

    /// The standard library repeats an interrupted call for ever.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn data(file: &File) -> io::Result<()> {
        retry(|| Ok(rustix::fs::fdatasync(file)?))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn data(file: &File) -> io::Result<()> {
        retry(|| file.sync_data())
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        let signed = |n: u64| libc::off64_t::try_from(n).map_err(|_| ErrorKind::InvalidInput);
        let (offset, len) = (signed(offset)?, signed(len)?);
        // SAFETY: the descriptor is open for as long as `file` is borrowed, and the call takes no pointers.
        let done = unsafe {
            libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE)
        };
        if done == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn dir(path: &Path) -> io::Result<()> {
        let folder = crate::fs::open_read(path)?;
        match retry(|| folder.sync_all()) {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            done => done,
        }
    }
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signatures are shared with the platforms that can fail"
)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn data(file: &File) -> io::Result<()> {
        crate::retry::retry(|| file.sync_data())
    }

    pub(super) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn dir(_path: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_and_its_directory_can_be_synchronised() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("content")).unwrap();
        crate::io::write_all_at(&file, &vec![7; 100_000], 0).unwrap();
        start_writeback(&file, 0, 65_536).unwrap();
        start_writeback(&file, 65_536, 0).unwrap();
        data(&file).unwrap();
        dir(folder.path()).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_range_beyond_any_file_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        assert!(start_writeback(&file, u64::MAX, 1).is_err());
    }
}
