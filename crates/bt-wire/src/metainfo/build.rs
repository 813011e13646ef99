//! Writing .torrent files.
//!
//! What must stay true: whatever is built has been read back and says the same, so no torrent leaves
//! here that [`Torrent::parse`] refuses or whose file names it would change; equal input gives equal
//! bytes.

use std::collections::BTreeMap;

use super::own::Own;
use super::{File, Form, MetainfoError, Torrent};
use crate::bencode::Item;
use swarmcopy_address::{ShownAll, debug_shown, in_text};

/// What is to be written. Fill the fields, then call [`Builder::build`].
///
/// ```
/// use swarmcopy_bt_wire::metainfo::{Builder, File, Form};
///
/// let mut builder = Builder::new("tree", 16 * 1024, Form::Tree);
/// builder.files.push(File::new(vec!["folder".into(), "file.bin".into()], 20_000));
/// builder.pieces = vec![[1; 20], [2; 20]];
/// builder.trackers = vec![vec!["http://tracker.example/announce".into()]];
/// let built = builder.build()?;
/// assert_eq!(built.torrent.info.num_pieces(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Builder {
    /// Name of the file or of the top folder.
    pub name: String,
    /// Length of every piece but the last.
    pub piece_length: u32,
    /// One file or a folder.
    pub form: Form,
    /// All files in order; for a hybrid with the padding between them. Roots make it a version 2
    /// torrent: then every file that isn't empty must have one.
    pub files: Vec<File>,
    /// SHA-1 digests of the pieces; empty for version 2 alone.
    pub pieces: Vec<[u8; 20]>,
    /// SHA-256 digests of the pieces of each file longer than a piece, by the file's root.
    pub piece_layers: BTreeMap<[u8; 32], Vec<u8>>,
    /// Trackers in tiers.
    pub trackers: Vec<Vec<String>>,
    /// Mirrors for every client.
    pub url_list: Vec<String>,
    /// Peers may come from the trackers only.
    pub private: bool,
    /// Free text.
    pub comment: Option<String>,
    /// The program that makes the file.
    pub created_by: Option<String>,
    /// When it is made, in seconds since 1970.
    pub creation_date: Option<i64>,
    /// What the file tells swarmcopy alone.
    pub own: Own,
}

debug_shown!(Builder {
    name, piece_length, form, files, pieces, piece_layers, private, created_by, creation_date, own;
    trackers: ShownAll(trackers.iter().flatten()),
    url_list: ShownAll(url_list),
    comment: comment.as_deref().map(in_text),
});

/// A finished .torrent file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Built {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// What they say.
    pub torrent: Torrent,
}

impl Builder {
    /// A torrent without files.
    pub fn new(name: &str, piece_length: u32, form: Form) -> Self {
        Self {
            name: name.to_owned(),
            piece_length,
            form,
            ..Self::default()
        }
    }

    /// Writes the file and reads it back.
    pub fn build(&self) -> Result<Built, MetainfoError> {
        let bytes = self.encode().encode();
        let torrent = Torrent::parse(&bytes)?;
        self.compare(&torrent)?;
        Ok(Built { bytes, torrent })
    }

    fn encode(&self) -> Item {
        let is_v2 = self.is_v2();
        let tiers = || {
            Item::list(
                self.trackers
                    .iter()
                    .map(|tier| Item::list(tier.iter().map(String::as_str))),
            )
        };
        let many = self.trackers.iter().map(Vec::len).sum::<usize>() > 1;
        let layers = || {
            let entry =
                |(root, layer): (&[u8; 32], &Vec<u8>)| (root.to_vec(), Item::from(layer.clone()));
            Item::Dict(self.piece_layers.iter().map(entry).collect())
        };
        let mirrors = || Item::list(self.url_list.iter().map(String::as_str));
        Item::dict()
            .with_some(
                "announce",
                self.trackers.iter().flatten().next().map(String::as_str),
            )
            .with_some("announce-list", many.then(tiers))
            .with_some("comment", self.comment.as_deref())
            .with_some("created by", self.created_by.as_deref())
            .with_some("creation date", self.creation_date)
            .with("info", self.info())
            .with_some("piece layers", is_v2.then(layers))
            .with_some("swarmcopy", (!self.own.is_empty()).then(|| self.own.item()))
            .with_some("url-list", (!self.url_list.is_empty()).then(mirrors))
    }

