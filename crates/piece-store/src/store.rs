//! The store: memory for incoming bytes on one side, verified files on the other.
//!
//! What must stay true: unverified bytes never reach the disk (but see [`Store::recheck`] for what
//! lies there already, and [`Placement::Staged`] for files that have a hash as a whole alone), and
//! only verified bytes are read back.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::{Bytes, BytesMut};
use swarmcopy_layout::{PieceIndex, PieceSet, Span, Spans};

use crate::assemblies::Assemblies;
use crate::cache::HotCache;
use crate::disk::{Disk, FolderDisk, Links};
use crate::edges::Edges;
use crate::error::StoreError;
use crate::event::{OnEvent, StoreEvent};
use crate::files::{Files, u64_of};
use crate::finish;
use crate::journal::{Journal, Recorded};
use crate::options::Options;
use crate::placement::{Placement, STAGED_SUFFIX};
use crate::pool::Pool;
use crate::queue::Queue;
use crate::resume::{Resume, resume};
use crate::shared::Shared;
use crate::syncer::Syncer;
use crate::target::Target;
use crate::tenure::Tenure;
use crate::verify::side_by_side_min;
use crate::worker;
use crate::writing::Writing;

/// What the journal's name has behind the content's.
pub const JOURNAL_SUFFIX: &str = ".swarmcopy";

