//! Writing the .torrent so that it is there whole or not at all.
//!
//! What must stay true: a file that is there already is replaced only when that was asked for, and
//! only by a rename; nothing stays behind a failure.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use swarmcopy_sys::fs;
use swarmcopy_sys::lock::SlotLocks;

use super::Overwrite;
use crate::{Error, ErrorKind, disk};

/// The folder of lock files, beside the .torrent.
const LOCKS_NAME: &str = ".swarmcopy";

/// Fails, before hours of hashing, if the .torrent could not be written in the end.
pub(super) fn check(out: &Path, overwrite: Overwrite) -> Result<(), Error> {
    if out.symlink_metadata().is_ok() && overwrite == Overwrite::Refuse {
        let message = format!("{} is there already", out.display());
        return Err(Error::new(ErrorKind::Failed, message).with_hint("replace it with `overwrite`"));
    }
    let draft = draft_path(out);
    create(&draft)
        .and_then(|_| fs::remove_file(&draft))
        .map_err(|error| unwritable(out, &error))
}

/// Writes `bytes` under a temporary name and renames that to `out`.
pub(super) fn save(out: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = draft_path(out);
    let written = write_synced(&draft, bytes).and_then(|()| fs::rename(&draft, out));
    written.map_err(|error| {
        let _left_behind = fs::remove_file(&draft);
        unwritable(out, &error)
    })
}

/// Makes the lock files for `slots` readers beside `out`.
pub(super) fn make_slots(out: &Path, slots: u32) -> Result<(), Error> {
    let folder = folder_of(out).join(LOCKS_NAME);
    SlotLocks::create(&folder, slots).map_err(|error| unwritable(&folder, &error))?;
    Ok(())
}

/// What lies beside `out` because of us, canonical: never part of a content.
pub(super) fn own_paths(out: &Path) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::canonicalize(folder_of(out)) else {
        return Vec::new();
    };
    let torrent = out.file_name().map(|name| folder.join(name));
    torrent
        .into_iter()
        .chain([folder.join(LOCKS_NAME)])
        .collect()
}

/// The folder that `path` lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn draft_path(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    folder_of(out).join(format!(".{name}.{}.tmp", std::process::id()))
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    fs::open(options.write(true).create(true).truncate(true), path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    disk::failed("write", path, error)
}
