//! Puts names, digests and addresses together into the .torrent's bytes.
//!
//! What must stay true: the files of the torrent are the files of the layout, in its order.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_bt_wire::metainfo::{Builder, Built, File};
use swarmcopy_digest::merkle;
use swarmcopy_layout::{FileEntry, Layout};

use super::MakeOptions;
use super::distinct::distinct;
use super::hash::Hashes;
use crate::{Error, ErrorKind};

/// The program's name and version, as in `created by`.
pub(super) const PROGRAM: &str = concat!("swarmcopy/", env!("CARGO_PKG_VERSION"));

/// Builds the torrent and reads it back.
pub(super) fn build(
    options: &MakeOptions,
    name: &str,
    form: Form,
    layout: &Layout,
    hashes: Hashes,
) -> Result<Built, Error> {
    let piece_len = u32::try_from(layout.piece_len()).map_err(|error| failed(&error))?;
    let mut builder = Builder::new(name, piece_len, form);
    let trees = if options.format.has_roots() {
        trees(layout, &hashes.roots)?
    } else {
        layout.files().map(|_| Tree::default()).collect()
    };
    for ((_, entry), tree) in layout.files().zip(trees) {
        builder.files.push(file(entry, &tree));
        if let Some(root) = tree.root.filter(|_| tree.layer.len() > 1) {
            builder
                .piece_layers
                .insert(root, tree.layer.as_flattened().to_vec());
        }
    }
    builder.pieces = hashes.sha1;
    builder.private = options.private;
    builder.comment.clone_from(&options.comment);
    builder.created_by = Some(PROGRAM.to_owned());
    builder.creation_date = seconds_now();
    builder.trackers = distinct(&options.trackers)
        .into_iter()
        .map(|url| vec![url])
        .collect();
    builder.url_list = distinct(&options.mirrors);
    builder.own.shares = distinct(&options.shares);
    builder.own.mirrors = distinct(&options.own_mirrors);
    builder.own.slots = options.slots;
    builder.build().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}

fn seconds_now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

fn file(entry: &FileEntry, tree: &Tree) -> File {
    if entry.attributes().pad {
        return File::padding(entry.len());
    }
    let path = entry.path().names().map(str::to_owned).collect();
    let file = File::new(path, entry.len());
    match tree.root {
        Some(root) => file.with_pieces_root(root),
        None => file,
    }
}

/// The hash tree of one file (BEP 52); an empty file and a pad have none.
#[derive(Debug, Default)]
struct Tree {
    root: Option<[u8; 32]>,
    layer: Vec<[u8; 32]>,
}

/// The hash tree of each file, from the roots of the pieces: no piece belongs to two files.
fn trees(layout: &Layout, roots: &[[u8; 32]]) -> Result<Vec<Tree>, Error> {
    let by_piece: BTreeMap<u32, [u8; 32]> = (0..).zip(roots.iter().copied()).collect();
    let tree = |entry: &FileEntry| {
        if entry.attributes().pad || entry.is_empty() {
            return Ok(Tree::default());
        }
        let pieces = layout.pieces_of(entry.span());
        let layer: Vec<[u8; 32]> = pieces
            .filter_map(|piece| by_piece.get(&piece.value()).copied())
            .collect();
        let root = match layer.as_slice() {
            [root] => *root,
            layer => merkle::layer_root(layer, layout.piece_len()).map_err(|e| failed(&e))?,
        };
        Ok(Tree {
            root: Some(root),
            layer,
        })
    };
    layout.files().map(|(_, entry)| tree(entry)).collect()
}
