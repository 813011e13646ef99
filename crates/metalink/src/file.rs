//! One file of a document: where it lies, what it must hash to, where it can be fetched.

use crate::about::About;
use crate::address::Address;
use crate::hash::{Hash, HashKind, PieceList};
use crate::limits::PRIORITY_MAX;
use crate::path::FilePath;
use std::cmp::Reverse;
use swarmcopy_address::{Shown, debug_shown};

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// Where it goes, below the folder the user chose.
    pub path: FilePath,
    /// Its length in bytes, where that is told.
    pub size: Option<u64>,
    /// Its hashes, at most one of a kind.
    pub hashes: Vec<Hash>,
    /// Hashes of its pieces; each list has as many as `size` makes, where that is told.
    pub pieces: Vec<PieceList>,
    /// Where the file itself lies.
    pub mirrors: Vec<Mirror>,
    /// Documents that say more of where it lies: torrents, metalinks.
    pub metaurls: Vec<MetaUrl>,
    /// Signatures. Nothing here verifies them.
    pub signatures: Vec<Signature>,
    /// The most connections all mirrors together ask for (Metalink 3).
    pub connections_max: Option<u32>,
    /// What is said about it.
    pub about: About,
}

impl File {
    /// A file nothing is known of.
    pub fn new(path: FilePath) -> Self {
        Self {
            path,
            size: None,
            hashes: Vec::new(),
            pieces: Vec::new(),
            mirrors: Vec::new(),
            metaurls: Vec::new(),
            signatures: Vec::new(),
            connections_max: None,
            about: About::default(),
        }
    }

    /// The strongest hash of the file.
    pub fn strongest(&self) -> Option<&Hash> {
        self.strongest_of(&HashKind::ALL)
    }

    /// The strongest hash among the kinds that can be computed.
    pub fn strongest_of(&self, usable: &[HashKind]) -> Option<&Hash> {
        let hashes = self
            .hashes
            .iter()
            .filter(|hash| usable.contains(&hash.kind()));
        hashes.max_by_key(|hash| hash.kind())
    }

    /// The piece list of the strongest kind that can be computed; of those the one of the smallest
    /// pieces, which loses least to a bad one.
    pub fn pieces_of(&self, usable: &[HashKind]) -> Option<&PieceList> {
        let lists = self
            .pieces
            .iter()
            .filter(|list| usable.contains(&list.kind()));
        lists.max_by_key(|list| (list.kind(), Reverse(list.piece_len())))
    }

    /// The mirrors, best priority first; among equals in the order of the document.
    pub fn mirrors_by_priority(&self) -> Vec<&Mirror> {
        let mut mirrors: Vec<_> = self.mirrors.iter().collect();
        mirrors.sort_by_key(|mirror| mirror.priority);
        mirrors
    }

    /// The metaurls, best priority first; among equals in the order of the document.
    pub fn metaurls_by_priority(&self) -> Vec<&MetaUrl> {
        let mut metaurls: Vec<_> = self.metaurls.iter().collect();
        metaurls.sort_by_key(|metaurl| metaurl.priority);
        metaurls
    }
}

/// A URL of a file (RFC 5854 section 4.2.17).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mirror {
    /// Absolute, of scheme http, https, ftp or ftps, without fragment.
    pub url: Address,
    /// From 1, the best, to [`PRIORITY_MAX`], the worst, which holds where none is given.
    pub priority: u32,
    /// The country it stands in: two small letters.
    pub location: Option<String>,
    /// The most connections it asks for (Metalink 3).
    pub connections_max: Option<u32>,
}

debug_shown!(Mirror { priority, location, connections_max; url: Shown(url.as_str()) });

impl Mirror {
    /// A mirror of the lowest priority.
    pub fn new(url: Address) -> Self {
        Self {
            url,
            priority: PRIORITY_MAX,
            location: None,
            connections_max: None,
        }
    }
}

/// What kind of document a metaurl leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetaKind {
    /// A torrent.
    Torrent,
    /// Another metalink. Whoever follows those keeps count of how deep it goes.
    Metalink,
}

impl MetaKind {
    pub(crate) fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.trim().to_ascii_lowercase().as_str() {
            "torrent" | "application/x-bittorrent" => Some(Self::Torrent),
            "application/metalink4+xml" | "application/metalink+xml" => Some(Self::Metalink),
            _ => None,
        }
    }
}

