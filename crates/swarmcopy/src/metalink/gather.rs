//! Follows what a metalink leads to: other metalinks, and .torrents.
//!
//! What must stay true: no more than `DOCUMENTS_MAX` documents are fetched, each address once, and a
//! metalink is followed `DEPTH_MAX` times at most; what a followed metalink says of a file counts only
//! where it does not contradict the document that led to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use swarmcopy_bt_wire::metainfo::{self, Torrent};
use swarmcopy_layout::{FileIndex, Layout};
use swarmcopy_metalink::limits::URLS_MAX;
use swarmcopy_metalink::{Document, File, Hash, HashKind, MetaKind, MetaUrl, PieceList};
use url::Url;

use super::Place;
use super::describe::USABLE;
use crate::metalink::name_of;
use crate::provenance::Provenance;
use crate::what::{Named, Web, failed};
use crate::{Error, What};

/// Most .torrents and metalinks that one document makes us fetch.
const DOCUMENTS_MAX: usize = 16;
/// How many metalinks may lead to each other.
const DEPTH_MAX: u32 = 3;

/// Fetches what a document leads to.
pub(super) struct Gather<'a> {
    web: &'a Web,
    place: &'a Place,
    pub(super) notes: Vec<String>,
    fetched: usize,
    documents: BTreeMap<Url, Option<Arc<Document>>>,
    torrents: BTreeMap<Url, Option<usize>>,
    loaded: Vec<Loaded>,
}

impl<'a> Gather<'a> {
    pub(super) fn new(web: &'a Web, place: &'a Place) -> Self {
        Self {
            web,
            place,
            notes: Vec::new(),
            fetched: 0,
            documents: BTreeMap::new(),
            torrents: BTreeMap::new(),
            loaded: Vec::new(),
        }
    }

    /// Adds what the metalinks say that `files` lead to.
    pub(super) async fn follow_metalinks(&mut self, files: &mut [File]) {
        for file in files {
            self.follow(file).await;
        }
    }

    async fn follow(&mut self, file: &mut File) {
        let mut seen = BTreeSet::new();
        let mut queue: VecDeque<(MetaUrl, u32)> = metalinks(file, 1).collect();
        while let Some((metaurl, depth)) = queue.pop_front() {
            if !seen.insert(metaurl.url.clone()) {
                continue;
            }
            if depth > DEPTH_MAX {
                let note = format!(
                    "metaurl {} of {}: metalinks lead too deep",
                    metaurl.url, file.path
                );
                self.notes.push(note);
                continue;
            }
            let Some(document) = self.document(metaurl.url.as_url()).await else {
                continue;
            };
            let found = find_in(&document, &metaurl, file);
            match found.map(|found| merge(file, found)) {
                Some(Ok(())) => {
                    let more = found
                        .into_iter()
                        .flat_map(|found| metalinks(found, depth + 1));
                    queue.extend(more);
                }
                Some(Err(why)) => self
                    .notes
                    .push(format!("metaurl {} of {}: {why}", metaurl.url, file.path)),
                None => self.notes.push(format!(
                    "metaurl {} of {}: the file is not in it",
                    metaurl.url, file.path
                )),
            }
        }
    }

    async fn document(&mut self, url: &Url) -> Option<Arc<Document>> {
        if let Some(known) = self.documents.get(url) {
            return known.clone();
        }
        let fetched = self.fetch(url).await.and_then(|named| match named {
            Named::Metalink(document, _) => Ok(Arc::new(*document)),
            _ => Err(failed(&"it is no metalink")),
        });
        let document = fetched
            .map_err(|error| self.notes.push(format!("metaurl {url}: {error}")))
            .ok();
        self.documents.insert(url.clone(), document.clone());
        document
    }

    async fn fetch(&mut self, url: &Url) -> Result<Named, Error> {
        if self.fetched >= DOCUMENTS_MAX {
            return Err(failed(&format!(
                "not fetched, as {DOCUMENTS_MAX} documents were already"
            )));
        }
        self.fetched += 1;
        Named::fetch(url, self.web).await
    }

    /// Loads the torrents of all files, of each file the first one that fits.
    pub(super) async fn torrents(&mut self, files: &[File]) -> Torrents {
        let mut of_file = Vec::with_capacity(files.len());
        for file in files {
            of_file.push(self.torrent_of(file).await);
        }
        Torrents {
            loaded: std::mem::take(&mut self.loaded),
            of_file,
        }
    }

