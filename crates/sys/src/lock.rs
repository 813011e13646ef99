//! The slot locks of a share: K places that at most one machine each may hold, counted by the file server.
//!
//! Windows locks one byte of `slots`, far behind its end, on a handle opened for reading, which a read-only
//! SMB share grants. Linux mounts refuse byte ranges on such a handle but pass `flock` on to the server, so
//! there each slot is a file `slot-<i>` of its own.
//!
//! What must stay true: two handles never hold one slot, also within one process; dropping a [`SlotLock`] or
//! losing the process frees it; nothing but the lock files is ever locked, because a lock on the content would
//! keep others from reading it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The most slots that one folder of locks may have.
pub const SLOTS_MAX: u32 = 64;

/// The slot that only [`SlotLocks::self_test`] locks, so that no reader is kept from a real one.
const SLOT_OF_TEST: u32 = SLOTS_MAX;

/// The folder that holds the lock files of a share.
#[derive(Debug, Clone)]
pub struct SlotLocks {
    dir: PathBuf,
    slots: u32,
}

/// A held slot; dropping it frees the slot.
#[derive(Debug)]
pub struct SlotLock {
    file: File,
    slot: u32,
}

impl SlotLocks {
    /// Makes the lock files for `slots` slots in `dir`, which is created when missing.
    ///
    /// Files for both ways of locking are made, because Windows and Linux machines may read the same share.
    /// The two do not exclude each other, so a mixed room may hold each slot twice.
    pub fn create(dir: &Path, slots: u32) -> io::Result<Self> {
        check_count(slots)?;
        fs::create_dir_all(dir)?;
        File::options()
            .create(true)
            .append(true)
            .open(dir.join(RANGES_NAME))?;
        for slot in (0..slots).chain([SLOT_OF_TEST]) {
            File::options()
                .create(true)
                .append(true)
                .open(dir.join(file_name(slot)))?;
        }
        Self::open(dir, slots)
    }

    /// Opens the lock files in `dir` for `slots` slots and checks that all are there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when a file is missing, [`ErrorKind::InvalidInput`] when `slots` is 0 or above
    /// [`SLOTS_MAX`].
    pub fn open(dir: &Path, slots: u32) -> io::Result<Self> {
        check_count(slots)?;
        let locks = Self {
            dir: dir.to_path_buf(),
            slots,
        };
        for slot in (0..slots).chain([SLOT_OF_TEST]) {
            platform::open(&locks.dir, slot)?;
        }
        Ok(locks)
    }

    /// Returns how many slots there are.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Takes slot `slot` if nobody holds it; `None` when somebody does. Never waits for a holder.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a slot beyond the count; any other error means that this share cannot
    /// lock (an NFS mount wants a writable handle, for example).
    pub fn try_lock(&self, slot: u32) -> io::Result<Option<SlotLock>> {
        if slot >= self.slots {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no such slot"));
        }
        self.try_lock_any(slot)
    }

    /// Returns whether a second handle is refused what a first one holds.
    ///
    /// This proves that locks work between handles of this machine; it cannot prove that the server shares
    /// them with other machines. A refusal of the first handle is proof as well: somebody else is testing.
    pub fn self_test(&self) -> io::Result<bool> {
        let Some(first) = self.try_lock_any(SLOT_OF_TEST)? else {
            return Ok(true);
        };
        let refused = self.try_lock_any(SLOT_OF_TEST)?.is_none();
        drop(first);
        Ok(refused)
    }

    fn try_lock_any(&self, slot: u32) -> io::Result<Option<SlotLock>> {
        let file = platform::open(&self.dir, slot)?;
        match platform::try_lock(&file, slot) {
            Ok(()) => Ok(Some(SlotLock { file, slot })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl SlotLock {
    /// Returns the index of the held slot.
    pub fn slot(&self) -> u32 {
        self.slot
    }
}

impl Drop for SlotLock {
    /// Closing the handle frees the lock; asking first makes it free at once, and may fail without harm.
    fn drop(&mut self) {
        let _freed_by_closing = platform::unlock(&self.file, self.slot);
    }
}

/// The one file whose bytes Windows machines lock.
const RANGES_NAME: &str = "slots";

fn file_name(slot: u32) -> String {
    if slot == SLOT_OF_TEST {
        "slot-test".to_owned()
    } else {
        format!("slot-{slot}")
    }
}

fn check_count(slots: u32) -> io::Result<()> {
    if (1..=SLOTS_MAX).contains(&slots) {
        return Ok(());
    }
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        "the number of slots must be 1 to 64",
    ))
}

#[cfg(not(windows))]
mod platform {
    use std::fs::{File, TryLockError};
    use std::io;
    use std::path::Path;

    pub(super) fn open(dir: &Path, slot: u32) -> io::Result<File> {
        File::open(dir.join(super::file_name(slot)))
    }

    /// `flock(LOCK_EX | LOCK_NB)`, which belongs to this open file, not to the process.
    pub(super) fn try_lock(file: &File, _slot: u32) -> Result<(), TryLockError> {
        file.try_lock()
    }

    pub(super) fn unlock(file: &File, _slot: u32) -> io::Result<()> {
        file.unlock()
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{File, TryLockError};
    use std::io;
    use std::os::windows::io::AsRawHandle;
    use std::path::Path;
    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
    };
    use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

    pub(super) fn open(dir: &Path, _slot: u32) -> io::Result<File> {
        File::open(dir.join(super::RANGES_NAME))
    }

    pub(super) fn try_lock(file: &File, slot: u32) -> Result<(), TryLockError> {
        let flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
        let mut place = place(slot);
        // SAFETY: the handle is open for as long as `file` is borrowed, `place` outlives the call, and the call
        // is synchronous because std opens files without FILE_FLAG_OVERLAPPED.
        let done = unsafe { LockFileEx(file.as_raw_handle(), flags, 0, 1, 0, &raw mut place) };
        if done != 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        let code = error
            .raw_os_error()
            .and_then(|code| u32::try_from(code).ok());
        match code {
            Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Err(TryLockError::WouldBlock),
            _ => Err(TryLockError::Error(error)),
        }
    }

    pub(super) fn unlock(file: &File, slot: u32) -> io::Result<()> {
        let mut place = place(slot);
        // SAFETY: as for the lock.
        let done = unsafe { UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &raw mut place) };
        if done == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// The byte of a slot: offset 2^62 + slot, behind the end of any file.
    fn place(slot: u32) -> OVERLAPPED {
        OVERLAPPED {
            Anonymous: OVERLAPPED_0 {
                Anonymous: OVERLAPPED_0_0 {
                    Offset: slot,
                    OffsetHigh: 1 << 30,
                },
            },
            ..OVERLAPPED::default()
        }
    }
}

#[cfg(test)]
mod tests;
