//! Telling whether a path lies on a network file system.
//!
//! What must stay true: [`FsKind::Local`] is answered only for a file system that is known to this machine
//! alone or not known to be shared; a system that cannot tell says so by an error.

use std::io;
use std::path::Path;

/// The kind of file system that holds a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FsKind {
    /// A disk, memory or anything else that is not known to be shared with other machines.
    Local,
    /// An SMB/CIFS mount; on Windows any UNC path or remote drive.
    Cifs,
    /// An NFS mount of any version.
    Nfs,
    /// A file system in user space: what lies behind it (sshfs, rclone, ntfs-3g, ..) is unknown.
    Fuse,
    /// Another file system that is shared between machines (9P, AFS, Ceph, Coda, virtiofs).
    Other,
}

impl FsKind {
    /// Returns whether reads may cross a network.
    pub fn may_be_remote(self) -> bool {
        self != Self::Local
    }
}

/// Returns the kind of file system that holds the existing `path`, following symbolic links.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the system has no way to ask that is known here.
pub fn fs_kind(path: &Path) -> io::Result<FsKind> {
    platform::fs_kind(path)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use super::FsKind;
    use std::io;
    use std::path::Path;

    pub(super) fn fs_kind(path: &Path) -> io::Result<FsKind> {
        let found = rustix::fs::statfs(path)?;
        // the field is i32, u32 or i64 by architecture; magic numbers are its low 32 bits
        Ok(of_magic(i128::from(found.f_type) & 0xFFFF_FFFF))
    }

    /// Magic numbers of Linux's `statfs(2)`.
    pub(super) fn of_magic(magic: i128) -> FsKind {
        match magic {
            0xFF53_4D42 | 0xFE53_4D42 | 0x517B => FsKind::Cifs, // cifs, smb2, the old smbfs
            0x6969 => FsKind::Nfs,
            0x6573_5546 => FsKind::Fuse,
            // 9p, afs (kernel and OpenAFS), ceph, coda, virtiofs
            0x0102_1997 | 0x6B41_4653 | 0x5346_414F | 0x00C3_6400 | 0x7375_7245 | 0x6A65_6A63 => {
                FsKind::Other
            }
            _ => FsKind::Local,
        }
    }
}

#[cfg(windows)]
mod platform {
    use super::FsKind;
    use std::ffi::OsString;
    use std::io;
    use std::os::windows::ffi::{OsStrExt, OsStringExt};
    use std::path::{Component, Path, Prefix};
    use windows_sys::Win32::Storage::FileSystem::GetDriveTypeW;

    /// `DRIVE_REMOTE` of fileapi.h.
    const DRIVE_REMOTE: u32 = 4;

    pub(super) fn fs_kind(path: &Path) -> io::Result<FsKind> {
        let path = std::fs::canonicalize(path)?;
        let Some(Component::Prefix(prefix)) = path.components().next() else {
            return Ok(FsKind::Local);
        };
        Ok(match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => FsKind::Cifs,
            Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => of_drive(letter),
            _ => FsKind::Local,
        })
    }

    fn of_drive(letter: u8) -> FsKind {
        let root = OsString::from_wide(&[u16::from(letter), u16::from(b':'), u16::from(b'\\')]);
        let root: Vec<u16> = root.encode_wide().chain([0]).collect();
        // SAFETY: `root` is a string that ends in 0 and outlives the call.
        let kind = unsafe { GetDriveTypeW(root.as_ptr()) };
        if kind == DRIVE_REMOTE {
            FsKind::Cifs
        } else {
            FsKind::Local
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
mod platform {
    use super::FsKind;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    pub(super) fn fs_kind(_path: &Path) -> io::Result<FsKind> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, any(target_os = "linux", windows)))]
mod tests {
    use super::*;

    #[test]
    fn a_missing_path_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = fs_kind(&folder.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn kernel_file_systems_are_local() {
        assert_eq!(fs_kind(Path::new("/proc")).unwrap(), FsKind::Local);
        assert!(!fs_kind(Path::new("/proc")).unwrap().may_be_remote());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_file_systems_are_known_by_their_magic() {
        assert_eq!(platform::of_magic(0xFF53_4D42), FsKind::Cifs);
        assert_eq!(platform::of_magic(0xFE53_4D42), FsKind::Cifs);
        assert_eq!(platform::of_magic(0x6969), FsKind::Nfs);
        assert_eq!(platform::of_magic(0x6573_5546), FsKind::Fuse);
        assert_eq!(platform::of_magic(0x0102_1997), FsKind::Other);
        assert_eq!(platform::of_magic(0xEF53), FsKind::Local);
        assert!(FsKind::Fuse.may_be_remote());
    }

    #[cfg(windows)]
    #[test]
    fn the_system_drive_is_local() {
        assert_eq!(fs_kind(Path::new("C:\\")).unwrap(), FsKind::Local);
    }
}
