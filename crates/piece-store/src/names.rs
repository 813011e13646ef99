//! Names that a disk would take for one.
//!
//! What must stay true: names are compared as they are stored, not as the content has them, and
//! only those of files that are stored count.

use std::collections::HashMap;

use swarmcopy_layout::{FileIndex, Layout, Platform, RelPath};

use crate::error::StoreError;

/// Refuses two files of those that are `wanted` that a disk of `platform` which folds names would
/// take for one, or a file where another needs a folder.
pub(crate) fn check(
    layout: &Layout,
    platform: Platform,
    wanted: &dyn Fn(FileIndex) -> bool,
) -> Result<(), StoreError> {
    let mut seen: HashMap<String, (&RelPath, bool)> = HashMap::new();
    let files = layout.files();
    let stored = files.filter(|(index, file)| !file.attributes().pad && wanted(*index));
    for (_, file) in stored {
        let key = file.path().fold_key(platform);
        let same = |first: &RelPath| StoreError::SameName {
            first: first.clone(),
            second: file.path().clone(),
        };
        for (at, _) in key.match_indices('/') {
            let folder = key.get(..at).unwrap_or_default();
            let entry = seen.entry(folder.to_owned()).or_insert((file.path(), true));
            if !entry.1 {
                return Err(same(entry.0));
            }
        }
        if let Some((first, _)) = seen.insert(key, (file.path(), false)) {
            return Err(same(first));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(paths: &[&str]) -> Layout {
        let mut builder = Layout::builder(1000);
        for path in paths {
            builder = builder.file(RelPath::parse(path).unwrap(), 100);
        }
        builder.build().unwrap()
    }

    fn all(paths: &[&str]) -> Result<(), StoreError> {
        check(&layout(paths), Platform::Windows, &|_| true)
    }

    #[test]
    fn names_that_fold_together_are_found() {
        for clash in [["Docs/a", "docs/A"], ["a", "A/b"], ["A/b", "a"]] {
            let error = all(&clash).unwrap_err();
            assert!(matches!(error, StoreError::SameName { .. }), "{clash:?}");
        }
        all(&["Docs/a", "docs/b", "c"]).unwrap();
    }

    #[test]
    fn names_that_are_stored_apart_are_two_files() {
        all(&["CON", "%43ON", "a?", "a%3F", "t.", "t%2E"]).unwrap();
        assert!(all(&["a%3F", "A%3f"]).is_err());
    }

    #[test]
    fn only_wanted_files_count() {
        let layout = layout(&["Makefile", "makefile", "c"]);
        let but_second = |file: FileIndex| file.value() != 1;
        check(&layout, Platform::Windows, &but_second).unwrap();
        assert!(check(&layout, Platform::Windows, &|_| true).is_err());
    }
}
