//! How the times, modes, flags, folders and links of a copy differ from what is wanted.
//!
//! What must stay true: nothing is changed; what this system can't have is not called a difference.

use std::fs::{self, Metadata};
use std::path::Path;

use swarmcopy_bt_wire::metainfo::Flags;
use swarmcopy_layout::Platform;
use swarmcopy_piece_store::Shape;
use swarmcopy_sys::{acl, attributes, file_id, xattr};

use super::apply::{Job, SET_ID, flags_wanted};
use super::links::disk_text;
use super::plan::{Plan, Rights, Wanted};

/// The differences of the copy at `root`, each as a path and what is wrong with it.
pub(crate) fn differences(root: &Path, job: &Job) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let plan = &*job.plan;
    let stored = job.layout.files().map(|(_, file)| file);
    let stored: Vec<_> = stored.filter(|file| !file.attributes().pad).collect();
    let place = |path: &swarmcopy_layout::RelPath| match job.shape {
        Shape::File => root.to_owned(),
        Shape::Tree => root.join(path.to_path(Platform::HERE)),
    };
    for (at, (file, wanted)) in stored.iter().zip(&plan.files).enumerate() {
        let path = file.path();
        // a file that is missing is told by its bytes
        if let Ok(there) = fs::symlink_metadata(place(path)) {
            found.extend(wrong(&there, *wanted).map(|what| (path.to_string(), what)));
            let access = other_rights(plan, &place(path), plan.rights_of_file(at));
            found.extend(access.map(|what| (path.to_string(), what)));
        }
    }
    if job.shape == Shape::File {
        return found;
    }
    for (at, (path, wanted)) in plan.folders.iter().enumerate() {
        let access = other_rights(plan, &place(path), plan.rights_of_folder(Some(at)));
        found.extend(access.map(|what| (path.to_string(), what)));
        let what = match fs::symlink_metadata(place(path)) {
            Ok(there) if there.is_dir() => wrong(&there, *wanted),
            Ok(_) => Some("is no folder".to_owned()),
            Err(_) => Some("the folder is missing".to_owned()),
        };
        found.extend(what.map(|what| (path.to_string(), what)));
    }
    let top = plan.root.zip(fs::symlink_metadata(root).ok());
    let top = top.and_then(|(wanted, there)| wrong(&there, wanted));
    found.extend(top.map(|what| (".".to_owned(), what)));
    let access = other_rights(plan, root, plan.rights_of_folder(None));
    found.extend(access.map(|what| (".".to_owned(), what)));
    for link in &plan.links {
        let at = place(&link.path);
        let there = fs::symlink_metadata(&at).ok().filter(Metadata::is_symlink);
        let what = match (there, fs::read_link(&at)) {
            (Some(there), Ok(text)) if text == disk_text(&link.target) => {
                let late = link
                    .time
                    .is_some_and(|time| attributes::modified(&there) != time);
                late.then(|| "time of the link".to_owned())
            }
            (Some(_), Ok(text)) => Some(format!("leads to {}", text.display())),
            _ => Some("the link is missing".to_owned()),
        };
        found.extend(what.map(|what| (link.path.to_string(), what)));
    }
    for (file, first) in &plan.hard_links {
        if let (Some(file), Some(first)) = (stored.get(*file), stored.get(*first))
            && let (Ok(one), Ok(other)) =
                (file_id(&place(file.path())), file_id(&place(first.path())))
            && one != other
        {
            let what = format!("is not one with {}", first.path());
            found.push((file.path().to_string(), what));
        }
    }
    found
}

/// Whether a file or folder has another access list or other extended attributes, where the torrent tells of such
/// lists and this system has them.
fn other_rights(plan: &Plan, place: &Path, wanted: Rights<'_>) -> Option<String> {
    plan.access.as_ref()?;
    let list = acl::read(place).is_ok_and(|found| found.as_deref() != wanted.list);
    let extended = plan.extended.is_some()
        && xattr::read(place).is_ok_and(|found| found.as_deref() != wanted.extended);
    match (list, extended) {
        (false, false) => None,
        (true, false) => Some("access list".to_owned()),
        (false, true) => Some("extended attributes".to_owned()),
        (true, true) => Some("access list; extended attributes".to_owned()),
    }
}

/// What is wrong with a file or a folder, if anything is.
fn wrong(there: &Metadata, wanted: Wanted) -> Option<String> {
    let mut parts = Vec::new();
    if wanted
        .time
        .is_some_and(|time| attributes::modified(there) != time)
    {
        parts.push("time".to_owned());
    }
    if let Some(now) = attributes::mode(there) {
        let mode = match wanted.mode {
            Some(mode) if there.is_file() => mode & !SET_ID,
            Some(mode) => mode,
            None if wanted.flags.has(Flags::READ_ONLY) => now & !0o222,
            None => now,
        };
        if mode != now {
            parts.push(format!("mode {now:o}, not {mode:o}"));
        }
    }
    if let Some(now) = attributes::flags(there)
        && flags_wanted(now, wanted) != now
    {
        parts.push("flags".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
