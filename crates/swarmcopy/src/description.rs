//! What a .torrent, a metalink or a magnet link says.

use swarmcopy_address::{ShownAll, debug_shown};

/// One file of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDescription {
    /// Its path, joined with `/`; below the content's folder for a tree, its name for a single file.
    pub path: String,
    /// Its length in bytes, where that is told.
    pub bytes: Option<u64>,
    /// Its attributes as letters (BEP 47): `x` program, `h` hidden, `l` link.
    pub attr: String,
}

/// What describes a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DescriptionKind {
    /// A .torrent.
    #[default]
    Torrent,
    /// A metalink, or headers of a server that say what one would.
    Metalink,
    /// A magnet link.
    Magnet,
}

/// What a .torrent, a metalink or a magnet link says; what it does not say is `None` or empty.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Description {
    /// What says it.
    pub kind: DescriptionKind,
    /// The content's name. That of a magnet link is no safe file name.
    pub name: Option<String>,
    /// The info-hash (BEP 3).
    pub info_hash: Option<[u8; 20]>,
    /// The info-hash of BEP 52.
    pub info_hash_v2: Option<[u8; 32]>,
    /// The length of the pieces in bytes.
    pub piece_len: Option<u64>,
    /// How many pieces.
    pub pieces: Option<u32>,
    /// Bytes of all files, pads left out.
    pub bytes: Option<u64>,
    /// Whether peers may come from the trackers only (BEP 27).
    pub private: Option<bool>,
    /// The files in order, pads left out.
    pub files: Vec<FileDescription>,
    /// Trackers in tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Mirrors that every client reads (BEP 19).
    pub mirrors: Vec<String>,
    /// Mirrors that only swarmcopy reads.
    pub own_mirrors: Vec<String>,
    /// Shares; only swarmcopy reads them.
    pub shares: Vec<String>,
    /// Addresses of .torrents of it, not opened.
    pub torrents: Vec<String>,
    /// Peers.
    pub peers: Vec<String>,
    /// Most machines that may read the origin at a time.
    pub slots: Option<u32>,
    /// Free text.
    pub comment: Option<String>,
    /// The program that made it.
    pub created_by: Option<String>,
    /// When it was made, in seconds since 1970.
    pub creation_date: Option<i64>,
    /// Entries of a metalink, or addresses of a magnet link, that were not taken.
    pub notes: Vec<String>,
    /// Files of a metalink that were not taken.
    pub left_out: Vec<String>,
}

debug_shown!(Description {
    kind, name, info_hash, info_hash_v2, piece_len, pieces, bytes, private, files, peers, slots, comment,
    created_by, creation_date, notes, left_out;
    mirrors: ShownAll(mirrors),
    own_mirrors: ShownAll(own_mirrors),
    shares: ShownAll(shares),
    torrents: ShownAll(torrents),
    trackers: ShownAll(trackers.iter().flatten()),
});
