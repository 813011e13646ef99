//! What lies in a copy and does not belong to it.
//!
//! What must stay true: nothing outside the copy's folder is found or removed, no link is followed, and
//! nothing is taken for extra that a disk which folds names has under another spelling.

use std::collections::{HashMap, HashSet};
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

use swarmcopy_layout::{Layout, Platform, RelPath};
use swarmcopy_sys::{attributes, file_id, fs, held};

use super::plan::Plan;
use crate::{Error, disk};

/// What something in a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    Link,
}

impl Kind {
    fn of(found: FileType) -> Self {
        if found.is_symlink() {
            Self::Link
        } else if found.is_dir() {
            Self::Folder
        } else {
            Self::File
        }
    }
}

/// Something that does not belong.
#[derive(Debug, Clone)]
pub(crate) struct Extra {
    /// Below the copy's folder.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    /// Whether it stands in the place of something that does belong.
    pub(crate) in_the_way: bool,
}

/// All that belongs to a tree, by its path on this disk.
#[derive(Debug, Default)]
pub(crate) struct Known {
    paths: HashMap<PathBuf, Kind>,
}

impl Known {
    pub(crate) fn new(layout: &Layout, plan: &Plan) -> Self {
        let mut known = Self {
            paths: HashMap::with_capacity(layout.files().len()),
        };
        let stored = layout.files().map(|(_, file)| file);
        for file in stored.filter(|file| !file.attributes().pad) {
            known.add(file.path(), Kind::File);
        }
        for (path, _) in &plan.folders {
            known.add(path, Kind::Folder);
        }
        for link in &plan.links {
            known.add(&link.path, Kind::Link);
        }
        known
    }

    fn add(&mut self, path: &RelPath, kind: Kind) {
        let path = path.to_path(Platform::HERE);
        for folder in path.ancestors().skip(1) {
            let empty = folder.as_os_str().is_empty();
            if empty || self.paths.contains_key(folder) {
                break;
            }
            self.paths.insert(folder.to_owned(), Kind::Folder);
        }
        self.paths.insert(path, kind);
    }

    /// What lies below `root` and does not belong, folders before what is in them.
    pub(crate) fn extras(&self, root: &Path) -> Result<Vec<Extra>, Error> {
        let mut extras = Vec::new();
        // a folder, and whether all in it is extra
        let mut folders = vec![(PathBuf::new(), false)];
        let failed = |path: &Path, error: &io::Error| disk::failed("look at", path, error);
        while let Some((folder, all)) = folders.pop() {
            let place = root.join(&folder);
            let listing = match fs::read_dir(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listing => listing.map_err(|error| failed(&place, &error))?,
            };
            for entry in listing {
                let entry = entry.map_err(|error| failed(&place, &error))?;
                let path = folder.join(entry.file_name());
                let found = entry.file_type();
                let kind = Kind::of(found.map_err(|error| failed(&entry.path(), &error))?);
                let wanted = if all { None } else { self.paths.get(&path) };
                let extra = wanted != Some(&kind);
                if kind == Kind::Folder {
                    folders.push((path.clone(), extra));
                }
                if extra {
                    let bytes = match kind {
                        Kind::File => entry.metadata().map_or(0, |found| found.len()),
                        _ => 0,
                    };
                    extras.push(Extra {
                        path,
                        kind,
                        bytes,
                        in_the_way: wanted.is_some(),
                    });
                }
            }
        }
        self.keep_folded(root, &mut extras);
        Ok(extras)
    }

    /// Leaves out what is there for a wanted path by another spelling: large letters for small ones.
    fn keep_folded(&self, root: &Path, extras: &mut Vec<Extra>) {
        if extras.is_empty() {
            return;
        }
        let wanted: HashMap<String, &PathBuf> = self
            .paths
            .keys()
            .filter_map(|path| Some((fold(path)?, path)))
            .collect();
        let mut kept = HashSet::new();
        for extra in extras.iter().filter(|extra| !extra.in_the_way) {
            let same = fold(&extra.path).and_then(|key| wanted.get(&key).copied());
            let id = |path: &Path| file_id(&root.join(path)).ok();
            if let Some(same) = same
                && extra.kind != Kind::Link
                && fs::symlink_metadata(&root.join(same)).is_ok()
                && id(same) == id(&extra.path)
            {
                kept.insert(extra.path.clone());
            }
        }
        if !kept.is_empty() {
            // what lies in a folder of another spelling was never compared: it stays
            extras.retain(|extra| !extra.path.ancestors().any(|path| kept.contains(path)));
        }
    }
}

/// How a disk that folds names knows a path.
fn fold(path: &Path) -> Option<String> {
    let names: Option<Vec<&str>> = path.iter().map(|name| name.to_str()).collect();
    Some(
        RelPath::from_names(names?)
            .ok()?
            .fold_key(Platform::Windows),
    )
}

/// Removes what was found, what lies deepest first.
pub(crate) fn remove<'a>(
    root: &Path,
    extras: impl DoubleEndedIterator<Item = &'a Extra>,
) -> Result<(), Error> {
    let mut writable = HashSet::new();
    for extra in extras.rev() {
        let place = root.join(&extra.path);
        let failed = |error: &io::Error| disk::failed("remove", &place, error);
        if let Some(folder) = place.parent()
            && writable.insert(folder.to_owned())
        {
            attributes::make_writable(folder).map_err(|error| failed(&error))?;
        }
        remove_one(&place, extra.kind).map_err(|error| failed(&error))?;
    }
    Ok(())
}

fn remove_one(place: &Path, kind: Kind) -> io::Result<()> {
    if cfg!(windows) {
        attributes::make_writable(place)?;
    }
    match kind {
        Kind::Folder => {
            attributes::make_writable(place)?;
            fs::remove_dir(place)
        }
        Kind::File => fs::remove_file(place),
        // on Windows a link to a folder is removed as one
        Kind::Link => {
            held::patiently(|| std::fs::remove_file(place).or_else(|_| std::fs::remove_dir(place)))
        }
    }
}
