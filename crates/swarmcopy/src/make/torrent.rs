//! Puts names, digests and addresses together into the .torrent's bytes.
//!
//! What must stay true: the files of the torrent are the files of the layout, in its order.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_bt_wire::metainfo::{Builder, Built, File, Flags, Tree, resolve};
use swarmcopy_digest::merkle;
use swarmcopy_layout::{FileEntry, Layout};

use super::MakeOptions;
use super::distinct::distinct;
use super::hash::Hashes;
use crate::{Error, ErrorKind};

/// The program's name and version, as in `created by`.
pub(super) const PROGRAM: &str = concat!("swarmcopy/", env!("CARGO_PKG_VERSION"));

/// What the torrent is of.
pub(super) struct Subject<'a> {
    pub(super) options: &'a MakeOptions,
    pub(super) name: &'a str,
    pub(super) form: Form,
    pub(super) layout: &'a Layout,
    /// What besides bytes belongs to it.
    pub(super) tree: Tree,
}

/// Builds the torrent and reads it back.
pub(super) fn build(subject: Subject<'_>, hashes: Hashes) -> Result<Built, Error> {
    let Subject {
        options,
        name,
        form,
        layout,
        tree,
    } = subject;
    let piece_len = u32::try_from(layout.piece_len()).map_err(|error| failed(&error))?;
    let mut builder = Builder::new(name, piece_len, form);
    let hash_trees = if options.format.has_roots() {
        hash_trees(layout, &hashes.roots)?
    } else {
        layout.files().map(|_| HashTree::default()).collect()
    };
    let mut attributes = tree.files.iter();
    for ((_, entry), hash_tree) in layout.files().zip(hash_trees) {
        let mut file = file(entry, &hash_tree);
        if !file.pad
            && let Some(attributes) = attributes.next()
            && options.format.has_roots()
        {
            file.executable = attributes.flags.has(Flags::EXECUTABLE);
            file.hidden = attributes.flags.has(Flags::HIDDEN);
        }
        builder.files.push(file);
        if let Some(root) = hash_tree.root.filter(|_| hash_tree.layer.len() > 1) {
            builder
                .piece_layers
                .insert(root, hash_tree.layer.as_flattened().to_vec());
        }
    }
    if options.format.has_roots() {
        add_links(&mut builder.files, &tree);
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
    builder.own.tree = Some(tree);
    builder.build().map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}

fn seconds_now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

fn file(entry: &FileEntry, tree: &HashTree) -> File {
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

/// Puts the links among the files as BEP 47 has them, in the order of names; a link to the top folder itself
/// it can't hold.
fn add_links(files: &mut Vec<File>, tree: &Tree) {
    let links = tree.links.iter().filter_map(|link| {
        let end = resolve(&link.path, &link.target, &|_| false).ok()?;
        let names = |path: &str| path.split('/').map(str::to_owned).collect();
        (!end.is_empty()).then(|| File::link(names(&link.path), names(&end)))
    });
    let mut links = links.peekable();
    if links.peek().is_none() {
        return;
    }
    let mut all = Vec::with_capacity(files.len() + tree.links.len());
    for file in files.drain(..) {
        while let Some(link) = links.next_if(|link| !file.pad && link.path < file.path) {
            all.push(link);
        }
        all.push(file);
    }
    all.extend(links);
    *files = all;
}

/// The hash tree of one file (BEP 52); an empty file and a pad have none.
#[derive(Debug, Default)]
struct HashTree {
    root: Option<[u8; 32]>,
    layer: Vec<[u8; 32]>,
}

/// The hash tree of each file, from the roots of the pieces: no piece belongs to two files.
fn hash_trees(layout: &Layout, roots: &[[u8; 32]]) -> Result<Vec<HashTree>, Error> {
    let by_piece: BTreeMap<u32, [u8; 32]> = (0..).zip(roots.iter().copied()).collect();
    let tree = |entry: &FileEntry| {
        if entry.attributes().pad || entry.is_empty() {
            return Ok(HashTree::default());
        }
        let pieces = layout.pieces_of(entry.span());
        let layer: Vec<[u8; 32]> = pieces
            .filter_map(|piece| by_piece.get(&piece.value()).copied())
            .collect();
        let root = match layer.as_slice() {
            [root] => *root,
            layer => merkle::layer_root(layer, layout.piece_len()).map_err(|e| failed(&e))?,
        };
        Ok(HashTree {
            root: Some(root),
            layer,
        })
    };
    layout.files().map(|(_, entry)| tree(entry)).collect()
}
