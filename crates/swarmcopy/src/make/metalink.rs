//! The metalink of a content: every file with its hashes, where it lies, and the torrent behind it.
//!
//! Whole files are hashed in a second reading, as pieces of a torrent cross them. What must stay true: a
//! client that knows no BitTorrent can check every file, and `get` can copy by the document alone.

use std::fs::File as Opened;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use swarmcopy_digest::{Sha256, sha256};
use swarmcopy_metalink::{
    Document, File, FilePath, Hash, HashKind, MetaKind, MetaUrl, Mirror, PieceList, Writer,
};
use url::Url;

use super::torrent::PROGRAM;
use super::walk::{Found, unreadable};
use super::{MakeOptions, distinct, hash};
use crate::{Error, ErrorKind};

/// Longest file whose pieces are not listed, and the shortest pieces, in bytes.
const PIECE_LEN_MIN: u64 = 1 << 20;
/// Most pieces of a file that are listed, unless its pieces would be longer than `PIECE_LEN_MAX`.
const PIECES_MAX: u64 = 2048;
/// The longest pieces in bytes.
const PIECE_LEN_MAX: u64 = 64 << 20;
/// Most addresses of the torrent that each file names.
const TORRENTS_MAX: usize = 2;
/// Bytes read at a time.
const READ_LEN: usize = 1 << 20;
/// What stays as it is in a URL: the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What the document is of.
pub(super) struct Subject<'a> {
    pub(super) options: &'a MakeOptions,
    pub(super) name: &'a str,
    pub(super) files: &'a [Found],
    /// Whether it is a tree and not one file.
    pub(super) tree: bool,
    /// The name of the .torrent.
    pub(super) torrent: &'a str,
}

/// Hashes the files and writes the document.
pub(super) fn document(subject: &Subject<'_>) -> Result<String, Error> {
    let hashes = hash_files(subject)?;
    let options = subject.options;
    let mut head = Document::default();
    head.generator = Some(PROGRAM.to_owned());
    head.shares = distinct(&options.shares);
    let mirrors = distinct(&options.mirrors);
    let torrents: Vec<Url> = mirrors
        .iter()
        .filter_map(|mirror| subject.torrent_url(mirror))
        .take(TORRENTS_MAX)
        .collect();
    let mut writer = Writer::new(&head).map_err(|error| failed(&error))?;
    for (found, hashes) in subject.files.iter().zip(hashes) {
        let path = subject.path(found)?;
        let mut file = File::new(path.clone());
        file.size = Some(found.stamp.len);
        let whole = Hash::new(HashKind::Sha256, &hashes.whole);
        file.hashes.push(whole.map_err(|error| failed(&error))?);
        if !hashes.pieces.is_empty() {
            let list = PieceList::new(HashKind::Sha256, hashes.piece_len, hashes.pieces);
            file.pieces.push(list.map_err(|error| failed(&error))?);
        }
        for (mirror, priority) in mirrors.iter().zip(1..) {
            if let Some(url) = subject.file_url(mirror, found) {
                let mut mirror = Mirror::new(url);
                mirror.priority = priority;
                file.mirrors.push(mirror);
            }
        }
        for (url, priority) in torrents.iter().zip(1..) {
            let mut metaurl = MetaUrl::new(MetaKind::Torrent, url.clone());
            metaurl.priority = priority;
            metaurl.name = subject.tree.then(|| path.clone());
            file.metaurls.push(metaurl);
        }
        writer.file(&file).map_err(|error| failed(&error))?;
    }
    Ok(writer.finish())
}

impl Subject<'_> {
    /// NAME, and for a tree the path in it.
    fn path(&self, found: &Found) -> Result<FilePath, Error> {
        let path = if self.tree {
            format!("{}/{}", self.name, found.rel.as_str())
        } else {
            self.name.to_owned()
        };
        FilePath::parse(&path).map_err(|error| failed(&format!("{path}: {error}")))
    }

    /// Where a file lies on a mirror, as BEP 19 has it.
    fn file_url(&self, mirror: &str, found: &Found) -> Option<Url> {
        if !self.tree && !mirror.ends_with('/') {
            return mirror.parse().ok();
        }
        let mut url = format!("{}{}", folder_of(mirror), encoded(self.name));
        for name in found.rel.names().filter(|_| self.tree) {
            url.push('/');
            url.push_str(&encoded(name));
        }
        url.parse().ok()
    }

    /// Where the torrent lies on a mirror: beside the content, as it does here.
    fn torrent_url(&self, mirror: &str) -> Option<Url> {
        let torrent = encoded(self.torrent);
        if !self.tree && !mirror.ends_with('/') {
            return Url::parse(mirror).ok()?.join(&torrent).ok();
        }
        format!("{}{torrent}", folder_of(mirror)).parse().ok()
    }
}

