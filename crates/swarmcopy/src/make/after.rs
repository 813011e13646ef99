//! The version before: what of it need not be read again, and where its files lay.
//!
//! What must stay true: a digest is taken over only if the new piece is made of the same parts of the
//! same files as the old one, and each of these has the size and the time that the old table says.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use swarmcopy_bt_wire::metainfo::{File, Torrent};
use swarmcopy_layout::{Attributes, FileIndex, Layout, PieceIndex, RelPath, Span};

use super::options::{Format, MakeOptions};
use super::piece_len::PieceLen;
use super::walk::Found;
use crate::{Error, ErrorKind};

/// A run of unchanged files that is shorter than this many pieces is not worth padding before it.
const RUN_PIECES_MIN: u64 = 4;

/// What the torrent of the version before tells.
#[derive(Debug)]
pub(super) struct Before {
    torrent: Torrent,
    layout: Layout,
    /// By path: the file's place in the layout, and its time.
    files: HashMap<String, (FileIndex, i64)>,
    reread: bool,
}

/// The digests of one piece.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) sha1: [u8; 20],
    pub(super) root: [u8; 32],
}

impl Before {
    /// Reads the torrent that the options name, if they do.
    pub(super) fn read(options: &MakeOptions) -> Result<Option<Self>, Error> {
        let Some(path) = &options.after else {
            return Ok(None);
        };
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(
                ErrorKind::Failed,
                format!("cannot read {}: {error}", path.display()),
            )
        };
        let bytes = fs::read(path).map_err(|error| failed(&error))?;
        let torrent = Torrent::parse(&bytes).map_err(|error| failed(&error))?;
        check_format(options, &torrent, path)?;
        let layout = layout_of(&torrent).map_err(|error| failed(&error))?;
        let times = torrent.own.tree.iter().flat_map(|tree| &tree.files);
        let times = times.map(|attributes| attributes.time);
        let stored = layout.files().filter(|(_, file)| !file.attributes().pad);
        let files = stored.zip(times);
        let files = files.map(|((index, file), time)| (file.path().to_string(), (index, time)));
        Ok(Some(Self {
            files: files.collect(),
            layout,
            torrent,
            reread: options.check || options.metalink.is_some(),
        }))
    }

    /// Puts the files in the order that they had, new ones behind them.
    pub(super) fn order(&self, files: &mut [Found]) {
        let place = |found: &Found| self.files.get(found.rel.as_str()).map(|(index, _)| *index);
        files.sort_by_key(|found| place(found).map_or((true, 0), |index| (false, index.value())));
    }

    /// Where the file lay, if it is the same by its size and time.
    fn same(&self, found: &Found) -> Option<Span> {
        let (index, time) = self.files.get(found.rel.as_str())?;
        let file = self.layout.file(*index)?;
        let same = file.len() == found.stamp.len && *time == found.attributes.time;
        same.then(|| file.span())
    }

    /// For each file, how many bytes of padding before it let a long run of unchanged files lie at the same
    /// place of their pieces.
    pub(super) fn pads(&self, files: &[Found]) -> Vec<u64> {
        let piece_len = self.layout.piece_len();
        let mut runs = vec![0_u64; files.len()];
        let mut run = 0;
        let mut next: Option<u64> = None;
        for (at, found) in files.iter().enumerate().rev() {
            let span = self.same(found);
            run = match span {
                Some(span) if next.is_none_or(|next| next == span.end()) => run + span.len(),
                Some(span) => span.len(),
                None => 0,
            };
            next = span.map(Span::start);
            if let Some(of) = runs.get_mut(at) {
                *of = run;
            }
        }
        let mut pads = Vec::with_capacity(files.len());
        let mut end = 0_u64;
        for (found, run) in files.iter().zip(runs) {
            let start = self.same(found).map(Span::start);
            let start = start.filter(|_| run >= RUN_PIECES_MIN * piece_len);
            let shift = start.map_or(0, |start| {
                let (wanted, here) = (start % piece_len, end % piece_len);
                (wanted + piece_len - here) % piece_len
            });
            pads.push(shift);
            end += shift + found.stamp.len;
        }
        pads
    }

    /// The digests that need not be made again. `paths` are the files of the layout, pads without one.
    pub(super) fn known(&self, layout: &Layout, files: &[Found]) -> BTreeMap<PieceIndex, Known> {
        let mut known = BTreeMap::new();
        if self.reread || layout.piece_len() != self.layout.piece_len() {
            return known;
        }
        let stored = layout.files().filter(|(_, file)| !file.attributes().pad);
        let old: HashMap<FileIndex, FileIndex> = stored
            .zip(files)
            .filter(|(_, found)| self.same(found).is_some())
            .filter_map(|((index, _), found)| Some((index, self.files.get(found.rel.as_str())?.0)))
            .collect();
        let roots = self.roots();
        for piece in layout.piece_indexes() {
            let Some(before) = self.same_piece(layout, piece, &old) else {
                continue;
            };
            let sha1 = usize::try_from(before.value()).ok();
            let sha1 = sha1.and_then(|at| self.torrent.info.piece_hashes().get(at).copied());
            known.insert(
                piece,
                Known {
                    sha1: sha1.unwrap_or_default(),
                    root: roots.get(&before).copied().unwrap_or_default(),
                },
            );
        }
        known
    }

    /// The piece of the old layout that holds the same parts of the same files.
    fn same_piece(
        &self,
        layout: &Layout,
        piece: PieceIndex,
        old: &HashMap<FileIndex, FileIndex>,
    ) -> Option<PieceIndex> {
        let span = layout.piece_span(piece);
        let is_pad = |layout: &Layout, file: FileIndex| {
            layout.file(file).is_some_and(|file| file.attributes().pad)
        };
        let first = layout
            .slices(span)
            .find(|slice| !is_pad(layout, slice.file))?;
        let there = self.layout.file(*old.get(&first.file)?)?.span().start() + first.offset;
        let before = self.layout.piece_at(there)?;
        let old_span = self.layout.piece_span(before);
        let same_place = there - old_span.start() == first.span.start() - span.start();
        if !same_place || old_span.len() != span.len() {
            return None;
        }
        let here: Vec<_> = layout
            .slices(span)
            .filter(|slice| !is_pad(layout, slice.file))
            .map(|slice| {
                Some((
                    *old.get(&slice.file)?,
                    slice.offset,
                    slice.span.len(),
                    slice.span.start() - span.start(),
                ))
            })
            .collect();
        let there = self.layout.slices(old_span);
        let there = there.filter(|slice| !is_pad(&self.layout, slice.file));
        let there = there.map(|slice| {
            let from = slice.span.start() - old_span.start();
            Some((slice.file, slice.offset, slice.span.len(), from))
        });
        here.into_iter().eq(there).then_some(before)
    }

    /// The roots of the old pieces, where the torrent has some.
    fn roots(&self) -> BTreeMap<PieceIndex, [u8; 32]> {
        let mut roots = BTreeMap::new();
        let files = self
            .torrent
            .info
            .files
            .iter()
            .filter(|file| file.symlink.is_none());
        for (file, (_, entry)) in files.zip(self.layout.files()) {
            let Some(root) = file.pieces_root else {
                continue;
            };
            let layer = self.torrent.piece_layers.get(&root);
            let layer = layer.map(|layer| layer.as_chunks::<32>().0);
            let pieces = self.layout.pieces_of(entry.span());
            match layer {
                Some(layer) => roots.extend(pieces.zip(layer.iter().copied())),
                None => roots.extend(pieces.map(|piece| (piece, root))),
            }
        }
        roots
    }

    /// The length of its pieces.
    pub(super) fn piece_len(&self) -> PieceLen {
        PieceLen::Bytes(u64::from(self.torrent.info.piece_length))
    }
}

