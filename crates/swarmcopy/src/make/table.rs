//! The table of times, modes, flags, folders and links that goes into our own key.
//!
//! What must stay true: the files of the table are the files of the layout, in its order.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use swarmcopy_bt_wire::metainfo::{Access, HardLink, Origin, Tree};
use swarmcopy_sys::{FileId, acl, xattr};

use super::walk::{Found, Walk, unreadable};
use crate::{Error, ErrorKind};

/// Makes the table; `files` are those of the walk, in the layout's order. With the top folder, or the file, at
/// `access` the access lists are read, too.
pub(super) fn table(walk: &Walk, files: &[Found], access: Option<&Path>) -> Result<Tree, Error> {
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
    if let Some(root) = access {
        tree.access = Some(texts(root, walk, files, list_of)?);
        if cfg!(target_os = "linux") {
            tree.extended = Some(texts(root, walk, files, extended_of)?);
        }
    }
    Ok(tree)
}

/// What `read` tells of all files and folders, each text once.
fn texts(
    root: &Path,
    walk: &Walk,
    files: &[Found],
    read: fn(&Path) -> Result<Option<String>, Error>,
) -> Result<Access, Error> {
    let mut access = Access::default();
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut place = |path: &Path| {
        let Some(list) = read(path)? else {
            return Ok(None);
        };
        let next = u32::try_from(access.lists.len()).unwrap_or(u32::MAX);
        let at = *known.entry(list.clone()).or_insert(next);
        if at == next {
            access.lists.push(list);
        }
        Ok::<_, Error>(Some(at))
    };
    let of_files = files.iter().map(|file| place(&file.path));
    let of_files = of_files.collect::<Result<_, Error>>()?;
    let folders = walk.folders.iter().map(|folder| root.join(&folder.path));
    let folders = std::iter::once(root.to_owned()).chain(folders);
    let of_folders = folders.map(|folder| place(&folder));
    access.folders = of_folders.collect::<Result<_, Error>>()?;
    access.files = of_files;
    Ok(access)
}

/// The access list of a file or folder.
fn list_of(path: &Path) -> Result<Option<String>, Error> {
    match acl::read(path) {
        // the name of a folder is another one in copies
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let message = format!("cannot read access lists: {} has none", path.display());
            let hint = "leave `acl` away: this disk or system has no such lists";
            Err(Error::new(ErrorKind::Failed, message).with_hint(hint))
        }
        list => list.map_err(|error| unreadable(path, &error)),
    }
}

/// The extended attributes of a file or folder.
fn extended_of(path: &Path) -> Result<Option<String>, Error> {
    match xattr::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => text.map_err(|error| unreadable(path, &error)),
    }
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
