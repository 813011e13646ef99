//! The files that one reading thread keeps open.
//!
//! What must stay true: at most `HANDLES_MAX` per thread, the longest unused goes first.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use swarmcopy_layout::FileIndex;

use super::places;

/// Open files of all threads of a share together.
pub(super) const HANDLES_MAX: u32 = 64;

/// How a file will be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pattern {
    /// From front to back.
    Forward,
    /// Here and there, because others read it too.
    Scattered,
}

/// Open files, the last used first.
#[derive(Debug)]
pub(super) struct Handles {
    open: VecDeque<(FileIndex, File)>,
    max: usize,
}

impl Handles {
    /// Keeps at most its part of [`HANDLES_MAX`] where `threads` share them.
    pub(super) fn new(threads: u32) -> Self {
        let max = usize::try_from(HANDLES_MAX / threads.max(1))
            .unwrap_or(1)
            .max(1);
        Self {
            open: VecDeque::with_capacity(max),
            max,
        }
    }

    /// The open file, opened at the first of `places` where it lies if it was not.
    pub(super) fn get(
        &mut self,
        index: FileIndex,
        places: &dyn Fn() -> Vec<PathBuf>,
        pattern: Pattern,
    ) -> io::Result<&File> {
        let known = self.open.iter().position(|(open, _)| *open == index);
        let entry = match known.and_then(|at| self.open.remove(at)) {
            Some(entry) => entry,
            None => (index, places::first(&places(), |path| open(path, pattern))?),
        };
        self.open.truncate(self.max.saturating_sub(1));
        self.open.push_front(entry);
        match self.open.front() {
            Some((_, file)) => Ok(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Closes a file, so that it is opened anew.
    pub(super) fn forget(&mut self, index: FileIndex) {
        self.open.retain(|(open, _)| *open != index);
    }
}

fn open(path: &Path, pattern: Pattern) -> io::Result<File> {
    if pattern == Pattern::Forward {
        return swarmcopy_sys::hints::open_forward(path);
    }
    let file = File::open(path)?;
    // only a hint: a file system that does not take it is read all the same
    let _ = swarmcopy_sys::hints::random_access(&file);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    #[test]
    fn the_longest_unused_handle_is_closed_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = Layout::builder(16);
        for at in 0..3 {
            std::fs::write(folder.path().join(format!("f{at}")), b"x").unwrap();
            builder = builder.file(RelPath::parse(&format!("f{at}")).unwrap(), 1);
        }
        let layout = builder.build().unwrap();
        let files: Vec<_> = layout.files().map(|file| file.0).collect();
        let mut handles = Handles {
            open: VecDeque::new(),
            max: 2,
        };
        for at in [0, 1, 0, 2] {
            let path = folder.path().join(format!("f{at}"));
            let places = || vec![path.clone()];
            handles.get(files[at], &places, Pattern::Scattered).unwrap();
        }
        let open: Vec<_> = handles.open.iter().map(|entry| entry.0).collect();
        assert_eq!(open, [files[2], files[0]]);
        handles.forget(files[2]);
        assert_eq!(handles.open.len(), 1);
        assert_eq!(Handles::new(1000).max, 1);
    }
}
