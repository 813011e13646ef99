//! Hints about how a file will be read.
//!
//! What must stay true: a hint changes speed only; one that the system lacks does nothing.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens the file at `path` to be read from front to back, so that the system, and the server of a share, read far
/// ahead.
pub fn open_forward(path: &Path) -> io::Result<File> {
    opening::forward(path)
}

/// Says that `file` will be read here and there: the system should not read ahead.
pub fn random_access(file: &File) -> io::Result<()> {
    platform::advise(file, platform::RANDOM)
}

/// Says that `file` will be read from front to back: the system should read far ahead.
pub fn sequential(file: &File) -> io::Result<()> {
    platform::advise(file, platform::SEQUENTIAL)
}

#[cfg(windows)]
mod opening {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::Path;

    use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_SEQUENTIAL_SCAN;

    pub(super) fn forward(path: &Path) -> io::Result<File> {
        let mut options = File::options();
        let options = options.read(true).custom_flags(FILE_FLAG_SEQUENTIAL_SCAN);
        options.open(path)
    }
}

#[cfg(not(windows))]
mod opening {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn forward(path: &Path) -> io::Result<File> {
        let file = File::open(path)?;
        // only a hint: a file system that does not take it is read all the same
        let _not_taken = super::sequential(&file);
        Ok(file)
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod platform {
    use rustix::fs::{Advice, fadvise};
    use std::fs::File;
    use std::io;

    pub(super) const RANDOM: Advice = Advice::Random;
    pub(super) const SEQUENTIAL: Advice = Advice::Sequential;

    pub(super) fn advise(file: &File, advice: Advice) -> io::Result<()> {
        Ok(fadvise(file, 0, None, advice)?)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod platform {
    use std::fs::File;
    use std::io;

    pub(super) const RANDOM: () = ();
    pub(super) const SEQUENTIAL: () = ();

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the signature is shared with the platforms that can fail"
    )]
    pub(super) fn advise(_file: &File, _advice: ()) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_file_takes_both_hints() {
        let file = tempfile::tempfile().unwrap();
        random_access(&file).unwrap();
        sequential(&file).unwrap();
    }

    #[test]
    fn a_file_that_is_opened_to_be_read_ahead_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        std::fs::write(&path, b"bytes").unwrap();
        let mut read = [0; 5];
        crate::io::read_exact_at(&open_forward(&path).unwrap(), &mut read, 0).unwrap();
        assert_eq!(&read, b"bytes");
        assert!(open_forward(&folder.path().join("none")).is_err());
    }
}
