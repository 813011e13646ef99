//! The map of a content: which file and which piece a byte belongs to.
//!
//! Files lie one after another without gaps; what a torrent pads (BEP 47) is a file with the `pad`
//! attribute. Pieces are cut through the files (BEP 3), or each file is cut by itself (BEP 52 and
//! Metalink). Look-ups take O(log files), of pieces cut by file O(log pieces).

use crate::cuts::Cuts;
use crate::{RelPath, Span};

/// Longest piece in bytes: longer ones are refused.
pub const PIECE_LEN_MAX: u64 = 256 * 1024 * 1024;
/// Most pieces of a content.
pub const PIECES_MAX: u32 = 4 * 1024 * 1024;
/// Most files of a content.
pub const FILES_MAX: usize = 2 * 1024 * 1024;

/// Why files and a piece length make no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The piece length is zero or above [`PIECE_LEN_MAX`].
    #[error("piece length of {0} bytes")]
    PieceLen(u64),
    /// More than [`PIECES_MAX`] pieces, or more bytes than a `u64` counts.
    #[error("too many pieces")]
    TooManyPieces,
    /// More than [`FILES_MAX`] files.
    #[error("{0} files: too many")]
    TooManyFiles(usize),
    /// Two files have the same path, or one's path is a folder of another's.
    #[error("two files at the path {0}")]
    SamePath(RelPath),
}

/// A piece of a layout; made by the layout it belongs to, so its index is in range there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PieceIndex(u32);

impl PieceIndex {
    pub(crate) const fn from_raw(index: u32) -> Self {
        Self(index)
    }

    /// The index, from 0.
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// A file of a layout; made by the layout it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileIndex(u32);

impl FileIndex {
    /// The index, from 0.
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// What else is known of a file (BEP 47).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Attributes {
    /// Zeros that only align the next file; never written.
    pub pad: bool,
    /// To be marked as a program.
    pub executable: bool,
    /// To be hidden.
    pub hidden: bool,
}

impl Attributes {
    /// The attributes of a pad file.
    pub const fn pad() -> Self {
        Self {
            pad: true,
            executable: false,
            hidden: false,
        }
    }

    /// The same, with the program mark set as told.
    #[must_use]
    pub const fn with_executable(mut self, executable: bool) -> Self {
        self.executable = executable;
        self
    }

    /// The same, with the hidden mark set as told.
    #[must_use]
    pub const fn with_hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }
}

/// One file of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileEntry {
    path: RelPath,
    span: Span,
    attributes: Attributes,
}

impl FileEntry {
    /// Where it lies below the content's folder (for a single file: its name).
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Its bytes in the content.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.span.len()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.span.is_empty()
    }

    /// Its attributes.
    pub fn attributes(&self) -> Attributes {
        self.attributes
    }
}

/// A part of one file that a span of the content covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileSlice {
    /// The file.
    pub file: FileIndex,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The bytes in the content.
    pub span: Span,
}

/// Files and pieces of a content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    files: Vec<FileEntry>,
    piece_len: u64,
    len: u64,
    pieces: u32,
    /// `None` if the pieces are cut through the files.
    cuts: Option<Cuts>,
}

impl Layout {
    /// Starts a layout with pieces of `piece_len` bytes.
    pub fn builder(piece_len: u64) -> LayoutBuilder {
        LayoutBuilder {
            files: Vec::new(),
            piece_len,
            cuts: None,
        }
    }

