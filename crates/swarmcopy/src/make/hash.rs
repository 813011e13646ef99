//! Reading and hashing the pieces of a tree with several threads.
//!
//! Each thread takes the next run of pieces, reads it into its one buffer and hashes the pieces
//! side by side. What must stay true: memory is bounded by `BUFFERS_LEN_MAX` (or one piece per
//! thread where pieces are longer), and a file that ends early is an error, never short data.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind as IoKind;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use swarmcopy_digest::{merkle, sha1_many, sha1_side_by_side_min};
use swarmcopy_layout::{FileIndex, FileSlice, Layout, PieceIndex, Span};

use super::after::Known;
use super::walk::unreadable;
use super::whole::{FileHashes, Hasher, Relay};
use super::{Format, MakeOptions, MakeProgress};
use crate::{Error, ErrorKind};

/// Most bytes of all buffers together.
const BUFFERS_LEN_MAX: u64 = 256 * 1024 * 1024;
/// Most bytes of one thread's buffer.
const BUFFER_LEN_MAX: u64 = 64 * 1024 * 1024;
/// Most pieces that one thread takes at a time: as many as are hashed side by side at best.
const RUN_PIECES_MAX: u64 = 16;
/// Bytes read between two calls of the progress function.
const READ_LEN_MAX: usize = 4 * 1024 * 1024;

/// What to hash and how.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// Files and pieces; where `format` has roots, no piece holds bytes of two files.
    pub(super) layout: &'a Layout,
    /// For each file of the layout its place on the disk, `None` for pads.
    pub(super) paths: &'a [Option<&'a Path>],
    pub(super) format: Format,
    pub(super) threads: usize,
    /// Whether whole files are hashed, too.
    pub(super) whole: Whole,
    /// Pieces whose digests are known already; they are not read.
    pub(super) known: &'a BTreeMap<PieceIndex, Known>,
}

/// Whether whole files are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// For a metalink.
    Hashed,
    /// Nobody needs it.
    Skipped,
}

impl Whole {
    /// Whether a metalink is to be made.
    pub(super) fn wanted(options: &MakeOptions) -> Self {
        match options.metalink {
            Some(_) => Self::Hashed,
            None => Self::Skipped,
        }
    }
}

/// The digests of all pieces, in order; a list is empty if the format has none of its kind.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    pub(super) sha1: Vec<[u8; 20]>,
    pub(super) roots: Vec<[u8; 32]>,
    /// Of whole files that are not empty, if they were asked for.
    pub(super) files: BTreeMap<FileIndex, FileHashes>,
}

/// Hashes all pieces of `plan`.
pub(super) fn hash(
    plan: &Plan<'_>,
    progress: &(dyn Fn(MakeProgress) + Sync),
) -> Result<Hashes, Error> {
    let runs = runs(plan);
    let todo = runs
        .iter()
        .flatten()
        .map(|piece| plan.layout.piece_span(*piece).len());
    let work = Work {
        plan,
        progress,
        bytes: todo.sum(),
        runs: &runs,
        next: AtomicUsize::new(0),
        hashed: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        relay: Relay::default(),
    };
    let threads = runs.len().clamp(1, plan.threads.max(1));
    let done: Result<Vec<Vec<Run>>, Error> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.runs())).collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(lost())))
            .collect()
    });
    let mut done: Vec<Run> = done?.into_iter().flatten().collect();
    done.sort_unstable_by_key(|run| run.index);
    Ok(together(plan, done))
}

/// The digests of all pieces: those that were known, and between them those of the runs.
fn together(plan: &Plan<'_>, runs: Vec<Run>) -> Hashes {
    let made = runs.into_iter().fold(Hashes::default(), |mut all, run| {
        all.sha1.extend(run.hashes.sha1);
        all.roots.extend(run.hashes.roots);
        all.files.extend(run.hashes.files);
        all
    });
    if plan.known.is_empty() {
        return made;
    }
    let (mut sha1, mut roots) = (made.sha1.into_iter(), made.roots.into_iter());
    let mut all = Hashes {
        files: made.files,
        ..Hashes::default()
    };
    for piece in plan.layout.piece_indexes() {
        let known = plan.known.get(&piece);
        if plan.format.has_sha1() {
            all.sha1
                .extend(known.map(|known| known.sha1).or_else(|| sha1.next()));
        }
        if plan.format.has_roots() {
            all.roots
                .extend(known.map(|known| known.root).or_else(|| roots.next()));
        }
    }
    all
}