/// A document that describes the file (RFC 5854 section 4.2.8).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetaUrl {
    /// Absolute, of scheme http, https, ftp or ftps, without fragment.
    pub url: Address,
    /// What lies there.
    pub kind: MetaKind,
    /// As for a [`Mirror`].
    pub priority: u32,
    /// Which file of several that is; `None` is the only one.
    pub name: Option<FilePath>,
}

debug_shown!(MetaUrl { kind, priority, name; url: Shown(url.as_str()) });

impl MetaUrl {
    /// A metaurl of the lowest priority to a document of one file.
    pub fn new(kind: MetaKind, url: Address) -> Self {
        Self {
            url,
            kind,
            priority: PRIORITY_MAX,
            name: None,
        }
    }

    /// Finds the file that is meant among those of a torrent, and gives its index.
    ///
    /// `top` is the name of the torrent; `paths` are its files below that name, joined with `/`.
    /// Writers disagree whether a metaurl's name begins with the top folder: a file that is
    /// exactly called so wins over one that is when `top/` is taken off. Without a name the only
    /// file is meant, and none if there are several.
    pub fn find<'p>(&self, top: &str, paths: impl IntoIterator<Item = &'p str>) -> Option<usize> {
        let mut paths = paths.into_iter().enumerate();
        let Some(name) = &self.name else {
            return paths
                .next()
                .filter(|_| paths.next().is_none())
                .map(|(index, _)| index);
        };
        let below = name
            .as_str()
            .strip_prefix(top)
            .and_then(|rest| rest.strip_prefix('/'));
        let mut found = None;
        for (index, path) in paths {
            if path == name.as_str() {
                return Some(index);
            }
            if found.is_none() && Some(path) == below {
                found = Some(index);
            }
        }
        found
    }
}

/// A signature of a file. Kept as written; nothing here verifies it, so it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// Its media type, `application/pgp-signature` for instance (`pgp` in Metalink 3).
    pub media_type: String,
    /// Its text, blanks and all.
    pub text: String,
}

impl Signature {
    /// A signature of a media type.
    pub fn new(media_type: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            media_type: media_type.into(),
            text: text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torrent(name: Option<&str>) -> MetaUrl {
        let url = Address::parse("http://h/t.torrent").unwrap();
        let mut metaurl = MetaUrl::new(MetaKind::Torrent, url);
        metaurl.name = name.map(|name| FilePath::parse(name).unwrap());
        metaurl
    }

    #[test]
    fn a_name_leads_into_a_torrent_with_or_without_its_top_folder() {
        let paths = ["a", "d/a", "T/a"];
        for (name, index) in [
            (Some("a"), Some(0)),
            (Some("d/a"), Some(1)),
            (Some("T/d/a"), Some(1)),
            (Some("T/a"), Some(2)),
            (Some("b"), None),
            (None, None),
        ] {
            assert_eq!(torrent(name).find("T", paths), index, "{name:?}");
        }
        assert_eq!(torrent(Some("T/a")).find("T", ["a"]), Some(0));
        assert_eq!(torrent(None).find("T", ["T"]), Some(0));
    }

    #[test]
    fn the_strongest_usable_hash_wins() {
        let mut file = File::new(FilePath::parse("f").unwrap());
        assert_eq!(file.strongest(), None);
        for kind in [HashKind::Sha1, HashKind::Sha512, HashKind::Md5] {
            file.hashes
                .push(Hash::new(kind, &vec![0; kind.hash_len()]).unwrap());
        }
        let kind = |hash: Option<&Hash>| hash.map(Hash::kind);
        assert_eq!(kind(file.strongest()), Some(HashKind::Sha512));
        let usable = [HashKind::Sha1, HashKind::Sha256];
        assert_eq!(kind(file.strongest_of(&usable)), Some(HashKind::Sha1));
        assert_eq!(file.strongest_of(&[]), None);
    }

    #[test]
    fn of_equal_piece_lists_the_finer_wins() {
        let mut file = File::new(FilePath::parse("f").unwrap());
        for (kind, piece_len) in [
            (HashKind::Md5, 1),
            (HashKind::Sha1, 50),
            (HashKind::Sha1, 10),
            (HashKind::Sha1, 20),
        ] {
            file.pieces
                .push(PieceList::new(kind, piece_len, vec![0; kind.hash_len()]).unwrap());
        }
        assert_eq!(
            file.pieces_of(&HashKind::ALL).map(PieceList::piece_len),
            Some(10)
        );
        assert_eq!(
            file.pieces_of(&[HashKind::Md5]).map(PieceList::piece_len),
            Some(1)
        );
        assert_eq!(file.pieces_of(&[HashKind::Sha512]), None);
    }
}
