//! How much room a file system has.

use std::io;
use std::path::Path;

/// The bytes that this account can still write to the file system that holds the folder `path`; `None` where
/// the file system doesn't tell.
pub fn free(path: &Path) -> io::Result<Option<u64>> {
    crate::retry::retry(|| platform::free(path))
}

/// Does as [`free`] for who must have a number.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the file system doesn't tell. May hang with a server that the path lies on.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    free(path)?.ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// The bytes that a file takes on the disk: fewer than its length where it has holes.
pub fn taken(metadata: &std::fs::Metadata) -> u64 {
    platform::taken(metadata)
}

#[cfg(unix)]
mod platform {
    use std::fs::Metadata;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// What `st_blocks` counts.
    const BLOCK_LEN: u64 = 512;

    pub(super) fn free(path: &Path) -> io::Result<Option<u64>> {
        let found = rustix::fs::statvfs(path)?;
        if found.f_blocks == 0 {
            return Ok(None);
        }
        // some of it is kept for the administrator
        let blocks = if rustix::process::geteuid().is_root() {
            found.f_bfree
        } else {
            found.f_bavail
        };
        Ok(Some(blocks.saturating_mul(found.f_frsize)))
    }

    pub(super) fn taken(metadata: &Metadata) -> u64 {
        metadata.blocks().saturating_mul(BLOCK_LEN)
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::Metadata;
    use std::io;
    use std::os::windows::ffi::OsStrExt;
    use std::path::Path;
    use std::ptr;
    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

    pub(super) fn free(path: &Path) -> io::Result<Option<u64>> {
        let name: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        let mut free = 0;
        // SAFETY: `name` ends with a zero; it and `free` outlive the call, which takes null for what is not asked.
        let done = unsafe {
            GetDiskFreeSpaceExW(
                name.as_ptr(),
                &raw mut free,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Some(free))
    }

    pub(super) fn taken(metadata: &Metadata) -> u64 {
        metadata.len()
    }
}

#[cfg(not(any(unix, windows)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature is shared with systems that can fail"
)]
mod platform {
    use std::fs::Metadata;
    use std::io;
    use std::path::Path;

    pub(super) fn free(_path: &Path) -> io::Result<Option<u64>> {
        Ok(None)
    }

    pub(super) fn taken(metadata: &Metadata) -> u64 {
        metadata.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_a_written_file_takes_some() {
        let dir = tempfile::tempdir().unwrap();
        let free = free(dir.path()).unwrap();
        assert_ne!(free, Some(0));
        let path = dir.path().join("file");
        let file = std::fs::File::create(&path).unwrap();
        crate::io::write_all_at(&file, &[7; 100_000], 0).unwrap();
        file.sync_all().unwrap();
        assert!(taken(&std::fs::metadata(&path).unwrap()) >= 100_000);
    }

    #[test]
    fn what_is_not_there_has_no_room() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free(&dir.path().join("gone")).is_err());
    }
}
