//! Where the pieces of a content end whose files are cut one by one.
//!
//! BEP 52 and documents that list each file's own pieces never let a piece reach into the next file.
//! What must stay true: the ends rise and the last one is the content's end, so the pieces cover the
//! content once.

use std::ops::Range;

use crate::Span;

/// The ends of all pieces, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cuts {
    ends: Vec<u64>,
    longest: u64,
}

impl Cuts {
    /// Cuts the next `len` bytes into pieces of `piece_len`, unless that makes more than `max`.
    pub(crate) fn push(&mut self, len: u64, piece_len: u64, max: u32) -> Option<()> {
        let count = usize::try_from(len.div_ceil(piece_len)).ok()?;
        let all = self.ends.len().checked_add(count)?;
        u32::try_from(all).ok().filter(|all| *all <= max)?;
        let start = self.ends.last().copied().unwrap_or(0);
        let end = start.checked_add(len)?;
        let mut at = start;
        while at < end {
            let next = at.saturating_add(piece_len).min(end);
            self.longest = self.longest.max(next - at);
            self.ends.push(next);
            at = next;
        }
        Some(())
    }

    /// How many pieces.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// The length of the longest piece; 0 if there is none.
    pub(crate) fn longest(&self) -> u64 {
        self.longest
    }

    /// The bytes of the piece `index`; none if there is no such piece.
    pub(crate) fn span(&self, index: u32) -> Span {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.copied().unwrap_or(0);
        Span::between(start, self.ends.get(at).copied().unwrap_or(start))
    }

    /// The indexes of the pieces that hold a byte of `span`.
    pub(crate) fn range(&self, span: Span) -> Range<u32> {
        let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let from = self.ends.partition_point(|end| *end <= span.start());
        if span.is_empty() {
            return index(from)..index(from);
        }
        let to = self.ends.partition_point(|end| *end < span.end());
        index(from)..index(to.saturating_add(1).min(self.ends.len()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Attributes, Layout, LayoutError, PIECES_MAX, RelPath, Span};
    use proptest::prelude::*;

    fn layout(files: &[(u64, u64)]) -> Result<Layout, LayoutError> {
        let mut builder = Layout::builder_by_file(16);
        for (at, (len, piece_len)) in files.iter().enumerate() {
            let path = RelPath::parse(&format!("f{at}")).unwrap();
            builder.push_cut(path, *len, Attributes::default(), *piece_len);
        }
        builder.build()
    }

    proptest! {
        #[test]
        fn pieces_cut_by_file_cover_the_content_once_and_keep_to_their_file(
            files in prop::collection::vec((0u64..30, 1u64..12), 0..20),
            start in 0u64..300, len in 0u64..100,
        ) {
            let layout = layout(&files).unwrap();
            let mut at = 0;
            for piece in layout.piece_indexes() {
                let span = layout.piece_span(piece);
                prop_assert_eq!(span.start(), at);
                prop_assert!(!span.is_empty() && span.len() <= layout.piece_len());
                prop_assert_eq!(layout.slices(span).count(), 1);
                prop_assert_eq!(layout.piece_at(span.start()), Some(piece));
                prop_assert_eq!(layout.pieces_of(span).collect::<Vec<_>>(), vec![piece]);
                at = span.end();
            }
            prop_assert_eq!(at, layout.len());
            prop_assert_eq!(layout.piece_at(at), None);
            let span = Span::new(start, len);
            let touched: Vec<_> = layout
                .piece_indexes()
                .filter(|piece| !layout.piece_span(*piece).intersection(span).is_empty())
                .collect();
            prop_assert_eq!(layout.pieces_of(span).collect::<Vec<_>>(), touched);
        }
    }

    #[test]
    fn each_file_has_pieces_of_its_own_length() {
        let layout = layout(&[(10, 4), (0, 1), (3, 100)]).unwrap();
        let lens = layout.piece_indexes().map(|at| layout.piece_span(at).len());
        assert_eq!(lens.collect::<Vec<_>>(), [4, 4, 2, 3]);
        assert_eq!(layout.piece_len(), 4);
        assert_eq!(layout.piece_at(u64::MAX), None);
    }

    #[test]
    fn pieces_without_length_and_too_many_are_refused() {
        assert_eq!(layout(&[(1, 0)]), Err(LayoutError::PieceLen(0)));
        let many = u64::from(PIECES_MAX) / 2;
        assert!(layout(&[(many, 1), (many, 1)]).is_ok());
        let refused = layout(&[(many, 1), (many, 1), (1, 1)]);
        assert_eq!(refused, Err(LayoutError::TooManyPieces));
        assert!(layout(&[(u64::MAX, 1)]).is_err());
    }
}
