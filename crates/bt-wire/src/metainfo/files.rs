//! The two forms of a file list: `files`/`length` (BEP 3, 47) and `file tree` (BEP 52).
//!
//! What must stay true: the tree is walked with an explicit stack; sums never overflow.

use super::path::{Names, plain_name, raw_path};
use super::{FILES_MAX, File, MetainfoError, PATH_DEPTH_MAX, PATH_NAMES_MAX};
use crate::bencode::{Dict, Kind, List, Value};

/// Largest length of all files together.
const TOTAL_LEN_MAX: u64 = 1 << 48;

/// Reads the `files` list of version 1.
pub(super) fn read_list(list: List<'_>) -> Result<Vec<File>, MetainfoError> {
    let mut files = Vec::new();
    let mut names = 0;
    for (index, entry) in list.enumerate() {
        let file = read_entry(&entry, index)?;
        check_count(index, &mut names, &file.path)?;
        files.push(file);
    }
    Ok(files)
}

/// Reads the one file of a version 1 torrent that has `length`.
pub(super) fn read_single(info: &Value<'_>, name: &str, raw: &[u8]) -> Result<File, MetainfoError> {
    let path = vec![name.to_owned()];
    let mut file = File {
        raw_path: raw_path(&path, &[raw]),
        path,
        ..File::default()
    };
    read_attributes(info, &mut file, "info")?;
    if file.symlink.is_none() {
        file.len = read_len(info, "info")?;
    }
    Ok(file)
}

/// Reads the `file tree` of version 2 and puts the padding between the files that version 1 has
/// explicitly. `single` says whether the tree is one file and not a folder.
pub(super) fn read_tree(
    tree: &Value<'_>,
    piece_len: u32,
    has_list: bool,
) -> Result<(Vec<File>, bool), MetainfoError> {
    let mut walk = Walk {
        folders: Vec::new(),
        path: Names::default(),
        files: Vec::new(),
        names: 0,
    };
    let root = tree
        .as_dict()
        .ok_or_else(|| MetainfoError::field(TREE, "not a dictionary"))?;
    walk.run(root)?;
    let single = !has_list && walk.files.len() == 1 && walk.files.iter().all(|f| f.path.len() == 1);
    let files = if single {
        walk.files
    } else {
        pad(walk.files, piece_len)
    };
    Ok((files, single))
}

/// Adds up the lengths.
pub(super) fn total_len(files: &[File]) -> Result<u64, MetainfoError> {
    let total = files
        .iter()
        .try_fold(0_u64, |sum, file| sum.checked_add(file.len));
    total
        .filter(|total| *total <= TOTAL_LEN_MAX)
        .ok_or_else(|| MetainfoError::field("info.length", "the files together are too long"))
}

const TREE: &str = "info.file tree";

/// Counts a file that is about to be kept, and the names in its path.
fn check_count(count: usize, names: &mut usize, path: &[String]) -> Result<(), MetainfoError> {
    *names = names.saturating_add(path.len());
    if count < FILES_MAX && *names <= PATH_NAMES_MAX {
        Ok(())
    } else {
        Err(MetainfoError::field("info.files", "too many files"))
    }
}

fn read_entry(entry: &Value<'_>, index: usize) -> Result<File, MetainfoError> {
    let field = |name: &str| format!("info.files[{index}]{name}");
    if entry.kind() != Kind::Dict {
        return Err(MetainfoError::field(field(""), "not a dictionary"));
    }
    let mut file = File::default();
    read_attributes(entry, &mut file, &field(""))?;
    // a link without a target is an empty file (BEP 47 leaves it open)
    let link = entry
        .find(b"attr")
        .and_then(|v| v.as_bytes())
        .is_some_and(|a| a.contains(&b'l'));
    file.len = if link {
        0
    } else {
        read_len(entry, &field(""))?
    };
    let path = entry
        .find(b"path.utf-8")
        .filter(|path| path.kind() == Kind::List);
    let path = path
        .or_else(|| entry.find(b"path"))
        .and_then(|path| path.as_list());
    let names = path
        .map(|path| read_path(path, &field(".path")))
        .transpose()?
        .unwrap_or_default();
    file.raw_path = names.raw();
    file.path = if names.plain().is_empty() && file.pad {
        File::padding(file.len).path
    } else {
        names.plain().to_vec()
    };
    if file.path.is_empty() {
        return Err(MetainfoError::field(field(".path"), "missing or empty"));
    }
    // the name that BitComet gave to padding before BEP 47
    file.pad |= file
        .path
        .iter()
        .any(|name| name.contains("_____padding_file_"));
    Ok(file)
}

