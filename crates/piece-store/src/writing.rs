//! Who writes which file.
//!
//! What must stay true: one worker writes a file at a time as far as it asks here; what is left to it
//! is written before it stops.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use swarmcopy_layout::FileIndex;

use crate::assembly::Filled;

/// Files that are being written, and what their writers find when they are done.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    files: Mutex<BTreeMap<FileIndex, Vec<Filled>>>,
}

impl Writing {
    /// Gives the pieces back if nobody writes `file`: then the caller does, until [`Writing::next`]
    /// has nothing more. Otherwise they are left to the one that writes it.
    pub(crate) fn begin(&self, file: FileIndex, pieces: Vec<Filled>) -> Option<Vec<Filled>> {
        let mut files = self.lock();
        if let Some(left) = files.get_mut(&file) {
            left.extend(pieces);
            return None;
        }
        files.insert(file, Vec::new());
        Some(pieces)
    }

    /// What others have left for the writer of `file`; it stops if there is nothing.
    pub(crate) fn next(&self, file: FileIndex) -> Option<Vec<Filled>> {
        let mut files = self.lock();
        let left = files.get_mut(&file).map(std::mem::take)?;
        if left.is_empty() {
            files.remove(&file);
            return None;
        }
        Some(left)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FileIndex, Vec<Filled>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    #[test]
    fn what_comes_while_a_file_is_written_is_left_to_its_writer() {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(10).file(path, 100).build().unwrap();
        let file = layout.files().next().unwrap().0;
        let filled = |index| {
            let piece = layout.piece(index).unwrap();
            let span = layout.piece_span(piece);
            let (parts, senders) = (Vec::new(), Vec::new());
            vec![Filled {
                piece,
                span,
                parts,
                senders,
            }]
        };
        let places = |pieces: Option<Vec<Filled>>| {
            pieces.map(|pieces| {
                pieces
                    .iter()
                    .map(|one| one.piece.value())
                    .collect::<Vec<_>>()
            })
        };
        let writing = Writing::default();
        assert_eq!(places(writing.begin(file, filled(0))), Some(vec![0]));
        assert_eq!(places(writing.begin(file, filled(2))), None);
        assert_eq!(places(writing.begin(file, filled(1))), None);
        assert_eq!(places(writing.next(file)), Some(vec![2, 1]));
        assert_eq!(places(writing.next(file)), None);
        assert_eq!(places(writing.begin(file, filled(3))), Some(vec![3]));
    }
}
