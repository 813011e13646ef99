//! What a store asks of a disk, as a trait.

use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    /// Its length in bytes.
    pub len: u64,
    /// When its bytes were last changed, in nanoseconds since 1970; for comparison only.
    pub modified_ns: u128,
}

/// A path of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative to the disk's folder.
    pub path: PathBuf,
    /// Whether it is a folder (a link to one is not).
    pub is_dir: bool,
}

/// A file that no other process writes as long as this is held.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// Files below one folder.
///
/// Errors are those of [`std::io`]; [`io::ErrorKind::WouldBlock`] from [`Disk::lock`] means that
/// another process has the lock. All calls block.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Reads some bytes at `offset`; 0 at the end of the file.
    fn read_at(&self, path: &Path, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all bytes at `offset`; creates the file and its folders, grows it if need be.
    fn write_at(&self, path: &Path, bytes: &mut [IoSlice<'_>], offset: u64) -> io::Result<()>;

    /// Writes all bytes of a file that has no others; nobody will write it again soon.
    fn write_whole(&self, path: &Path, bytes: &mut [IoSlice<'_>]) -> io::Result<()> {
        self.write_at(path, bytes, 0)
    }

    /// Makes the file at `path`, where nothing is, of the bytes of the file at `source`, which is not of
    /// this disk, without copying them; tells whether it did. Few file systems can.
    fn share_bytes(&self, path: &Path, source: &Path) -> io::Result<bool> {
        let _ = (path, source);
        Ok(false)
    }

    /// Creates the file and its folders and makes it at least `len` bytes long, its space taken
    /// from the disk where that is possible without writing.
    fn reserve(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Makes the existing file `len` bytes long.
    fn set_len(&self, path: &Path, len: u64) -> io::Result<()>;

    /// Waits until the bytes of these files are safe from a power cut.
    fn sync(&self, paths: &[PathBuf]) -> io::Result<()>;

    /// What is at `path`; `None` if nothing is, an error if it is no plain file.
    fn stat(&self, path: &Path) -> io::Result<Option<FileStat>>;

    /// Whether some byte of the range may have been written; a disk that can't tell says yes.
    fn holds_data(&self, path: &Path, offset: u64, len: u64) -> io::Result<bool> {
        let _ = (path, offset, len);
        Ok(true)
    }

    /// Lets parts of the file that are never written take no space, where that needs a mark.
    fn make_sparse(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Ok(())
    }

    /// Takes the mark from a file that is complete: some programs refuse or slow down on files that have it.
    fn make_dense(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Ok(())
    }

    /// What lies below the folder at `path`, all levels; nothing if it does not exist.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;

    /// Removes the file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Renames a file or folder; an empty folder at `to` is replaced, anything else is an error.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Puts the file or folder `from` in the place of what is at `to`, in one step where the system has such a
    /// step; the old folder is at `aside` afterwards. Where nothing is at `to`, this is a rename.
    fn switch(&self, from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
        let _ = aside;
        self.rename(from, to)
    }

    /// Closes what is kept open for speed, so that nothing done by other means is undone later.
    fn close_files(&self) {}

    /// Marks the file as a program, where the disk knows such a mark.
    fn set_executable(&self, path: &Path) -> io::Result<()>;

    /// Creates the file if need be and locks it against other processes.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;

    /// The path as a person would write it.
    fn display_path(&self, path: &Path) -> PathBuf;
}

/// Fills `buffer` from `offset`; the end of the file before that is an error.
pub(crate) fn read_exact(
    disk: &dyn Disk,
    path: &Path,
    buffer: &mut [u8],
    offset: u64,
) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
        match disk.read_at(path, rest, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => done += read,
        }
    }
    Ok(())
}
