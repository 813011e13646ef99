//! A whole .torrent file: `info` and what stands around it.
//!
//! What must stay true: only `info` decides what the content is; everything else is advice, so a
//! malformed tracker or mirror is left out and never makes the file unusable. Only a table of times and
//! links that does not fit is refused: a copy would lack without a word what it promises.

use std::collections::BTreeMap;

use bytes::Bytes;
use swarmcopy_address::{ShownAll, debug_shown, in_text};

use super::layers::read_layers;
use super::limits::NODE_MAX;
use super::own::Own;
use super::urls::{read_mirrors, read_nodes, read_tiers};
use super::{Info, METADATA_LEN_MAX, MetainfoError};
use crate::bencode::{self, Kind, Limits, Value};

/// A parsed and checked .torrent file.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torrent {
    /// What the info-hash covers.
    pub info: Info,
    /// SHA-256 digests of the pieces of each file, by the file's root; 32 bytes each, verified.
    pub piece_layers: BTreeMap<[u8; 32], Bytes>,
    /// Trackers in tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Mirrors that every client may use (`url-list`, BEP 19).
    pub url_list: Vec<String>,
    /// DHT nodes, host and port.
    pub nodes: Vec<(String, u16)>,
    /// Free text.
    pub comment: Option<String>,
    /// The program that made the file.
    pub created_by: Option<String>,
    /// When it was made, in seconds since 1970.
    pub creation_date: Option<i64>,
    /// What the file tells swarmcopy alone.
    pub own: Own,
}

debug_shown!(Torrent {
    info, piece_layers, nodes, created_by, creation_date, own;
    trackers: ShownAll(trackers.iter().flatten()),
    url_list: ShownAll(url_list),
    comment: comment.as_deref().map(in_text),
});

impl Torrent {
    /// Reads and checks a .torrent file. Bytes after its end are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        let limits = Limits::message(METADATA_LEN_MAX).with_node_max(NODE_MAX);
        let (document, _) = bencode::parse_prefix(bytes, &limits)?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(MetainfoError::field("torrent", "not a dictionary"));
        }
        let info = root
            .find(b"info")
            .ok_or_else(|| MetainfoError::field("info", "missing"))?;
        let info = Info::parse(&Bytes::copy_from_slice(info.raw()))?;
        let piece_layers = match root.find(b"piece layers") {
            Some(layers) if info.info_hash_v2.is_some() => read_layers(&layers, &info)?,
            _ => BTreeMap::new(),
        };
        let folder = info.files.len() > 1;
        Ok(Self {
            piece_layers,
            trackers: read_tiers(&root),
            url_list: read_mirrors(root.find(b"url-list"), folder),
            nodes: read_nodes(root.find(b"nodes")),
            comment: text(
                root.find(b"comment.utf-8")
                    .or_else(|| root.find(b"comment")),
            ),
            created_by: text(root.find(b"created by")),
            creation_date: root.find(b"creation date").and_then(|date| date.as_int()),
            own: Own::read(root.find(b"swarmcopy"), folder, &info.files)?,
            info,
        })
    }
}

/// Takes text as it is shown to people: control characters could command a terminal.
fn text(value: Option<Value<'_>>) -> Option<String> {
    let text = String::from_utf8_lossy(value?.as_bytes()?).into_owned();
    let safe = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            ' '
        } else {
            c
        }
    };
    Some(text.chars().map(safe).collect())
}
