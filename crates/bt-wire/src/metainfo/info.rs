//! The `info` dictionary: what the info-hash covers.
//!
//! What must stay true: the raw bytes are kept as they came, for the hash and for BEP 9; pieces and
//! files agree; a version 2 dictionary is in canonical form, or its hash would not be one.

use bytes::Bytes;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::files::{read_list, read_single, read_tree, total_len};
use super::limits::NODE_MAX;
use super::path::{make_unique, plain_name};
use super::{File, METADATA_LEN_MAX, MetainfoError, PIECE_LEN_MAX};
use crate::bencode::{self, Form as BencodeForm, Kind, Limits, Value};
use crate::peer::{BLOCK_LEN, PIECES_MAX};
use crate::percent::encode_hex;

/// Whether a torrent is one file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// One file that has the torrent's name.
    SingleFile,
    /// A folder that has the torrent's name, even if it holds one file only.
    #[default]
    Tree,
}

/// What the info-hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The dictionary's own bytes.
    pub raw: Bytes,
    /// SHA-1 of the bytes, if the torrent has version 1 pieces.
    pub info_hash_v1: Option<[u8; 20]>,
    /// SHA-256 of the bytes, if the torrent has a version 2 file tree (BEP 52).
    pub info_hash_v2: Option<[u8; 32]>,
    /// Name of the file or of the top folder, a plain name.
    pub name: String,
    /// The name as the torrent has it, where that is no plain name: for finding the content where
    /// others have it, never for writing or showing it.
    pub raw_name: Option<Vec<u8>>,
    /// One file or a folder.
    pub form: Form,
    /// Length of every piece but the last.
    pub piece_length: u32,
    /// Length of all files together, padding included.
    pub total_len: u64,
    /// All files in order, padding included.
    pub files: Vec<File>,
    /// SHA-1 digests of the pieces, 20 bytes each; empty for version 2 alone.
    pub pieces: Bytes,
    /// Peers may come from the torrent's own trackers only (BEP 27).
    pub private: bool,
}

impl Info {
    /// Reads the dictionary, as BEP 9 delivers it.
    pub fn parse(raw: &Bytes) -> Result<Self, MetainfoError> {
        let limits = Limits::message(METADATA_LEN_MAX).with_node_max(NODE_MAX);
        let document = bencode::parse(raw, &limits)?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(MetainfoError::field("info", "not a dictionary"));
        }
        let version = read_version(&root)?;
        if version == Version::Two {
            bencode::parse(raw, &limits.with_form(BencodeForm::Canonical))?;
        }
        let info = Self::from_dict(raw, &root, version)?;
        info.check_pieces(&root, version)?;
        Ok(info)
    }

    /// Number of pieces.
    pub fn num_pieces(&self) -> u32 {
        let pieces = self.total_len.div_ceil(u64::from(self.piece_length.max(1)));
        u32::try_from(pieces).unwrap_or(u32::MAX)
    }

    /// The SHA-1 digests of the pieces in order; none for version 2 alone.
    pub fn piece_hashes(&self) -> &[[u8; 20]] {
        self.pieces.as_chunks().0
    }

    /// The hash that peers and trackers use: version 1's if there is one, else version 2's cut to
    /// 20 bytes.
    pub fn info_hash(&self) -> [u8; 20] {
        let v2 = || {
            self.info_hash_v2
                .and_then(|hash| hash.first_chunk().copied())
        };
        self.info_hash_v1.or_else(v2).unwrap_or_default()
    }

    fn from_dict(raw: &Bytes, root: &Value<'_>, version: Version) -> Result<Self, MetainfoError> {
        let piece_length = read_piece_length(root, version)?;
        let name_field = find_text(root, b"name.utf-8").or_else(|| find_text(root, b"name"));
        let name_field = name_field
            .ok_or_else(|| MetainfoError::field("info.name", "missing or not a string"))?;
        let sha1: [u8; 20] = Sha1::digest(raw).into();
        let sha2: [u8; 32] = Sha256::digest(raw).into();
        let plain = plain_name(name_field);
        let named = plain.as_deref().map(|plain| (plain, name_field));
        let found = read_files(root, version, piece_length, named)?;
        let name_field = Some(name_field.to_vec());
        let mut files = found.files;
        let total_len = total_len(&files)?;
        make_unique(&mut files)?;
        let pieces = find_text(root, b"pieces").map(|pieces| raw.slice_ref(pieces));
        let fallback = || {
            if found.has_v1 {
                encode_hex(&sha1)
            } else {
                encode_hex(&sha2)
            }
        };
        Ok(Self {
            raw: raw.clone(),
            info_hash_v1: found.has_v1.then_some(sha1),
            info_hash_v2: (version == Version::Two).then_some(sha2),
            raw_name: name_field.filter(|raw| plain.as_deref().map(str::as_bytes) != Some(raw)),
            name: plain.unwrap_or_else(fallback),
            form: found.form,
            piece_length,
            total_len,
            files,
            pieces: pieces.unwrap_or_default(),
            private: root
                .find(b"private")
                .and_then(|v| v.as_int())
                .is_some_and(|flag| flag != 0),
        })
    }

    fn check_pieces(&self, root: &Value<'_>, version: Version) -> Result<(), MetainfoError> {
        if self.num_pieces() > PIECES_MAX {
            return Err(MetainfoError::field(
                "info.piece length",
                "gives too many pieces",
            ));
        }
        let expected = u64::from(self.num_pieces()).saturating_mul(20);
        let has_pieces = find_text(root, b"pieces").is_some();
        if !has_pieces && version == Version::One {
            return Err(MetainfoError::field(
                "info.pieces",
                "missing or not a string",
            ));
        }
        if !has_pieces && self.info_hash_v1.is_some() {
            return Err(MetainfoError::field(
                "info.pieces",
                "missing in a hybrid torrent",
            ));
        }
        if has_pieces && u64::try_from(self.pieces.len()) != Ok(expected) {
            return Err(MetainfoError::field(
                "info.pieces",
                "does not fit the length of the files",
            ));
        }
        if self.total_len == 0 {
            return Err(MetainfoError::field("info.length", "all files are empty"));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

struct Found {
    files: Vec<File>,
    form: Form,
    has_v1: bool,
}

fn find_text<'d>(dict: &Value<'d>, key: &[u8]) -> Option<&'d [u8]> {
    dict.find(key)?.as_bytes()
}

