//! The record of a complete copy: what the disk said of each file when all of them were verified.
//!
//! It lies in a folder of the account for such things, not beside the copy. By it an unchanged copy is
//! known without reading it. What must stay true: a file is vouched for only if it was verified as part of
//! this content at this place, and nothing was done to it since as far as its length, times and identity
//! tell; a record that is damaged or missing vouches for nothing.

use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use swarmcopy_layout::{FileEntry, FileIndex, Platform};
use swarmcopy_sys::{attributes, fs};

use crate::Content;

const MAGIC: &[u8; 16] = b"swarmcopy copy 1";
const ID_LEN: usize = 20;
const STAMP_LEN: usize = 8;
const DIGEST_LEN: usize = 20;
/// The stamp of a file that was not part of the copy.
const NONE: u64 = 0;
/// Records kept; the oldest go first.
const RECORDS_MAX: usize = 256;

/// What is known of a copy by its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// By file of the layout.
    stamps: Vec<u64>,
}

impl Record {
    /// Reads the record of `content` at `place`, if there is one that is whole. Blocks.
    pub(crate) fn read(content: &Content, place: &Path) -> Option<Self> {
        Self::read_in(content.options.records.as_deref()?, content, place)
    }

    pub(crate) fn read_in(folder: &Path, content: &Content, place: &Path) -> Option<Self> {
        let file = fs::open_read(&path_in(folder, place)?).ok()?;
        let files = content.layout().files().len();
        let len = MAGIC.len() + ID_LEN + files * STAMP_LEN + DIGEST_LEN;
        let most = u64::try_from(len).ok()?;
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes).ok()?;
        let (body, digest) = bytes.split_last_chunk::<DIGEST_LEN>()?;
        let right = bytes.len() == len && swarmcopy_digest::sha1(body) == *digest;
        let body = body.strip_prefix(MAGIC).filter(|_| right)?;
        let body = body.strip_prefix(&content.swarm_id)?;
        let stamps = body.as_chunks::<STAMP_LEN>().0.iter();
        Some(Self {
            stamps: stamps.map(|stamp| u64::from_le_bytes(*stamp)).collect(),
        })
    }

    /// Looks at each file of a copy that is complete at `place` as far as `has` tells of its files; what
    /// `before` says of the others stays true. Blocks.
    fn look(
        content: &Content,
        place: &Path,
        before: Option<&Self>,
        has: &dyn Fn(FileIndex) -> bool,
    ) -> Self {
        let before = |at: usize| before.and_then(|before| before.stamps.get(at).copied());
        let files = content.layout().files().enumerate();
        let stamps = files.map(|(at, (index, file))| {
            if file.attributes().pad || !has(index) {
                return before(at).unwrap_or(NONE);
            }
            let found = fs::symlink_metadata(&path_of(content, place, file));
            found.map_or(NONE, |found| stamp(&found))
        });
        Self {
            stamps: stamps.collect(),
        }
    }

    fn write_in(&self, folder: &Path, content: &Content, place: &Path) -> std::io::Result<()> {
        let Some(path) = path_in(folder, place) else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        drop_oldest(folder);
        let mut bytes = [MAGIC.as_slice(), &content.swarm_id].concat();
        for stamp in &self.stamps {
            bytes.extend_from_slice(&stamp.to_le_bytes());
        }
        let digest = swarmcopy_digest::sha1(&bytes);
        bytes.extend_from_slice(&digest);
        let draft = path.with_extension(std::process::id().to_string());
        fs::write(&draft, &bytes)?;
        fs::rename(&draft, &path)
    }

    /// Whether nothing was done to the file number `at` since it was verified.
    pub(crate) fn vouches(&self, at: usize, found: &Metadata) -> bool {
        let known = self.stamps.get(at).copied().unwrap_or(NONE);
        found.is_file() && known != NONE && known == stamp(found)
    }
}

/// Writes down that the copy at `place` is complete as far as `has` tells of its files. A disk that takes no
/// record is no failure: the next run reads the files. Blocks.
pub(crate) fn write(content: &Content, place: &Path, has: &dyn Fn(FileIndex) -> bool) {
    let Some(folder) = &content.options.records else {
        return;
    };
    let before = Record::read_in(folder, content, place);
    let record = Record::look(content, place, before.as_ref(), has);
    if before.as_ref() == Some(&record) {
        return;
    }
    if let Err(error) = record.write_in(folder, content, place) {
        tracing::debug!(%error, "no record of the complete copy");
    }
}

