//! File names from outside: made plain, and made unique.
//!
//! What must stay true: a name that passes is written as one component of a path on every system
//! that allows its characters; names that any sane tree has pass unchanged.

use std::collections::BTreeSet;

use super::{File, MetainfoError, RENAMES_MAX};

/// Longest file name in bytes, as most file systems have it.
const NAME_LEN_MAX: usize = 255;
/// Where longer names are cut, before their extension is put back.
const NAME_LEN_CUT: usize = 240;
/// Longest extension that is put back, its dot included.
const EXTENSION_LEN_MAX: usize = 9;

/// Makes a plain name: separators, NUL and marks that turn the writing direction are dropped, other
/// control characters and bytes that aren't UTF-8 become `_`. `None` if nothing but dots is left.
pub(super) fn plain_name(raw: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        let kept = chunk.valid().chars().filter(|c| !is_dropped(*c));
        name.extend(kept.map(|c| if c < ' ' { '_' } else { c }));
        if !chunk.invalid().is_empty() {
            name.push('_');
        }
    }
    let nothing = name.len() <= 2 && name.bytes().all(|byte| byte == b'.');
    (!nothing).then(|| shorten(name))
}

fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '/' | '\\' | '\0' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
    )
}

fn shorten(name: String) -> String {
    if name.len() <= NAME_LEN_MAX {
        return name;
    }
    let head = name
        .get(..name.floor_char_boundary(NAME_LEN_CUT))
        .unwrap_or_default();
    let extension = name
        .rfind('.')
        .and_then(|dot| name.get(dot..))
        .unwrap_or_default();
    let extension = Some(extension).filter(|text| text.len() <= EXTENSION_LEN_MAX);
    format!("{head}{}", extension.unwrap_or_default())
}

/// Gives files that clash with an earlier file or a folder another name on disk. Names that differ
/// in case only don't clash here: a writer on such a disk must look for itself.
pub(super) fn make_unique(files: &mut [File]) -> Result<(), MetainfoError> {
    if !any_clash(files) {
        return Ok(());
    }
    let mut taken = BTreeSet::new();
    for file in files.iter().filter(|file| !file.pad) {
        let mut folders = file.path.as_slice();
        while let Some((_, rest)) = folders.split_last().filter(|(_, rest)| !rest.is_empty()) {
            taken.insert(rest.to_vec());
            folders = rest;
        }
    }
    let mut tries = 0;
    for file in files.iter_mut().filter(|file| !file.pad) {
        let mut path = file.path.clone();
        for number in 1_u32.. {
            if taken.insert(path.clone()) {
                break;
            }
            tries += 1;
            if tries > RENAMES_MAX {
                return Err(MetainfoError::field(
                    "info.files",
                    "too many files have the same path",
                ));
            }
            let name = numbered(
                file.path.last().map(String::as_str).unwrap_or_default(),
                number,
            );
            path.pop();
            path.push(name.clone());
            file.renamed = Some(name);
        }
    }
    Ok(())
}

/// Sorted by components, a path is followed at once by its equals and by what lies below it.
fn any_clash(files: &[File]) -> bool {
    let mut paths: Vec<_> = files
        .iter()
        .filter(|f| !f.pad)
        .map(|f| f.path.as_slice())
        .collect();
    paths.sort_unstable();
    paths
        .iter()
        .zip(paths.iter().skip(1))
        .any(|(path, next)| next.starts_with(path))
}

fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{number}.{extension}"),
        None => format!("{name}.{number}"),
    }
}