    async fn torrent_of(&mut self, file: &File) -> Option<InTorrent> {
        let metaurls = file.metaurls_by_priority().into_iter();
        for metaurl in metaurls.filter(|metaurl| metaurl.kind == MetaKind::Torrent) {
            let Some(torrent) = self.torrent(metaurl.url.as_url()).await else {
                continue;
            };
            let loaded = self.loaded.get(torrent)?;
            match loaded.find(metaurl, file.size) {
                Ok(file) => return Some(InTorrent { torrent, file }),
                Err(why) => {
                    let note = format!("metaurl {} of {}: {why}", metaurl.url, file.path);
                    self.notes.push(note);
                }
            }
        }
        None
    }

    async fn torrent(&mut self, url: &Url) -> Option<usize> {
        if let Some(known) = self.torrents.get(url) {
            return *known;
        }
        let loaded = self.load(url).await.map(|loaded| {
            self.loaded.push(loaded);
            self.loaded.len() - 1
        });
        let index = loaded
            .map_err(|error| self.notes.push(format!("metaurl {url}: {error}")))
            .ok();
        self.torrents.insert(url.clone(), index);
        index
    }

    /// The .torrent of that name beside the document, else the one at the address.
    async fn load(&mut self, url: &Url) -> Result<Loaded, Error> {
        let name = name_of(url);
        let beside = self.place.folder.iter().zip(name);
        let beside = beside.map(|(folder, name)| folder.join(name)).next();
        let named = match beside.filter(|path| path.is_file()) {
            Some(path) => Named::read(&What::Path(path), self.web).await?,
            None => self.fetch(url).await?,
        };
        match named {
            Named::Torrent(bytes, from) => Loaded::new(bytes, from),
            _ => Err(failed(&"it is no .torrent")),
        }
    }
}

/// The metalinks that describe a file, best first.
fn metalinks(file: &File, depth: u32) -> impl Iterator<Item = (MetaUrl, u32)> {
    let metaurls = file.metaurls_by_priority().into_iter();
    metaurls
        .filter(|metaurl| metaurl.kind == MetaKind::Metalink)
        .map(move |metaurl| (metaurl.clone(), depth))
}

/// Which file of a followed metalink is meant: the one that is named, the only one, or the one of the same
/// path.
fn find_in<'d>(document: &'d Document, metaurl: &MetaUrl, file: &File) -> Option<&'d File> {
    let paths = document.files.iter().map(|file| file.path.as_str());
    let named = metaurl.find("", paths);
    let same = || {
        document
            .files
            .iter()
            .position(|other| other.path == file.path)
    };
    let at = named.or_else(|| same().filter(|_| metaurl.name.is_none()))?;
    document.files.get(at)
}

/// Adds what a followed metalink says of a file; its hashes count only where the document that led to it
/// has none.
fn merge(file: &mut File, found: &File) -> Result<(), &'static str> {
    if file.size.zip(found.size).is_some_and(|(a, b)| a != b) {
        return Err("it tells another size");
    }
    let differs = |hash: &Hash| {
        let same_kind = found
            .hashes
            .iter()
            .find(|other| other.kind() == hash.kind());
        same_kind.is_some_and(|other| other != hash)
    };
    if file.hashes.iter().any(differs) {
        return Err("it tells another hash");
    }
    if file.strongest_of(&USABLE).is_none() && file.pieces_of(&USABLE).is_none() {
        file.hashes.clone_from(&found.hashes);
        file.pieces.clone_from(&found.pieces);
    }
    file.size = file.size.or(found.size);
    if let Some(size) = file.size {
        file.pieces.retain(|list| list.check_size(size).is_ok());
    }
    file.mirrors.extend(found.mirrors.iter().cloned());
    file.mirrors.truncate(URLS_MAX);
    let torrents = found.metaurls.iter();
    let torrents = torrents.filter(|metaurl| metaurl.kind == MetaKind::Torrent);
    file.metaurls.extend(torrents.cloned());
    file.metaurls.truncate(URLS_MAX);
    Ok(())
}

/// A torrent, and where each path is in it.
#[derive(Debug)]
struct Loaded {
    bytes: Vec<u8>,
    from: Provenance,
    torrent: Torrent,
    paths: BTreeMap<String, usize>,
}

