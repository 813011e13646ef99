//! What a store holds: a content's name, shape, layout, digests and identity.
//!
//! What must stay true: a `Target` that exists can be stored: its name is one name, it has one
//! digest per piece, its pieces fit in memory, and no two files fall together on this platform.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use swarmcopy_layout::{FileEntry, FileIndex, Layout, PieceDigests, Platform, RelPath};

use crate::error::StoreError;

/// Longest piece that is assembled, in bytes.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const assembled_len_max: u64 = 64 * 1024 * 1024;

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
        if name.names().nth(1).is_some() {
            return Err(StoreError::Name { name });
        }
        let (len, max) = (layout.piece_len(), assembled_len_max);
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
        if Platform::HERE == Platform::Windows {
            check_folded(&layout)?;
        }
        Ok(Self {
            name,
            shape,
            layout,
            digests,
            id,
        })
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

    /// The files that are stored: all but the pads.
    pub fn stored_files(&self) -> impl Iterator<Item = (FileIndex, &FileEntry)> {
        self.layout
            .files()
            .filter(|(_, file)| !file.attributes().pad)
    }

    /// Where the content lies, relative to DIR.
    pub(crate) fn place(&self) -> PathBuf {
        self.name.to_path(Platform::HERE)
    }

    /// The name of the content with something behind it, relative to DIR.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.place().into_os_string();
        name.push(suffix);
        name.into()
    }
}

/// Refuses two files that a disk which folds names would take for one, or a file where another
/// needs a folder.
fn check_folded(layout: &Layout) -> Result<(), StoreError> {
    let mut seen: HashMap<String, (&RelPath, bool)> = HashMap::new();
    for (_, file) in layout.files().filter(|(_, file)| !file.attributes().pad) {
        let key = file.path().fold_key();
        let same = |first: &RelPath| StoreError::SameName {
            first: first.clone(),
            second: file.path().clone(),
        };
        for (at, _) in key.match_indices('/') {
            let folder = key.get(..at).unwrap_or_default();
            let entry = seen.entry(folder.to_owned()).or_insert((file.path(), true));
            if !entry.1 {
                return Err(same(entry.0));
            }
        }
        if let Some((first, _)) = seen.insert(key, (file.path(), false)) {
            return Err(same(first));
        }
    }
    Ok(())
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
    fn names_that_fold_together_are_found() {
        for clash in [["Docs/a", "docs/A"], ["a", "A/b"], ["A/b", "a"]] {
            let error = check_folded(&layout(&clash, 1000)).unwrap_err();
            assert!(matches!(error, StoreError::SameName { .. }), "{clash:?}");
        }
        check_folded(&layout(&["Docs/a", "docs/b", "c"], 1000)).unwrap();
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