/// The pieces to be hashed, in runs that lie one behind the other.
fn runs(plan: &Plan<'_>) -> Vec<Vec<PieceIndex>> {
    let most = run_pieces(plan.layout.piece_len(), plan.threads);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut runs: Vec<Vec<PieceIndex>> = Vec::new();
    let mut goes_on = false;
    for piece in plan.layout.piece_indexes() {
        if plan.known.contains_key(&piece) {
            goes_on = false;
            continue;
        }
        match runs.last_mut().filter(|run| goes_on && run.len() < most) {
            Some(run) => run.push(piece),
            None => runs.push(vec![piece]),
        }
        goes_on = true;
    }
    runs
}

fn lost() -> Error {
    Error::new(ErrorKind::Failed, "a hashing thread ended early")
}

fn run_pieces(piece_len: u64, threads: usize) -> u64 {
    if sha1_side_by_side_min() == 1 {
        // one at a time: each is still in the processor's cache when it is hashed
        return 1;
    }
    let threads = u64::try_from(threads).unwrap_or(u64::MAX).max(1);
    let buffer = BUFFER_LEN_MAX.min(BUFFERS_LEN_MAX / threads);
    (buffer / piece_len.max(1)).clamp(1, RUN_PIECES_MAX)
}

/// The digests of a run of pieces.
struct Run {
    index: usize,
    hashes: Hashes,
}

/// What the threads share.
struct Work<'a> {
    plan: &'a Plan<'a>,
    progress: &'a (dyn Fn(MakeProgress) + Sync),
    /// Bytes to be read.
    bytes: u64,
    runs: &'a [Vec<PieceIndex>],
    next: AtomicUsize,
    hashed: AtomicU64,
    failed: AtomicBool,
    relay: Relay,
}

