//! Makes a .torrent of a file or a tree.
//!
//! The way: walk the tree, sort it, choose the piece length, hash all pieces with several threads,
//! look again whether a file was changed meanwhile, write the .torrent under a temporary name and
//! rename it. What must stay true: the same tree, name and piece length give the same info-hash
//! as mktorrent and libtorrent give (files sorted by the bytes of the whole path, empty files kept,
//! no attributes), and no .torrent is left behind that does not fit what was read.

mod distinct;
mod hash;
mod metalink;
mod options;
mod piece_len;
mod save;
#[cfg(test)]
mod tests;
mod torrent;
mod walk;
mod whole;

pub use options::{Format, Made, MakeOptions, MakeProgress, Overwrite};
pub use piece_len::PieceLen;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use swarmcopy_layout::{Attributes, FileIndex, Layout, LayoutBuilder, RelPath};

use self::hash::{Plan, Whole};
use self::walk::{Exclude, Found, Stamp, Walk, unreadable};
use self::whole::{FileHashes, Hasher};
use crate::{Error, ErrorKind};

/// Hashes a file or a tree and writes its .torrent.
///
/// Blocks until all is hashed: call it from a thread that may block. `progress` is called from the
/// hashing threads, every 4 MiB or more often.
///
/// # Errors
/// [`ErrorKind::Usage`] for options that make no sense, [`ErrorKind::Disk`] when the .torrent can't
/// be written, [`ErrorKind::Failed`] when the tree can't be read or was changed while it was.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("CS5"), b"the whole suite")?;
/// let mut options = swarmcopy::MakeOptions::new(dir.path().join("CS5"));
/// options.trackers.push("http://lab.example:6969/announce".into());
/// let made = swarmcopy::make(&options, &|progress| assert!(progress.hashed <= progress.bytes))?;
/// assert_eq!(made.torrent, dir.path().join("CS5.torrent"));
/// assert_eq!((made.files, made.bytes, made.pieces), (1, 15, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn make(
    options: &MakeOptions,
    progress: &(dyn Fn(MakeProgress) + Sync),
) -> Result<Made, Error> {
    let start = Instant::now();
    options.check()?;
    let root = fs::canonicalize(&options.source).map_err(|e| unreadable(&options.source, &e))?;
    let name = content_name(options, &root)?;
    let out = out_path(options, &root, &name)?;
    save::check(&out, options.overwrite)?;
    if let Some(metalink) = &options.metalink {
        save::check(metalink, options.overwrite)?;
    }
    let walk = find(&root, &name, options, &out)?;
    let files = sorted(walk.files, options.format);
    let bytes = files
        .iter()
        .map(|file| file.stamp.len)
        .fold(0, u64::saturating_add);
    if bytes == 0 {
        let message = format!(
            "{} holds no byte that could be shared",
            options.source.display()
        );
        return Err(Error::new(ErrorKind::Failed, message));
    }
    let (layout, paths) = lay_out(&files, options.piece_len.of(bytes)?, options.format)?;
    let plan = Plan {
        layout: &layout,
        paths: &paths,
        format: options.format,
        threads: options.threads(),
        whole: Whole::wanted(options),
    };
    let mut hashes = hash::hash(&plan, progress)?;
    let of_files = std::mem::take(&mut hashes.files);
    let document = options.metalink.as_ref().map(|_| {
        metalink::document(&metalink::Subject {
            options,
            name: &name,
            files: &files,
            hashes: in_order(&layout, &of_files),
            tree: root.is_dir(),
            torrent: &out.file_name().unwrap_or_default().to_string_lossy(),
        })
    });
    let document = document.transpose()?;
    check_unchanged(&files)?;
    let form = if root.is_dir() {
        torrent::Form::Tree
    } else {
        torrent::Form::SingleFile
    };
    let built = torrent::build(options, &name, form, &layout, hashes)?;
    save::save(&out, &built.bytes)?;
    if let (Some(path), Some(document)) = (&options.metalink, document) {
        save::save(path, document.as_bytes())?;
    }
    if let Some(slots) = options.slots {
        save::make_slots(&out, slots)?;
    }
    Ok(Made {
        torrent: out,
        metalink: options.metalink.clone(),
        name,
        info_hash: built.torrent.info.info_hash_v1,
        info_hash_v2: built.torrent.info.info_hash_v2,
        piece_len: layout.piece_len(),
        pieces: layout.pieces(),
        files: files.len(),
        bytes,
        elapsed: start.elapsed(),
        warnings: [options.logins(), walk.warnings].concat(),
    })
}

