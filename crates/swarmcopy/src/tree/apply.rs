//! Gives a complete copy its times, modes, flags, folders and links.
//!
//! What must stay true: files first, then links, then folders, deepest first, for each change in a
//! folder changes that folder's time; whatever is right already is left alone, so that a second run
//! costs a look at each file.

use std::collections::HashSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swarmcopy_bt_wire::metainfo::Flags;
use swarmcopy_layout::{Layout, Platform};
use swarmcopy_piece_store::Shape;
use swarmcopy_sys::{acl, attributes, fs, xattr};

use super::applying::Applying;
use super::extras::{self, Known};
use super::folders::{self, Folders};
use super::links;
use super::plan::{Plan, Rights, Wanted};
use super::switch;
use super::tally::{Tally, Undone};
use crate::select::Selection;
use crate::{Error, disk};

/// A tree and what is wanted of it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) layout: Arc<Layout>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) shape: Shape,
    /// What of the tree is wanted.
    pub(crate) extent: Extent,
    /// Patterns of what is wanted; none means all.
    pub(crate) selected: Vec<String>,
    /// An old tree whose place the copy takes: what it has besides is carried over.
    pub(crate) old: Option<PathBuf>,
}

/// How much of a tree is made as it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Times, modes, flags, empty folders and links.
    pub(crate) attributes: bool,
    /// What does not belong is removed.
    pub(crate) exact: bool,
    /// Access lists and extended attributes.
    pub(crate) access: bool,
}

/// What was done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    /// What the system could not do, in sentences.
    pub(crate) undone: Vec<String>,
    /// How many files, folders and links were removed because they did not belong.
    pub(crate) removed: u64,
}

/// Makes the complete copy at `root` what the plan says.
pub(crate) fn apply(root: &Path, job: &Job) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    if job.extent.exact && job.shape == Shape::Tree {
        let extras = Known::new(&job.layout, &job.plan).extras(root)?;
        extras::remove(root, extras.iter())?;
        applied.removed = u64::try_from(extras.len()).unwrap_or(u64::MAX);
    }
    if let (Shape::Tree, false, Some(old)) = (job.shape, job.extent.exact, &job.old) {
        switch::carry(old, root, &job.layout, &job.plan)?;
    }
    if job.extent.attributes && !job.plan.is_empty() {
        applied.undone = apply_plan(root, job)?;
    }
    if job.extent.access && job.plan.access.is_none() {
        let told = "the torrent tells no access lists: make it with `acl`";
        applied.undone.push(told.to_owned());
    }
    Ok(applied)
}

fn apply_plan(root: &Path, job: &Job) -> Result<Vec<String>, Error> {
    let plan = &*job.plan;
    let selection = Selection::new(&job.selected)?;
    let stored = job.layout.files().map(|(_, file)| file);
    let stored = stored.filter(|file| !file.attributes().pad);
    let mut applying = Applying {
        root,
        plan,
        files: stored
            .map(|file| selection.has(file.path()).then_some(file))
            .collect(),
        selection,
        folders: Folders::new(root),
        tally: Tally::default(),
        access: job.extent.access && plan.access.is_some(),
    };
    if job.shape == Shape::File {
        if let Some(wanted) = plan.files.first() {
            let rights = plan.rights_of_file(0);
            applying.set_extended(root, rights)?;
            set(root, *wanted, &mut applying.tally)?;
            applying.set_access(root, rights)?;
        }
        return Ok(applying.tally.sentences());
    }
    applying.make_folders()?;
    links::hard(&mut applying)?;
    applying.set_files()?;
    links::symbolic(&mut applying)?;
    applying.set_folders()?;
    Ok(applying.tally.sentences())
}

/// Makes way before the first byte is written: this account may write below the folders that an earlier run
/// made read-only, and where the copy is to be exact, nothing of another kind stands in the place of what
/// belongs.
pub(crate) fn prepare(root: &Path, job: &Job) -> Result<(), Error> {
    if job.shape == Shape::File || folders::check(root).is_err() {
        return Ok(());
    }
    if job.extent.exact {
        let mut extras = Known::new(&job.layout, &job.plan).extras(root)?;
        let in_the_way = extras.iter().filter(|extra| extra.in_the_way);
        let in_the_way: HashSet<PathBuf> = in_the_way.map(|extra| extra.path.clone()).collect();
        extras.retain(|extra| extra.path.ancestors().any(|path| in_the_way.contains(path)));
        extras::remove(root, extras.iter())?;
    }
    let writable = |path: &Path| match attributes::make_writable(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(disk::failed("write below", path, &error))
        }
        _ => Ok(()),
    };
    writable(root)?;
    let mut known = Folders::new(root);
    for (path, _) in &job.plan.folders {
        // where a folder above is missing or a link, the store says so
        if let Ok(place) = known.place(path)
            && folders::check(&place).is_ok()
        {
            writable(&place)?;
        }
    }
    Ok(())
}