impl Loaded {
    fn new(bytes: Vec<u8>, from: Provenance) -> Result<Self, Error> {
        let torrent = Torrent::parse(&bytes).map_err(|error| failed(&error))?;
        let files = torrent.info.files.iter().enumerate();
        let paths = files.filter(|(_, file)| !file.pad && file.symlink.is_none());
        let paths = paths.map(|(at, file)| (path_of(file), at)).collect();
        Ok(Self {
            bytes,
            from,
            torrent,
            paths,
        })
    }

    /// The file that a metaurl means. Its `name` may begin with the torrent's own; one that is exactly
    /// called so wins.
    fn find(&self, metaurl: &MetaUrl, size: Option<u64>) -> Result<usize, &'static str> {
        let only = || self.paths.values().next().filter(|_| self.paths.len() == 1);
        let found = match &metaurl.name {
            None => only().ok_or("it has several files and none is named"),
            Some(name) => {
                let top = self.torrent.info.name.as_str();
                let below = name.as_str().strip_prefix(top);
                let below = below.and_then(|rest| rest.strip_prefix('/'));
                let exact = self.paths.get(name.as_str());
                let found = exact.or_else(|| self.paths.get(below?));
                found.ok_or("the file is not in it")
            }
        };
        let file = self.torrent.info.files.get(*found?);
        match file {
            Some(file) if size.is_none_or(|size| size == file.len) => found.copied(),
            _ => Err("its file has another size"),
        }
    }

    /// The hashes of the only file of a torrent of version 1.
    fn pieces(&self) -> Option<PieceList> {
        let [_] = self.torrent.info.files.as_slice() else {
            return None;
        };
        let info = &self.torrent.info;
        let hashes = info.piece_hashes().as_flattened().to_vec();
        PieceList::new(HashKind::Sha1, u64::from(info.piece_length), hashes).ok()
    }
}

fn path_of(file: &metainfo::File) -> String {
    file.disk_path().collect::<Vec<_>>().join("/")
}

/// A file of a torrent.
#[derive(Debug, Clone, Copy)]
struct InTorrent {
    torrent: usize,
    file: usize,
}

/// The torrents behind the files of a document.
#[derive(Debug)]
pub(super) struct Torrents {
    loaded: Vec<Loaded>,
    /// By file of the document.
    of_file: Vec<Option<InTorrent>>,
}

impl Torrents {
    /// The bytes of the torrent that has all files, each of them as another one of its own.
    pub(super) fn whole(&self) -> Option<(&[u8], Provenance)> {
        let first = self.of_file.first().copied().flatten()?;
        let mut taken = BTreeSet::new();
        let one_to_one = self
            .of_file
            .iter()
            .all(|of| of.is_some_and(|of| of.torrent == first.torrent && taken.insert(of.file)));
        let loaded = self.loaded.get(first.torrent)?;
        one_to_one.then_some((&loaded.bytes, loaded.from))
    }

    /// Which file of the layout each file of the document is.
    pub(super) fn mapped<'f>(
        &self,
        files: &'f [File],
        layout: &Layout,
    ) -> Vec<(FileIndex, &'f File)> {
        let indexes: BTreeMap<&str, FileIndex> = layout
            .files()
            .map(|(index, file)| (file.path().as_str(), index))
            .collect();
        let of_file = self.of_file.iter().zip(files);
        of_file
            .filter_map(|(of, file)| {
                let of = (*of)?;
                let torrent = &self.loaded.get(of.torrent)?.torrent;
                let path = path_of(torrent.info.files.get(of.file)?);
                Some((*indexes.get(path.as_str())?, file))
            })
            .collect()
    }

    /// Gives the hashes of torrents of one file to that file: they rule. Tells of torrents that are of no
    /// use, as they don't hold all files.
    pub(super) fn lend_pieces(&self, files: &mut [File], notes: &mut Vec<String>) {
        let mut useless = BTreeSet::new();
        for (of, file) in self.of_file.iter().zip(files) {
            let Some(of) = of else { continue };
            let Some(loaded) = self.loaded.get(of.torrent) else {
                continue;
            };
            match loaded.pieces() {
                Some(pieces) => {
                    file.size = Some(loaded.torrent.info.total_len);
                    file.hashes.clear();
                    file.pieces = vec![pieces];
                }
                None => {
                    useless.insert(loaded.torrent.info.name.as_str());
                }
            }
        }
        for name in useless {
            notes.push(format!(
                "the torrent {name} is not used: it does not hold all files of the metalink"
            ));
        }
    }
}