/// The address with a slash at its end.
fn folder_of(mirror: &str) -> String {
    let slash = if mirror.ends_with('/') { "" } else { "/" };
    format!("{mirror}{slash}")
}

fn encoded(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

/// The hashes of one file.
#[derive(Debug, Default)]
struct Hashes {
    whole: [u8; 32],
    piece_len: u64,
    /// One after the other; none if the file is one piece.
    pieces: Vec<u8>,
}

/// Hashes all files with several threads.
fn hash_files(subject: &Subject<'_>) -> Result<Vec<Hashes>, Error> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let work = || {
        let mut done = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(found) = subject.files.get(at) else {
                break;
            };
            let hashes = hash_file(&found.path, found.stamp.len);
            done.push((
                at,
                hashes.inspect_err(|_| stop.store(true, Ordering::Relaxed))?,
            ));
        }
        Ok(done)
    };
    let threads = subject
        .options
        .threads()
        .clamp(1, subject.files.len().max(1));
    let done: Result<Vec<Vec<(usize, Hashes)>>, Error> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = started.into_iter().map(|thread| {
            let lost = || Error::new(ErrorKind::Failed, "a hashing thread ended early");
            thread.join().unwrap_or_else(|_| Err(lost()))
        });
        ended.collect()
    });
    let mut hashes: Vec<_> = done?.into_iter().flatten().collect();
    hashes.sort_unstable_by_key(|(at, _)| *at);
    Ok(hashes.into_iter().map(|(_, hashes)| hashes).collect())
}

/// How long the pieces of a file are: as short as keeps their number in bounds.
fn piece_len_of(len: u64) -> u64 {
    let wanted = len.div_ceil(PIECES_MAX).next_power_of_two();
    wanted.clamp(PIECE_LEN_MIN, PIECE_LEN_MAX)
}

fn hash_file(path: &Path, len: u64) -> Result<Hashes, Error> {
    let mut file = Opened::open(path).map_err(|error| unreadable(path, &error))?;
    let piece_len = piece_len_of(len);
    let mut buffer = vec![0; READ_LEN.min(usize::try_from(len).unwrap_or(READ_LEN))];
    let (mut whole, mut pieces) = (Sha256::new(), Vec::new());
    let mut rest = len;
    while rest > 0 {
        let mut piece = Sha256::new();
        let mut of_piece = piece_len.min(rest);
        rest -= of_piece;
        while of_piece > 0 {
            let take = usize::try_from(of_piece)
                .unwrap_or(READ_LEN)
                .min(buffer.len());
            let part = buffer.get_mut(..take).unwrap_or_default();
            file.read_exact(part).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => hash::changed(path),
                _ => unreadable(path, &error),
            })?;
            whole.update(part);
            piece.update(part);
            of_piece -= u64::try_from(take).unwrap_or(of_piece);
        }
        pieces.extend_from_slice(&piece.finish());
    }
    if len <= piece_len {
        pieces.clear();
    }
    Ok(Hashes {
        whole: if len == 0 {
            sha256(b"")
        } else {
            whole.finish()
        },
        piece_len,
        pieces,
    })
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Failed,
        format!("cannot write the metalink: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_get_longer_with_the_file_and_their_number_stays_small() {
        for (len, want) in [
            (1, 1 << 20),
            (2 << 30, 1 << 20),
            ((2 << 30) + 1, 2 << 20),
            (1 << 50, 64 << 20),
        ] {
            assert_eq!(piece_len_of(len), want, "{len}");
        }
    }

    #[test]
    fn a_file_is_hashed_whole_and_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes: Vec<u8> = (0..2_500_000_u32).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let hashes = hash_file(&path, 2_500_000).unwrap();
        assert_eq!(hashes.whole, sha256(&bytes));
        let want: Vec<u8> = bytes.chunks(1 << 20).flat_map(sha256).collect();
        assert_eq!(hashes.pieces, want);
        assert!(hash_file(&path, 2_500_001).is_err());
        assert!(hash_file(&path, 1 << 20).unwrap().pieces.is_empty());
    }
}
