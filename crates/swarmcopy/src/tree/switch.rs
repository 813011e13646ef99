//! A new tree in the place of an old one.
//!
//! What must stay true: killed at any moment, there is one version, whole, at the copy's own place or just
//! aside of it, and the next start puts it back; what is carried over from the old tree is copied, so that
//! the old one stays whole until the switch.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use swarmcopy_layout::Layout;
use swarmcopy_sys::links::{LinkTo, symlink};
use swarmcopy_sys::{attributes, fs};

use super::extras::{self, Extra, Kind, Known};
use super::plan::Plan;
use crate::{Error, disk};

/// Ends what a killed run began: an old tree that stands aside alone goes back, one whose place is taken is
/// removed.
pub(crate) fn recover(place: &Path, aside: &Path) -> Result<(), Error> {
    if fs::symlink_metadata(aside).is_err() {
        return Ok(());
    }
    if fs::symlink_metadata(place).is_err() {
        return fs::rename(aside, place).map_err(|error| disk::failed("put back", aside, &error));
    }
    clear(aside)
}

/// Removes a whole tree, read-only parts too; a link in it is removed, not followed.
pub(crate) fn clear(tree: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(disk::failed("remove", tree, &error)),
    };
    match fs::symlink_metadata(tree) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return fs::remove_file(tree).or_else(failed),
        Err(error) => return failed(error),
    }
    let all = Known::default().extras(tree)?;
    extras::remove(tree, all.iter())?;
    fs::remove_dir(tree).or_else(failed)
}

/// Copies what the old tree has besides the content into the new one.
pub(super) fn carry(old: &Path, new: &Path, layout: &Layout, plan: &Plan) -> Result<(), Error> {
    if !old.is_dir() {
        return Ok(());
    }
    for extra in Known::new(layout, plan).extras(old)? {
        let (from, to) = (old.join(&extra.path), new.join(&extra.path));
        // the new tree may have something else there
        if fs::symlink_metadata(&to).is_ok() || !to.parent().is_some_and(Path::is_dir) {
            continue;
        }
        carry_one(&extra, &from, &to).map_err(|error| disk::failed("carry over", &from, &error))?;
    }
    Ok(())
}

fn carry_one(extra: &Extra, from: &Path, to: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(from)?;
    match extra.kind {
        Kind::Folder => return fs::create_dir(to),
        Kind::Link => {
            let text: PathBuf = fs::read_link(from)?;
            let leads_to = if from.is_dir() {
                LinkTo::Folder
            } else {
                LinkTo::File
            };
            symlink(&text, to, leads_to)?;
        }
        Kind::File if !found.is_file() => return Ok(()),
        // one more name is as good as a copy: neither version writes it
        Kind::File => return fs::hard_link(from, to).or_else(|_| copy(from, to, &found)),
    }
    attributes::set_modified(to, attributes::modified(&found))
}

fn copy(from: &Path, to: &Path, found: &Metadata) -> io::Result<()> {
    fs::copy(from, to)?;
    attributes::set_modified(to, attributes::modified(found))
}