/// The name of the content: as told, else of the path as given, else (for `.`) of what it means.
fn content_name(options: &MakeOptions, root: &Path) -> Result<String, Error> {
    let refused = |why: String| {
        let message = format!(
            "cannot name the content of {}: {why}",
            options.source.display()
        );
        Error::new(ErrorKind::Usage, message).with_hint("give a name with --name")
    };
    let name = match &options.name {
        Some(name) => name.clone(),
        None => options
            .source
            .file_name()
            .or_else(|| root.file_name())
            .ok_or_else(|| refused("it has no name of its own".to_owned()))?
            .to_str()
            .ok_or_else(|| refused("its name is not UTF-8".to_owned()))?
            .to_owned(),
    };
    RelPath::from_names([&name]).map_err(|error| refused(error.to_string()))?;
    Ok(name)
}

/// Where the .torrent goes, its folder canonical so that it is recognised inside the tree.
fn out_path(options: &MakeOptions, root: &Path, name: &str) -> Result<PathBuf, Error> {
    let missing = |path: &Path| {
        Error::new(
            ErrorKind::Disk,
            format!("cannot write to {}: no such folder", path.display()),
        )
    };
    let Some(out) = &options.torrent else {
        let beside = match options.source.file_name() {
            Some(_) => options.source.parent(),
            None => root.parent(),
        };
        return Ok(beside
            .unwrap_or(Path::new(""))
            .join(format!("{name}.torrent")));
    };
    if out.is_dir() {
        return Ok(out.join(format!("{name}.torrent")));
    }
    let folder = save::folder_of(out);
    if folder.is_dir() {
        Ok(out.clone())
    } else {
        Err(missing(folder))
    }
}

fn find(root: &Path, name: &str, options: &MakeOptions, out: &Path) -> Result<Walk, Error> {
    let mut own = save::own_paths(out);
    own.extend(
        options
            .metalink
            .iter()
            .flat_map(|path| save::own_paths(path)),
    );
    let exclude = Exclude::new(&options.exclude, own)?;
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    if metadata.is_dir() {
        return walk::walk(root, &exclude);
    }
    if !metadata.is_file() {
        let message = format!("{} is neither file nor folder", root.display());
        return Err(Error::new(ErrorKind::Failed, message));
    }
    let rel = RelPath::from_names([name])
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    let file = Found {
        path: root.to_path_buf(),
        rel,
        stamp: Stamp::of(&metadata),
    };
    Ok(Walk {
        files: vec![file],
        warnings: Vec::new(),
    })
}

/// Version 1 sorts by the bytes of the whole path, version 2 by the names in it.
fn sorted(mut files: Vec<Found>, format: Format) -> Vec<Found> {
    if format.has_roots() {
        files.sort_by(|a, b| a.rel.names().cmp(b.rel.names()));
    } else {
        files.sort_by(|a, b| a.rel.cmp(&b.rel));
    }
    files
}

/// Lays the files out, aligned to pieces by pads where the format has roots.
fn lay_out(
    files: &[Found],
    piece_len: u64,
    format: Format,
) -> Result<(Layout, Vec<Option<&Path>>), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Failed, error.to_string());
    let mut builder: LayoutBuilder = Layout::builder(piece_len);
    let mut paths = Vec::with_capacity(files.len());
    let last = files.iter().rposition(|file| file.stamp.len > 0);
    for (at, file) in files.iter().enumerate() {
        builder.push(file.rel.clone(), file.stamp.len, Attributes::default());
        paths.push(Some(file.path.as_path()));
        let rest = file.stamp.len % piece_len;
        if format.has_roots() && rest > 0 && last.is_some_and(|last| at < last) {
            let pad = piece_len - rest;
            let path = RelPath::from_names([".pad", &pad.to_string()]).map_err(|e| failed(&e))?;
            builder.push(path, pad, Attributes::pad());
            paths.push(None);
        }
    }
    let layout = builder
        .build()
        .map_err(|error| failed(&error).with_hint("a longer --piece-length gives fewer pieces"))?;
    Ok((layout, paths))
}

/// The hashes of the files in the layout's order, empty ones too, without pads.
fn in_order(layout: &Layout, hashes: &BTreeMap<FileIndex, FileHashes>) -> Vec<FileHashes> {
    let files = layout.files().filter(|(_, file)| !file.attributes().pad);
    let of_file = |index| hashes.get(&index).cloned();
    files
        .map(|(index, _)| of_file(index).unwrap_or_else(|| Hasher::new(0).finish()))
        .collect()
}

/// Fails if a file is not as it was found before its bytes were read.
fn check_unchanged(files: &[Found]) -> Result<(), Error> {
    for file in files {
        let metadata = fs::metadata(&file.path).map_err(|error| unreadable(&file.path, &error))?;
        if Stamp::of(&metadata) != file.stamp {
            return Err(hash::changed(&file.path));
        }
    }
    Ok(())
}
