//! Reading and writing spans of the content in its files.
//!
//! What must stay true: pads are never written and read as zeros; files that are not selected are
//! never written; a file's space is reserved before its first byte, unless one write covers it all;
//! what an earlier run or somebody else left is not written again where it is right already.

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use swarmcopy_layout::{FileEntry, FileIndex, FileSlice, FoundNames, Platform, RelPath, Span};

use crate::disk::{Disk, FileStat, read_exact};
use crate::error::StoreError;
use crate::holes;
use crate::options::Options;
use crate::placement::{ASIDE_SUFFIX, Placement};
use crate::pool::{Pool, SEGMENT_LEN_MAX};
use crate::target::{Shape, Target};

/// Under which names the files lie.
#[derive(Debug)]
enum Names {
    /// Under those that this platform stores them by.
    Stored,
    /// Under those that were given for them, where such a file is there.
    AsFound(FoundNames),
}

/// The files of a target on a disk.
#[derive(Debug)]
pub(crate) struct Files {
    target: Arc<Target>,
    disk: Arc<dyn Disk>,
    pool: Pool,
    names: Names,
    /// Where the content lies; changes once, when a staged copy is published.
    place: RwLock<PathBuf>,
    placement: Placement,
    /// Whether runs of zeros become holes.
    sparse: bool,
    /// By file: whether its space is reserved.
    prepared: Vec<AtomicBool>,
    /// By file: whether bytes of it lay there before this run.
    found: Vec<AtomicBool>,
    /// By file: whether it is known to be right. Empty: of none.
    vouched: Vec<bool>,
}

impl Files {
    pub(crate) fn new(
        target: Arc<Target>,
        disk: Arc<dyn Disk>,
        pool: Pool,
        place: PathBuf,
    ) -> Self {
        let flags = || {
            let files = target.layout().files();
            files.map(|_| AtomicBool::new(false)).collect()
        };
        Self {
            prepared: flags(),
            found: flags(),
            target,
            disk,
            pool,
            names: Names::Stored,
            place: RwLock::new(place),
            placement: Placement::default(),
            sparse: false,
            vouched: Vec::new(),
        }
    }

    /// Notes that bytes of `file` lie there already.
    pub(crate) fn note_found(&self, file: FileIndex) {
        if let Some(found) = self.found.get(usize_of(u64::from(file.value()))) {
            found.store(true, Ordering::Relaxed);
        }
    }

    /// The files of a copy that is only read: somebody else may have made it, under the names that
    /// were given.
    pub(crate) fn as_found(target: Arc<Target>, disk: Arc<dyn Disk>, pool: Pool) -> Self {
        Self::as_found_by(target, disk, pool, Platform::HERE)
    }

    /// The same by the rules for names of `platform`.
    pub(crate) fn as_found_by(
        target: Arc<Target>,
        disk: Arc<dyn Disk>,
        pool: Pool,
        platform: Platform,
    ) -> Self {
        let place = target.name().source_paths(platform);
        let place = first_there(&*disk, place).unwrap_or_else(|| target.place());
        let paths = target.layout().files().map(|(_, file)| file.path());
        let names = Names::AsFound(FoundNames::new(paths, platform));
        Self {
            names,
            ..Self::new(target, disk, pool, place)
        }
    }

    /// The same with what was decided about where they lie, whether runs of zeros become holes, and which
    /// of them are known to be right.
    pub(crate) fn with(self, options: &Options) -> Self {
        let vouched = if options.distrust {
            Vec::new()
        } else {
            options.vouched.clone()
        };
        Self {
            placement: options.placement,
            sparse: options.sparse,
            vouched,
            ..self
        }
    }

    /// Whether `file` is known to be right, and nothing was done to it since.
    pub(crate) fn is_vouched(&self, file: FileIndex) -> bool {
        let at = usize_of(u64::from(file.value()));
        self.vouched.get(at).copied().unwrap_or(false)
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The path of `file`, relative to the disk.
    pub(crate) fn path_of(&self, file: FileIndex) -> PathBuf {
        self.path_below(&self.place(), file)
    }

    /// Where the content lies, relative to the disk.
    pub(crate) fn place(&self) -> RwLockReadGuard<'_, PathBuf> {
        self.place.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn path_below(&self, place: &Path, file: FileIndex) -> PathBuf {
        match (self.target.shape(), self.target.layout().file(file)) {
            (Shape::Tree, Some(entry)) => self.path_in(place, entry.path()),
            _ => place.to_owned(),
        }
    }

    fn path_in(&self, place: &Path, path: &RelPath) -> PathBuf {
        let Names::AsFound(names) = &self.names else {
            return place.join(path.to_path(Platform::HERE));
        };
        let paths = names.paths(path, &mut |at| is_there(&*self.disk, &place.join(at)));
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| place.join(path)).collect();
        let stored = paths.last().cloned().unwrap_or_default();
        first_there(&*self.disk, paths).unwrap_or(stored)
    }