fn check_format(options: &MakeOptions, torrent: &Torrent, path: &Path) -> Result<(), Error> {
    let info = &torrent.info;
    let (format, name) = match (info.info_hash_v1, info.info_hash_v2) {
        (Some(_), Some(_)) => (Format::Hybrid, "hybrid"),
        (None, Some(_)) => (Format::V2, "v2"),
        _ => (Format::V1, "v1"),
    };
    if format == options.format {
        return Ok(());
    }
    let message = format!("{} is of another format", path.display());
    let hint = format!("set `format` to {name}");
    Err(Error::new(ErrorKind::Usage, message).with_hint(hint))
}

/// The files of a torrent as make lays them out.
fn layout_of(torrent: &Torrent) -> Result<Layout, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::Failed, error.to_string());
    let mut builder = Layout::builder(u64::from(torrent.info.piece_length));
    let files = &torrent.info.files;
    // version 2 says nothing of padding: there is none behind the last bytes
    let last = files.iter().rposition(|file| file.len > 0 && !file.pad);
    let is_behind = |at: usize, file: &File| file.pad && last.is_some_and(|last| at > last);
    for (at, file) in files.iter().enumerate() {
        if file.symlink.is_some() || is_behind(at, file) {
            continue;
        }
        let path = RelPath::from_names(file.disk_path()).map_err(|error| failed(&error))?;
        let attributes = if file.pad {
            Attributes::pad()
        } else {
            Attributes::default()
        };
        builder.push(path, file.len, attributes);
    }
    builder.build().map_err(|error| failed(&error))
}
