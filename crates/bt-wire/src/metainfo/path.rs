//! File names from outside: made plain, and made unique.
//!
//! What must stay true: a name that passes is written as one component of a path on every system
//! that allows its characters; names that any sane tree has pass unchanged.

use super::{File, MetainfoError, RENAMES_MAX};

/// Longest file name, as most file systems have it: bytes, and on Windows units of UTF-16.
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
        name.extend(kept.map(|c| if c.is_control() { '_' } else { c }));
        if !chunk.invalid().is_empty() {
            name.push('_');
        }
    }
    let nothing = name.len() <= 2 && name.bytes().all(|byte| byte == b'.');
    (!nothing).then(|| shorten(name))
}

/// A path of plain names and the names that it was made of, both outermost first.
#[derive(Debug, Default)]
pub(super) struct Names<'d> {
    plain: Vec<String>,
    raw: Vec<&'d [u8]>,
}

impl<'d> Names<'d> {
    pub(super) fn push(&mut self, raw: &'d [u8]) {
        self.plain
            .push(plain_name(raw).unwrap_or_else(|| "_".to_owned()));
        self.raw.push(raw);
    }

    pub(super) fn pop(&mut self) {
        self.plain.pop();
        self.raw.pop();
    }

    pub(super) fn plain(&self) -> &[String] {
        &self.plain
    }

    /// The raw names, if one is not plain.
    pub(super) fn raw(&self) -> Vec<Vec<u8>> {
        raw_path(&self.plain, &self.raw)
    }
}

/// The raw names, if one differs from the plain one.
pub(super) fn raw_path(plain: &[String], raw: &[&[u8]]) -> Vec<Vec<u8>> {
    let same = |(plain, raw): (&String, &&[u8])| plain.as_bytes() == *raw;
    if plain.iter().zip(raw).all(same) {
        return Vec::new();
    }
    raw.iter().map(|name| name.to_vec()).collect()
}

fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            | '\0'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn shorten(name: String) -> String {
    let len = if cfg!(windows) {
        name.encode_utf16().count()
    } else {
        name.len()
    };
    if len <= NAME_LEN_MAX {
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
    for (index, name) in Paths::new(files).renames()? {
        if let Some(file) = files.get_mut(index) {
            file.renamed = Some(name);
        }
    }
    Ok(())
}

/// All paths but those of padding, sorted by their components, each with the index of its file.
/// A path is followed at once by its equals and then by what lies below it.
struct Paths<'a>(Vec<(&'a [String], usize)>);

impl<'a> Paths<'a> {
    fn new(files: &'a [File]) -> Self {
        let named = files.iter().enumerate().filter(|(_, file)| !file.pad);
        let mut paths: Vec<_> = named
            .map(|(index, file)| (file.path.as_slice(), index))
            .collect();
        paths.sort_unstable();
        Self(paths)
    }

    /// Chooses a name for every file that clashes, in the order of the files.
    fn renames(&self) -> Result<Vec<(usize, String)>, MetainfoError> {
        let too_many = || MetainfoError::field("info.files", "too many files have the same path");
        let mut clashes = self.clashes();
        if clashes.len() > RENAMES_MAX {
            return Err(too_many());
        }
        clashes.sort_unstable_by_key(|(_, index)| *index);
        let mut given: Vec<Vec<String>> = Vec::new();
        let mut names = Vec::new();
        for (path, index) in clashes {
            let (name, folder) = path.split_last().ok_or_else(too_many)?;
            let free = (1..=RENAMES_MAX)
                .map(|number| numbered(name, number))
                .find_map(|name| {
                    let candidate = [folder, std::slice::from_ref(&name)].concat();
                    let free = !self.is_taken(&candidate) && !given.contains(&candidate);
                    free.then_some((name, candidate))
                });
            let (name, candidate) = free.ok_or_else(too_many)?;
            given.push(candidate);
            names.push((index, name));
        }
        Ok(names)
    }

    fn clashes(&self) -> Vec<(&'a [String], usize)> {
        let mut clashes = Vec::new();
        let mut before: Option<&[String]> = None;
        for (at, (path, index)) in self.0.iter().enumerate() {
            let rest = self.0.get(at.saturating_add(1)..).unwrap_or_default();
            let below = rest.iter().find(|(next, _)| next != path);
            let folder = before != Some(*path) && below.is_some_and(|(b, _)| b.starts_with(path));
            if folder || before == Some(*path) {
                clashes.push((*path, *index));
            }
            if clashes.len() > RENAMES_MAX {
                break;
            }
            before = Some(path);
        }
        clashes
    }

    /// A file or a folder has this path.
    fn is_taken(&self, path: &[String]) -> bool {
        let at = self.0.partition_point(|(other, _)| *other < path);
        self.0
            .get(at)
            .is_some_and(|(other, _)| other.starts_with(path))
    }
}

fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{number}.{extension}"),
        None => format!("{name}.{number}"),
    }
}
