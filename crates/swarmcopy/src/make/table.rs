//! The table of times, modes, flags, folders and links that goes into our own key.
//!
//! What must stay true: the files of the table are the files of the layout, in its order.

use std::collections::HashMap;

use swarmcopy_bt_wire::metainfo::{HardLink, Origin, Tree};
use swarmcopy_sys::FileId;

use super::walk::{Found, Walk};

/// Makes the table; `files` are those of the walk, in the layout's order.
pub(super) fn table(walk: &Walk, files: &[Found]) -> Tree {
    let mut tree = Tree::default();
    tree.origin = if cfg!(windows) {
        Origin::Windows
    } else {
        Origin::Unix
    };
    tree.files = files.iter().map(|file| file.attributes).collect();
    tree.root = walk.root;
    tree.folders.clone_from(&walk.folders);
    tree.links.clone_from(&walk.links);
    tree.hard_links = hard_links(files);
    tree
}

/// The files that are one with an earlier one.
fn hard_links(files: &[Found]) -> Vec<HardLink> {
    let mut firsts: HashMap<FileId, (u32, u64)> = HashMap::new();
    let mut links = Vec::new();
    for (file, found) in (0_u32..).zip(files) {
        let Some(id) = found.shared else {
            continue;
        };
        let (first, len) = *firsts.entry(id).or_insert((file, found.stamp.len));
        if first != file && len == found.stamp.len {
            links.push(HardLink { file, first });
        }
    }
    links
}
