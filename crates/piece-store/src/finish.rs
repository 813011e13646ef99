//! The last steps of a copy.
//!
//! What must stay true: a file is shortened only here, once all pieces are verified; the journal is
//! removed last, so that an interrupted finish is repeated by the next run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::Disk;
use crate::error::StoreError;
use crate::files::Files;
use crate::syncer::Syncer;
use crate::target::{Shape, Target};
use crate::whole;

/// Refuses a place where something lies that is not empty.
pub(crate) fn check_vacant(disk: &dyn Disk, place: &Path) -> Result<(), StoreError> {
    let shown = disk.display_path(place);
    let failed = |cause| StoreError::disk("look at", &shown, cause);
    let vacant = match disk.stat(place) {
        Ok(None) => true,
        Ok(Some(stat)) => stat.len == 0,
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            disk.list(place).map_err(failed)?.is_empty()
        }
        Err(error) => return Err(failed(error)),
    };
    if vacant {
        Ok(())
    } else {
        Err(StoreError::Occupied { path: shown })
    }
}

/// Makes the files what they are to be; all pieces are verified and recorded.
pub(crate) fn settle(target: &Target, files: &Files, syncer: &Syncer) -> Result<(), StoreError> {
    if syncer.is_broken() {
        let cause = std::io::Error::other("an earlier synchronisation failed");
        return Err(files.error("finish", &target.place(), cause));
    }
    let changed = settle_lengths(target, files)?;
    whole::prove(target, files)?;
    let place = target.place();
    if !changed.is_empty() {
        let failed = |cause| files.error("synchronise", &place, cause);
        files.disk().sync(&changed).map_err(failed)?;
    }
    mark_programs(target, files)
}

/// Gives the copy its name and forgets that it was under way.
pub(crate) fn publish(target: &Target, files: &Files, syncer: &Syncer) -> Result<(), StoreError> {
    rename(target, files)?;
    syncer
        .take_journal()
        .map_or(Ok(()), crate::journal::Journal::remove)
}

/// Creates empty files and cuts longer ones to their length; returns which were changed.
fn settle_lengths(target: &Target, files: &Files) -> Result<Vec<PathBuf>, StoreError> {
    let mut changed = Vec::new();
    for (file, entry) in target.stored_files() {
        if files.is_vouched(file) {
            continue;
        }
        let found = files.stat(file)?.map(|stat| stat.len);
        if found == Some(entry.len()) {
            files.settle(file)?;
            continue;
        }
        let path = files.path_of(file);
        let done = match found {
            Some(len) if len > entry.len() => files.disk().set_len(&path, entry.len()),
            None if entry.is_empty() => files.disk().reserve(&path, 0),
            Some(_) => Err(ErrorKind::UnexpectedEof.into()),
            None => Err(ErrorKind::NotFound.into()),
        };
        done.map_err(|cause| files.error("complete", &path, cause))?;
        changed.push(path);
    }
    Ok(changed)
}

fn mark_programs(target: &Target, files: &Files) -> Result<(), StoreError> {
    for (file, _) in target
        .stored_files()
        .filter(|(file, entry)| entry.attributes().executable && !files.is_vouched(*file))
    {
        let path = files.path_of(file);
        let marked = files.disk().set_executable(&path);
        marked.map_err(|cause| files.error("mark as a program", &path, cause))?;
    }
    Ok(())
}

/// Moves a staged copy to its place.
fn rename(target: &Target, files: &Files) -> Result<(), StoreError> {
    let place = target.place();
    let is_empty_file = || {
        let found = files.disk().stat(&place);
        target.shape() == Shape::File && matches!(found, Ok(Some(stat)) if stat.len == 0)
    };
    if files.is_staged(&place) && is_empty_file() {
        let removed = files.disk().remove(&place);
        removed.map_err(|cause| files.error("replace", &place, cause))?;
    }
    files.publish(&place)
}