    fn is_v2(&self) -> bool {
        self.files.iter().any(|file| file.pieces_root.is_some())
    }

    fn info(&self) -> Item {
        let mut info = Item::dict()
            .with("name", self.name.as_str())
            .with("piece length", self.piece_length)
            .with_some("private", self.private.then_some(1_i64));
        if self.is_v2() {
            info = info
                .with("meta version", 2_i64)
                .with("file tree", self.tree());
        }
        if self.pieces.is_empty() && self.is_v2() {
            return info;
        }
        info = info.with("pieces", self.pieces.as_flattened());
        match (self.form, self.files.first()) {
            (Form::SingleFile, Some(file)) => info
                .with("length", file.len)
                .with_some("attr", attributes(file))
                .with_some(
                    "symlink path",
                    file.symlink.as_ref().map(|path| names(path)),
                ),
            _ => info.with("files", Item::list(self.files.iter().map(file_entry))),
        }
    }

    fn tree(&self) -> Item {
        let mut tree = BTreeMap::new();
        for file in self.files.iter().filter(|file| !file.pad) {
            insert(&mut tree, &file.path, file);
        }
        Item::Dict(tree)
    }

    /// Says which name can't be written so that every reader sees it as it is.
    fn compare(&self, torrent: &Torrent) -> Result<(), MetainfoError> {
        let problem = "holds characters that torrents do not carry, or is taken twice";
        let info = &torrent.info;
        let name = info.raw_name.as_deref().unwrap_or(info.name.as_bytes());
        if name != self.name.as_bytes() || !is_one_name(&self.name) {
            return Err(MetainfoError::field("info.name", problem));
        }
        let ours = self.files.iter().filter(|file| !file.pad);
        let theirs = torrent.info.files.iter().filter(|file| !file.pad);
        let changed = ours
            .zip(theirs)
            .find(|(a, b)| !is_same(&a.path, b) || b.renamed.is_some());
        match changed {
            Some((file, _)) => Err(MetainfoError::field(file.path.join("/"), problem)),
            None => Ok(()),
        }
    }
}

/// Whether `read` was written with these names.
fn is_same(names: &[String], read: &File) -> bool {
    let raw = read.raw_path.iter().map(Vec::as_slice);
    if read.raw_path.is_empty() {
        return names == read.path;
    }
    names.iter().all(|name| is_one_name(name)) && names.iter().map(String::as_bytes).eq(raw)
}

/// Whether a disk can have it as one name. Readers that show or store other characters differently
/// still find the file by what is written.
fn is_one_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0'])
}

fn attributes(file: &File) -> Option<String> {
    let flags = [
        (file.pad, 'p'),
        (file.executable, 'x'),
        (file.hidden, 'h'),
        (file.symlink.is_some(), 'l'),
    ];
    let text: String = flags
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, flag)| flag)
        .collect();
    Some(text).filter(|text| !text.is_empty())
}

fn names(path: &[String]) -> Item {
    Item::list(path.iter().map(String::as_str))
}

fn file_entry(file: &File) -> Item {
    Item::dict()
        .with("length", file.len)
        .with("path", names(&file.path))
        .with_some("attr", attributes(file))
        .with_some(
            "symlink path",
            file.symlink.as_ref().map(|path| names(path)),
        )
}

fn insert(tree: &mut BTreeMap<Vec<u8>, Item>, path: &[String], file: &File) {
    let mut folder = tree;
    for name in path {
        let entry = folder
            .entry(name.as_bytes().to_vec())
            .or_insert_with(Item::dict);
        let Item::Dict(next) = entry else {
            return;
        };
        folder = next;
    }
    let root = file.pieces_root.filter(|_| file.len > 0);
    let leaf = Item::dict()
        .with("length", file.len)
        .with_some("attr", attributes(file))
        .with_some("pieces root", root)
        .with_some(
            "symlink path",
            file.symlink.as_ref().map(|path| names(path)),
        );
    folder.insert(Vec::new(), leaf);
}