/// Assembles, verifies, writes and reads back one content.
///
/// Memory calls ([`Store::reserve`], [`Store::commit`], [`Store::release`], [`Store::abandon`],
/// [`Store::missing`], [`Store::have`]) take locks only for moments and may be made from a task.
/// Calls that say so block on the disk and belong on a thread.
///
/// Dropping a store ends its threads after the pieces that wait, without synchronising: pieces that
/// were not recorded yet are hashed again by the next run. [`Store::close`] avoids that.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) threads_max: usize,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("name", self.shared.target.name())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the copy of `target` in the folder `dir` for writing, resuming what lies there.
    /// Blocks.
    pub fn open(
        dir: &Path,
        target: Target,
        options: &Options,
        events: OnEvent,
    ) -> Result<(Self, Resume), StoreError> {
        Self::open_prepared(dir, target, options, events, || Ok(()))
    }

    /// Does as [`Store::open`], and calls `prepare` before it looks at the files, when no other process can
    /// hold the copy any more. Blocks.
    pub fn open_prepared<E: From<StoreError>>(
        dir: &Path,
        target: Target,
        options: &Options,
        events: OnEvent,
        prepare: impl FnOnce() -> Result<(), E>,
    ) -> Result<(Self, Resume), E> {
        let disk = Arc::new(FolderDisk::new(dir, Links::Refuse));
        Self::open_with(disk, target, options, events, prepare)
    }

    /// Does as [`Store::open`] on a disk of the caller's.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        target: Target,
        options: &Options,
        events: OnEvent,
    ) -> Result<(Self, Resume), StoreError> {
        Self::open_with(disk, target, options, events, || Ok(()))
    }

    fn open_with<E: From<StoreError>>(
        disk: Arc<dyn Disk>,
        target: Target,
        options: &Options,
        events: OnEvent,
        prepare: impl FnOnce() -> Result<(), E>,
    ) -> Result<(Self, Resume), E> {
        let journal_path = target.beside(JOURNAL_SUFFIX);
        let (journal, mut recorded) = Journal::open(Arc::clone(&disk), journal_path, &target)?;
        if options.distrust {
            recorded = Recorded::default();
        }
        let place = match options.placement {
            Placement::InPlace => target.place(),
            Placement::Staged => {
                finish::check_vacant(&*disk, &target.place())?;
                target.beside(STAGED_SUFFIX)
            }
            Placement::Switched => target.beside(STAGED_SUFFIX),
        };
        prepare()?;
        let target = Arc::new(target);
        let pool = Pool::new(options.pool_bytes_max);
        let files = Files::new(Arc::clone(&target), disk, pool.clone(), place);
        let files = files.with(options);
        let found = resume(&target, &files, &recorded)?;
        let (have, recheck) = (found.have.len(), found.recheck.len());
        tracing::debug!(have, recheck, "opened");
        let files = Arc::new(files);
        let syncer = Syncer::new(Arc::clone(&files), journal);
        let store = Self::start((target, files, pool), Some(syncer), options, events)?;
        for piece in found.have.iter().chain(found.hollow.iter()) {
            store.shared.assemblies.shut(piece);
        }
        store.shared.have().union_with(&found.have);
        store.shared.hollow().union_with(&found.hollow);
        Ok((store, found))
    }

    /// Opens a complete, possibly read-only copy in `dir` for reading. Nothing counts as verified
    /// yet: see [`Store::check`].
    pub fn open_read_only(
        dir: &Path,
        target: Target,
        options: &Options,
    ) -> Result<Self, StoreError> {
        Self::open_read_only_on(
            Arc::new(FolderDisk::new(dir, Links::Follow)),
            target,
            options,
        )
    }

    /// Does as [`Store::open_read_only`] on a disk of the caller's.
    pub fn open_read_only_on(
        disk: Arc<dyn Disk>,
        target: Target,
        options: &Options,
    ) -> Result<Self, StoreError> {
        let pool = Pool::new(options.pool_bytes_max);
        let target = Arc::new(target);
        let files = Arc::new(Files::as_found(Arc::clone(&target), disk, pool.clone()));
        if files.is_vacant() {
            let missing = std::io::ErrorKind::NotFound.into();
            return Err(StoreError::disk("open", &files.shown(), missing));
        }
        Self::start((target, files, pool), None, options, Box::new(|_| ()))
    }

    fn start(
        (target, files, pool): (Arc<Target>, Arc<Files>, Pool),
        syncer: Option<Syncer>,
        options: &Options,
        events: OnEvent,
    ) -> Result<Self, StoreError> {
        let layout = Arc::clone(target.layout());
        let none = PieceSet::empty(layout.pieces());
        let shared = Arc::new(Shared {
            assemblies: Assemblies::new(layout, pool.clone(), options.assembly_bytes_max),
            queue: Queue::new(side_by_side_min(&target)),
            writing: Writing::default(),
            cache: HotCache::new(options.cache_bytes_max),
            blame: Mutex::default(),
            target,
            files,
            pool,
            syncer,
            events,
            have: Mutex::new(none.clone()),
            hollow: Mutex::new(none),
            edges: Edges::default(),
            held: Arc::default(),
        });
        let threads_max = options.threads();
        let threads = if shared.syncer.is_some() {
            spawn(&shared, threads_max)
        } else {
            Ok(Vec::new())
        };
        let threads = threads.map_err(|error| {
            // those that did start end
            shared.queue.stop();
            shared.syncer.iter().for_each(Syncer::stop);
            shared
                .files
                .error("start threads for", &shared.target.place(), error)
        })?;
        Ok(Self {
            shared,
            threads: Mutex::new(threads),
            threads_max,
        })
    }

    /// What the store holds.
    pub fn target(&self) -> &Target {
        &self.shared.target
    }

    /// The memory of this store, for readers that want some.
    pub fn pool(&self) -> &Pool {
        &self.shared.pool
    }

    /// The verified pieces whose bytes can be read.
    pub fn have(&self) -> PieceSet {
        self.shared.have().clone()
    }

    /// Whether `piece` is verified and its bytes can be read: of one at the edge of a selection, the
    /// files that are not selected hold the rest.
    pub fn has(&self, piece: PieceIndex) -> bool {
        self.shared.have().contains(piece)
    }

    /// Verified pieces of which only the bytes of selected files lie here: they can't be read.
    pub fn hollow(&self) -> PieceSet {
        self.shared.hollow().clone()
    }

    /// Hands out memory for the first run of `span` that is missing and not reserved. The run lies
    /// in one piece and one segment of memory; the buffer is as long and holds arbitrary bytes.
    /// `None` if there is none, or no room for another piece. `sender` is who will be blamed.
    pub fn reserve(&self, span: Span, sender: u32) -> Option<(Span, BytesMut)> {
        self.shared.syncer.as_ref()?;
        self.shared.assemblies.reserve(span, sender)
    }

    /// Takes filled memory back, as [`Store::reserve`] gave it. The last of a piece sends the piece
    /// to verification. Memory that comes back too late is dropped.
    pub fn commit(&self, span: Span, sender: u32, buffer: BytesMut) {
        if let Some(filled) = self.shared.assemblies.commit(span, sender, buffer) {
            self.shared.queue.push(filled);
        }
    }

    /// Takes unfilled memory back.
    pub fn release(&self, span: Span, sender: u32, buffer: BytesMut) {
        self.shared.assemblies.release(span, sender, buffer);
    }

    /// Waits a moment while more memory is filled than can be verified and written. Blocks: for
    /// readers on threads of their own, which would only fill the machine's memory otherwise.
    pub fn wait_room(&self) {
        let piece_len = self.shared.target.layout().piece_len();
        self.shared.queue.wait_room(piece_len);
    }

    /// Says whether anybody is about who may ask for the newest pieces: only then are they kept in
    /// memory, up to [`Options::cache_bytes_max`].
    pub fn keep_newest(&self, wanted: bool) {
        self.shared.cache.set_wanted(wanted);
    }

    /// Declares missing what `sender` holds of `span`, because it hangs: others get fresh memory
    /// for it.
    pub fn abandon(&self, span: Span, sender: u32) {
        self.shared.assemblies.abandon(span, sender);
    }

    /// The bytes of `span` that nobody has committed; pieces that wait for verification count as
    /// there.
    pub fn missing(&self, span: Span) -> Spans {
        self.shared.assemblies.missing(span)
    }

    /// The bytes of `span`, all of whose pieces must be verified: views of the newest pieces, or
    /// read from the disk. Blocks.
    pub fn read(&self, span: Span) -> Result<Vec<Bytes>, StoreError> {
        self.check_verified(span)?;
        if let Some(parts) = self.read_cached(span) {
            return Ok(parts);
        }
        self.shared.files.read(span)
    }

    /// The bytes of `span` if it lies in one verified piece that is still in memory. Doesn't block.
    pub fn read_cached(&self, span: Span) -> Option<Vec<Bytes>> {
        let piece = self.shared.target.layout().piece_at(span.start())?;
        let cached = self.shared.cache.find(piece, span);
        cached.or_else(|| self.shared.edges.find(piece, span))
    }

    /// Reads the bytes of `span` into `buffer`, which must be as long. Blocks.
    pub fn read_into(&self, span: Span, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.check_verified(span)?;
        if u64_of(buffer.len()) != span.len() {
            return Err(StoreError::BufferLen {
                span,
                len: buffer.len(),
            });
        }
        self.shared.files.read_into(span, buffer)
    }

    fn check_verified(&self, span: Span) -> Result<(), StoreError> {
        let layout = self.shared.target.layout();
        let have = self.shared.have();
        if span.end() > layout.len() {
            return Err(StoreError::OutOfRange { span });
        }
        match layout.pieces_of(span).find(|piece| !have.contains(*piece)) {
            Some(piece) => Err(StoreError::NotVerified {
                piece: piece.value(),
            }),
            None => Ok(()),
        }
    }

    /// Tells when another store may be opened on the same copy, after this one was dropped.
    pub fn tenure(&self) -> Tenure {
        Tenure::of(&self.shared.held)
    }

    /// Verifies and writes what waits, synchronises it and records it, so that the next run trusts
    /// it. The store can be used on. Blocks.
    pub fn close(&self) -> Result<(), StoreError> {
        self.shared.queue.wait_idle();
        self.shared.syncer.as_ref().map_or(Ok(()), Syncer::flush)
    }

    /// Completes the copy: everything safe on the disk, exact lengths, empty files, program marks,
    /// the staged tree published, the journal removed. Verified pieces can be read on. Blocks.
    pub fn finish(&self) -> Result<(), StoreError> {
        self.finish_with(|_| Ok(()))
    }

    /// Does as [`Store::finish`], and calls `last` with the place of the content when its files are as they
    /// are to stay, none of them is open, and nobody has been told yet that it is complete: an error
    /// leaves the copy to the next run. Blocks.
    pub fn finish_with<E: From<StoreError>>(
        &self,
        last: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let syncer = self
            .shared
            .syncer
            .as_ref()
            .ok_or(StoreError::Closed { action: "finish" })?;
        let mut missing = self.shared.target.wanted();
        missing.subtract(&self.shared.have());
        missing.subtract(&self.shared.hollow());
        if !missing.is_empty() {
            let missing = missing.len();
            return Err(StoreError::Incomplete { missing }.into());
        }
        self.shared.queue.wait_idle();
        syncer.settle()?;
        let (target, files) = (&self.shared.target, &self.shared.files);
        finish::settle(target, files, syncer)?;
        files.disk().close_files();
        last(&files.shown())?;
        Ok(finish::publish(target, files, syncer)?)
    }
}

