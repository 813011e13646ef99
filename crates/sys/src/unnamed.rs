//! Files without a name, for what nobody else is to see and nobody must remove.
//!
//! What must stay true: the file goes away with its last handle, however the process ends; where the system can't make
//! one without a name, it has a name for a moment (unix) or until it is closed (Windows).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::random;

/// How many names are tried, of 2^64, before it is given up.
const NAMES_MAX: u32 = 16;

/// Makes an empty file on the file system of `folder`, which no name leads to, for reading and writing.
///
/// # Errors
/// What the system says of `folder`.
///
/// ```
/// use swarmcopy_sys::{io, unnamed};
///
/// let file = unnamed::create(&std::env::temp_dir())?;
/// io::write_all_at(&file, b"piece", 0)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn create(folder: &Path) -> io::Result<File> {
    match platform::without_name(folder) {
        Err(error) if error.kind() == ErrorKind::Unsupported => named(folder),
        made => made,
    }
}

/// Makes one under a name that nobody has, and takes that away.
fn named(folder: &Path) -> io::Result<File> {
    let mut left = NAMES_MAX;
    loop {
        left -= 1;
        let path = folder.join(format!(".swarmcopy-{:016x}", random::seed()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        match crate::fs::open(platform::private(&mut options), &path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && left > 0 => {}
            made => return platform::nameless(made?, path),
        }
    }
}

#[cfg(unix)]
mod platform {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn without_name(folder: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        // it can't be given a name later
        options.custom_flags(libc::O_TMPFILE | libc::O_EXCL);
        crate::fs::open(&options, folder).map_err(|error| match error.raw_os_error() {
            // old kernels, and file systems without them
            Some(libc::EISDIR | libc::EOPNOTSUPP | libc::EINVAL) => ErrorKind::Unsupported.into(),
            _ => error,
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn without_name(_folder: &Path) -> io::Result<File> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(super) fn nameless(file: File, path: PathBuf) -> io::Result<File> {
        std::fs::remove_file(path)?;
        Ok(file)
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::os::windows::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_ATTRIBUTE_TEMPORARY, FILE_FLAG_DELETE_ON_CLOSE,
    };

    pub(super) fn without_name(_folder: &Path) -> io::Result<File> {
        Err(ErrorKind::Unsupported.into())
    }

    /// Nobody else may open it, and closing it removes it.
    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
            .share_mode(0)
            .attributes(FILE_ATTRIBUTE_TEMPORARY)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
    }

    pub(super) fn nameless(file: File, _path: PathBuf) -> io::Result<File> {
        Ok(file)
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use std::fs::{File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::path::{Path, PathBuf};

    pub(super) fn without_name(_folder: &Path) -> io::Result<File> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn nameless(file: File, path: PathBuf) -> io::Result<File> {
        std::fs::remove_file(path)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_is_left() {
        for make in [create, named] {
            let dir = tempfile::tempdir().unwrap();
            let file = make(dir.path()).unwrap();
            crate::io::write_all_at(&file, b"piece", 4096).unwrap();
            let mut read = [0; 5];
            crate::io::read_exact_at(&file, &mut read, 4096).unwrap();
            assert_eq!(&read, b"piece");
            #[cfg(unix)]
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
            drop(file);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = create(&dir.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
