//! Links in a tree that is to be shared, and what is no file at all.
//!
//! What must stay true: a link that is kept leads to a place in the tree, whatever is there.

use std::collections::BTreeSet;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::Path;

use swarmcopy_bt_wire::metainfo::{Link, LinkKind, plain_path, resolve};
use swarmcopy_layout::RelPath;
use swarmcopy_sys::attributes;

/// Leaves out the links that lead out of the tree, or through others.
pub(super) fn leave_out(links: &mut Vec<Link>, warnings: &mut Vec<String>) {
    let paths: BTreeSet<String> = links.iter().map(|link| link.path.clone()).collect();
    links.retain(|link| {
        let end = resolve(&link.path, &link.target, &|path| paths.contains(path));
        if let Err(why) = end {
            let Link { path, target, .. } = link;
            let why = why.problem();
            warnings.push(format!(
                "left out {path}: a link to {target:?}, which {why}"
            ));
        }
        end.is_ok()
    });
}

/// The link at `path`.
pub(super) fn read(path: &Path, rel: &RelPath, target: String) -> io::Result<Link> {
    let to_folder = fs::metadata(path).is_ok_and(|end| end.is_dir());
    Ok(Link {
        path: plain_path(rel.as_str()).unwrap_or_else(|| rel.as_str().to_owned()),
        target,
        kind: if to_folder {
            LinkKind::Folder
        } else {
            LinkKind::File
        },
        time: attributes::modified(&fs::symlink_metadata(path)?),
    })
}

/// What is neither file, folder nor link.
pub(super) fn special(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    let _ = kind;
    "neither file nor folder"
}

/// What a link leads to.
pub(super) enum Followed {
    File(Metadata),
    Other(&'static str),
}

/// Follows a link.
pub(super) fn followed(root: &Path, link: &Path) -> io::Result<Followed> {
    let Ok(target) = fs::canonicalize(link) else {
        return Ok(Followed::Other("a link that leads nowhere"));
    };
    if !target.starts_with(root) {
        return Ok(Followed::Other("a link that leaves the tree"));
    }
    let metadata = fs::metadata(&target)?;
    Ok(match metadata.file_type() {
        kind if kind.is_file() => Followed::File(metadata),
        kind if kind.is_dir() => Followed::Other("a link to a folder"),
        _ => Followed::Other("neither file nor folder"),
    })
}
