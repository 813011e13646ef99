//! A content that a metalink alone describes: each file has pieces of its own, or is one.
//!
//! What must stay true: no file without a hash that can be checked, and the same document makes the same
//! content on every machine, name in the swarm included.

use std::sync::Arc;

use swarmcopy_bt_wire::metainfo::Form;
use swarmcopy_digest::Sha1;
use swarmcopy_layout::{
    Attributes, FileDigest, Layout, PIECES_MAX, PieceDigest, PieceDigests, RelPath,
};
use swarmcopy_metalink::{File, Hash, HashKind, PieceList};
use swarmcopy_piece_store::ASSEMBLED_LEN_MAX;

use super::{Advice, hosts};
use crate::content::{Named, Role};
use crate::provenance::Provenance;
use crate::what::failed;
use crate::{Content, CopyOptions, Error};

/// The hashes that are computed here. MD5 is none of them: anybody can make two files of one MD5.
pub(super) const USABLE: [HashKind; 4] = [
    HashKind::Sha1,
    HashKind::Sha256,
    HashKind::Sha384,
    HashKind::Sha512,
];
/// Longest file that is checked as one piece in memory, in bytes.
pub(super) const WHOLE_LEN_MAX: u64 = 16 << 20;

/// Most entries that are told with an error.
const HINTS: usize = 3;

/// How files that are verified as a whole are cut for fetching, in bytes.
const PART_LEN: u64 = 4 << 20;

/// A file with its place and its digests.
struct Entry<'f> {
    path: RelPath,
    len: u64,
    checks: Checks,
    file: &'f File,
}

/// How the bytes of a file are checked.
struct Checks {
    piece_len: u64,
    digests: Vec<PieceDigest>,
    /// The digest of the whole, where the pieces have none.
    whole: Option<FileDigest>,
}

/// Makes a content of `files`; what has no usable hash is left out.
pub(super) fn content(files: &[File], stem: &str, mut advice: Advice) -> Result<Content, Error> {
    let naming = Naming::of(files, stem)?;
    let mut entries = Vec::with_capacity(files.len());
    for file in files {
        match entry(file, &naming) {
            Ok(entry) => entries.push(entry),
            Err(why) => advice
                .left_out
                .push(format!("file {:?}: {why}", file.path.as_str())),
        }
    }
    if entries.is_empty() {
        return Err(nothing(&advice));
    }
    let mut builder = Layout::builder_by_file(WHOLE_LEN_MAX);
    let mut digests = Vec::new();
    for entry in &entries {
        builder.push_cut(
            entry.path.clone(),
            entry.len,
            Attributes::default(),
            entry.checks.piece_len,
        );
        digests.extend_from_slice(&entry.checks.digests);
    }
    let layout = builder
        .build()
        .map_err(|error| failed(&format!("cannot copy the metalink: {error}")))?;
    let mapped: Vec<_> = layout
        .files()
        .map(|(at, _)| at)
        .zip(entries.iter().map(|e| e.file))
        .collect();
    advice.hosts = hosts::hosts(&mapped, &layout, naming.name.as_str(), naming.form);
    let whole = mapped.iter().zip(&entries);
    let whole = whole.filter_map(|((at, _), entry)| Some((*at, entry.checks.whole?)));
    let digests = PieceDigests::new(digests).with_files(whole);
    if let Some(note) = alone(&digests) {
        advice.notes.push(note);
    }
    Ok(Content {
        torrent: None,
        swarm_id: swarm_id(&naming, &entries),
        form: naming.form,
        layout: Arc::new(layout),
        digests: Arc::new(digests),
        name: naming.name,
        role: Role::Copy,
        from: Provenance::Here,
        options: CopyOptions::new("."),
        origins: Vec::new(),
        ranges: Vec::new(),
        named: Named::default(),
        hearsay: Vec::new(),
        advice: Arc::new(advice),
        plan: Arc::default(),
    })
}

