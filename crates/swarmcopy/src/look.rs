//! Finding a content by its look: folders of another name that hold its files.
//!
//! What must stay true: a look is a guess, cheap and without reading; every byte that comes of it is verified.

use std::path::{Path, PathBuf};

use swarmcopy_layout::{Platform, RelPath};

use crate::verify::locate;
use crate::{Content, Error};

/// Files of a tree that are looked for when a folder may be the content's own.
const LOOKED_FOR_MAX: usize = 16;
/// Entries of a folder that may be the content under another name.
const CANDIDATES_MAX: usize = 1000;

impl Content {
    /// What in `folder` looks like the content though it has another name, as after `make --name`. Blocks.
    pub fn find_in(&self, folder: &Path) -> Option<PathBuf> {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
            .ok()?
            .take(CANDIDATES_MAX)
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        entries.sort_unstable();
        entries.into_iter().find(|path| self.looks_like(path))
    }

    /// Whether half of the first files, or more, lie below `at` with their lengths.
    fn looks_like(&self, at: &Path) -> bool {
        let len = |path: &Path| {
            path.metadata()
                .ok()
                .filter(std::fs::Metadata::is_file)
                .map(|it| it.len())
        };
        if !self.is_tree() {
            return len(at) == Some(self.layout().bytes());
        }
        let files = self.layout().files().map(|(_, file)| file);
        let files = files.filter(|file| !file.attributes().pad && !file.is_empty());
        let (mut all, mut right) = (0, 0);
        for file in files.take(LOOKED_FOR_MAX) {
            all += 1;
            let found = len(&at.join(file.path().to_path(Platform::HERE)));
            right += usize::from(found == Some(file.len()));
        }
        right > 0 && right * 2 >= all
    }
}

/// Does as [`locate`], and looks for the content under another name where it is not there.
pub(crate) fn locate_by_look(content: &Content, at: &Path) -> Result<(PathBuf, RelPath), Error> {
    let (folder, name) = locate(content, at)?;
    if folder.join(name.to_path(Platform::HERE)).exists() {
        return Ok((folder, name));
    }
    let other = content.find_in(&folder);
    let other = other.and_then(|path| RelPath::from_names([path.file_name()?.to_str()?]).ok());
    Ok((folder, other.unwrap_or(name)))
}
