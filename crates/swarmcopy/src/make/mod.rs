//! Makes a .torrent of a file or a tree.
//!
//! The way: walk the tree, sort it, choose the piece length, hash all pieces with several threads,
//! look again whether a file was changed meanwhile, write the .torrent under a temporary name and
//! rename it. What must stay true: the same tree, name and piece length give the same info-hash
//! as mktorrent and libtorrent give (files sorted by the bytes of the whole path, empty files kept,
//! no attributes in version 1; those of BEP 47 in version 2), and no .torrent is left behind that does not fit what was read.

mod after;
mod distinct;
mod hash;
mod links;
mod metalink;
mod names;
mod options;
mod piece_len;
mod save;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_after;
mod torrent;
mod walk;
mod whole;

pub use options::{Format, Links, Made, MakeOptions, MakeProgress, Names, Overwrite};
pub use piece_len::PieceLen;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use swarmcopy_layout::{Attributes, FileIndex, Layout, LayoutBuilder, RelPath};

use self::after::Before;
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
    let source = Source::look(options, progress)?;
    let (layout, paths) = source.lay_out(options)?;
    let before = source.before.as_ref();
    let known = before.map(|before| before.known(&layout, &source.files));
    let plan = Plan {
        layout: &layout,
        paths: &paths,
        format: options.format,
        threads: options.threads(),
        whole: Whole::wanted(options),
        known: &known.unwrap_or_default(),
    };
    let mut hashes = hash::hash(&plan, progress)?;
    let of_files = std::mem::take(&mut hashes.files);
    let document = options.metalink.as_ref().map(|_| {
        metalink::document(&metalink::Subject {
            options,
            name: &source.name,
            files: &source.files,
            hashes: in_order(&layout, &of_files),
            tree: source.root.is_dir(),
            torrent: &source.out.file_name().unwrap_or_default().to_string_lossy(),
        })
    });
    let document = document.transpose()?;
    check_unchanged(&source.files)?;
    let subject = torrent::Subject {
        options,
        name: &source.name,
        form: source.form(),
        layout: &layout,
        tree: table::table(
            &source.walk,
            &source.files,
            options.acl.then_some(source.root.as_path()),
        )?,
    };
    let built = torrent::build(subject, hashes)?;
    save::save(&source.out, &built.bytes)?;
    if let (Some(path), Some(document)) = (&options.metalink, document) {
        save::save(path, document.as_bytes())?;
    }
    if let Some(slots) = options.slots {
        save::make_slots(&source.out, slots)?;
    }
    Ok(Made {
        torrent: source.out,
        metalink: options.metalink.clone(),
        name: source.name,
        info_hash: built.torrent.info.info_hash_v1,
        info_hash_v2: built.torrent.info.info_hash_v2,
        piece_len: layout.piece_len(),
        pieces: layout.pieces(),
        files: source.files.len(),
        bytes: layout.bytes(),
        elapsed: start.elapsed(),
        warnings: [options.logins(), source.walk.warnings].concat(),
    })
}

/// What was found, and where the .torrent goes.
struct Source {
    root: PathBuf,
    name: String,
    out: PathBuf,
    /// Without the files.
    walk: Walk,
    /// In their order in the content.
    files: Vec<Found>,
    before: Option<Before>,
}

impl Source {
    /// Finds everything, before hours of hashing.
    fn look(options: &MakeOptions, progress: &dyn Fn(MakeProgress)) -> Result<Self, Error> {
        let unreadable = |error| unreadable(&options.source, &error);
        let root = fs::canonicalize(&options.source).map_err(unreadable)?;
        let name = content_name(options, &root)?;
        let out = out_path(options, &root, &name)?;
        save::check(&out, options.overwrite)?;
        if let Some(metalink) = &options.metalink {
            save::check(metalink, options.overwrite)?;
        }
        let before = Before::read(options)?;
        let place = Place {
            root: &root,
            name: &name,
            out: &out,
        };
        let mut walk = find(&place, options, progress)?;
        let mut files = sorted(std::mem::take(&mut walk.files), options.format);
        if let Some(before) = &before
            && !options.format.has_roots()
        {
            before.order(&mut files);
        }
        Ok(Self {
            root,
            name,
            out,
            walk,
            files,
            before,
        })
    }

