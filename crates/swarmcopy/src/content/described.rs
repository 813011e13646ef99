//! A content that the embedder describes itself: files, pieces and their digests.
//!
//! What must stay true: the same description makes the same name in the swarm on every machine.

use std::sync::Arc;

use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_digest::Sha1;
use swarmcopy_layout::{FileDigest, Layout, PieceDigest, PieceDigests, RelPath};

use super::{Content, Named, Role};
use crate::metalink::Advice;
use crate::provenance::Provenance;
use crate::{CopyOptions, Error, ErrorKind, tree};

impl Content {
    /// Takes files, pieces and the digest of each piece. A layout with one file that is called `name` becomes that file,
    /// all others a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] when there is not one digest for each piece, or `name` is no name of one file or folder.
    pub fn of(name: &str, layout: Layout, digests: PieceDigests) -> Result<Self, Error> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        let name = RelPath::from_names([name]).map_err(|error| {
            usage(format!("cannot name the content: {error}")).with_cause(error)
        })?;
        if usize::try_from(layout.pieces()) != Ok(digests.len()) {
            let message = format!("{} digests for {} pieces", digests.len(), layout.pieces());
            return Err(usage(message));
        }
        let form = form_of(&name, &layout);
        let swarm_id = swarm_id(&name, &layout, &digests);
        Ok(Self {
            torrent: None,
            swarm_id,
            form,
            layout: Arc::new(layout),
            digests: Arc::new(digests),
            name,
            role: Role::Copy,
            from: Provenance::Here,
            options: CopyOptions::new("."),
            origins: Vec::new(),
            ranges: Vec::new(),
            named: Named::default(),
            hearsay: Vec::new(),
            advice: Arc::new(Advice::default()),
            plan: Arc::new(tree::Plan::default()),
        })
    }
}

fn form_of(name: &RelPath, layout: &Layout) -> Form {
    let mut files = layout.files().map(|(_, file)| file.path());
    match (files.next(), files.next()) {
        (Some(only), None) if only == name => Form::SingleFile,
        _ => Form::Tree,
    }
}

fn swarm_id(name: &RelPath, layout: &Layout, digests: &PieceDigests) -> [u8; 20] {
    let mut hasher = Sha1::new();
    hasher.update(b"swarmcopy described content 1\0");
    hasher.update(name.as_str().as_bytes());
    for (_, file) in layout.files() {
        hasher.update(b"\0");
        hasher.update(file.path().as_str().as_bytes());
        hasher.update(b"\0");
        hasher.update(&file.len().to_be_bytes());
    }
    for piece in layout.piece_indexes() {
        hasher.update(&layout.piece_span(piece).len().to_be_bytes());
        match digests.of(piece) {
            Some(PieceDigest::Sha1(hash)) => hasher.update(&hash),
            Some(PieceDigest::Sha256(hash)) => hasher.update(&hash),
            Some(PieceDigest::Sha384(hash)) => hasher.update(&hash),
            Some(PieceDigest::Sha512(hash)) => hasher.update(&hash),
            Some(PieceDigest::Merkle { root, leaves }) => {
                hasher.update(&root);
                hasher.update(&leaves.to_be_bytes());
            }
            _ => {}
        }
    }
    for (_, digest) in digests.files() {
        match digest {
            FileDigest::Sha1(hash) => hasher.update(&hash),
            FileDigest::Sha256(hash) => hasher.update(&hash),
            FileDigest::Sha384(hash) => hasher.update(&hash),
            FileDigest::Sha512(hash) => hasher.update(&hash),
            _ => {}
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str, path: &str, digests: usize) -> Result<Content, Error> {
        let layout = Layout::builder(100).file(RelPath::parse(path).unwrap(), 150);
        let digests = vec![PieceDigest::Sha256([7; 32]); digests];
        Content::of(name, layout.build().unwrap(), PieceDigests::new(digests))
    }

    #[test]
    fn the_name_in_the_swarm_follows_the_description() {
        let id = |name, path| content(name, path, 2).unwrap().id();
        assert_eq!(id("a", "a"), id("a", "a"));
        assert_ne!(id("a", "a"), id("a", "b"));
        assert_ne!(id("a", "a"), id("b", "a"));
    }

    #[test]
    fn one_file_of_that_name_is_a_file_and_all_else_a_folder() {
        assert!(!content("a", "a", 2).unwrap().is_tree());
        assert!(content("a", "b", 2).unwrap().is_tree());
    }

    #[test]
    fn a_description_that_cannot_be_is_refused() {
        for (name, digests) in [("a", 1), ("a", 3), ("..", 2), ("a/b", 2), ("", 2)] {
            let error = content(name, "a", digests).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        }
    }
}
