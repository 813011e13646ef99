//! A disk that is only memory, for tests and for programs that want no files.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskLock, Entry, FileStat};

/// Files in memory. Clones share them, so that a test can look at what a store wrote.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, MemoryFile>,
    locked: Vec<PathBuf>,
    clock: u128,
}

#[derive(Debug, Default)]
struct MemoryFile {
    bytes: Vec<u8>,
    modified: u128,
}

impl MemoryDisk {
    /// Makes an empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        self.lock_state()
            .files
            .get(path)
            .map(|file| file.bytes.clone())
    }

    /// Changes the bytes of a file as another program would.
    pub fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.lock_state();
        let modified = state.tick();
        state.files.insert(
            path.to_owned(),
            MemoryFile {
                bytes: bytes.to_vec(),
                modified,
            },
        );
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tick(&mut self) -> u128 {
        self.clock += 1;
        self.clock
    }

    fn file(&mut self, path: &Path) -> io::Result<&mut MemoryFile> {
        let state_of_now = self.tick();
        let file = self.files.get_mut(path).ok_or(ErrorKind::NotFound)?;
        file.modified = state_of_now;
        Ok(file)
    }

    /// Creates the file if need be; a folder must not be in its place, nor a file in a folder's.
    fn create(&mut self, path: &Path) -> io::Result<&mut MemoryFile> {
        let blocked = path
            .ancestors()
            .skip(1)
            .any(|folder| self.files.contains_key(folder));
        if blocked {
            return Err(ErrorKind::NotADirectory.into());
        }
        if self
            .files
            .keys()
            .any(|other| other != path && other.starts_with(path))
        {
            return Err(ErrorKind::IsADirectory.into());
        }
        let now = self.tick();
        let file = self.files.entry(path.to_owned()).or_default();
        file.modified = now;
        Ok(file)
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge.into())
}

/// Longer files are refused, so that a wrong offset can't eat the memory.
const FILE_LEN_MAX: usize = 1 << 32;

fn grow(file: &mut MemoryFile, len: usize) -> io::Result<()> {
    if len > FILE_LEN_MAX {
        return Err(ErrorKind::StorageFull.into());
    }
    if file.bytes.len() < len {
        file.bytes.resize(len, 0);
    }
    Ok(())
}

impl Disk for MemoryDisk {
    fn read_at(&self, path: &Path, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.lock_state();
        let file = state.files.get(path).ok_or(ErrorKind::NotFound)?;
        let from = file.bytes.get(place(offset)?..).unwrap_or_default();
        let len = from.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), from.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn write_at(&self, path: &Path, bytes: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut state = self.lock_state();
        let file = state.create(path)?;
        let mut at = place(offset)?;
        for part in bytes.iter() {
            let end = at.checked_add(part.len()).ok_or(ErrorKind::FileTooLarge)?;
            grow(file, end)?;
            if let Some(to) = file.bytes.get_mut(at..end) {
                to.copy_from_slice(part);
            }
            at = end;
        }
        Ok(())
    }

    fn reserve(&self, path: &Path, len: u64) -> io::Result<()> {
        grow(self.lock_state().create(path)?, place(len)?)
    }

    fn set_len(&self, path: &Path, len: u64) -> io::Result<()> {
        let len = place(len)?;
        let mut state = self.lock_state();
        let file = state.file(path)?;
        grow(file, len)?;
        file.bytes.truncate(len);
        Ok(())
    }

    fn sync(&self, paths: &[PathBuf]) -> io::Result<()> {
        let state = self.lock_state();
        let there = paths.iter().all(|path| state.files.contains_key(path));
        if there {
            Ok(())
        } else {
            Err(ErrorKind::NotFound.into())
        }
    }

    fn stat(&self, path: &Path) -> io::Result<Option<FileStat>> {
        let state = self.lock_state();
        if let Some(file) = state.files.get(path) {
            let len = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
            return Ok(Some(FileStat {
                len,
                modified_ns: file.modified,
            }));
        }
        if state.files.keys().any(|other| other.starts_with(path)) {
            return Err(ErrorKind::InvalidInput.into());
        }
        Ok(None)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let state = self.lock_state();
        let mut entries = Vec::new();
        for file in state
            .files
            .keys()
            .filter(|file| *file != path && file.starts_with(path))
        {
            entries.push(Entry {
                path: file.clone(),
                is_dir: false,
            });
            let folders = file
                .ancestors()
                .skip(1)
                .take_while(|folder| *folder != path);
            entries.extend(folders.map(|folder| Entry {
                path: folder.to_owned(),
                is_dir: true,
            }));
        }
        entries.retain(|entry| !entry.path.as_os_str().is_empty());
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.lock_state().files.remove(path);
        removed
            .map(|_| ())
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock_state();
        if state.files.keys().any(|path| path.starts_with(to)) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let moved: Vec<PathBuf> = state
            .files
            .keys()
            .filter(|path| path.starts_with(from))
            .cloned()
            .collect();
        if moved.is_empty() {
            return Err(ErrorKind::NotFound.into());
        }
        for path in moved {
            let rest = path.strip_prefix(from).unwrap_or(Path::new(""));
            let target = if rest.as_os_str().is_empty() {
                to.to_owned()
            } else {
                to.join(rest)
            };
            if let Some(file) = state.files.remove(&path) {
                state.files.insert(target, file);
            }
        }
        Ok(())
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        let there = self.lock_state().files.contains_key(path);
        if there {
            Ok(())
        } else {
            Err(ErrorKind::NotFound.into())
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut state = self.lock_state();
        if state.locked.iter().any(|locked| locked == path) {
            return Err(ErrorKind::WouldBlock.into());
        }
        state.create(path)?;
        state.locked.push(path.to_owned());
        Ok(Box::new(MemoryLock {
            path: path.to_owned(),
            state: Arc::clone(&self.state),
        }))
    }

    fn display_path(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

#[derive(Debug)]
struct MemoryLock {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

impl DiskLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.locked.retain(|locked| *locked != self.path);
    }
}
