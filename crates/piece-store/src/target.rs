//! What a store holds: a content's name, shape, layout, digests and identity, and which of its files.
//!
//! What must stay true: a `Target` that exists can be stored: its name is one name, it has one
//! digest per piece, its pieces fit in memory, and no two files fall together on this platform.

use std::path::PathBuf;
use std::sync::Arc;

use swarmcopy_layout::{
    FileEntry, FileIndex, FileSlice, Layout, PieceDigests, PieceIndex, PieceSet, Platform, RelPath,
    Span,
};

use crate::error::StoreError;
use crate::names;

/// Longest piece that is assembled, in bytes.
pub const ASSEMBLED_LEN_MAX: u64 = 64 * 1024 * 1024;

/// How a content lies on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One file, DIR/NAME.
    File,
    /// A folder DIR/NAME with files.
    Tree,
}

/// A content as a store sees it.
#[derive(Debug, Clone)]
pub struct Target {
    name: RelPath,
    shape: Shape,
    layout: Arc<Layout>,
    digests: Arc<PieceDigests>,
    id: [u8; 32],
    /// By file: whether it is stored.
    stored: Arc<[bool]>,
}

impl Target {
    /// Checks that the content can be stored. `id` is its info-hash or another identity of 32 bytes
    /// (shorter ones padded with zeros); the journal of one content is never taken for another's.
    pub fn new(
        name: RelPath,
        shape: Shape,
        layout: Arc<Layout>,
        digests: Arc<PieceDigests>,
        id: [u8; 32],
    ) -> Result<Self, StoreError> {
        let target = Self::of_some(name, shape, layout, digests, id)?;
        target.check_names(&|_| true)?;
        Ok(target)
    }

    /// The same for a content of which only some files are stored: who makes it tells which by
    /// [`check_names`](Self::check_names), before anything is written.
    pub fn of_some(
        name: RelPath,
        shape: Shape,
        layout: Arc<Layout>,
        digests: Arc<PieceDigests>,
        id: [u8; 32],
    ) -> Result<Self, StoreError> {
        if name.names().nth(1).is_some() {
            return Err(StoreError::Name { name });
        }
        let (len, max) = (layout.piece_len(), ASSEMBLED_LEN_MAX);
        if len > max && layout.len() > max {
            return Err(StoreError::PieceTooLong { len, max });
        }
        let pieces = layout.pieces();
        if usize::try_from(pieces) != Ok(digests.len()) {
            return Err(StoreError::DigestCount {
                pieces,
                digests: digests.len(),
            });
        }
        let stored = layout.files().map(|(_, file)| !file.attributes().pad);
        Ok(Self {
            name,
            shape,
            stored: stored.collect(),
            layout,
            digests,
            id,
        })
    }

    /// Refuses two files of those that are `wanted` if this platform's disks would take them for
    /// one, or one where another needs a folder.
    pub fn check_names(&self, wanted: &dyn Fn(FileIndex) -> bool) -> Result<(), StoreError> {
        if Platform::HERE == Platform::Windows {
            names::check(&self.layout, Platform::HERE, wanted)?;
        }
        Ok(())
    }

    /// The same, with only those files stored that pass; pads never are. Refuses names as
    /// [`check_names`](Self::check_names) does.
    pub fn select(mut self, wanted: &dyn Fn(FileIndex) -> bool) -> Result<Self, StoreError> {
        self.check_names(wanted)?;
        let files = self.layout.files();
        self.stored = files
            .map(|(index, file)| !file.attributes().pad && wanted(index))
            .collect();
        Ok(self)
    }

    /// The name of the file or folder.
    pub fn name(&self) -> &RelPath {
        &self.name
    }

    /// Whether it is one file or a tree.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its files and pieces.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The digests of its pieces.
    pub fn digests(&self) -> &Arc<PieceDigests> {
        &self.digests
    }

    /// Its identity.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Whether `file` is stored: no pad, and selected.
    pub fn stores(&self, file: FileIndex) -> bool {
        let index = usize::try_from(file.value()).unwrap_or(usize::MAX);
        self.stored.get(index).copied().unwrap_or(false)
    }

    /// The files that are stored: all that are selected but the pads.
    pub fn stored_files(&self) -> impl Iterator<Item = (FileIndex, &FileEntry)> {
        self.layout.files().filter(|(file, _)| self.stores(*file))
    }

    /// The parts of stored files that `span` covers, in order.
    pub fn stored_slices(&self, span: Span) -> impl Iterator<Item = FileSlice> + '_ {
        let slices = self.layout.slices(span);
        slices.filter(|slice| self.stores(slice.file))
    }

    /// How many bytes of `span` belong to stored files.
    pub fn stored_len(&self, span: Span) -> u64 {
        self.stored_slices(span).map(|slice| slice.span.len()).sum()
    }

    /// Bytes of all stored files.
    pub fn bytes(&self) -> u64 {
        self.stored_files().map(|(_, file)| file.len()).sum()
    }

    /// The pieces that hold bytes of stored files.
    pub fn wanted(&self) -> PieceSet {
        let mut wanted = PieceSet::empty(self.layout.pieces());
        for (_, file) in self.stored_files() {
            for piece in self.layout.pieces_of(file.span()) {
                wanted.insert(piece);
            }
        }
        wanted
    }

    /// Whether `piece` holds bytes of a file that is not stored, and is no pad.
    pub fn is_edge(&self, piece: PieceIndex) -> bool {
        let mut slices = self.layout.slices(self.layout.piece_span(piece));
        slices.any(|slice| !self.stores(slice.file) && !self.is_pad(slice.file))
    }

    /// Whether `file` only aligns the next one.
    pub(crate) fn is_pad(&self, file: FileIndex) -> bool {
        let entry = self.layout.file(file);
        entry.is_some_and(|entry| entry.attributes().pad)
    }

    /// Where the content lies, relative to DIR.
    pub(crate) fn place(&self) -> PathBuf {
        self.name.to_path(Platform::HERE)
    }

    /// The name of the content with something behind it, relative to DIR.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        swarmcopy_sys::path::beside(&self.place(), suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::PieceDigest;

    fn layout(paths: &[&str], piece_len: u64) -> Arc<Layout> {
        let mut builder = Layout::builder(piece_len);
        for path in paths {
            builder = builder.file(RelPath::parse(path).unwrap(), 100);
        }
        Arc::new(builder.build().unwrap())
    }

    #[test]
    fn what_cannot_be_stored_is_refused_with_the_reason() {
        let name = |name: &str| RelPath::parse(name).unwrap();
        let digests = |count| Arc::new(PieceDigests::new(vec![PieceDigest::Sha1([0; 20]); count]));
        let new = |at: &str, layout, count| {
            Target::new(name(at), Shape::Tree, layout, digests(count), [0; 32]).map(|_| ())
        };
        let plain = layout(&["a"], 1000);
        assert!(new("n", Arc::clone(&plain), 1).is_ok());
        assert!(matches!(
            new("n/m", Arc::clone(&plain), 1),
            Err(StoreError::Name { .. })
        ));
        assert!(matches!(
            new("n", plain, 2),
            Err(StoreError::DigestCount { .. })
        ));
        let long = Layout::builder(128 << 20)
            .file(name("a"), 65 << 20)
            .build()
            .unwrap();
        let refused = new("n", Arc::new(long), 1).unwrap_err();
        assert!(matches!(refused, StoreError::PieceTooLong { .. }));
    }
}
