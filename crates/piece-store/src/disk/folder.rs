//! A folder of the file system.
//!
//! What must stay true: no link below the folder is followed for a write, neither as the last name
//! nor as a folder on the way (checked before the open, each folder once in a while; a hostile
//! process that can swap folders of the tree in between is out of scope); no more than
//! `OPEN_FILES_MAX` files stay open.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, IoSlice};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use swarmcopy_sys::fs::{self, Lock};
use swarmcopy_sys::retry::is_out_of_files;
use swarmcopy_sys::{alloc, held};

use super::handles::{Access, Handles};
use super::known::KnownFolders;
use super::{Disk, DiskLock, Entry, FileStat, flush, system};

/// More files than this are synchronised with their whole file system: waiting for each of 10,000
/// small files alone takes minutes.
const SYNC_EACH_MAX: usize = 64;

/// Whether links inside the folder are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// A link anywhere below the folder is an error. The only way to write.
    Refuse,
    /// Links are followed; nothing can be written.
    Follow,
}

/// Files below a folder of the file system.
#[derive(Debug)]
pub struct FolderDisk {
    root: PathBuf,
    links: Links,
    handles: Arc<Handles>,
    known: KnownFolders,
}

impl FolderDisk {
    /// Takes the folder at `root`, which need not exist yet. Where nothing is written, names that
    /// only others write can be read.
    pub fn new(root: &Path, links: Links) -> Self {
        let root = match links {
            Links::Refuse => root.to_owned(),
            Links::Follow => swarmcopy_sys::path::verbatim(root),
        };
        Self {
            root,
            links,
            handles: Arc::default(),
            known: KnownFolders::default(),
        }
    }

    fn file(&self, path: &Path, access: Access) -> io::Result<Arc<File>> {
        if let Some(file) = self.handles.find(path, access) {
            return Ok(file);
        }
        let file = self.open(path, access)?;
        Ok(self.handles.keep(path, file, access))
    }

    /// Opens a file; those that are kept open give way where the system allows no more.
    fn open(&self, path: &Path, access: Access) -> io::Result<File> {
        match self.try_open(path, access) {
            Err(error) if is_out_of_files(&error) => {
                self.handles.close_all();
                self.try_open(path, access)
            }
            opened => opened,
        }
    }

    fn try_open(&self, path: &Path, access: Access) -> io::Result<File> {
        let full = self.root.join(path);
        match (self.links, access) {
            (Links::Follow, Access::Read) => {
                fs::open_read(&full).map_err(|error| told(&full, error))
            }
            (Links::Follow, Access::Write) => Err(ErrorKind::ReadOnlyFilesystem.into()),
            (Links::Refuse, Access::Read) => {
                self.check_folders(path)?;
                swarmcopy_sys::open::nofollow_read(&full).map_err(|error| told(&full, error))
            }
            (Links::Refuse, Access::Write) => {
                self.make_folders(path)?;
                let opened = match open_to_write(&full) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        // somebody has removed the folder
                        self.known.forget_all();
                        self.make_folders(path)?;
                        open_to_write(&full)
                    }
                    opened => opened,
                };
                opened.map_err(|error| told(&full, error))
            }
        }
    }

    /// Refuses a path with a link (or a file) where a folder must be.
    fn check_folders(&self, path: &Path) -> io::Result<()> {
        let folders = folders_of(path)?;
        let Some(last) = folders.last().filter(|last| !self.known.has(last)) else {
            return Ok(());
        };
        for folder in &folders {
            let found = fs::symlink_metadata(&self.root.join(folder))?;
            check_folder(folder, &found)?;
        }
        self.known.insert(last);
        Ok(())
    }

    /// Creates the folders that `path` needs, under the same rule.
    fn make_folders(&self, path: &Path) -> io::Result<()> {
        let folders = folders_of(path)?;
        if folders.last().is_some_and(|last| self.known.has(last)) {
            return Ok(());
        }
        for (at, folder) in folders.iter().enumerate() {
            let full = self.root.join(folder);
            match fs::symlink_metadata(&full) {
                Ok(found) => check_folder(folder, &found)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if at == 0 {
                        fs::create_dir_all(&self.root)?;
                    }
                    make_folder(&full)?;
                }
                Err(error) => return Err(error),
            }
        }
        match folders.last() {
            Some(last) => self.known.insert(last),
            None if self.root.is_dir() => {}
            None => fs::create_dir_all(&self.root)?,
        }
        Ok(())
    }

    /// What is at `path`, no link followed on the way or at its end (unless links are followed).
    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        let found = match self.links {
            Links::Follow => fs::metadata(&self.root.join(path)),
            Links::Refuse => self
                .check_folders(path)
                .and_then(|()| fs::symlink_metadata(&self.root.join(path))),
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn switch(from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == ErrorKind::NotFound => return fs::rename(from, to),
        Ok(found) if found.is_dir() => {}
        // a file gives way to a file at once
        Ok(found) if found.is_file() && !fs::symlink_metadata(from)?.is_dir() => {
            return fs::rename(from, to);
        }
        Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
        Err(error) => return Err(error),
    }
    match swarmcopy_sys::links::exchange(from, to) {
        Ok(()) => fs::rename(from, aside),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            fs::rename(to, aside)?;
            fs::rename(from, to).inspect_err(|_| {
                let _as_it_was = fs::rename(aside, to);
            })
        }
        Err(error) => Err(error),
    }
}