    /// Lays the files out; with each its place on the disk, `None` for pads.
    fn lay_out(&self, options: &MakeOptions) -> Result<(Layout, Vec<Option<&Path>>), Error> {
        let files = &self.files;
        let lens = files.iter().map(|file| file.stamp.len);
        let bytes = lens.fold(0, u64::saturating_add);
        if bytes == 0 {
            let shown = options.source.display();
            let message = format!("{shown} holds no byte that could be shared");
            return Err(Error::new(ErrorKind::Failed, message));
        }
        let piece_len = match (&self.before, options.piece_len) {
            (Some(before), PieceLen::Auto) => before.piece_len(),
            (_, len) => len,
        };
        let pads = match &self.before {
            // those of version 2 are given
            Some(before) if !options.format.has_roots() => before.pads(files),
            _ => Vec::new(),
        };
        lay_out(files, piece_len.of(bytes)?, options.format, &pads)
    }

    fn form(&self) -> torrent::Form {
        if self.root.is_dir() {
            torrent::Form::Tree
        } else {
            torrent::Form::SingleFile
        }
    }
}

/// The name of the content: as told, else of the path as given, else (for `.`) of what it means.
fn content_name(options: &MakeOptions, root: &Path) -> Result<String, Error> {
    let refused = |why: String| {
        let message = format!(
            "cannot name the content of {}: {why}",
            options.source.display()
        );
        Error::new(ErrorKind::Usage, message).with_hint("give a name with `name`")
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

/// Where a content lies and goes.
struct Place<'a> {
    root: &'a Path,
    name: &'a str,
    out: &'a Path,
}

fn find(
    place: &Place<'_>,
    options: &MakeOptions,
    progress: &dyn Fn(MakeProgress),
) -> Result<Walk, Error> {
    let Place { root, name, out } = *place;
    let mut own = save::own_paths(out);
    own.extend(
        options
            .metalink
            .iter()
            .flat_map(|path| save::own_paths(path)),
    );
    let exclude = Exclude::new(&options.exclude, own)?.with(options.links, options.names);
    let metadata = fs::metadata(root).map_err(|error| unreadable(root, &error))?;
    if metadata.is_dir() {
        let found = |files| {
            progress(MakeProgress {
                files,
                hashed: 0,
                bytes: 0,
            });
        };
        return walk::walk(root, &exclude, &found);
    }
    if !metadata.is_file() {
        let message = format!("{} is neither file nor folder", root.display());
        return Err(Error::new(ErrorKind::Failed, message));
    }
    let rel = RelPath::from_names([name])
        .map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))?;
    let file = Found::new(root.to_path_buf(), rel, &metadata);
    Ok(Walk {
        files: vec![file.map_err(|error| unreadable(root, &error))?],
        ..Walk::default()
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

/// Lays the files out, aligned to pieces by pads where the format has roots; `pads` go before files, where
/// there are any.
fn lay_out<'f>(
    files: &'f [Found],
    piece_len: u64,
    format: Format,
    pads: &[u64],
) -> Result<(Layout, Vec<Option<&'f Path>>), Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Failed, error.to_string());
    let mut builder: LayoutBuilder = Layout::builder(piece_len);
    let mut paths = Vec::with_capacity(files.len());
    let last = files.iter().rposition(|file| file.stamp.len > 0);
    for (at, file) in files.iter().enumerate() {
        let pad = pads.get(at).copied().filter(|pad| *pad > 0);
        if let Some(pad) = pad {
            let path = RelPath::from_names([".pad", &pad.to_string()]).map_err(|e| failed(&e))?;
            builder.push(path, pad, Attributes::pad());
            paths.push(None);
        }
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
        .map_err(|error| failed(&error).with_hint("a longer `piece_len` gives fewer pieces"))?;
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