impl Applying<'_> {
    fn make_folders(&mut self) -> Result<(), Error> {
        for (path, _) in &self.plan.folders {
            if !self.selection.has(path) {
                continue;
            }
            let made = self.folders.make(path);
            let shown = || self.root.join(path.to_path(Platform::HERE));
            made.map_err(|error| disk::failed("make the folder", &shown(), &error))?;
        }
        Ok(())
    }

    fn set_files(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        for (at, wanted) in plan.files.iter().enumerate() {
            let Some(file) = self.files.get(at).copied().flatten() else {
                continue;
            };
            let place = self.place(file.path())?;
            let rights = plan.rights_of_file(at);
            self.set_extended(&place, rights)?;
            set(&place, *wanted, &mut self.tally)?;
            self.set_access(&place, rights)?;
        }
        Ok(())
    }

    /// Gives a file or folder its access list, or takes away one that it should not have.
    fn set_access(&mut self, place: &Path, rights: Rights<'_>) -> Result<(), Error> {
        if !self.access {
            return Ok(());
        }
        let list = rights.list;
        match acl::set(place, list) {
            // not one of the files that are wanted
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // a disk that has no lists has none too many
            Err(error) if list.is_none() && error.kind() == io::ErrorKind::Unsupported => Ok(()),
            done => self.tally.allow(Undone::Access, place, done),
        }
    }

    /// Gives a file or folder its extended attributes, and takes others away; before it becomes read-only.
    fn set_extended(&mut self, place: &Path, rights: Rights<'_>) -> Result<(), Error> {
        if !self.access || self.plan.extended.is_none() {
            return Ok(());
        }
        match xattr::set(place, rights.extended) {
            // not one of the files that are wanted
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => self.tally.allow(Undone::Extended, place, done),
        }
    }

    fn set_folders(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        // sorted by their names, so that what lies deeper comes later
        for (at, (path, wanted)) in plan.folders.iter().enumerate().rev() {
            if !self.selection.has(path) && !self.is_there(path) {
                continue;
            }
            let place = self.place(path)?;
            let rights = plan.rights_of_folder(Some(at));
            self.set_extended(&place, rights)?;
            set(&place, *wanted, &mut self.tally)?;
            self.set_access(&place, rights)?;
        }
        let Some(wanted) = plan.root else {
            return Ok(());
        };
        let rights = plan.rights_of_folder(None);
        self.set_extended(self.root, rights)?;
        set(self.root, wanted, &mut self.tally)?;
        self.set_access(self.root, rights)
    }
}

/// Gives a file or a folder its time, then its mode and flags.
fn set(place: &Path, wanted: Wanted, tally: &mut Tally) -> Result<(), Error> {
    let failed = |error: &io::Error| disk::failed("finish", place, error);
    let found = match fs::symlink_metadata(place) {
        // not one of the files that are wanted
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| failed(&error))?,
    };
    if found.is_symlink() {
        let error = io::Error::other("it is a link, which is not followed");
        return Err(failed(&error));
    }
    if let Some(time) = wanted.time
        && attributes::modified(&found) != time
    {
        tally.allow(Undone::Time, place, attributes::set_modified(place, time))?;
    }
    if let Some(flags) = attributes::flags(&found) {
        let flags = flags_wanted(flags, wanted);
        return tally.allow(Undone::Flags, place, attributes::set_flags(place, flags));
    }
    if wanted.flags.has(Flags::HIDDEN) || wanted.flags.has(Flags::SYSTEM) {
        tally.add(Undone::Flags, place);
    }
    set_mode(place, &found, wanted, tally)
}

pub(super) fn flags_wanted(found: attributes::Flags, wanted: Wanted) -> attributes::Flags {
    let known = wanted.mode.is_some() || wanted.all_flags;
    let keep = !wanted.all_flags;
    attributes::Flags {
        read_only: wanted.flags.has(Flags::READ_ONLY) || (!known && found.read_only),
        hidden: wanted.flags.has(Flags::HIDDEN) || (keep && found.hidden),
        system: wanted.flags.has(Flags::SYSTEM) || (keep && found.system),
        archive: wanted.flags.has(Flags::ARCHIVE) || (keep && found.archive),
    }
}

/// The bits that let a file run with the rights of its owner or group.
pub(super) const SET_ID: u16 = 0o6000;

fn set_mode(
    place: &Path,
    found: &Metadata,
    wanted: Wanted,
    tally: &mut Tally,
) -> Result<(), Error> {
    let Some(now) = attributes::mode(found) else {
        return Ok(());
    };
    let mode = match wanted.mode {
        // a document from outside must not hand out this account's rights
        Some(mode) if found.is_file() && mode & SET_ID != 0 => {
            tally.add(Undone::SetId, place);
            mode & !SET_ID
        }
        Some(mode) => mode,
        None if wanted.flags.has(Flags::READ_ONLY) => now & !0o222,
        None => now,
    };
    if mode == now {
        return Ok(());
    }
    tally.allow(Undone::Mode, place, attributes::set_mode(place, mode))
}