    /// Starts a layout whose files are cut one by one: no piece reaches into the next file.
    ///
    /// ```
    /// use swarmcopy_layout::{Attributes, Layout, RelPath};
    /// let mut builder = Layout::builder_by_file(100).file(RelPath::parse("a")?, 150);
    /// builder.push_cut(RelPath::parse("b")?, 30, Attributes::default(), 20);
    /// let layout = builder.build()?;
    /// let lens = layout.piece_indexes().map(|piece| layout.piece_span(piece).len());
    /// assert_eq!(lens.collect::<Vec<_>>(), [100, 50, 20, 10]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder_by_file(piece_len: u64) -> LayoutBuilder {
        LayoutBuilder {
            cuts: Some(Vec::new()),
            ..Self::builder(piece_len)
        }
    }

    /// The length of all pieces but the last, in bytes; of a layout that is cut by file, that of the
    /// longest piece.
    pub fn piece_len(&self) -> u64 {
        self.piece_len
    }

    /// Bytes in all, pads included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte (only empty files, or none).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of the real files, pads left out.
    pub fn bytes(&self) -> u64 {
        self.files
            .iter()
            .filter(|file| !file.attributes.pad)
            .map(FileEntry::len)
            .sum()
    }

    /// How many pieces.
    pub fn pieces(&self) -> u32 {
        self.pieces
    }

    /// The piece with this index, if there is one.
    pub fn piece(&self, index: u32) -> Option<PieceIndex> {
        (index < self.pieces).then_some(PieceIndex(index))
    }

    /// All pieces, in order.
    pub fn piece_indexes(&self) -> impl Iterator<Item = PieceIndex> + use<> {
        (0..self.pieces).map(PieceIndex)
    }

    /// The bytes of `piece`.
    pub fn piece_span(&self, piece: PieceIndex) -> Span {
        if let Some(cuts) = &self.cuts {
            return cuts.span(piece.0);
        }
        let start = u64::from(piece.0).saturating_mul(self.piece_len);
        Span::between(start, start.saturating_add(self.piece_len).min(self.len))
    }

    /// The piece that holds the byte at `offset`.
    pub fn piece_at(&self, offset: u64) -> Option<PieceIndex> {
        if self.cuts.is_some() {
            return self.pieces_of(Span::new(offset, 1)).next();
        }
        let index = u32::try_from(offset / self.piece_len).ok()?;
        (offset < self.len).then_some(PieceIndex(index))
    }

    /// The pieces that hold a byte of `span`, in order.
    pub fn pieces_of(&self, span: Span) -> impl Iterator<Item = PieceIndex> + use<> {
        let span = span.intersection(Span::new(0, self.len));
        if let Some(cuts) = &self.cuts {
            return cuts.range(span).map(PieceIndex);
        }
        let from = span.start() / self.piece_len;
        let to = if span.is_empty() {
            from
        } else {
            span.end().div_ceil(self.piece_len)
        };
        let bound = |at: u64| u32::try_from(at).unwrap_or(u32::MAX).min(self.pieces);
        (bound(from)..bound(to)).map(PieceIndex)
    }

    /// All files, in the order of their bytes.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (FileIndex, &FileEntry)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (FileIndex(u32::try_from(at).unwrap_or(u32::MAX)), file))
    }

    /// The file with this index.
    pub fn file(&self, file: FileIndex) -> Option<&FileEntry> {
        self.files.get(usize::try_from(file.0).ok()?)
    }

    /// The parts of files that `span` covers, in order; empty files have none. Pads are among them.
    pub fn slices(&self, span: Span) -> impl Iterator<Item = FileSlice> + '_ {
        let first = self
            .files
            .partition_point(|file| file.span.end() <= span.start());
        let index = |at: usize| FileIndex(u32::try_from(at).unwrap_or(u32::MAX));
        self.files
            .iter()
            .enumerate()
            .skip(first)
            .take_while(move |(_, file)| file.span.start() < span.end())
            .filter_map(move |(at, file)| {
                let part = file.span.intersection(span);
                let offset = part.start() - file.span.start();
                (!part.is_empty()).then(|| FileSlice {
                    file: index(at),
                    offset,
                    span: part,
                })
            })
    }
}

/// Collects the files of a [`Layout`], in the order of their bytes.
#[derive(Debug)]
pub struct LayoutBuilder {
    files: Vec<(RelPath, u64, Attributes)>,
    piece_len: u64,
    /// Of files that are cut one by one: the length of the pieces of each.
    cuts: Option<Vec<u64>>,
}

impl LayoutBuilder {
    /// Adds a plain file of `len` bytes.
    #[must_use]
    pub fn file(mut self, path: RelPath, len: u64) -> Self {
        self.push(path, len, Attributes::default());
        self
    }

    /// Adds a file of `len` bytes.
    pub fn push(&mut self, path: RelPath, len: u64, attributes: Attributes) {
        self.push_cut(path, len, attributes, self.piece_len);
    }

    /// Adds a file of `len` bytes with pieces of `piece_len` of its own. Only a layout that is cut by
    /// file heeds it.
    pub fn push_cut(&mut self, path: RelPath, len: u64, attributes: Attributes, piece_len: u64) {
        self.files.push((path, len, attributes));
        if let Some(cuts) = &mut self.cuts {
            cuts.push(piece_len);
        }
    }