fn read_len(entry: &Value<'_>, field: &str) -> Result<u64, MetainfoError> {
    let len = entry.find(b"length").and_then(|len| len.as_uint::<u64>());
    len.filter(|len| *len <= TOTAL_LEN_MAX).ok_or_else(|| {
        MetainfoError::field(format!("{field}.length"), "missing, negative or too large")
    })
}

fn read_path<'d>(list: List<'d>, field: &str) -> Result<Names<'d>, MetainfoError> {
    let mut names = Names::default();
    for name in list {
        let raw = name
            .as_bytes()
            .ok_or_else(|| MetainfoError::field(field, "not a string"))?;
        names.push(raw);
        if names.plain().len() > PATH_DEPTH_MAX {
            return Err(MetainfoError::field(field, "too many folders"));
        }
    }
    Ok(names)
}

fn read_attributes(entry: &Value<'_>, file: &mut File, field: &str) -> Result<(), MetainfoError> {
    let attr = entry
        .find(b"attr")
        .and_then(|attr| attr.as_bytes())
        .unwrap_or_default();
    file.pad = attr.contains(&b'p');
    file.executable = attr.contains(&b'x');
    file.hidden = attr.contains(&b'h');
    file.mtime = entry.find(b"mtime").and_then(|time| time.as_int());
    if let Some(list) = entry.find(b"symlink path").and_then(|list| list.as_list())
        && attr.contains(&b'l')
    {
        let mut names = Vec::new();
        for name in list.take(PATH_DEPTH_MAX) {
            let field = || MetainfoError::field(format!("{field}.symlink path"), "not a string");
            names.extend(plain_name(name.as_bytes().ok_or_else(field)?));
        }
        file.symlink = Some(names);
    }
    Ok(())
}

/// The walk through a file tree: the folders that are open and the names that lead to them.
struct Walk<'d> {
    folders: Vec<Dict<'d>>,
    path: Names<'d>,
    files: Vec<File>,
    names: usize,
}

impl<'d> Walk<'d> {
    fn run(&mut self, root: Dict<'d>) -> Result<(), MetainfoError> {
        self.folders.push(root);
        while let Some(folder) = self.folders.last_mut() {
            if let Some((name, value)) = folder.next() {
                self.enter(name, &value)?;
            } else {
                self.folders.pop();
                self.path.pop();
            }
        }
        Ok(())
    }

    fn enter(&mut self, name: &'d [u8], value: &Value<'d>) -> Result<(), MetainfoError> {
        let children = value.as_dict().filter(|_| !name.is_empty());
        let children =
            children.ok_or_else(|| MetainfoError::field(TREE, "an entry is no file or folder"))?;
        self.path.push(name);
        let mut entries = children.clone();
        match (entries.next(), entries.next()) {
            (Some(([], file)), None) => {
                check_count(self.files.len(), &mut self.names, self.path.plain())?;
                self.files.push(read_leaf(&file, &self.path)?);
                self.path.pop();
            }
            _ => self.folders.push(children),
        }
        Ok(())
    }
}

fn read_leaf(entry: &Value<'_>, path: &Names<'_>) -> Result<File, MetainfoError> {
    let field = format!("{TREE}.{}", path.plain().join("/"));
    if entry.kind() != Kind::Dict {
        return Err(MetainfoError::field(field, "not a dictionary"));
    }
    let mut file = File {
        path: path.plain().to_vec(),
        raw_path: path.raw(),
        ..File::default()
    };
    read_attributes(entry, &mut file, &field)?;
    if file.pad {
        return Err(MetainfoError::field(
            field,
            "padding has no place in a file tree",
        ));
    }
    let attr = entry
        .find(b"attr")
        .and_then(|attr| attr.as_bytes())
        .unwrap_or_default();
    if attr.contains(&b'l') {
        return Ok(file);
    }
    file.len = read_len(entry, &field)?;
    if file.len > 0 {
        let root = entry
            .find(b"pieces root")
            .and_then(|root| root.as_array::<32>());
        let root = root.filter(|root| *root != [0; 32]);
        file.pieces_root = Some(root.ok_or_else(|| {
            MetainfoError::field(format!("{field}.pieces root"), "missing or malformed")
        })?);
    }
    Ok(file)
}

fn pad(files: Vec<File>, piece_len: u32) -> Vec<File> {
    let mut padded = Vec::with_capacity(files.len());
    for file in files {
        let rest = file
            .len
            .checked_rem(u64::from(piece_len))
            .unwrap_or_default();
        padded.push(file);
        if rest > 0 {
            padded.push(File::padding(u64::from(piece_len).saturating_sub(rest)));
        }
    }
    padded
}
