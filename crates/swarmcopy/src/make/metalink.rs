//! The metalink of a content: every file with its hashes, where it lies, and the torrent behind it.
//!
//! What must stay true: a client that knows no BitTorrent can check every file, and `get` can copy by the
//! document alone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use swarmcopy_metalink::{
    Address, Document, File, FilePath, Hash, HashKind, MetaKind, MetaUrl, Mirror, PieceList, Writer,
};

use super::MakeOptions;
use super::distinct::distinct;
use super::torrent::PROGRAM;
use super::walk::Found;
use super::whole::FileHashes;
use crate::{Error, ErrorKind};

/// Most addresses of the torrent that each file names.
const TORRENTS_MAX: usize = 2;
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
    /// Of each file.
    pub(super) hashes: Vec<FileHashes>,
    /// Whether it is a tree and not one file.
    pub(super) tree: bool,
    /// The name of the .torrent.
    pub(super) torrent: &'a str,
}

/// Writes the document.
pub(super) fn document(subject: &Subject<'_>) -> Result<String, Error> {
    let options = subject.options;
    let mut head = Document::default();
    head.generator = Some(PROGRAM.to_owned());
    head.shares = distinct(&options.shares);
    let mirrors = distinct(&options.mirrors);
    let torrents: Vec<Address> = mirrors
        .iter()
        .filter_map(|mirror| subject.torrent_url(mirror))
        .take(TORRENTS_MAX)
        .collect();
    let mut writer = Writer::new(&head).map_err(|error| failed(&error))?;
    for (found, hashes) in subject.files.iter().zip(&subject.hashes) {
        let path = subject.path(found)?;
        let mut file = File::new(path.clone());
        file.size = Some(found.stamp.len);
        let whole = Hash::new(HashKind::Sha256, &hashes.whole);
        file.hashes.push(whole.map_err(|error| failed(&error))?);
        if !hashes.pieces.is_empty() {
            let list = PieceList::new(HashKind::Sha256, hashes.piece_len, hashes.pieces.clone());
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
    fn file_url(&self, mirror: &str, found: &Found) -> Option<Address> {
        if !self.tree && !mirror.ends_with('/') {
            return Address::parse(mirror).ok();
        }
        let mut url = format!("{}{}", folder_of(mirror), encoded(self.name));
        for name in found.rel.names().filter(|_| self.tree) {
            url.push('/');
            url.push_str(&encoded(name));
        }
        Address::parse(&url).ok()
    }

    /// Where the torrent lies on a mirror: beside the content, as it does here.
    fn torrent_url(&self, mirror: &str) -> Option<Address> {
        let torrent = encoded(self.torrent);
        if !self.tree && !mirror.ends_with('/') {
            return Address::parse(mirror).ok()?.join(&torrent).ok();
        }
        Address::parse(&format!("{}{torrent}", folder_of(mirror))).ok()
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

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Failed,
        format!("cannot write the metalink: {error}"),
    )
}