/// For each file of a copy at `place`, whether its record vouches for it; `None` without a record. Blocks.
pub(crate) fn vouched(content: &Content, place: &Path) -> Option<Vec<bool>> {
    let record = Record::read(content, place)?;
    let files = content.layout().files().enumerate();
    let vouched = files.map(|(at, (_, file))| {
        let found = || fs::symlink_metadata(&path_of(content, place, file));
        !file.attributes().pad && found().is_ok_and(|found| record.vouches(at, &found))
    });
    Some(vouched.collect())
}

/// Where a file of a copy at `place` lies.
pub(crate) fn path_of(content: &Content, place: &Path, file: &FileEntry) -> PathBuf {
    if content.is_tree() {
        place.join(file.path().to_path(Platform::HERE))
    } else {
        place.to_owned()
    }
}

fn stamp(found: &Metadata) -> u64 {
    attributes::stamp(found).max(NONE + 1)
}

/// The record's place: its name is a hash of the copy's own path.
fn path_in(folder: &Path, place: &Path) -> Option<PathBuf> {
    let name = place.file_name()?;
    let place = std::fs::canonicalize(place.parent()?).ok()?.join(name);
    let digest = swarmcopy_digest::sha1(place.as_os_str().as_encoded_bytes());
    let name = u128::from_be_bytes(*digest.first_chunk()?);
    Some(folder.join(format!("{name:032x}.copy")))
}

fn drop_oldest(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let entries = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.metadata().ok()?.modified().ok()?, entry.path()))
    });
    let mut entries: Vec<(SystemTime, PathBuf)> = entries.collect();
    entries.sort_unstable();
    let excess = (entries.len() + 1).saturating_sub(RECORDS_MAX);
    for (_, path) in entries.iter().take(excess) {
        let _another_run_may_have_done_it = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MakeOptions, make};
    use std::fs::write;

    fn copy() -> (tempfile::TempDir, Content, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("CS5");
        std::fs::create_dir(&place).unwrap();
        for name in ["a", "b", "c"] {
            write(place.join(name), name.repeat(1000)).unwrap();
        }
        let made = make(&MakeOptions::new(&place), &|_| ()).unwrap();
        let content = Content::torrent(std::fs::read(made.torrent).unwrap()).unwrap();
        (dir, content, place)
    }

    fn vouched_in(folder: &Path, content: &Content, place: &Path) -> Option<Vec<bool>> {
        let record = Record::read_in(folder, content, place)?;
        let files = content.layout().files().enumerate();
        let found = files.map(|(at, (_, file))| {
            let found = std::fs::symlink_metadata(place.join(file.path().as_str()));
            found.is_ok_and(|found| record.vouches(at, &found))
        });
        Some(found.collect())
    }

    #[test]
    fn a_file_that_was_changed_or_was_not_part_of_the_copy_is_not_vouched_for() {
        let (dir, content, place) = copy();
        let folder = dir.path().join("state");
        let record = Record::look(&content, &place, None, &|file| file.value() != 2);
        assert_eq!(vouched_in(&folder, &content, &place), None);
        record.write_in(&folder, &content, &place).unwrap();
        let vouched = || vouched_in(&folder, &content, &place).unwrap();
        assert_eq!(vouched(), [true, true, false]);
        write(place.join("b"), "longer".repeat(1000)).unwrap();
        assert_eq!(vouched(), [true, false, false]);
    }

    #[test]
    fn a_record_that_is_damaged_or_of_another_place_vouches_for_nothing() {
        let (dir, content, place) = copy();
        let folder = dir.path().join("state");
        let record = Record::look(&content, &place, None, &|_| true);
        record.write_in(&folder, &content, &place).unwrap();
        let other = dir.path().join("CS6");
        assert_eq!(Record::read_in(&folder, &content, &other), None);
        let path = path_in(&folder, &place).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40] ^= 1;
        write(&path, &bytes).unwrap();
        assert_eq!(Record::read_in(&folder, &content, &place), None);
        write(&path, &bytes[..50]).unwrap();
        assert_eq!(Record::read_in(&folder, &content, &place), None);
    }

    #[test]
    fn old_records_make_room() {
        let dir = tempfile::tempdir().unwrap();
        for at in 0..RECORDS_MAX + 3 {
            write(dir.path().join(at.to_string()), "x").unwrap();
        }
        drop_oldest(dir.path());
        let left = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, RECORDS_MAX - 1);
    }
}