/// Starts the store's threads, in the span of who opens it. Fewer workers than wanted will do, none will not.
fn spawn(shared: &Arc<Shared>, workers: usize) -> io::Result<Vec<JoinHandle<()>>> {
    let start = |name: &str, work: fn(&Shared)| {
        let (shared, span) = (Arc::clone(shared), tracing::Span::current());
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || span.in_scope(|| work(&shared)))
    };
    let syncer = start("store-syncer", |shared| {
        if let Some(syncer) = &shared.syncer {
            syncer.run(&|error| (shared.events)(StoreEvent::Failed(error)));
        }
    })?;
    let mut threads = vec![syncer, start("store-worker", worker::run)?];
    let more = (1..workers).map(|_| start("store-worker", worker::run));
    threads.extend(more.map_while(Result::ok));
    Ok(threads)
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.queue.stop();
        if let Some(syncer) = &self.shared.syncer {
            syncer.stop();
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryDisk, Shape};
    use swarmcopy_layout::{Layout, PieceDigest, PieceDigests, RelPath};

    fn open(options: &Options) -> Store {
        let path = || RelPath::parse("it").unwrap();
        let layout = Layout::builder(16_384).file(path(), 100).build().unwrap();
        let digests = PieceDigests::new(vec![PieceDigest::Sha1([0; 20])]);
        let (layout, digests) = (Arc::new(layout), Arc::new(digests));
        let target = Target::new(path(), Shape::File, layout, digests, [0; 32]).unwrap();
        let disk = Arc::new(MemoryDisk::new());
        let (store, _) = Store::open_on(disk, target, options, Box::new(|_| ())).unwrap();
        store
    }

    #[test]
    fn its_tenure_lasts_while_something_of_it_is_held() {
        let store = open(&Options::default());
        let (tenure, shared) = (store.tenure(), Arc::clone(&store.shared));
        drop(store);
        assert!(!tenure.is_over(), "the lock is held");
        drop(shared);
        assert!(tenure.is_over());
    }

    #[test]
    fn as_many_threads_work_as_are_told() {
        let options = Options {
            threads: 3,
            ..Options::default()
        };
        let store = open(&options);
        // those that verify, and the one that synchronises
        assert_eq!(store.threads.lock().unwrap().len(), 3 + 1);
    }

    #[test]
    fn a_store_keeps_as_much_in_memory_as_it_is_told() {
        let options = Options {
            pool_bytes_max: 1111,
            assembly_bytes_max: 2222,
            cache_bytes_max: 3333,
            ..Options::default()
        };
        let store = open(&options);
        let pool = format!("{:?}", store.shared.pool);
        assert!(pool.contains("kept_bytes_max: 1111"), "{pool}");
        assert_eq!(store.shared.assemblies.bytes_max(), 2222);
        assert_eq!(store.shared.cache.bytes_max(), 3333);
    }
}
