//! The files of a recording: the first, and further ones when it is full.
//!
//! What must stay true: a recording takes at most [`PARTS_MAX`] files of [`PART_LEN_MAX`] bytes; its beginning, without
//! which nothing can be played again, is always kept, and so is what came last.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Most bytes in one file.
pub(crate) const PART_LEN_MAX: u64 = 32 << 20;
/// Most files.
pub(crate) const PARTS_MAX: u64 = 8;

/// The files, open at the last.
#[derive(Debug)]
pub(crate) struct Parts {
    path: PathBuf,
    file: BufWriter<File>,
    number: u64,
    len: u64,
    len_max: u64,
}

impl Parts {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Self::create_with(path, PART_LEN_MAX)
    }

    pub(crate) fn create_with(path: &Path, len_max: u64) -> io::Result<Self> {
        for old in existing(path).into_iter().skip(1) {
            fs::remove_file(old)?;
        }
        Ok(Self {
            file: BufWriter::new(File::create(path)?),
            path: path.to_owned(),
            number: 1,
            len: 0,
            len_max,
        })
    }

    /// Writes a block; no block is ever cut.
    pub(crate) fn write(&mut self, block: &[u8]) -> io::Result<()> {
        let len = u64::try_from(block.len()).unwrap_or(u64::MAX);
        if self.len > 0 && self.len.saturating_add(len) > self.len_max {
            self.turn()?;
        }
        self.file.write_all(block)?;
        self.file.flush()?;
        self.len = self.len.saturating_add(len);
        Ok(())
    }

    pub(crate) fn close(mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Goes on in the next file; the oldest but the first makes room.
    fn turn(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.number += 1;
        self.file = BufWriter::new(File::create(part(&self.path, self.number))?);
        self.len = 0;
        if let Some(old) = self.number.checked_sub(PARTS_MAX).filter(|old| *old > 0) {
            fs::remove_file(part(&self.path, old + 1))?;
        }
        Ok(())
    }
}

/// The file with this number.
fn part(path: &Path, number: u64) -> PathBuf {
    let mut path = path.to_owned();
    if number > 1 {
        path.as_mut_os_string().push(format!(".{number}"));
    }
    path
}

/// The files that are there, in their order; the first is `path` itself.
pub(crate) fn existing(path: &Path) -> Vec<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let number_of = |entry: &fs::DirEntry| -> Option<u64> {
        let other = entry.file_name();
        let number = other.to_str()?.strip_prefix(name)?.strip_prefix('.')?;
        number.parse().ok().filter(|number| *number > 1)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = entries.filter_map(|entry| number_of(&entry)).collect();
    numbers.sort_unstable();
    let first = std::iter::once(path.to_owned());
    first
        .chain(numbers.into_iter().map(|number| part(path, number)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rec");
        fs::write(dir.path().join("rec.7"), "old").unwrap();
        fs::write(dir.path().join("rec.txt"), "another's").unwrap();
        let mut parts = Parts::create_with(&path, 10).unwrap();
        for block in 0..20u8 {
            parts.write(&[block; 10]).unwrap();
        }
        parts.close().unwrap();
        let read = existing(&path)
            .iter()
            .map(|it| fs::read(it).unwrap()[0])
            .collect::<Vec<_>>();
        assert_eq!(read, [0, 13, 14, 15, 16, 17, 18, 19]);
        assert!(dir.path().join("rec.txt").exists());
    }
}