/// Opens a file to write, though it may be read-only; nothing else changes that is the same file by another
/// name.
fn open_to_write(full: &Path) -> io::Result<File> {
    // nothing is to be found out about a new file
    if let Ok(file) = swarmcopy_sys::open::create_new(full) {
        return Ok(file);
    }
    let file = held::patiently(|| match swarmcopy_sys::open::nofollow_create(full) {
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied
                && swarmcopy_sys::attributes::make_writable(full).unwrap_or(false) =>
        {
            swarmcopy_sys::open::nofollow_create(full)
        }
        opened => opened,
    })?;
    if !swarmcopy_sys::links::is_shared(&file)? {
        return Ok(file);
    }
    drop(file);
    let draft = swarmcopy_sys::path::beside(full, ".swarmcopy-own");
    fs::copy(full, &draft)?;
    fs::rename(&draft, full)?;
    swarmcopy_sys::open::nofollow_create(full)
}

/// The folders that lead to `path`, outermost first. A path that could leave is refused.
fn folders_of(path: &Path) -> io::Result<Vec<&Path>> {
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "not a plain relative path",
        ));
    }
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.retain(|folder| !folder.as_os_str().is_empty());
    folders.reverse();
    Ok(folders)
}

fn check_folder(folder: &Path, found: &Metadata) -> io::Result<()> {
    if found.is_dir() && !found.is_symlink() {
        return Ok(());
    }
    let what = if found.is_symlink() {
        "a link, which is not followed"
    } else {
        "not a folder"
    };
    let message = format!("{} is {what}", folder.display());
    Err(io::Error::new(ErrorKind::NotADirectory, message))
}

/// Says that a link or a folder is in the way, where the system's own words would puzzle.
fn told(full: &Path, error: io::Error) -> io::Error {
    match fs::symlink_metadata(full) {
        _ if error.kind() == ErrorKind::NotFound => error,
        Ok(found) if found.is_symlink() => io::Error::new(
            ErrorKind::InvalidInput,
            "it is a link, which is not followed",
        ),
        Ok(found) if found.is_dir() => ErrorKind::IsADirectory.into(),
        _ => error,
    }
}

/// Creates a folder; one that another thread just made is fine.
fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            check_folder(path, &fs::symlink_metadata(path)?)
        }
        done => done,
    }
}

impl Disk for FolderDisk {
    fn read_at(&self, path: &Path, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        swarmcopy_sys::io::read_at(&*self.file(path, Access::Read)?, buffer, offset)
    }