/// Whether the document itself lists a hash of the file that can be checked.
pub(super) fn has_hash(file: &File) -> bool {
    file.strongest_of(&USABLE).is_some() || file.pieces_of(&USABLE).is_some()
}

/// Says that machines cannot share the content, if files of it are verified as a whole.
fn alone(digests: &PieceDigests) -> Option<String> {
    let count = digests.files().len();
    (count > 0).then(|| {
        format!("{count} long files have no hashes of pieces: machines cannot share this content")
    })
}

/// The error that nothing is left, with what may have led to that.
fn nothing(advice: &Advice) -> Error {
    let why = advice
        .left_out
        .first()
        .map_or("it lists no file", String::as_str);
    let error = failed(&format!("nothing in the metalink can be copied: {why}"));
    let notes: Vec<&str> = advice
        .notes
        .iter()
        .take(HINTS)
        .map(String::as_str)
        .collect();
    if notes.is_empty() {
        error
    } else {
        error.with_hint(notes.join("; "))
    }
}

/// What the content is called, and what of each path that takes off.
pub(super) struct Naming {
    pub(super) name: RelPath,
    pub(super) form: Form,
    top: Option<String>,
}

impl Naming {
    /// One file alone is called as it is. Files in one folder make a tree of that name; all others go into
    /// a folder that is called as the document.
    pub(super) fn of(files: &[File], stem: &str) -> Result<Self, Error> {
        let named = |name: &str| {
            RelPath::from_names([name]).map_err(|error| {
                failed(&format!("cannot name the content of the metalink: {error}"))
            })
        };
        let paths = || files.iter().map(|file| file.path.as_str());
        if let [only] = files
            && only.path.names().count() == 1
        {
            return Ok(Self {
                name: named(only.path.as_str())?,
                form: Form::SingleFile,
                top: None,
            });
        }
        let first = paths().next().and_then(|path| path.split_once('/'));
        let top = first.map(|(top, _)| format!("{top}/"));
        let top = top.filter(|top| paths().all(|path| path.starts_with(top.as_str())));
        let name = top.as_deref().map_or(stem, |top| top.trim_end_matches('/'));
        Ok(Self {
            name: named(name)?,
            form: Form::Tree,
            top,
        })
    }

    pub(super) fn path(&self, file: &File) -> Result<RelPath, String> {
        let path = file.path.as_str();
        let below = self.top.as_deref().and_then(|top| path.strip_prefix(top));
        RelPath::parse(below.unwrap_or(path)).map_err(|error| error.to_string())
    }
}

fn entry<'f>(file: &'f File, naming: &Naming) -> Result<Entry<'f>, String> {
    let path = naming.path(file)?;
    let len = file.size.ok_or("its size is not told, nor by a mirror")?;
    let checks = if len == 0 {
        Checks::of_pieces(WHOLE_LEN_MAX, Vec::new())
    } else {
        checks(file, len)?
    };
    Ok(Entry {
        path,
        len,
        checks,
        file,
    })
}

impl Checks {
    fn of_pieces(piece_len: u64, digests: Vec<PieceDigest>) -> Self {
        Self {
            piece_len,
            digests,
            whole: None,
        }
    }
}

/// How the bytes of a file are checked: in pieces, where they are listed with a hash as strong as that of
/// the whole file; as one piece, if it is short; else as a whole at the end.
fn checks(file: &File, len: u64) -> Result<Checks, String> {
    let pieces = file
        .pieces_of(&USABLE)
        .filter(|list| list.check_size(len).is_ok())
        .filter(|list| list.piece_len().min(len) <= ASSEMBLED_LEN_MAX);
    let hash = file.strongest_of(&USABLE);
    let short = hash.filter(|_| len <= WHOLE_LEN_MAX);
    match (pieces, short, hash) {
        (Some(list), Some(hash), _) if hash.kind() > list.kind() => one(hash, len),
        (Some(list), _, _) => many(list),
        (None, Some(hash), _) => one(hash, len),
        (None, None, Some(hash)) => at_the_end(hash, len),
        (None, None, None) => Err("it has no SHA-1 or SHA-2 hash to check a copy by".to_owned()),
    }
}