fn read_version(root: &Value<'_>) -> Result<Version, MetainfoError> {
    match root
        .find(b"meta version")
        .and_then(|version| version.as_int())
    {
        Some(2) => Ok(Version::Two),
        Some(version) if version > 2 => Err(MetainfoError::field(
            "info.meta version",
            "newer than this program knows",
        )),
        _ if root
            .find(b"file tree")
            .is_some_and(|tree| tree.kind() == Kind::Dict) =>
        {
            Err(MetainfoError::field(
                "info.meta version",
                "missing beside a file tree",
            ))
        }
        _ => Ok(Version::One),
    }
}

fn read_piece_length(root: &Value<'_>, version: Version) -> Result<u32, MetainfoError> {
    let error = |problem| MetainfoError::field("info.piece length", problem);
    let len = root.find(b"piece length").and_then(|len| len.as_int());
    let len = len.ok_or_else(|| error("missing or not an integer"))?;
    let len = u32::try_from(len)
        .ok()
        .filter(|len| (1..=PIECE_LEN_MAX).contains(len));
    let len = len.ok_or_else(|| error("not between 1 byte and 256 MiB"))?;
    if version == Version::Two && (len < BLOCK_LEN || !len.is_power_of_two()) {
        return Err(error("not a power of two from 16 KiB"));
    }
    Ok(len)
}

fn read_files(
    root: &Value<'_>,
    version: Version,
    piece_length: u32,
    name: Option<(&str, &[u8])>,
) -> Result<Found, MetainfoError> {
    let list = root.find(b"files").and_then(|files| files.as_list());
    let v1 = match list.clone() {
        Some(list) => Some((read_list(list)?, Form::Tree)),
        None if version == Version::One || root.find(b"length").is_some() => {
            let (name, raw) =
                name.ok_or_else(|| MetainfoError::field("info.name", "not a file name"))?;
            Some((vec![read_single(root, name, raw)?], Form::SingleFile))
        }
        None => None,
    };
    let found = match (version, v1) {
        (Version::One, Some((files, form))) => Found {
            files,
            form,
            has_v1: true,
        },
        (_, v1) => {
            let tree = root.find(b"file tree");
            let tree = tree.ok_or_else(|| MetainfoError::field("info.file tree", "missing"))?;
            let (mut files, single) = read_tree(&tree, piece_length, list.is_some())?;
            let has_v1 = v1.is_some();
            if let Some((v1, _)) = v1 {
                match_versions(&mut files, &v1)?;
            }
            Found {
                files,
                form: if single { Form::SingleFile } else { Form::Tree },
                has_v1,
            }
        }
    };
    if found.files.is_empty() {
        return Err(MetainfoError::field("info.files", "no files"));
    }
    Ok(found)
}

/// Checks that both versions of a hybrid describe the same bytes. Older programs leave out the
/// padding behind the last bytes: then it is dropped.
fn match_versions(files: &mut Vec<File>, v1: &[File]) -> Result<(), MetainfoError> {
    if files.len() == v1.len().saturating_add(1)
        && let Some(last) = files.iter().rposition(|file| file.len > 0)
        && files.get(last).is_some_and(|file| file.pad)
    {
        files.remove(last);
    }
    // where padding stands among empty files makes no difference to the bytes
    let bytes = |files: &[File]| -> Vec<_> {
        files
            .iter()
            .filter(|file| file.len > 0)
            .map(|file| (file.len, file.pad))
            .collect()
    };
    let is_named = |file: &&File| !file.pad;
    let same =
        |(a, b): (&File, &File)| (a.len, &a.path, &a.symlink) == (b.len, &b.path, &b.symlink);
    let names = files
        .iter()
        .filter(is_named)
        .zip(v1.iter().filter(is_named))
        .all(same);
    if files.len() == v1.len() && bytes(files) == bytes(v1) && names {
        Ok(())
    } else {
        Err(MetainfoError::field(
            "info.file tree",
            "differs from the version 1 file list",
        ))
    }
}
