//! The slot locks of a share: K places that at most one machine each may hold, counted by the file server.
//!
//! Each slot is a file `slot-<i>`. Linux locks the whole file (`flock`, which a mount passes on to the server
//! as a lock of every byte up to 2^63; byte ranges are refused on a handle opened for reading). Windows locks
//! one byte far behind the file's end, on a handle opened for reading, which a read-only SMB share grants. That
//! byte lies in the range of the others, so machines of both kinds exclude each other. Beside each slot a file
//! `alive-<i>` is locked and freed in turns by whoever holds the slot: who is refused can tell a holder that
//! lives from a lock that a power cut left behind.
//!
//! What must stay true: two handles never hold one slot, also within one process; dropping a [`SlotLock`] or
//! losing the process frees it; nothing but the lock files is ever locked, because a lock on the content would
//! keep others from reading it.

mod reach;

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

pub use reach::LockReach;

/// The most slots that one folder of locks may have.
pub const SLOTS_MAX: u32 = 64;

/// The slot that only [`SlotLocks::self_test`] locks, so that no reader is kept from a real one.
const SLOT_OF_TEST: u32 = SLOTS_MAX;
/// The file that says how many slots there are.
const COUNT_NAME: &str = "slots";
/// More than the digits of [`SLOTS_MAX`] and a line feed.
const COUNT_LEN_MAX: u64 = 16;

/// The folder that holds the lock files of a share.
#[derive(Debug, Clone)]
pub struct SlotLocks {
    dir: PathBuf,
    slots: u32,
}

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub struct SlotLock {
    file: File,
    slot: u32,
}

impl SlotLocks {
    /// Makes the lock files for `slots` slots in `dir`, which is created when missing. The last number given
    /// for a folder holds; files of a larger number stay and are not used.
    pub fn create(dir: &Path, slots: u32) -> io::Result<Self> {
        check_count(slots)?;
        fs::create_dir_all(dir)?;
        let made = (0..slots).map(alive_name).chain([slot_name(SLOT_OF_TEST)]);
        for name in (0..slots).map(slot_name).chain(made) {
            let options = File::options().create(true).append(true).clone();
            options.open(dir.join(name))?;
        }
        // who opens the folder meanwhile must find a whole number
        let draft = dir.join(format!("{COUNT_NAME}.{}.tmp", std::process::id()));
        let mut file = File::create(&draft)?;
        file.write_all(format!("{slots}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, dir.join(COUNT_NAME))?;
        Self::open(dir)
    }

    /// Opens the lock files in `dir` and checks that all are there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when a file is missing, [`ErrorKind::InvalidInput`] when the number of slots that
    /// the folder tells makes no sense.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(dir.join(COUNT_NAME))?
            .take(COUNT_LEN_MAX)
            .read_to_string(&mut text)?;
        let slots = text.trim().parse().unwrap_or(0);
        check_count(slots)?;
        for slot in (0..slots).chain([SLOT_OF_TEST]) {
            File::open(dir.join(slot_name(slot)))?;
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            slots,
        })
    }

    /// Returns how many slots there are.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Returns the folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes slot `slot` if nobody holds it; `None` when somebody does. Never waits for a holder.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a slot beyond the count; any other error means that this share cannot
    /// lock (an NFS mount wants a writable handle, for example).
    pub fn try_lock(&self, slot: u32) -> io::Result<Option<SlotLock>> {
        self.check_slot(slot)?;
        self.try_lock_named(&slot_name(slot), slot)
    }

    /// Takes the sign of life beside `slot`. Its holder takes and drops it in turns, every second or so.
    ///
    /// # Errors
    /// As for [`try_lock`](Self::try_lock).
    pub fn try_sign(&self, slot: u32) -> io::Result<Option<SlotLock>> {
        self.check_slot(slot)?;
        self.try_lock_named(&alive_name(slot), slot)
    }

    /// Returns whether the sign of life beside `slot` is taken at this moment: one that changes is given by a
    /// holder that lives.
    pub fn sees_sign(&self, slot: u32) -> io::Result<bool> {
        self.check_slot(slot)?;
        let file = File::open(self.dir.join(alive_name(slot)))?;
        match platform::try_lock_shared(&file, slot) {
            Ok(()) => {
                platform::unlock(&file, slot)?;
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns whether a second handle is refused what a first one holds.
    ///
    /// This proves that locks work between handles of this machine; it cannot prove that the server shares
    /// them with other machines ([`reach`](Self::reach) says what is known of that). A refusal of the first
    /// handle is proof as well: somebody else is testing.
    pub fn self_test(&self) -> io::Result<bool> {
        let name = slot_name(SLOT_OF_TEST);
        let Some(first) = self.try_lock_named(&name, SLOT_OF_TEST)? else {
            return Ok(true);
        };
        let refused = self.try_lock_named(&name, SLOT_OF_TEST)?.is_none();
        drop(first);
        Ok(refused)
    }

    /// Returns how far these locks are known to reach, by the kind of file system and its mount.
    pub fn reach(&self) -> LockReach {
        reach::of(&self.dir)
    }

    /// Returns whether a process of this machine holds `slot`, which somebody was refused.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the system does not tell.
    pub fn is_held_here(&self, slot: u32) -> io::Result<bool> {
        self.check_slot(slot)?;
        reach::is_held_here(&self.dir.join(slot_name(slot)))
    }

    fn check_slot(&self, slot: u32) -> io::Result<()> {
        if slot < self.slots {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::InvalidInput, "no such slot"))
    }

    fn try_lock_named(&self, name: &str, slot: u32) -> io::Result<Option<SlotLock>> {
        let file = File::open(self.dir.join(name))?;
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

fn slot_name(slot: u32) -> String {
    if slot == SLOT_OF_TEST {
        "slot-test".to_owned()
    } else {
        format!("slot-{slot}")
    }
}

fn alive_name(slot: u32) -> String {
    format!("alive-{slot}")
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

    /// `flock(LOCK_EX | LOCK_NB)`, which belongs to this open file, not to the process.
    pub(super) fn try_lock(file: &File, _slot: u32) -> Result<(), TryLockError> {
        file.try_lock()
    }

    pub(super) fn try_lock_shared(file: &File, _slot: u32) -> Result<(), TryLockError> {
        file.try_lock_shared()
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
    use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
    use windows_sys::Win32::Storage::FileSystem::{
        LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
    };
    use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};

    pub(super) fn try_lock(file: &File, slot: u32) -> Result<(), TryLockError> {
        lock(file, slot, LOCKFILE_EXCLUSIVE_LOCK)
    }

    pub(super) fn try_lock_shared(file: &File, slot: u32) -> Result<(), TryLockError> {
        lock(file, slot, 0)
    }

    fn lock(file: &File, slot: u32, kind: u32) -> Result<(), TryLockError> {
        let flags = kind | LOCKFILE_FAIL_IMMEDIATELY;
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
