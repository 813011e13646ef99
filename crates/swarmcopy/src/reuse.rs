//! Older copies as a source at hand: files at the same path, renamed or moved ones, by their bytes.
//!
//! Where an old file may be the one that is wanted is guessed by path, length, name and root of its
//! hash tree (BEP 52). What must stay true: a guess costs reading and nothing else, for the store takes
//! no byte that is not hashed; nothing in an old copy is changed.

mod index;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swarmcopy_layout::{
    FileEntry, FileIndex, FileSlice, PieceDigest, PieceIndex, PieceSet, Platform, Span,
};
use swarmcopy_piece_store::{Lender, STAGED_SUFFIX, Shape, Store, StoreError, Target};

use crate::Content;
use index::Index;

/// Shorter files are copied: sharing the bytes of two files costs as much.
const SHARED_LEN_MIN: u64 = 64 << 10;

/// Where each file of a content may lie.
#[derive(Debug)]
pub(crate) struct Old {
    target: Target,
    /// By file, the best guess first.
    places: Vec<Vec<PathBuf>>,
    /// The same path where the copy is made: it was looked at already.
    own: PathBuf,
}

impl Old {
    /// Looks for what lacks in `missing`; `None` if there is nothing to be found. Blocks.
    pub(crate) fn find(content: &Content, target: &Target, missing: &PieceSet) -> Option<Self> {
        let name = content.name.to_path(Platform::HERE);
        let own = if content.options.staged {
            content.beside_target(STAGED_SUFFIX)
        } else {
            content.target_path()
        };
        let mut roots = Vec::new();
        for folder in [&content.options.into]
            .into_iter()
            .chain(&content.options.reuse)
        {
            let inside = folder.join(&name);
            if has_shape(content, &inside) {
                roots.push(inside);
            } else if *folder != content.options.into && has_shape(content, folder) {
                roots.push(folder.clone());
            } else if *folder != content.options.into {
                tracing::warn!("nothing to reuse in {}", folder.display());
            }
        }
        if roots.is_empty() || missing.is_empty() {
            return None;
        }
        let places = Index::new(content, roots).places(|file| is_needed(target, file, missing));
        Some(Self {
            target: target.clone(),
            places,
            own,
        })
    }

    /// Takes what is right of the old copies; `report` hears of each piece. Returns the pieces that
    /// came of it. Blocks.
    pub(crate) fn lend_to(
        &self,
        store: &Store,
        missing: &PieceSet,
        report: &(dyn Fn(PieceIndex) + Sync),
    ) -> Result<PieceSet, StoreError> {
        let shared = self.share_bytes(store, missing)?;
        let mut taken = store.recheck(&shared, &|piece, right| {
            if right {
                report(piece);
            }
        })?;
        let mut rest = PieceSet::empty(missing.capacity());
        for piece in missing.iter().filter(|piece| !taken.contains(*piece)) {
            let span = self.target.layout().piece_span(piece);
            if self.has_news_of(span) {
                rest.insert(piece);
            }
        }
        taken.union_with(&store.adopt(&rest, self, report)?);
        Ok(taken)
    }

    /// Lets whole old files stand for new ones where the file system can do that for nothing; gives the
    /// pieces to be hashed.
    fn share_bytes(&self, store: &Store, missing: &PieceSet) -> Result<PieceSet, StoreError> {
        let layout = self.target.layout();
        let mut pieces = PieceSet::empty(layout.pieces());
        for (file, entry) in self.target.stored_files() {
            let all_missing = || {
                layout
                    .pieces_of(entry.span())
                    .all(|it| missing.contains(it))
            };
            let long = entry.len() >= SHARED_LEN_MIN;
            let Some(source) = self.place(file, 0).filter(|_| long && all_missing()) else {
                continue;
            };
            let fits = std::fs::metadata(source).is_ok_and(|found| found.len() == entry.len());
            if fits && store.share_bytes(file, source)? {
                layout.pieces_of(entry.span()).for_each(|piece| {
                    pieces.insert(piece);
                });
            }
        }
        Ok(pieces)
    }

