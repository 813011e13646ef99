//! Layout and digests of a torrent: BEP 3, or BEP 52 where that alone is there.
//!
//! What must stay true: a torrent of both versions is laid out by version 1, pads and all, so that
//! every client numbers its pieces alike; each piece has a digest.

use swarmcopy_bt_wire::metainfo::{File, Info, Torrent};
use swarmcopy_layout::{
    Attributes, BLOCK_LEN, Layout, LayoutBuilder, PieceDigest, PieceDigests, RelPath,
};

use crate::{Error, ErrorKind};

/// Lays out what a torrent describes, and takes its digests.
pub(super) fn describe(torrent: &Torrent) -> Result<(Layout, PieceDigests), Error> {
    let info = &torrent.info;
    let piece_len = u64::from(info.piece_length);
    if info.info_hash_v1.is_none() {
        let layout = layout_of(info, Layout::builder_by_file(piece_len))?;
        return Ok((layout, PieceDigests::new(merkle_digests(torrent)?)));
    }
    let digests = info.piece_hashes().iter().copied().map(PieceDigest::Sha1);
    let digests = PieceDigests::new(digests.collect());
    Ok((layout_of(info, Layout::builder(piece_len))?, digests))
}

/// The layout of a torrent's files. Symbolic links of BEP 47 become no file: they have no bytes,
/// and what they point to is up to the machine that follows them. Where files are cut one by one,
/// nothing pads them on the wire.
fn layout_of(info: &Info, mut builder: LayoutBuilder) -> Result<Layout, Error> {
    let by_file = info.info_hash_v1.is_none();
    for (at, file) in info.files.iter().enumerate() {
        if file.symlink.is_some() || (by_file && file.pad) {
            continue;
        }
        let path = RelPath::from_names(file.disk_path())
            .map_err(|error| refused(&format!("info.files[{at}].path: {error}")))?;
        let path = path.with_given(&file.raw_path);
        let attributes = if file.pad {
            Attributes::pad()
        } else {
            Attributes::default()
                .with_executable(file.executable)
                .with_hidden(file.hidden)
        };
        builder.push(path, file.len, attributes);
    }
    builder
        .build()
        .map_err(|error| refused(&format!("info.files: {error}")))
}

/// The roots of all pieces in order: no piece belongs to two files.
fn merkle_digests(torrent: &Torrent) -> Result<Vec<PieceDigest>, Error> {
    let mut digests = Vec::new();
    let files = torrent.info.files.iter();
    for file in files.filter(|file| file.len > 0 && !file.pad) {
        push_roots(&mut digests, torrent, file)?;
    }
    Ok(digests)
}

fn push_roots(digests: &mut Vec<PieceDigest>, torrent: &Torrent, file: &File) -> Result<(), Error> {
    let piece_len = torrent.info.piece_length;
    let Some(root) = file.pieces_root else {
        return Err(refused(&"info.file tree: a file has no hash tree"));
    };
    if file.len <= u64::from(piece_len) {
        let leaves = u32::try_from(file.len.div_ceil(u64::from(BLOCK_LEN))).unwrap_or(u32::MAX);
        let leaves = leaves.next_power_of_two();
        digests.push(PieceDigest::Merkle { root, leaves });
        return Ok(());
    }
    let layer = torrent.piece_layers.get(&root).ok_or_else(|| {
        refused(&"piece layers: the hashes of a file are not there")
            .with_hint("give the .torrent itself: peers don't hand these hashes out")
    })?;
    let leaves = piece_len / BLOCK_LEN;
    let (roots, _) = layer.as_chunks::<32>();
    digests.extend(roots.iter().map(|root| PieceDigest::Merkle {
        root: *root,
        leaves,
    }));
    Ok(())
}

fn refused(what: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, what.to_string())
}
