//! What a folder can ask of some systems only; each question has a safe answer everywhere.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::{holds_data, is_in_memory, share_bytes, sync_whole};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use other::{holds_data, is_in_memory, share_bytes, sync_whole};

#[cfg(not(unix))]
pub(super) use other::mark_executable;
#[cfg(unix)]
pub(super) use unix::mark_executable;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{SeekFrom, fstatfs, ioctl_ficlone, seek, syncfs};
    use rustix::io::Errno;
    use swarmcopy_sys::retry::retry;

    /// Magic numbers of tmpfs and ramfs in `statfs(2)`.
    const IN_MEMORY: [i128; 2] = [0x0102_1994, 0x8584_58F6];

    /// Whether the file lies in memory, where reserving space is as slow as writing it.
    pub(crate) fn is_in_memory(file: &File) -> bool {
        fstatfs(file)
            .is_ok_and(|found| IN_MEMORY.contains(&(i128::from(found.f_type) & 0xFFFF_FFFF)))
    }

    /// Whether a byte of the range may have been written; space that is only reserved was not.
    /// Moves the file's cursor, on which nothing depends.
    pub(crate) fn holds_data(file: &File, offset: u64, len: u64) -> io::Result<bool> {
        match seek(file, SeekFrom::Data(offset)) {
            Ok(data) => Ok(data < offset.saturating_add(len)),
            Err(Errno::NXIO) => Ok(false),
            Err(Errno::INVAL) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the empty `file` the bytes of `source` without copying them, if the file system can.
    pub(crate) fn share_bytes(file: &File, source: &File) -> bool {
        ioctl_ficlone(file, source).is_ok()
    }

    /// Synchronises the whole file system that holds `root`; tells whether that was possible.
    pub(crate) fn sync_whole(root: &Path) -> io::Result<bool> {
        let root = swarmcopy_sys::fs::open_read(root)?;
        retry(|| Ok(syncfs(&root)?))?;
        Ok(true)
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::PermissionsExt;

    use swarmcopy_sys::retry::retry;

    /// Lets whoever may read the file run it.
    pub(crate) fn mark_executable(file: &File) -> io::Result<()> {
        let mut permissions = swarmcopy_sys::fs::metadata_of(file)?.permissions();
        let mode = permissions.mode();
        let marked = mode | ((mode & 0o444) >> 2);
        if marked == mode {
            return Ok(());
        }
        permissions.set_mode(marked);
        retry(|| file.set_permissions(permissions.clone()))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(crate) fn is_in_memory(_file: &File) -> bool {
        false
    }

    pub(crate) fn share_bytes(_file: &File, _source: &File) -> bool {
        false
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with Linux"
    )]
    pub(crate) fn holds_data(_file: &File, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(true)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with Linux"
    )]
    pub(crate) fn sync_whole(_root: &Path) -> io::Result<bool> {
        Ok(false)
    }

    #[cfg(not(unix))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with unix"
    )]
    pub(crate) fn mark_executable(_file: &File) -> io::Result<()> {
        Ok(())
    }
}