    fn place(&self, file: FileIndex, attempt: usize) -> Option<&Path> {
        let places = self.places.get(usize::try_from(file.value()).ok()?)?;
        let at = attempt.min(places.len().checked_sub(1)?);
        places.get(at).map(PathBuf::as_path)
    }

    /// Whether all files of `span` may lie somewhere, and one of them elsewhere than in its own place.
    fn has_news_of(&self, span: Span) -> bool {
        let mut news = false;
        for slice in self.real_slices(span) {
            let at = usize::try_from(slice.file.value()).unwrap_or(usize::MAX);
            let places = self.places.get(at).map(Vec::as_slice).unwrap_or_default();
            let entry = self.target.layout().file(slice.file);
            let own = entry.map(|entry| match self.target.shape() {
                Shape::Tree => self.own.join(entry.path().to_path(Platform::HERE)),
                Shape::File => self.own.clone(),
            });
            if places.is_empty() {
                return false;
            }
            news |= places.iter().any(|place| own.as_ref() != Some(place));
        }
        news
    }

    /// Whether this attempt at a piece guesses anything that the one before did not.
    fn is_fresh(&self, piece: PieceIndex, attempt: usize) -> bool {
        let Some(before) = attempt.checked_sub(1) else {
            return true;
        };
        let mut slices = self.real_slices(self.target.layout().piece_span(piece));
        slices.any(|slice| self.place(slice.file, attempt) != self.place(slice.file, before))
    }

    /// The parts of files that `span` covers, pads left out.
    fn real_slices(&self, span: Span) -> impl Iterator<Item = FileSlice> + '_ {
        let layout = self.target.layout();
        let is_pad = |file| layout.file(file).is_some_and(|it| it.attributes().pad);
        layout.slices(span).filter(move |slice| !is_pad(slice.file))
    }
}

impl Lender for Old {
    fn lend(&self, span: Span, attempt: usize, buffer: &mut [u8]) -> bool {
        let piece = self.target.layout().pieces_of(span).next();
        if !piece.is_some_and(|piece| self.is_fresh(piece, attempt)) {
            return false;
        }
        buffer.fill(0);
        self.real_slices(span).all(|slice| {
            let from = usize::try_from(slice.span.start() - span.start()).unwrap_or(usize::MAX);
            let len = usize::try_from(slice.span.len()).unwrap_or(usize::MAX);
            let part = buffer.get_mut(from..from.saturating_add(len));
            let (Some(part), Some(place)) = (part, self.place(slice.file, attempt)) else {
                return false;
            };
            let read = File::open(place)
                .and_then(|file| swarmcopy_sys::io::read_exact_at(&file, part, slice.offset));
            read.is_ok()
        })
    }
}

fn is_needed(target: &Target, file: FileIndex, missing: &PieceSet) -> bool {
    let layout = target.layout();
    let span = layout.file(file).map(FileEntry::span).unwrap_or_default();
    layout.pieces_of(span).any(|piece| missing.contains(piece))
}

fn has_shape(content: &Content, path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_dir() == content.is_tree())
}

/// Does all of it: looks for `missing` in old copies and takes what is right. Pieces that are proven
/// with their file alone are left out. Blocks.
pub(crate) fn take(
    content: &Content,
    store: &Arc<Store>,
    missing: &PieceSet,
    report: &(dyn Fn(PieceIndex) + Sync),
) -> Result<PieceSet, StoreError> {
    let mut provable = missing.clone();
    for piece in missing.iter() {
        if content.digests.of(piece) == Some(PieceDigest::WithFile) {
            provable.remove(piece);
        }
    }
    match Old::find(content, store.target(), &provable) {
        Some(old) => old.lend_to(store, &provable, report),
        None => Ok(PieceSet::empty(missing.capacity())),
    }
}
