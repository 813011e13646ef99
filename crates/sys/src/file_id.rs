//! Telling whether two paths or handles are the same file or folder.
//!
//! What must stay true: two ids taken while both files exist are equal exactly when they name the same file
//! on the same machine; an id outlives its file and may then be given to another.

use std::fs::File;
use std::io;
use std::path::Path;

/// Names a file or folder on this machine, whatever the path that leads to it.
///
/// Device and inode on unix; volume serial number and file index on Windows (where ReFS may in theory give
/// two files the same 64-bit index).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    volume: u64,
    index: u64,
}

impl FileId {
    /// Returns the device (unix) or volume serial number (Windows) that holds the file.
    pub fn volume(self) -> u64 {
        self.volume
    }

    /// Takes the id from what is known of a file already.
    #[cfg(unix)]
    pub(crate) fn of_metadata(metadata: &std::fs::Metadata) -> Self {
        platform::of_metadata(metadata)
    }
}

/// Returns the id of what lies at `path` itself, if that has more names than one.
#[cfg(windows)]
pub(crate) fn shared_of_path(path: &Path) -> io::Result<Option<FileId>> {
    platform::shared_of_path(path)
}

/// Whether an open file has more names than one.
#[cfg(windows)]
pub(crate) fn is_shared(file: &File) -> io::Result<bool> {
    platform::is_shared(file)
}

/// Returns the id of what `path` leads to, following symbolic links; the same as [`of_path`].
pub fn file_id(path: &Path) -> io::Result<FileId> {
    of_path(path)
}

/// Returns the id of what `path` leads to, following symbolic links.
pub fn of_path(path: &Path) -> io::Result<FileId> {
    platform::of_path(path)
}

/// Returns the id of an open file.
pub fn of_file(file: &File) -> io::Result<FileId> {
    platform::of_file(file)
}

#[cfg(unix)]
mod platform {
    use super::FileId;
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    pub(super) fn of_path(path: &Path) -> io::Result<FileId> {
        Ok(of_metadata(&crate::fs::metadata(path)?))
    }

    pub(super) fn of_file(file: &File) -> io::Result<FileId> {
        Ok(of_metadata(&crate::fs::metadata_of(file)?))
    }

    pub(super) fn of_metadata(metadata: &Metadata) -> FileId {
        FileId {
            volume: metadata.dev(),
            index: metadata.ino(),
        }
    }
}

#[cfg(windows)]
mod platform {
    use super::FileId;
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::Path;
    use windows_sys::Win32::Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT,
        GetFileInformationByHandle,
    };

    pub(super) fn of_path(path: &Path) -> io::Result<FileId> {
        // no access rights are needed to ask; the flag lets a folder be opened
        let options = &mut OpenOptions::new();
        of_file(
            &options
                .access_mode(0)
                .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
                .open(path)?,
        )
    }

    pub(super) fn of_file(file: &File) -> io::Result<FileId> {
        Ok(id_of(&look(file)?))
    }

    pub(super) fn shared_of_path(path: &Path) -> io::Result<Option<FileId>> {
        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
        let options = &mut OpenOptions::new();
        let found = look(&options.access_mode(0).custom_flags(flags).open(path)?)?;
        Ok((found.nNumberOfLinks > 1).then(|| id_of(&found)))
    }

    pub(super) fn is_shared(file: &File) -> io::Result<bool> {
        Ok(look(file)?.nNumberOfLinks > 1)
    }

    fn look(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
        let mut found = BY_HANDLE_FILE_INFORMATION::default();
        // SAFETY: the handle is open for as long as `file` is borrowed and `found` outlives the call.
        let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(found)
    }

    fn id_of(found: &BY_HANDLE_FILE_INFORMATION) -> FileId {
        let index = (u64::from(found.nFileIndexHigh) << 32) | u64::from(found.nFileIndexLow);
        FileId {
            volume: u64::from(found.dwVolumeSerialNumber),
            index,
        }
    }
}

#[cfg(not(any(unix, windows)))]
mod platform {
    use super::FileId;
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::path::Path;

    pub(super) fn of_path(_path: &Path) -> io::Result<FileId> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn of_file(_file: &File) -> io::Result<FileId> {
        Err(ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_one_folder_have_one_id() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(
            file_id(folder.path()).unwrap(),
            of_path(&inner.join("..")).unwrap()
        );
        assert_ne!(file_id(folder.path()).unwrap(), file_id(&inner).unwrap());
    }

    #[test]
    fn a_hard_link_is_the_same_file_and_a_copy_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let file = File::create(path("one")).unwrap();
        std::fs::hard_link(path("one"), path("linked")).unwrap();
        std::fs::copy(path("one"), path("copied")).unwrap();
        let id = of_file(&file).unwrap();
        assert_eq!(id, of_path(&path("linked")).unwrap());
        assert_ne!(id, of_path(&path("copied")).unwrap());
        assert_eq!(id.volume(), of_path(&path("copied")).unwrap().volume());
    }

    #[test]
    fn a_missing_path_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let error = file_id(&folder.path().join("missing")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
