//! How far locks reach: to the server and so to all machines, or only as far as this machine.
//!
//! What must stay true: [`LockReach::Server`] is said only of mounts that pass such locks on by their own word;
//! whatever is not known for sure is [`LockReach::Local`].

use std::io;
use std::path::Path;

/// Among whom a lock counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LockReach {
    /// The file server keeps it, for all machines.
    Server,
    /// This machine keeps it, or nobody knows.
    Local,
}

pub(super) fn of(dir: &Path) -> LockReach {
    if crate::fs_kind(dir).is_ok_and(|kind| kind == crate::FsKind::Cifs) {
        platform::of_cifs(dir)
    } else {
        LockReach::Local
    }
}

/// Whether a process of this machine holds a lock of the file, as far as this system tells.
pub(super) fn is_held_here(file: &Path) -> io::Result<bool> {
    platform::is_held_here(file)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod platform {
    use super::LockReach;
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// The first kernel whose cifs passes `flock` on to the server; older ones keep it to themselves.
    const PASSES_ON_SINCE: (u32, u32) = (5, 5);

    pub(super) fn of_cifs(dir: &Path) -> LockReach {
        let release = rustix::system::uname();
        let is_new = release
            .release()
            .to_str()
            .is_ok_and(|text| is_at_least(text, PASSES_ON_SINCE));
        let options = fs::metadata(dir).and_then(|found| {
            Ok(options_of(
                &fs::read_to_string("/proc/self/mountinfo")?,
                found.dev(),
            ))
        });
        match options {
            Ok(Some(options)) if is_new && !keeps_to_itself(&options) => LockReach::Server,
            _ => LockReach::Local,
        }
    }

    /// Whether a release such as `6.1.0-13-amd64` is that version or later.
    pub(super) fn is_at_least(release: &str, wanted: (u32, u32)) -> bool {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next().and_then(|digits| digits.parse().ok());
        matches!((next(), next()), (Some(major), Some(minor)) if (major, minor) >= wanted)
    }

    /// The options of the mount with this device number: those of the mount and those of its file system.
    pub(super) fn options_of(mountinfo: &str, device: u64) -> Option<String> {
        let number = format!(
            "{}:{}",
            rustix::fs::major(device),
            rustix::fs::minor(device)
        );
        mountinfo.lines().rev().find_map(|line| {
            let mut fields = line.split(' ');
            (fields.nth(2) == Some(&number)).then_some(())?;
            let own = fields.nth(2)?;
            let of_file_system = line.rsplit(' ').next()?;
            Some(format!("{own},{of_file_system}"))
        })
    }

    pub(super) fn keeps_to_itself(options: &str) -> bool {
        options
            .split(',')
            .any(|option| matches!(option, "nobrl" | "nolock"))
    }

    pub(super) fn is_held_here(file: &Path) -> io::Result<bool> {
        let inode = fs::metadata(file)?.ino();
        Ok(is_listed(&fs::read_to_string("/proc/locks")?, inode))
    }

    /// Whether a lock of a file with this number is listed, on whatever file system: device numbers of some
    /// file systems differ from those that `stat` tells.
    pub(super) fn is_listed(locks: &str, inode: u64) -> bool {
        let end = format!(":{inode}");
        locks
            .lines()
            .flat_map(|line| line.split_ascii_whitespace())
            .any(|field| field.ends_with(&end) && field.matches(':').count() == 2)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod platform {
    use super::LockReach;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    /// Windows hands every lock on a UNC path or a remote drive to the server.
    pub(super) fn of_cifs(_dir: &Path) -> LockReach {
        if cfg!(windows) {
            LockReach::Server
        } else {
            LockReach::Local
        }
    }

    pub(super) fn is_held_here(_file: &Path) -> io::Result<bool> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::platform::{is_at_least, is_listed, keeps_to_itself, options_of};
    use super::*;

    const MOUNTS: &str = "\
25 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
88 25 0:52 / /mnt/app\\040s ro,relatime shared:40 - cifs //s/apps rw,vers=3.1.1,nobrl,uid=0\n\
89 25 0:53 / /mnt/b ro,relatime - cifs //s/b rw,vers=3.1.1,uid=0\n";

    fn device(major: u32, minor: u32) -> u64 {
        rustix::fs::makedev(major, minor)
    }

    #[test]
    fn a_mount_that_keeps_locks_to_itself_is_known() {
        let options = options_of(MOUNTS, device(0, 52)).unwrap();
        assert!(keeps_to_itself(&options) && options.starts_with("ro,relatime,"));
        let options = options_of(MOUNTS, device(0, 53)).unwrap();
        assert!(!keeps_to_itself(&options));
        assert_eq!(options_of(MOUNTS, device(0, 54)), None);
        assert_eq!(options_of("0 0 0:54", device(0, 54)), None);
    }

    #[test]
    fn old_kernels_are_not_trusted() {
        for (release, new) in [
            ("6.1.0-13-amd64", true),
            ("5.5", true),
            ("5.4.0", false),
            ("4.19", false),
            ("x", false),
            ("", false),
        ] {
            assert_eq!(is_at_least(release, (5, 5)), new, "{release}");
        }
    }

    #[test]
    fn locks_of_a_file_are_found_in_the_list() {
        let locks = "1: FLOCK  ADVISORY  WRITE 4711 00:2f:12345 0 EOF\n1: -> FLOCK ADVISORY WRITE 7 00:2f:99 0 EOF\n";
        assert!(is_listed(locks, 12_345) && is_listed(locks, 99));
        assert!(!is_listed(locks, 345) && !is_listed(locks, 4711) && !is_listed("", 0));
    }

    #[test]
    fn a_local_folder_reaches_this_machine_only() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(of(dir.path()), LockReach::Local);
    }
}
