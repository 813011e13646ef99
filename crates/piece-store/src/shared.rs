//! What a store and its threads share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use swarmcopy_layout::{FileIndex, PieceIndex, PieceSet, Span};

use crate::assemblies::Assemblies;
use crate::assembly::Filled;
use crate::blame::Blame;
use crate::cache::HotCache;
use crate::edges::Edges;
use crate::event::OnEvent;
use crate::files::Files;
use crate::pool::Pool;
use crate::queue::Queue;
use crate::syncer::Syncer;
use crate::target::Target;
use crate::writing::Writing;

/// One per store.
pub(crate) struct Shared {
    pub(crate) target: Arc<Target>,
    pub(crate) files: Arc<Files>,
    pub(crate) pool: Pool,
    pub(crate) assemblies: Assemblies,
    pub(crate) queue: Queue,
    pub(crate) writing: Writing,
    pub(crate) cache: HotCache,
    /// `None` if the store only reads.
    pub(crate) syncer: Option<Syncer>,
    pub(crate) events: OnEvent,
    /// Verified pieces whose bytes can be read.
    pub(crate) have: Mutex<PieceSet>,
    /// Verified pieces of which only the bytes of selected files lie here.
    pub(crate) hollow: Mutex<PieceSet>,
    pub(crate) edges: Edges,
    pub(crate) blame: Mutex<Blame>,
    /// Stands last, so that it is dropped when all else is.
    pub(crate) held: Arc<()>,
}

impl Shared {
    pub(crate) fn have(&self) -> MutexGuard<'_, PieceSet> {
        self.have.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn hollow(&self) -> MutexGuard<'_, PieceSet> {
        self.hollow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a verified piece that is written, as far as its files are selected.
    pub(crate) fn keep(&self, filled: &Filled) {
        let piece = filled.piece;
        let readable = !self.target.is_edge(piece) || self.edges.insert(filled);
        let mut set = if readable { self.have() } else { self.hollow() };
        set.insert(piece);
    }

    pub(crate) fn blame(&self) -> MutexGuard<'_, Blame> {
        self.blame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes pieces whose bytes are on the disk, so that the journal records them.
    pub(crate) fn note(&self, pieces: &[PieceIndex]) {
        let Some(syncer) = &self.syncer else { return };
        let layout = self.target.layout();
        let spans = || pieces.iter().map(|piece| layout.piece_span(*piece));
        let slices = spans().flat_map(|span| self.files.stored_slices(span));
        let files: BTreeSet<FileIndex> = slices.map(|slice| slice.file).collect();
        syncer.note(pieces, files, spans().map(Span::len).sum());
    }
}