    /// The parts of files that `span` covers, without pads and files that are not stored.
    pub(crate) fn stored_slices(&self, span: Span) -> impl Iterator<Item = FileSlice> + '_ {
        self.target.stored_slices(span)
    }

    fn len_of(&self, file: FileIndex) -> u64 {
        self.target.layout().file(file).map_or(0, FileEntry::len)
    }

    /// The file that holds all of `span`, if one does.
    pub(crate) fn only_file(&self, span: Span) -> Option<FileIndex> {
        let layout = self.target.layout();
        let slice = layout.slices(span).next()?;
        (slice.span == span).then_some(slice.file)
    }

    /// Whether nothing lies where the content goes.
    pub(crate) fn is_vacant(&self) -> bool {
        let place = self.place();
        matches!(self.disk.stat(&place), Ok(None))
    }

    /// Writes `parts`, which lie one after the other from `start` on, to their files.
    pub(crate) fn write(&self, start: u64, parts: &[Bytes]) -> Result<(), StoreError> {
        let place = self.place();
        let len = parts.iter().map(|part| u64_of(part.len())).sum();
        for slice in self.stored_slices(Span::new(start, len)) {
            let path = self.path_below(&place, slice.file);
            let failed = |cause| self.error("write", &path, cause);
            let part = Span::new(slice.span.start() - start, slice.span.len());
            let mut bytes = gather(parts, part);
            if self.lies_there(&path, slice, &bytes) {
                continue;
            }
            if self.sparse {
                self.write_data(&path, slice, (parts, part))?;
                continue;
            }
            self.prepare(&path, slice)?;
            let whole = self.len_of(slice.file) == slice.span.len();
            let written = if whole {
                self.disk.write_whole(&path, &mut bytes)
            } else {
                self.disk.write_at(&path, &mut bytes, slice.offset)
            };
            written.map_err(failed)?;
        }
        Ok(())
    }

    /// Whether bytes of `file` lay there before this run.
    fn is_found(&self, file: FileIndex) -> bool {
        let at = usize_of(u64::from(file.value()));
        let found = self.found.get(at);
        found.is_some_and(|found| found.load(Ordering::Relaxed))
    }

    /// Writes what is not zeros of `part` of `parts`, and zeros only where other bytes lay before.
    fn write_data(
        &self,
        path: &Path,
        slice: FileSlice,
        (parts, part): (&[Bytes], Span),
    ) -> Result<(), StoreError> {
        let failed = |cause| self.error("write", path, cause);
        let len = self.len_of(slice.file);
        let found = self.disk.stat(path).map_err(failed)?;
        if found.is_none_or(|found| found.len < len) {
            let grown = self
                .disk
                .reserve(path, 0)
                .and_then(|()| self.disk.make_sparse(path))
                .and_then(|()| self.disk.set_len(path, len));
            grown.map_err(failed)?;
        }
        let holds = self.disk.holds_data(path, slice.offset, slice.span.len());
        let runs = if found.is_some() && holds.map_err(failed)? {
            vec![Span::new(slice.offset, slice.span.len())]
        } else {
            holes::data(&gather(parts, part), slice.offset)
        };
        for run in runs {
            let from = run.start() - slice.offset;
            let mut bytes = gather(parts, Span::new(part.start() + from, run.len()));
            self.disk
                .write_at(path, &mut bytes, run.start())
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Whether these bytes of a file lay there before this run: a file that is right keeps its time.
    fn lies_there(&self, path: &Path, slice: FileSlice, bytes: &[IoSlice<'_>]) -> bool {
        if !self.is_found(slice.file) {
            return false;
        }
        let mut at = slice.offset;
        bytes.iter().all(|part| {
            part.chunks(SEGMENT_LEN_MAX).all(|chunk| {
                let mut segment = self.pool.take(chunk.len());
                let read = read_exact(&*self.disk, path, segment.as_mut_slice(), at);
                at = at.saturating_add(u64_of(chunk.len()));
                read.is_ok() && *segment == *chunk
            })
        })
    }

    /// Reserves the space of a file before its first byte.
    fn prepare(&self, path: &Path, slice: FileSlice) -> Result<(), StoreError> {
        let index = usize::try_from(slice.file.value()).unwrap_or(usize::MAX);
        let Some(prepared) = self.prepared.get(index) else {
            return Ok(());
        };
        if prepared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let len = self.len_of(slice.file);
        if slice.span.len() < len {
            let failed = |cause| self.error("reserve space for", path, cause);
            self.disk.reserve(path, len).map_err(failed)?;
        }
        prepared.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Reads the bytes of `span` through the pool.
    pub(crate) fn read(&self, span: Span) -> Result<Vec<Bytes>, StoreError> {
        let mut parts = Vec::new();
        let mut rest = span;
        while !rest.is_empty() {
            let run = rest.head(u64_of(SEGMENT_LEN_MAX));
            let mut segment = self.pool.take(usize_of(run.len()));
            self.read_into(run, segment.as_mut_slice())?;
            parts.push(segment.freeze());
            rest = rest.after(run.len());
        }
        Ok(parts)
    }

    /// Reads the bytes of `span` into `buffer`, which is as long.
    pub(crate) fn read_into(&self, span: Span, buffer: &mut [u8]) -> Result<(), StoreError> {
        let place = self.place();
        for slice in self.target.layout().slices(span) {
            let from = usize_of(slice.span.start() - span.start());
            let to = from.saturating_add(usize_of(slice.span.len()));
            let Some(part) = buffer.get_mut(from..to) else {
                continue;
            };
            if self.target.is_pad(slice.file) {
                part.fill(0);
                continue;
            }
            let path = self.path_below(&place, slice.file);
            let failed = |cause| self.error("read", &path, cause);
            read_exact(&*self.disk, &path, part, slice.offset).map_err(failed)?;
        }
        Ok(())
    }

    /// Ends what was done to `file` for writing it in any order.
    pub(crate) fn settle(&self, file: FileIndex) -> Result<(), StoreError> {
        if self.sparse {
            return Ok(());
        }
        let path = self.path_of(file);
        let done = self.disk.make_dense(&path);
        done.map_err(|cause| self.error("complete", &path, cause))
    }

    /// What is known of `file` on the disk.
    pub(crate) fn stat(&self, file: FileIndex) -> Result<Option<FileStat>, StoreError> {
        let path = self.path_of(file);
        self.disk
            .stat(&path)
            .map_err(|cause| self.error("look at", &path, cause))
    }

    /// Whether some byte of `span` may lie on the disk; a hole in a file certainly has none.
    pub(crate) fn holds_data(&self, span: Span) -> bool {
        let place = self.place();
        let mut slices = self.stored_slices(span).peekable();
        slices.peek().is_none()
            || slices.any(|slice| {
                let path = self.path_below(&place, slice.file);
                self.disk
                    .holds_data(&path, slice.offset, slice.span.len())
                    .unwrap_or(true)
            })
    }

    /// Where the content lies, as a person would write it.
    pub(crate) fn shown(&self) -> PathBuf {
        self.disk.display_path(&self.place())
    }

    /// Whether the content lies elsewhere than at `place`.
    pub(crate) fn is_staged(&self, place: &Path) -> bool {
        *self.place() != place
    }

    /// Moves the content to `to`; nobody reads or writes it meanwhile.
    pub(crate) fn publish(&self, to: &Path) -> Result<(), StoreError> {
        let mut place = self.place.write().unwrap_or_else(PoisonError::into_inner);
        if *place == to {
            return Ok(());
        }
        let occupied = || StoreError::Occupied {
            path: self.disk.display_path(to),
        };
        let moved = match self.placement {
            Placement::Switched => {
                let aside = self.target.beside(ASIDE_SUFFIX);
                self.disk.switch(&place, to, &aside)
            }
            _ => self.disk.rename(&place, to),
        };
        moved.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::DirectoryNotEmpty => occupied(),
            _ => self.error("publish", to, cause),
        })?;
        to.clone_into(&mut place);
        Ok(())
    }

    /// An error with the path as a person would write it.
    pub(crate) fn error(
        &self,
        action: &'static str,
        path: &Path,
        cause: std::io::Error,
    ) -> StoreError {
        StoreError::disk(action, &self.disk.display_path(path), cause)
    }
}

/// The first of some paths where something lies; one alone is not looked at.
fn first_there(disk: &dyn Disk, mut paths: Vec<PathBuf>) -> Option<PathBuf> {
    if paths.len() < 2 {
        return paths.pop();
    }
    paths.into_iter().find(|path| is_there(disk, path))
}

fn is_there(disk: &dyn Disk, path: &Path) -> bool {
    match disk.stat(path) {
        Ok(found) => found.is_some(),
        // something lies there that is no file
        Err(error) => error.kind() == std::io::ErrorKind::InvalidInput,
    }
}

/// The bytes of `span` (relative to the first part) as slices for one write.
fn gather(parts: &[Bytes], span: Span) -> Vec<IoSlice<'_>> {
    let mut at = 0;
    let mut slices = Vec::new();
    for part in parts {
        let whole = Span::new(at, u64_of(part.len()));
        at = whole.end();
        let wanted = whole.intersection(span);
        let (from, to) = (wanted.start() - whole.start(), wanted.end() - whole.start());
        if let Some(bytes) = part.get(usize_of(from)..usize_of(to))
            && !wanted.is_empty()
        {
            slices.push(IoSlice::new(bytes));
        }
    }
    slices
}

pub(crate) fn usize_of(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

pub(crate) fn u64_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