    fn write_at(&self, path: &Path, bytes: &mut [IoSlice<'_>], offset: u64) -> io::Result<()> {
        let file = self.file(path, Access::Write)?;
        swarmcopy_sys::io::write_all_vectored_at(&file, bytes, offset)
    }

    fn write_whole(&self, path: &Path, bytes: &mut [IoSlice<'_>]) -> io::Result<()> {
        let file = match self.handles.find(path, Access::Write) {
            Some(file) => file,
            // not kept: a tree of small files would only drive others out
            None => Arc::new(self.open(path, Access::Write)?),
        };
        swarmcopy_sys::io::write_all_vectored_at(&file, bytes, 0)
    }

    fn share_bytes(&self, path: &Path, source: &Path) -> io::Result<bool> {
        if self.metadata(path)?.is_some() {
            return Ok(false);
        }
        let source = fs::open_read(source)?;
        let file = self.open(path, Access::Write)?;
        if system::share_bytes(&file, &source) {
            return Ok(true);
        }
        fs::remove_file(&self.root.join(path))?;
        Ok(false)
    }

    fn reserve(&self, path: &Path, len: u64) -> io::Result<()> {
        let file = self.file(path, Access::Write)?;
        if system::is_in_memory(&file) {
            // taking the pages twice costs more than writing them
            return if fs::metadata_of(&file)?.len() < len {
                fs::set_len(&file, len)
            } else {
                Ok(())
            };
        }
        alloc::reserve(&file, len).map(|_| ())
    }

    fn set_len(&self, path: &Path, len: u64) -> io::Result<()> {
        if self.metadata(path)?.is_none() {
            return Err(ErrorKind::NotFound.into());
        }
        fs::set_len(&*self.file(path, Access::Write)?, len)
    }

    fn sync(&self, paths: &[PathBuf]) -> io::Result<()> {
        if paths.len() > SYNC_EACH_MAX && system::sync_whole(&self.root)? {
            return Ok(());
        }
        flush::each(paths, &|path| {
            swarmcopy_sys::sync::data(&*self.file(path, Access::SETTLE)?)
        })
    }

    fn make_sparse(&self, path: &Path) -> io::Result<()> {
        alloc::make_sparse(&*self.file(path, Access::Write)?)
    }

    fn make_dense(&self, path: &Path) -> io::Result<()> {
        if alloc::is_sparse(&self.root.join(path))? {
            alloc::make_dense(&*self.file(path, Access::Write)?)?;
        }
        Ok(())
    }

    fn stat(&self, path: &Path) -> io::Result<Option<FileStat>> {
        let Some(found) = self.metadata(path)? else {
            return Ok(None);
        };
        if !found.is_file() {
            let what = if found.is_symlink() {
                "a link, which is not followed"
            } else {
                "no file"
            };
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        let modified = found
            .modified()?
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Some(FileStat {
            len: found.len(),
            modified_ns: modified.as_nanos(),
        }))
    }

    fn holds_data(&self, path: &Path, offset: u64, len: u64) -> io::Result<bool> {
        system::holds_data(&*self.file(path, Access::Read)?, offset, len)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            let listing = match fs::read_dir(&self.root.join(&folder)) {
                Err(error) if error.kind() == ErrorKind::NotFound && folder == path => break,
                listing => listing?,
            };
            for entry in listing {
                let entry = entry?;
                let is_dir = entry.file_type()?.is_dir();
                let path = folder.join(entry.file_name());
                if is_dir {
                    folders.push(path.clone());
                }
                entries.push(Entry { path, is_dir });
            }
        }
        Ok(entries)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.handles.close(path);
        self.check_folders(path)?;
        fs::remove_file(&self.root.join(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.handles.close_all();
        self.known.forget_all();
        self.check_folders(from)?;
        self.make_folders(to)?;
        let (from, to) = (self.root.join(from), self.root.join(to));
        match fs::symlink_metadata(&to) {
            Ok(found) if found.is_dir() => fs::remove_dir(&to)?,
            Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        fs::rename(&from, &to)?;
        to.parent().map_or(Ok(()), swarmcopy_sys::sync::dir)
    }

    fn switch(&self, from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
        self.handles.close_all();
        self.known.forget_all();
        self.check_folders(from)?;
        self.check_folders(to)?;
        let [from, to, aside] = [from, to, aside].map(|path| self.root.join(path));
        switch(&from, &to, &aside)?;
        to.parent().map_or(Ok(()), swarmcopy_sys::sync::dir)
    }

    fn close_files(&self) {
        self.handles.close_all();
        self.known.forget_all();
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        system::mark_executable(&*self.file(path, Access::SETTLE)?)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        // that a file can't be opened just now does not say that another process holds it
        let file = self
            .open(path, Access::Write)
            .map_err(|error| match error.kind() {
                ErrorKind::WouldBlock => io::Error::other(error),
                _ => error,
            })?;
        // a disk without locks (some network mounts): better a copy than none
        if fs::lock(&file)? == Lock::Held {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.handles.pin(path, Arc::new(file));
        let (path, handles) = (path.to_owned(), Arc::clone(&self.handles));
        Ok(Box::new(FolderLock { path, handles }))
    }

    fn display_path(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }
}

/// Keeps the locked file open: the lock ends with it.
#[derive(Debug)]
struct FolderLock {
    path: PathBuf,
    handles: Arc<Handles>,
}

impl DiskLock for FolderLock {}

impl Drop for FolderLock {
    fn drop(&mut self) {
        self.handles.close(&self.path);
    }
}
