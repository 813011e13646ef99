//! What a copy would do, without doing it.
//!
//! What must stay true: nothing is written; a file counts as the same only if its length, and its time
//! where that is known, are those of the content.

use std::fs;
use std::path::Path;

use swarmcopy_layout::Platform;
use swarmcopy_piece_store::Shape;
use swarmcopy_sys::attributes;

use super::apply::Job;
use super::extras::{Extra, Kind, Known};
use super::folders;
use super::links::disk_text;
use crate::Error;
use crate::select::Selection;

/// What a copy would do to a target, as far as lengths and times tell. Paths are joined with `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Preview {
    /// Files that are not there.
    pub fetched: Vec<String>,
    /// Files that are there with another length or time.
    pub replaced: Vec<String>,
    /// Folders and links that would be made or changed.
    pub made: Vec<String>,
    /// What would be removed because it does not belong.
    pub removed: Vec<String>,
    /// Bytes of the files that would be fetched or replaced: what is right of them already is not fetched.
    pub fetched_bytes: u64,
    /// Bytes of the files that would be removed.
    pub removed_bytes: u64,
    /// Files that would stay as they are.
    pub same: usize,
}

/// Looks at the copy at `root`.
pub(crate) fn preview(root: &Path, job: &Job) -> Result<Preview, Error> {
    let mut preview = Preview::default();
    let selection = Selection::new(&job.selected)?;
    let stored = job.layout.files().map(|(_, file)| file);
    let stored = stored.filter(|file| !file.attributes().pad);
    for (at, file) in stored.enumerate() {
        if !selection.has(file.path()) {
            continue;
        }
        let place = match job.shape {
            Shape::File => root.to_owned(),
            Shape::Tree => root.join(file.path().to_path(Platform::HERE)),
        };
        let time = job.plan.files.get(at).and_then(|wanted| wanted.time);
        let list = match fs::symlink_metadata(&place) {
            Ok(there) if there.is_file() => {
                let late = time.is_some_and(|time| attributes::modified(&there) != time);
                if there.len() == file.len() && !late {
                    preview.same += 1;
                    continue;
                }
                &mut preview.replaced
            }
            Ok(_) => &mut preview.replaced,
            Err(_) => &mut preview.fetched,
        };
        list.push(file.path().to_string());
        preview.fetched_bytes += file.len();
    }
    if job.shape == Shape::Tree && job.extent.attributes {
        let wanted = job.plan.folders.iter().map(|(path, _)| path);
        let wanted = wanted.filter(|path| selection.has(path));
        let missing =
            wanted.filter(|path| folders::check(&root.join(path.to_path(Platform::HERE))).is_err());
        preview.made.extend(missing.map(ToString::to_string));
        let links = job
            .plan
            .links
            .iter()
            .filter(|link| selection.has(&link.path));
        let wrong = links.filter(|link| {
            let text = fs::read_link(root.join(link.path.to_path(Platform::HERE)));
            text.ok() != Some(disk_text(&link.target))
        });
        preview.made.extend(wrong.map(|link| link.path.to_string()));
    }
    if job.shape == Shape::Tree && job.extent.exact {
        remove(
            &mut preview,
            &Known::new(&job.layout, &job.plan).extras(root)?,
        );
    }
    Ok(preview)
}

fn remove(preview: &mut Preview, extras: &[Extra]) {
    for extra in extras {
        let names: Vec<_> = extra
            .path
            .iter()
            .map(|name| name.to_string_lossy())
            .collect();
        let slash = if extra.kind == Kind::Folder { "/" } else { "" };
        preview.removed.push(format!("{}{slash}", names.join("/")));
        preview.removed_bytes += extra.bytes;
    }
}
