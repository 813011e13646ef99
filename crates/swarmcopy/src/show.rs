//! What a .torrent, a metalink or a magnet link says, for people and scripts.
//!
//! What must stay true: describing opens nothing that is named in it; a .torrent that is refused
//! is refused with the name of the field.

use swarmcopy_address::{Shown, in_text};
use swarmcopy_bt_wire::magnet::Magnet;
use swarmcopy_bt_wire::metainfo::{File, Torrent};

use crate::what::{Named, Web, unusable};
use crate::{
    CopyOptions, Description, DescriptionKind, Error, ErrorKind, FileDescription, What, metalink,
};

impl Description {
    /// Describes what `what` names: a document is read or fetched, as `options` say, and no
    /// other. May be dropped at any await.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] when it can't be read or makes no sense.
    pub async fn find(what: &What, options: &CopyOptions) -> Result<Self, Error> {
        let web = Web::new(options)?;
        match Named::read(what, &web).await? {
            Named::Torrent(bytes, _) => Self::of_torrent(bytes),
            Named::Metalink(document, place) => metalink::describe(&document, &place),
            Named::Magnet(link, _) => Self::of_magnet(&link),
        }
    }

    /// Describes the bytes of a .torrent.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] naming the field that is missing or makes no sense.
    ///
    /// ```
    /// let error = swarmcopy::Description::of_torrent(b"d4:infod4:name1:aee").unwrap_err();
    /// assert!(error.to_string().contains("info.piece length"), "{error}");
    /// ```
    pub fn of_torrent(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let torrent = Torrent::parse(bytes.as_ref()).map_err(|error| failed(&error))?;
        let info = &torrent.info;
        let real = || info.files.iter().filter(|file| !file.pad);
        Ok(Self {
            name: Some(info.name.clone()),
            info_hash: info.info_hash_v1,
            info_hash_v2: info.info_hash_v2,
            piece_len: Some(u64::from(info.piece_length)),
            pieces: Some(info.num_pieces()),
            bytes: Some(real().map(|file| file.len).fold(0, u64::saturating_add)),
            private: Some(info.private),
            files: real().map(FileDescription::of).collect(),
            trackers: torrent.trackers.iter().map(|tier| shown(tier)).collect(),
            mirrors: shown(&torrent.url_list),
            own_mirrors: shown(&torrent.own.mirrors),
            shares: shown(&torrent.own.shares),
            slots: torrent.own.slots,
            comment: torrent.comment.map(|text| in_text(&text).into_owned()),
            created_by: torrent.created_by,
            creation_date: torrent.creation_date,
            ..Self::default()
        })
    }

    /// Describes a magnet link (BEP 9), which tells little before a peer was asked.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`] when it has no info-hash that could be used.
    ///
    /// ```
    /// let link = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&dn=CS5";
    /// let described = swarmcopy::Description::of_magnet(link)?;
    /// assert_eq!(described.name.as_deref(), Some("CS5"));
    /// # Ok::<(), swarmcopy::Error>(())
    /// ```
    pub fn of_magnet(link: &str) -> Result<Self, Error> {
        let magnet = Magnet::parse(link).map_err(|error| failed(&error))?;
        let notes = unusable(&magnet).collect();
        Ok(Self {
            kind: DescriptionKind::Magnet,
            name: magnet.name,
            torrents: shown(&magnet.sources),
            info_hash: magnet.info_hash_v1,
            info_hash_v2: magnet.info_hash_v2,
            trackers: shown(&magnet.trackers)
                .into_iter()
                .map(|url| vec![url])
                .collect(),
            mirrors: shown(&magnet.mirrors),
            notes,
            peers: magnet.peers,
            ..Self::default()
        })
    }
}

/// Addresses as they may be shown.
fn shown(addresses: &[String]) -> Vec<String> {
    let shown = addresses.iter().map(|address| Shown(address).to_string());
    shown.collect()
}

impl FileDescription {
    fn of(file: &File) -> Self {
        let flags = [
            (file.executable, 'x'),
            (file.hidden, 'h'),
            (file.symlink.is_some(), 'l'),
        ];
        Self {
            path: file.disk_path().collect::<Vec<_>>().join("/"),
            bytes: Some(file.len),
            attr: flags
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, letter)| *letter)
                .collect(),
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Failed, error.to_string())
}