    /// Checks the whole and makes the layout.
    pub fn build(self) -> Result<Layout, LayoutError> {
        let piece_lens = self.cuts.iter().flatten().chain([&self.piece_len]);
        if let Some(bad) = piece_lens
            .copied()
            .find(|len| *len == 0 || *len > PIECE_LEN_MAX)
        {
            return Err(LayoutError::PieceLen(bad));
        }
        if self.files.len() > FILES_MAX {
            return Err(LayoutError::TooManyFiles(self.files.len()));
        }
        check_distinct(&self.files)?;
        let mut end = 0u64;
        let mut files = Vec::with_capacity(self.files.len());
        for (path, len, attributes) in self.files {
            let next = end.checked_add(len).ok_or(LayoutError::TooManyPieces)?;
            files.push(FileEntry {
                path,
                span: Span::between(end, next),
                attributes,
            });
            end = next;
        }
        let cuts = self
            .cuts
            .map(|piece_lens| cut(&files, &piece_lens))
            .transpose()?;
        let pieces = match &cuts {
            Some(cuts) => Some(cuts.count()),
            None => u32::try_from(end.div_ceil(self.piece_len)).ok(),
        };
        Ok(Layout {
            files,
            piece_len: cuts
                .as_ref()
                .map_or(self.piece_len, |cuts| cuts.longest().max(1)),
            len: end,
            pieces: pieces
                .filter(|pieces| *pieces <= PIECES_MAX)
                .ok_or(LayoutError::TooManyPieces)?,
            cuts,
        })
    }
}

fn cut(files: &[FileEntry], piece_lens: &[u64]) -> Result<Cuts, LayoutError> {
    let mut cuts = Cuts::default();
    for (file, piece_len) in files.iter().zip(piece_lens) {
        cuts.push(file.len(), *piece_len, PIECES_MAX)
            .ok_or(LayoutError::TooManyPieces)?;
    }
    Ok(cuts)
}

/// Refuses two files at one path and a file where another needs a folder. Pads are never written,
/// so theirs may repeat.
fn check_distinct(files: &[(RelPath, u64, Attributes)]) -> Result<(), LayoutError> {
    let real = files.iter().filter(|file| !file.2.pad);
    let mut paths: Vec<Vec<&str>> = real.map(|file| file.0.names().collect()).collect();
    paths.sort_unstable();
    for pair in paths.windows(2) {
        if let [a, b] = pair
            && b.starts_with(a)
            && let Ok(path) = RelPath::from_names(a)
        {
            return Err(LayoutError::SamePath(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(piece_len: u64, lens: &[u64]) -> Layout {
        let mut builder = Layout::builder(piece_len);
        for (at, len) in lens.iter().enumerate() {
            builder.push(
                RelPath::parse(&format!("f{at}")).unwrap(),
                *len,
                Attributes::default(),
            );
        }
        builder.build().unwrap()
    }

    proptest! {
        #[test]
        fn slices_cover_a_span_once_and_in_order(
            piece_len in 1u64..40,
            lens in prop::collection::vec(0u64..30, 0..20),
            start in 0u64..400, len in 0u64..100,
        ) {
            let layout = layout(piece_len, &lens);
            let span = Span::new(start, len).intersection(Span::new(0, layout.len()));
            let mut at = span.start();
            for slice in layout.slices(span) {
                prop_assert_eq!(slice.span.start(), at);
                let file = layout.file(slice.file).unwrap();
                prop_assert!(file.span().contains(slice.span));
                prop_assert_eq!(file.span().start() + slice.offset, at);
                at = slice.span.end();
            }
            prop_assert_eq!(at, span.end());
        }

        #[test]
        fn pieces_cover_the_content_once(piece_len in 1u64..40, lens in prop::collection::vec(0u64..30, 0..20)) {
            let layout = layout(piece_len, &lens);
            let mut at = 0;
            for piece in layout.piece_indexes() {
                let span = layout.piece_span(piece);
                prop_assert_eq!(span.start(), at);
                prop_assert!(!span.is_empty());
                prop_assert_eq!(layout.piece_at(span.end() - 1), Some(piece));
                prop_assert_eq!(layout.pieces_of(span).collect::<Vec<_>>(), vec![piece]);
                at = span.end();
            }
            prop_assert_eq!(at, layout.len());
            prop_assert_eq!(layout.piece_at(at), None);
        }
    }

    #[test]
    fn two_files_at_one_path_are_refused() {
        for (a, b) in [("x", "x"), ("x", "x/y"), ("d/x/y", "d/x")] {
            let built = Layout::builder(16)
                .file(RelPath::parse(a).unwrap(), 1)
                .file(RelPath::parse("x-y").unwrap(), 1)
                .file(RelPath::parse(b).unwrap(), 1)
                .build();
            assert!(matches!(built, Err(LayoutError::SamePath(_))), "{a} {b}");
        }
    }

    #[test]
    fn sizes_beyond_the_limits_are_refused() {
        let one = |piece_len: u64, len: u64| {
            Layout::builder(piece_len)
                .file(RelPath::parse("x").unwrap(), len)
                .build()
        };
        assert_eq!(one(0, 1), Err(LayoutError::PieceLen(0)));
        assert!(one(PIECE_LEN_MAX + 1, 1).is_err());
        assert_eq!(one(1, u64::MAX), Err(LayoutError::TooManyPieces));
        assert_eq!(one(16, 0).unwrap().pieces(), 0);
    }
}
