//! A disk that fails on purpose, over another one.

use std::io::{self, ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Disk, DiskLock, Entry, FileStat};

/// How a [`FaultyDisk`] fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Works.
    None,
    /// Takes so many more bytes, writes what fits of the next call, and is full.
    FullAfter(u64),
    /// Takes no writes.
    ReadOnly,
    /// Loses power at each sync: it fails.
    SyncFails,
    /// Gives no bytes.
    Unreadable,
}

/// Passes calls on to another disk until its fault strikes.
#[derive(Debug)]
pub struct FaultyDisk<D> {
    disk: D,
    fault: Mutex<Fault>,
    /// The one path that can't be read; all, if there is none.
    only: Mutex<Option<PathBuf>>,
}

impl<D: Disk> FaultyDisk<D> {
    /// Puts `fault` before `disk`.
    pub fn new(disk: D, fault: Fault) -> Self {
        Self {
            disk,
            fault: Mutex::new(fault),
            only: Mutex::default(),
        }
    }

    /// Lets only `path` be unreadable.
    pub fn fail_only(&self, path: &Path) {
        *self.only.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_owned());
    }

    /// Changes the fault.
    pub fn set_fault(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn check_write(&self) -> io::Result<()> {
        match *self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            Fault::ReadOnly => Err(ErrorKind::ReadOnlyFilesystem.into()),
            Fault::FullAfter(0) => Err(ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    /// How many of `len` bytes fit.
    fn room(&self, len: usize) -> usize {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let Fault::FullAfter(left) = &mut *fault else {
            return len;
        };
        let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(len);
        *left -= u64::try_from(fits).unwrap_or(u64::MAX);
        fits
    }
}

impl<D: Disk> Disk for FaultyDisk<D> {
    fn read_at(&self, path: &Path, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let only = self.only.lock().unwrap_or_else(PoisonError::into_inner);
        if fault == Fault::Unreadable && only.as_deref().is_none_or(|only| only == path) {
            return Err(io::Error::other("the disk gives no bytes"));
        }
        drop(only);
        self.disk.read_at(path, buffer, offset)
    }

    fn write_at(&self, path: &Path, bytes: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        self.check_write()?;
        let all: Vec<u8> = bytes.iter().flat_map(|part| part.iter().copied()).collect();
        let fits = self.room(all.len());
        let part = all.get(..fits).unwrap_or_default();
        self.disk
            .write_at(path, &mut [IoSlice::new(part)], offset)?;
        if fits < all.len() {
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn share_bytes(&self, path: &Path, source: &Path) -> io::Result<bool> {
        self.check_write()?;
        self.disk.share_bytes(path, source)
    }

    fn reserve(&self, path: &Path, len: u64) -> io::Result<()> {
        self.check_write()?;
        self.disk.reserve(path, len)
    }

    fn set_len(&self, path: &Path, len: u64) -> io::Result<()> {
        self.check_write()?;
        self.disk.set_len(path, len)
    }

    fn sync(&self, paths: &[PathBuf]) -> io::Result<()> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if fault == Fault::SyncFails {
            return Err(io::Error::other("the disk lost its power"));
        }
        self.disk.sync(paths)
    }

    fn make_sparse(&self, path: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.make_sparse(path)
    }

    fn make_dense(&self, path: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.make_dense(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<FileStat>> {
        self.disk.stat(path)
    }

    fn holds_data(&self, path: &Path, offset: u64, len: u64) -> io::Result<bool> {
        self.disk.holds_data(path, offset, len)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.rename(from, to)
    }

    fn switch(&self, from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.switch(from, to, aside)
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        self.check_write()?;
        self.disk.set_executable(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        self.check_write()?;
        self.disk.lock(path)
    }

    fn display_path(&self, path: &Path) -> PathBuf {
        self.disk.display_path(path)
    }
}
