//! How many pieces each wanted file lacks: told when there is none left.

use std::collections::BTreeMap;

use swarmcopy_layout::{FileIndex, Layout, PieceIndex, PieceSet};
use swarmcopy_piece_store::Target;

/// Counts by file; complete ones are not in it.
#[derive(Debug, Default)]
pub(crate) struct Lacking(BTreeMap<FileIndex, u32>);

impl Lacking {
    /// The wanted files that lack something.
    pub(crate) fn new(target: &Target, have: &PieceSet) -> Self {
        let layout = target.layout();
        let files = target.stored_files().filter(|(_, file)| !file.is_empty());
        let lacks = files.filter_map(|(at, file)| {
            let pieces = layout.pieces_of(file.span());
            let count = pieces.filter(|piece| !have.contains(*piece)).count();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            (count > 0).then_some((at, count))
        });
        Self(lacks.collect())
    }

    /// A piece came: the files that lack nothing any more.
    pub(crate) fn came(&mut self, layout: &Layout, piece: PieceIndex) -> Vec<FileIndex> {
        let mut done = Vec::new();
        for slice in layout.slices(layout.piece_span(piece)) {
            let Some(count) = self.0.get_mut(&slice.file) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.0.remove(&slice.file);
                done.push(slice.file);
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use swarmcopy_layout::{PieceDigest, PieceDigests, RelPath};
    use swarmcopy_piece_store::Shape;

    use super::*;

    #[test]
    fn a_file_is_told_once_with_its_last_piece() {
        let path = |name| RelPath::parse(name).unwrap();
        let layout = Layout::builder(100)
            .file(path("a"), 150)
            .file(path("b"), 20);
        let layout = Arc::new(layout.file(path("c"), 130).build().unwrap());
        let digests = Arc::new(PieceDigests::new(vec![PieceDigest::Sha1([0; 20]); 3]));
        let target = Target::new(
            path("t"),
            Shape::Tree,
            Arc::clone(&layout),
            digests,
            [0; 32],
        );
        let mut have = PieceSet::empty(3);
        have.insert(layout.piece(2).unwrap());
        let mut lacking = Lacking::new(&target.unwrap(), &have);
        let mut came = |piece| {
            let done = lacking.came(&layout, layout.piece(piece).unwrap());
            done.iter().map(|file| file.value()).collect::<Vec<_>>()
        };
        assert_eq!(came(1), [1, 2], "c has its last piece already");
        assert_eq!(came(0), [0]);
    }
}
