//! A quick check of a copy: what its lengths, its times and the record of when it was complete tell.
//!
//! What must stay true: no byte of the content is read, nothing is changed, and each file is looked at once.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use swarmcopy_layout::{FileEntry, Platform};
use swarmcopy_sys::{attributes, fs};

use crate::record::{Record, path_of};
use crate::verify::{locate, place_of};
use crate::{Content, Error, Evidence, Verified, disk};

/// Looks at the copy of `content` in the folder `at` as [`verify`](crate::verify) does, without reading its
/// files: those are right whose length is right and to which nothing was done since the copy was complete
/// on this machine, by its record in the folder `records`. Without one, the times that the torrent tells are
/// compared. Blocks.
///
/// # Errors
/// [`ErrorKind::Failed`](crate::ErrorKind::Failed) when `at` is not there, [`Disk`](crate::ErrorKind::Disk)
/// when it can't be read.
pub fn verify_quick(
    content: &Content,
    at: &Path,
    records: Option<&Path>,
) -> Result<Verified, Error> {
    let start = Instant::now();
    let (folder, name) = locate(content, at)?;
    let place = place_of(&folder, &name);
    let record = records.and_then(|records| Record::read_in(records, content, &place));
    let times = content.plan.files.iter().any(|file| file.time.is_some());
    let evidence = match (&record, times) {
        (Some(_), _) => Evidence::Record,
        (None, true) => Evidence::Times,
        (None, false) => Evidence::Lengths,
    };
    let mut found = Verified {
        name: content.name().to_owned(),
        place: place.clone(),
        whole: false,
        evidence,
        damaged: Vec::new(),
        suspects: Vec::new(),
        changed: Vec::new(),
        unreadable: Vec::new(),
        missing: Vec::new(),
        unproven: Vec::new(),
        extra: Vec::new(),
        pieces: content.layout().pieces(),
        good_pieces: 0,
        bytes: content.layout().bytes(),
        elapsed: start.elapsed(),
    };
    let mut known = HashSet::new();
    let mut nth = 0;
    for (at, (_, file)) in content.layout().files().enumerate() {
        if file.attributes().pad {
            continue;
        }
        let time = content.plan.files.get(nth).and_then(|file| file.time);
        nth += 1;
        let listed = content.advice.listed.as_ref();
        if listed.and_then(|listed| listed.get(at)) == Some(&false) {
            continue;
        }
        let path = path_of(content, &place, file);
        let vouched = record.as_ref().map(|record| (record, at));
        look_at(file, &path, (vouched, time), &mut found);
        known.insert(path);
    }
    if content.is_tree() {
        let links = content.plan.links.iter();
        known.extend(links.map(|link| place.join(link.path.to_path(Platform::HERE))));
        let mut folders: HashSet<PathBuf> = HashSet::new();
        for path in &known {
            let above = path.ancestors().skip(1);
            let new = above.take_while(|path| !folders.contains(*path));
            let new: Vec<PathBuf> = new.map(Path::to_owned).collect();
            folders.extend(new);
        }
        let named = content.plan.folders.iter();
        folders.extend(named.map(|(path, _)| place.join(path.to_path(Platform::HERE))));
        // a torrent without a table does not tell of empty folders
        let folders = content.plan.root.is_some().then_some(&folders);
        found.extra = extra(&place, &known, folders)?;
    }
    let lists = [&found.damaged, &found.missing, &found.changed];
    found.whole = lists.iter().all(|list| list.is_empty()) && found.unreadable.is_empty();
    found.good_pieces = if found.whole { found.pieces } else { 0 };
    found.elapsed = start.elapsed();
    Ok(found)
}

/// Looks at one file: by the record of the copy, else by the time that the torrent tells.
fn look_at(
    file: &FileEntry,
    path: &Path,
    (record, time): (Option<(&Record, usize)>, Option<i64>),
    found: &mut Verified,
) {
    let name = file.path().to_string();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => found.missing.push(name),
        Err(error) => found.unreadable.push((name, error.to_string())),
        Ok(there) if !there.is_file() => found.missing.push(name),
        Ok(there) if there.len() != file.len() => found.damaged.push(name),
        Ok(there) => {
            let same = match (record, time) {
                (Some((record, at)), _) => record.vouches(at, &there),
                (None, Some(time)) => attributes::modified(&there) == time,
                (None, None) => true,
            };
            if !same {
                found.changed.push(name);
            }
        }
    }
}

/// The files and links, and where all `folders` are told the folders, below `place` that are not known.
fn extra(
    place: &Path,
    known: &HashSet<PathBuf>,
    known_folders: Option<&HashSet<PathBuf>>,
) -> Result<Vec<String>, Error> {
    let mut extra = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| disk::failed("list", &folder, &error);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let is_dir = entry.file_type().map_err(failed)?.is_dir();
            let is_known = if is_dir {
                known_folders.is_none_or(|known| known.contains(&path))
            } else {
                known.contains(&path)
            };
            if !is_known {
                let below = path.strip_prefix(place).unwrap_or(&path);
                let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
                extra.push(names.join("/") + if is_dir { "/" } else { "" });
            }
            if is_dir {
                folders.push(path);
            }
        }
    }
    extra.sort_unstable();
    Ok(extra)
}
