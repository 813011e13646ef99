//! Guesses which file of an old copy is which of the new one.
//!
//! What must stay true: no more than `GUESSES_MAX` are made for a file, and old copies are walked only
//! if something is not found at its path.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use swarmcopy_digest::merkle;
use swarmcopy_layout::{FileEntry, FileIndex, Platform};

use crate::Content;

/// Places tried for one file.
const GUESSES_MAX: usize = 4;
/// Old files that are looked at.
const OLD_FILES_MAX: usize = swarmcopy_layout::FILES_MAX;
/// Bytes read at a time to find the root of a file.
const READ_LEN: u64 = 4 << 20;

/// What lies in the old copies.
#[derive(Debug)]
pub(super) struct Index<'a> {
    content: &'a Content,
    roots: Vec<PathBuf>,
}

impl<'a> Index<'a> {
    /// Takes old trees (or, for a single file, old files), the best first.
    pub(super) fn new(content: &'a Content, roots: Vec<PathBuf>) -> Self {
        Self { content, roots }
    }

    /// By file: where it may lie, the best guess first. Only files that pass are looked for.
    pub(super) fn places(&self, is_needed: impl Fn(FileIndex) -> bool) -> Vec<Vec<PathBuf>> {
        let layout = &self.content.layout;
        let mut places: Vec<Vec<PathBuf>> = Vec::with_capacity(layout.files().len());
        let mut lost: Vec<(usize, &FileEntry)> = Vec::new();
        let mut settled = HashSet::new();
        for ((index, entry), at) in layout.files().zip(0..) {
            let (mut right, mut other) = (Vec::new(), Vec::new());
            if !entry.attributes().pad && !entry.is_empty() && is_needed(index) {
                for path in self.roots.iter().map(|root| self.path_in(root, entry)) {
                    match fs::metadata(&path) {
                        Ok(found) if found.is_file() && found.len() == entry.len() => {
                            right.push(path);
                        }
                        Ok(found) if found.is_file() => other.push(path),
                        _ => {}
                    }
                }
                settled.extend(right.iter().cloned());
                if right.is_empty() {
                    lost.push((at, entry));
                }
            }
            right.append(&mut other);
            places.push(right);
        }
        self.find_lost(&lost, &settled, &mut places);
        places
    }

    fn path_in(&self, root: &Path, entry: &FileEntry) -> PathBuf {
        if self.content.is_tree() {
            root.join(entry.path().to_path(Platform::HERE))
        } else {
            root.to_path_buf()
        }
    }

    /// Guesses by length, and by name or root.
    fn find_lost(
        &self,
        lost: &[(usize, &FileEntry)],
        settled: &HashSet<PathBuf>,
        places: &mut [Vec<PathBuf>],
    ) {
        if lost.is_empty() || !self.content.is_tree() {
            return;
        }
        let lens: BTreeSet<u64> = lost.iter().map(|(_, entry)| entry.len()).collect();
        let mut by_len: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
        let mut count = 0;
        for root in &self.roots {
            walk(root, &mut |path, len| {
                count += 1;
                if lens.contains(&len) && !settled.contains(&path) {
                    by_len.entry(len).or_default().push(path);
                }
                count < OLD_FILES_MAX
            });
        }
        let roots = self.roots_of_files();
        let torrent = self.content.torrent.as_ref();
        let piece_len = torrent.map_or(0, |it| u64::from(it.info.piece_length));
        let mut by_root = HashMap::new();
        for (len, old) in by_len.iter().filter(|(_, old)| old.len() > 1) {
            for path in old.iter().filter(|_| !roots.is_empty()) {
                let found = root_of(path, *len, piece_len);
                by_root.extend(found.map(|root| (root, path)));
            }
        }
        for (at, entry) in lost {
            let Some(guesses) = places.get_mut(*at) else {
                continue;
            };
            let root = roots.get(entry.path().as_str());
            let known = root.and_then(|root| by_root.get(root));
            let alike = by_len.get(&entry.len()).map(Vec::as_slice);
            let mut found = guess(entry, alike.unwrap_or_default());
            if let Some(known) = known {
                found = vec![(*known).clone()];
            }
            found.append(guesses);
            found.truncate(GUESSES_MAX);
            *guesses = found;
        }
    }

    /// The roots of the hash trees that the torrent names, by path.
    fn roots_of_files(&self) -> HashMap<String, [u8; 32]> {
        let torrent = self.content.torrent.iter();
        let files = torrent.flat_map(|torrent| &torrent.info.files);
        files
            .filter_map(|file| {
                let names: Vec<&str> = file.disk_path().collect();
                Some((names.join("/"), file.pieces_root?))
            })
            .collect()
    }
}

/// The files that are as long, those of the same name first.
fn guess(entry: &FileEntry, alike: &[PathBuf]) -> Vec<PathBuf> {
    let name = entry.path().to_path(Platform::HERE);
    let name = name.file_name();
    let is_named = |path: &&PathBuf| path.file_name() == name && name != Some(OsStr::new(""));
    let named = alike.iter().filter(is_named);
    let others = alike.iter().filter(|path| !is_named(path));
    named.chain(others).take(GUESSES_MAX).cloned().collect()
}

/// Calls `each` with every plain file below `root` and its length, as long as it says so. What can't
/// be read is left out; links are not followed.
fn walk(root: &Path, each: &mut dyn FnMut(PathBuf, u64) -> bool) {
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let listing = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in listing {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(found) = entry.metadata()
                && !each(entry.path(), found.len())
            {
                return;
            }
        }
    }
}

/// The root of the hash tree of a file (BEP 52).
fn root_of(path: &Path, len: u64, piece_len: u64) -> Option<[u8; 32]> {
    let file = File::open(path).ok()?;
    let mut layer = Vec::new();
    let mut at = 0;
    while at < len {
        let piece = piece_len.min(len - at);
        let mut parts = Vec::new();
        let mut read = 0;
        while read < piece {
            let part = READ_LEN.min(piece - read);
            let mut buffer = vec![0; usize::try_from(part).ok()?];
            swarmcopy_sys::io::read_exact_at(&file, &mut buffer, at + read).ok()?;
            parts.push(buffer);
            read += part;
        }
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        layer.push(merkle::piece_root(&slices, piece_len, len).ok()?);
        at += piece;
    }
    match layer.as_slice() {
        [root] => Some(*root),
        layer => merkle::layer_root(layer, piece_len).ok(),
    }
}
