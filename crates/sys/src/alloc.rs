//! Reserving disk space for a file before its bytes arrive.
//!
//! What must stay true: no zeros are written, a file never shrinks, and bytes of other files never become
//! readable (which is why `SetFileValidData` is not used on Windows).

use std::fs::File;
use std::io;
use std::path::Path;

/// Says how far the space of a file is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reserved {
    /// The blocks are allocated: writing them cannot fail for want of space.
    Allocated,
    /// Only the length is set: the file is sparse and a later write may find the disk full.
    LengthOnly,
}

/// Grows `file` to `len` bytes and allocates its blocks where the file system can, without writing zeros.
///
/// A file that is longer already keeps its length. Where preallocation is unsupported only the length is
/// set. On Windows the file is made sparse first, so that writing its end does not write all before it: see
/// [`make_dense`].
///
/// # Errors
/// A full disk or quota ([`io::ErrorKind::StorageFull`], [`io::ErrorKind::QuotaExceeded`]) is an error, as is
/// a length beyond what the file system can hold. The length of the file may have grown by then.
pub fn reserve(file: &File, len: u64) -> io::Result<Reserved> {
    if len == 0 {
        return Ok(Reserved::Allocated);
    }
    let reserved = platform::allocate(file, len)?;
    if reserved == Reserved::LengthOnly && crate::fs::metadata_of(file)?.len() < len {
        crate::fs::set_len(file, len)?;
    }
    Ok(reserved)
}

/// Whether the file at `path` bears the mark that lets parts of it take no space. Only Windows has such a mark.
pub fn is_sparse(path: &Path) -> io::Result<bool> {
    platform::is_sparse(path)
}

/// Gives `file` the mark that lets parts of it take no space. A file system without sparse files (FAT) is no error,
/// nor is a system that needs no mark.
pub fn make_sparse(file: &File) -> io::Result<()> {
    platform::make_sparse(file)
}

/// Takes that mark from a `file` that was written whole. A file system that keeps it is no error.
pub fn make_dense(file: &File) -> io::Result<()> {
    platform::make_dense(file)
}

#[cfg(not(windows))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signatures are shared with Windows"
)]
mod unmarked {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn is_sparse(_path: &Path) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn make_sparse(_file: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn make_dense(_file: &File) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use super::Reserved;
    pub(super) use super::unmarked::{is_sparse, make_dense, make_sparse};
    use crate::retry::retry;
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;

    pub(super) fn allocate(file: &File, len: u64) -> io::Result<Reserved> {
        retry(|| match fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(Reserved::Allocated),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Reserved::LengthOnly),
            Err(error) => Err(error.into()),
        })
    }
}

#[cfg(windows)]
mod platform {
    use super::Reserved;
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::MetadataExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::Path;
    use std::ptr;
    use windows_sys::Win32::Storage::FileSystem::FILE_ATTRIBUTE_SPARSE_FILE;
    use windows_sys::Win32::System::IO::DeviceIoControl;
    use windows_sys::Win32::System::Ioctl::FSCTL_SET_SPARSE;

    pub(super) fn allocate(file: &File, _len: u64) -> io::Result<Reserved> {
        make_sparse(file)?;
        Ok(Reserved::LengthOnly)
    }

    pub(super) fn is_sparse(path: &Path) -> io::Result<bool> {
        let found = std::fs::symlink_metadata(path)?.file_attributes();
        Ok(found & FILE_ATTRIBUTE_SPARSE_FILE != 0)
    }

    pub(super) fn make_sparse(file: &File) -> io::Result<()> {
        mark(file, 1)
    }

    pub(super) fn make_dense(file: &File) -> io::Result<()> {
        mark(file, 0)
    }

    /// Sets the mark. Whatever the file system says, the file can be used.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signatures are shared with other platforms"
    )]
    fn mark(file: &File, sparse: u8) -> io::Result<()> {
        let mut returned = 0;
        // SAFETY: the handle is open for as long as `file` is borrowed; `sparse` is a FILE_SET_SPARSE_BUFFER, one
        // BOOLEAN, of length 1; it and `returned` outlive the call, which is synchronous because std opens files
        // without FILE_FLAG_OVERLAPPED.
        let _done = unsafe {
            DeviceIoControl(
                file.as_raw_handle(),
                FSCTL_SET_SPARSE,
                (&raw const sparse).cast(),
                1,
                ptr::null_mut(),
                0,
                &raw mut returned,
                ptr::null_mut(),
            )
        };
        Ok(())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
mod platform {
    use super::Reserved;
    pub(super) use super::unmarked::{is_sparse, make_dense, make_sparse};
    use std::fs::File;
    use std::io;

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn allocate(_file: &File, _len: u64) -> io::Result<Reserved> {
        Ok(Reserved::LengthOnly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_file_has_its_length_and_reads_as_zeros() {
        let file = tempfile::tempfile().unwrap();
        reserve(&file, 3 << 20).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 << 20);
        let mut end = [1; 16];
        crate::io::read_exact_at(&file, &mut end, (3 << 20) - 16).unwrap();
        assert_eq!(end, [0; 16]);
    }

    #[test]
    fn reserving_never_shrinks_a_longer_file() {
        let file = tempfile::tempfile().unwrap();
        crate::io::write_all_at(&file, b"kept", 1000).unwrap();
        reserve(&file, 10).unwrap();
        reserve(&file, 0).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 1004);
    }

    #[test]
    fn more_than_the_disk_holds_is_an_error() {
        let file = tempfile::tempfile().unwrap();
        assert!(reserve(&file, u64::MAX).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn allocated_blocks_are_counted_by_the_file_system() {
        use std::os::unix::fs::MetadataExt;
        let file = tempfile::tempfile().unwrap();
        let reserved = reserve(&file, 1 << 20).unwrap();
        if reserved == Reserved::Allocated {
            assert!(file.metadata().unwrap().blocks() * 512 >= 1 << 20);
        }
    }
}