impl Work<'_> {
    /// One thread's share: takes runs until none is left or another thread failed.
    fn runs(&self) -> Result<Vec<Run>, Error> {
        let mut buffer = Vec::new();
        let mut done = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(pieces) = self.runs.get(index) else {
                break;
            };
            let run = self.run(index, pieces, &mut buffer);
            let run = run.inspect_err(|_| self.relay.fail(&self.failed))?;
            done.extend(run);
        }
        Ok(done)
    }

    /// Reads and hashes a run; `None` if another failed meanwhile.
    fn run(
        &self,
        index: usize,
        pieces: &[PieceIndex],
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Run>, Error> {
        let layout = self.plan.layout;
        let spans: Vec<Span> = pieces
            .iter()
            .map(|piece| layout.piece_span(*piece))
            .collect();
        let start = spans.first().map_or(0, |span| span.start());
        let end = spans.last().map_or(0, |span| span.end());
        let whole = Span::between(start, end);
        buffer.resize(to_len(whole.len())?, 0);
        for slice in layout.slices(whole) {
            let at = to_len(slice.span.start() - start)?;
            let part = buffer
                .get_mut(at..)
                .and_then(|rest| rest.get_mut(..to_len(slice.span.len()).ok()?));
            self.read(slice, part.unwrap_or_default())?;
        }
        // first, as the next run waits for it
        let Some(files) = self.files(index, whole, buffer)? else {
            return Ok(None);
        };
        let len = to_len(layout.piece_len())?;
        let parts: Vec<&[u8]> = buffer.chunks(len).collect();
        let hashes = Hashes {
            files,
            sha1: if self.plan.format.has_sha1() {
                sha1_of(&parts)
            } else {
                Vec::new()
            },
            roots: if self.plan.format.has_roots() {
                self.roots_of(&spans, &parts)?
            } else {
                Vec::new()
            },
        };
        Ok(Some(Run { index, hashes }))
    }

    /// Goes on with the whole files that lie in a run; those that end there.
    fn files(
        &self,
        index: usize,
        run: Span,
        buffer: &[u8],
    ) -> Result<Option<BTreeMap<FileIndex, FileHashes>>, Error> {
        let mut done = BTreeMap::new();
        if self.plan.whole == Whole::Skipped {
            return Ok(Some(done));
        }
        let layout = self.plan.layout;
        for slice in layout.slices(run) {
            let file = layout.file(slice.file);
            let Some(file) = file.filter(|file| !file.attributes().pad) else {
                continue;
            };
            let mut hasher = if slice.offset == 0 {
                Hasher::new(file.len())
            } else {
                match self.relay.take(index, &self.failed) {
                    Some(hasher) => hasher,
                    None => return Ok(None),
                }
            };
            let at = to_len(slice.span.start() - run.start())?;
            let bytes = buffer.get(at..).unwrap_or_default();
            let len = to_len(slice.span.len())?;
            hasher.update(bytes.get(..len).unwrap_or_default());
            if slice.span.end() == file.span().end() {
                done.insert(slice.file, hasher.finish());
            } else {
                self.relay.pass(index + 1, hasher);
            }
        }
        Ok(Some(done))
    }

    /// Fills `part` with the bytes of `slice`.
    fn read(&self, slice: FileSlice, part: &mut [u8]) -> Result<(), Error> {
        let path = usize::try_from(slice.file.value())
            .ok()
            .and_then(|at| self.plan.paths.get(at));
        let Some(path) = path.copied().flatten() else {
            part.fill(0);
            return Ok(());
        };
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let mut offset = slice.offset;
        for chunk in part.chunks_mut(READ_LEN_MAX) {
            swarmcopy_sys::io::read_exact_at(&file, chunk, offset).map_err(|error| match error
                .kind()
            {
                IoKind::UnexpectedEof => changed(path),
                _ => unreadable(path, &error),
            })?;
            let len = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            offset = offset.saturating_add(len);
            let hashed = self
                .hashed
                .fetch_add(len, Ordering::Relaxed)
                .saturating_add(len);
            (self.progress)(MakeProgress {
                files: self.plan.paths.len(),
                hashed,
                bytes: self.bytes,
            });
        }
        Ok(())
    }

    /// The merkle root of each piece over the bytes of its one file, pads left out.
    fn roots_of(&self, spans: &[Span], parts: &[&[u8]]) -> Result<Vec<[u8; 32]>, Error> {
        let layout = self.plan.layout;
        let root = |(span, part): (&Span, &&[u8])| {
            let slice = layout.slices(*span).next();
            let file = slice.and_then(|slice| layout.file(slice.file));
            let real = slice.map_or(0, |slice| slice.span.len());
            let bytes = part.get(..to_len(real)?).unwrap_or(part);
            merkle::piece_root(
                &[bytes],
                layout.piece_len(),
                file.map_or(0, swarmcopy_layout::FileEntry::len),
            )
            .map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))
        };
        spans.iter().zip(parts).map(root).collect()
    }
}

pub(super) fn changed(path: &Path) -> Error {
    let message = format!("{} was changed while it was read", path.display());
    Error::new(ErrorKind::Failed, message).with_hint("make the torrent when nobody writes the tree")
}

fn sha1_of(parts: &[&[u8]]) -> Vec<[u8; 20]> {
    let ropes: Vec<[&[u8]; 1]> = parts.iter().map(|part| [*part]).collect();
    let ropes: Vec<&[&[u8]]> = ropes.iter().map(<[&[u8]; 1]>::as_slice).collect();
    sha1_many(&ropes)
}

fn to_len(len: u64) -> Result<usize, Error> {
    usize::try_from(len)
        .map_err(|_| Error::new(ErrorKind::Failed, "a piece is longer than the memory"))
}