fn one(hash: &Hash, len: u64) -> Result<Checks, String> {
    let digests = vec![digest(hash.kind(), hash.as_bytes())?];
    Ok(Checks::of_pieces(len, digests))
}

fn many(list: &PieceList) -> Result<Checks, String> {
    let digests = list.hashes().map(|hash| digest(list.kind(), hash));
    // longer than the file, pieces are as long as the file
    let piece_len = list.piece_len().min(ASSEMBLED_LEN_MAX);
    Ok(Checks::of_pieces(
        piece_len,
        digests.collect::<Result<_, _>>()?,
    ))
}

fn at_the_end(hash: &Hash, len: u64) -> Result<Checks, String> {
    let whole = match digest(hash.kind(), hash.as_bytes())? {
        PieceDigest::Sha1(hash) => FileDigest::Sha1(hash),
        PieceDigest::Sha256(hash) => FileDigest::Sha256(hash),
        PieceDigest::Sha384(hash) => FileDigest::Sha384(hash),
        PieceDigest::Sha512(hash) => FileDigest::Sha512(hash),
        _ => return Err(format!("its {} hash is not computed here", hash.kind())),
    };
    let parts = u32::try_from(len.div_ceil(PART_LEN)).ok();
    let parts = parts.filter(|parts| *parts <= PIECES_MAX);
    let parts = parts.and_then(|parts| usize::try_from(parts).ok());
    let parts = parts.ok_or("it is too long")?;
    Ok(Checks {
        piece_len: PART_LEN,
        digests: vec![PieceDigest::WithFile; parts],
        whole: Some(whole),
    })
}

fn digest(kind: HashKind, bytes: &[u8]) -> Result<PieceDigest, String> {
    let made = match kind {
        HashKind::Sha1 => bytes.try_into().map(PieceDigest::Sha1),
        HashKind::Sha256 => bytes.try_into().map(PieceDigest::Sha256),
        HashKind::Sha384 => bytes.try_into().map(PieceDigest::Sha384),
        HashKind::Sha512 => bytes.try_into().map(PieceDigest::Sha512),
        _ => return Err(format!("its {kind} hash is not computed here")),
    };
    made.map_err(|_| format!("its {kind} hash has another length"))
}

/// The name in the swarm: machines that copy the same bytes under the same names find each other.
fn swarm_id(naming: &Naming, entries: &[Entry<'_>]) -> [u8; 20] {
    let mut hasher = Sha1::new();
    hasher.update(b"swarmcopy content 1\0");
    hasher.update(naming.name.as_str().as_bytes());
    for entry in entries {
        hasher.update(b"\0");
        hasher.update(entry.path.as_str().as_bytes());
        hasher.update(b"\0");
        hasher.update(&entry.len.to_be_bytes());
        hasher.update(&entry.checks.piece_len.to_be_bytes());
        for digest in &entry.checks.digests {
            match digest {
                PieceDigest::Sha1(hash) => hasher.update(hash),
                PieceDigest::Sha256(hash) => hasher.update(hash),
                PieceDigest::Sha384(hash) => hasher.update(hash),
                PieceDigest::Sha512(hash) => hasher.update(hash),
                _ => {}
            }
        }
        match &entry.checks.whole {
            Some(FileDigest::Sha1(hash)) => hasher.update(hash),
            Some(FileDigest::Sha256(hash)) => hasher.update(hash),
            Some(FileDigest::Sha384(hash)) => hasher.update(hash),
            Some(FileDigest::Sha512(hash)) => hasher.update(hash),
            _ => {}
        }
    }
    hasher.finish()
}
