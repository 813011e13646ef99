//! Symbolic links and second names of files.
//!
//! What must stay true: a link takes its place by a rename, so that there is always something whole; a
//! file becomes a name of another only when both hold the same bytes; a folder is never removed for
//! a link.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use swarmcopy_bt_wire::metainfo::{LinkKind, resolve};
use swarmcopy_layout::{Platform, RelPath};
use swarmcopy_sys::links::{LinkTo, symlink};
use swarmcopy_sys::{attributes, file_id, fs};

use super::applying::Applying;
use super::plan::WantedLink;
use super::tally::Undone;
use crate::{Error, disk};

/// Bytes of each file that are compared at a time.
const COMPARED_LEN: usize = 128 * 1024;

/// Makes files one that are to be one.
pub(super) fn hard(applying: &mut Applying<'_>) -> Result<(), Error> {
    let plan = applying.plan;
    for (file, first) in &plan.hard_links {
        let find = |at: usize| applying.files.get(at).copied().flatten();
        let (Some(file), Some(first)) = (find(*file), find(*first)) else {
            continue;
        };
        let (file, first) = (applying.place(file.path())?, applying.place(first.path())?);
        // of a selection, one may not be there
        if !file.exists() || !first.exists() {
            continue;
        }
        let failed = |error: &io::Error| disk::failed("link", &file, error);
        if is_one(&file, &first).map_err(|error| failed(&error))? {
            continue;
        }
        if !is_equal(&file, &first).map_err(|error| failed(&error))? {
            applying.tally.add(Undone::NotOne, &file);
            continue;
        }
        let made = put(&file, |draft| fs::hard_link(&first, draft));
        applying.tally.allow(Undone::HardLink, &file, made)?;
    }
    Ok(())
}

/// Makes the symbolic links.
pub(super) fn symbolic(applying: &mut Applying<'_>) -> Result<(), Error> {
    let plan = applying.plan;
    for link in &plan.links {
        if !applying.selection.has(&link.path) {
            continue;
        }
        let made_way = applying.folders.make_way(&link.path);
        let shown = || applying.root.join(link.path.to_path(Platform::HERE));
        let place = made_way.map_err(|error| disk::failed("link", &shown(), &error))?;
        let text = disk_text(&link.target);
        if fs::read_link(&place).ok().as_deref() != Some(&text) {
            let to = leads_to(applying.root, link);
            let made = put(&place, |draft| symlink(&text, draft, to));
            applying.tally.allow(Undone::Link, &place, made)?;
        }
        let Ok(found) = fs::symlink_metadata(&place) else {
            continue;
        };
        if let Some(time) = link.time
            && found.is_symlink()
            && attributes::modified(&found) != time
        {
            let set = attributes::set_modified(&place, time);
            applying.tally.allow(Undone::Time, &place, set)?;
        }
    }
    Ok(())
}

/// The text as this system wants it.
pub(super) fn disk_text(target: &str) -> PathBuf {
    if cfg!(not(windows)) {
        return target.into();
    }
    let name = |name: &str| match RelPath::from_names([name]) {
        Ok(plain) => plain.to_path(Platform::HERE),
        Err(_) => name.into(),
    };
    target.split('/').map(name).collect()
}

fn leads_to(root: &Path, link: &WantedLink) -> LinkTo {
    let looked = || {
        let end = resolve(link.path.as_str(), &link.target, &|_| false);
        end.is_ok_and(|end| root.join(end).is_dir())
    };
    let is_folder = link
        .kind
        .map_or_else(looked, |kind| kind == LinkKind::Folder);
    if is_folder {
        LinkTo::Folder
    } else {
        LinkTo::File
    }
}

/// Makes something beside `place` and renames it there. What is there already gives way, but for a folder
/// with something in it.
fn put(place: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let cut = name.floor_char_boundary(200);
    let name = name.get(..cut).unwrap_or_default();
    // the same name in every run: what a killed one left is made anew
    let draft = place.with_file_name(format!(".{name}.swarmcopy-link"));
    if fs::symlink_metadata(&draft).is_ok() {
        fs::remove_file(&draft)?;
    }
    make(&draft)?;
    let found = fs::symlink_metadata(place);
    let cleared = match found {
        Ok(found) if found.is_dir() => fs::remove_dir(place),
        Ok(_) if cfg!(windows) => attributes::make_writable(place).map(|_| ()),
        _ => Ok(()),
    };
    cleared
        .and_then(|()| fs::rename(&draft, place))
        .inspect_err(|_| {
            let _left_behind = fs::remove_file(&draft);
        })
}

fn is_one(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(file_id(a)? == file_id(b)?)
}

fn is_equal(a: &Path, b: &Path) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let mut buffers = (vec![0; COMPARED_LEN], vec![0; COMPARED_LEN]);
    loop {
        let (of_a, of_b) = (fill(&mut a, &mut buffers.0)?, fill(&mut b, &mut buffers.1)?);
        if of_a != of_b {
            return Ok(false);
        }
        if of_a.is_empty() {
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill<'b>(file: &mut File, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut len = 0;
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            read => len += read,
        }
    }
    Ok(buffer.get(..len).unwrap_or_default())
}
