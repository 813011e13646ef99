//! How much room a disk has.

use std::io;
use std::path::Path;

/// Bytes that this user may still write to the disk that `path` lies on; `path` must be there.
///
/// # Errors
/// What the system says. May hang with a server that the path lies on.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    platform::free_bytes(path)
}

#[cfg(unix)]
mod platform {
    use std::io;
    use std::path::Path;

    pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

#[cfg(windows)]
mod platform {
    use std::io;
    use std::os::windows::ffi::OsStrExt;
    use std::path::Path;

    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

    pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
        let wide: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
        let mut free = 0u64;
        let (mut all, mut in_all) = (0u64, 0u64);
        // SAFETY: the path ends with a zero, and the call writes to the three numbers alone.
        let done = unsafe {
            GetDiskFreeSpaceExW(wide.as_ptr(), &raw mut free, &raw mut all, &raw mut in_all)
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(free)
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::io;
    use std::path::Path;

    pub(super) fn free_bytes(_path: &Path) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_tells_its_room_and_nothing_tells_none() {
        assert!(free_bytes(&std::env::temp_dir()).unwrap() > 0);
        assert!(free_bytes(Path::new("/no/such/place")).is_err());
    }
}
