//! A tree as `rsync -aH --delete` would compare it, as lines of text.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use swarmcopy_sys::attributes::modified;

/// One line for each file, folder and link, `root` itself included; names of one file name the first.
pub(crate) fn look(root: &Path) -> Vec<String> {
    let mut paths = vec![root.to_owned()];
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        at += 1;
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            let below = fs::read_dir(path).unwrap();
            paths.extend(below.map(|entry| entry.unwrap().path()));
        }
    }
    paths.sort();
    let mut firsts: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let line = |path: &PathBuf| {
        let found = fs::symlink_metadata(path).unwrap();
        let shown = path.strip_prefix(root).unwrap();
        let (mode, time) = (found.mode(), modified(&found));
        let what = if found.is_symlink() {
            format!("-> {}", fs::read_link(path).unwrap().display())
        } else if found.is_dir() {
            "folder".to_owned()
        } else {
            let first = firsts
                .entry(found.ino())
                .or_insert_with(|| shown.to_owned());
            let sum = fs::read(path).unwrap().iter().fold(0_u64, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
            });
            format!("{} bytes, {sum:x}, as {}", found.len(), first.display())
        };
        format!("{} {mode:o} {time} {what}", shown.display())
    };
    paths.iter().map(line).collect()
}
