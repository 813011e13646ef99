//! What is to be copied: the bytes that a torrent or a metalink describes, and how to copy them.
//!
//! A [`Content`] is checked when it is made: its layout is consistent, each piece has a digest and
//! no path leaves the target. What the torrent advises (trackers, mirrors, shares, how many may
//! read) is added to the options of the copy; the stricter word wins. A content that a metalink alone describes
//! has no torrent, and a name of its own in the swarm.

mod described;
mod named;
mod torrent;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use swarmcopy_address::{ShownAll, debug_shown};
use swarmcopy_bt_wire::metainfo::{Form, Torrent};
use swarmcopy_layout::{Layout, PieceDigests, Platform, RelPath};

use swarmcopy_piece_store::Shape;
use swarmcopy_sources::{OriginSource, RangeSource};

use crate::metalink::Advice;
use crate::provenance::Provenance;
use crate::{ContentId, CopyOptions, Error, ErrorKind, Preview, tree};

/// Where the bytes of a content lie or go.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// Copied into `CopyOptions::into`.
    Copy,
    /// Served from the complete copy in this folder.
    Seed(PathBuf),
}

/// Who has a content or knows of it, as it was named with the content.
#[derive(Clone, Default)]
pub(crate) struct Named {
    pub(crate) shares: Vec<PathBuf>,
    pub(crate) mirrors: Vec<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) trackers: Vec<String>,
}

debug_shown!(Named {
    shares, peers;
    mirrors: ShownAll(mirrors),
    trackers: ShownAll(trackers),
});

/// Something to copy or to serve: what it is, and who has it besides those that the options of a copy name.
#[derive(Debug, Clone)]
pub struct Content {
    pub(crate) torrent: Option<Arc<Torrent>>,
    /// Its name in the swarm: the info-hash, or one of our own where there is no torrent.
    pub(crate) swarm_id: [u8; 20],
    pub(crate) form: Form,
    pub(crate) layout: Arc<Layout>,
    pub(crate) digests: Arc<PieceDigests>,
    pub(crate) name: RelPath,
    pub(crate) role: Role,
    /// How far the torrent is trusted.
    pub(crate) from: Provenance,
    pub(crate) options: CopyOptions,
    pub(crate) origins: Vec<Arc<dyn OriginSource>>,
    pub(crate) ranges: Vec<Arc<dyn RangeSource>>,
    /// Who was named with the content, to be asked besides those of the options.
    pub(crate) named: Named,
    /// Mirrors and trackers that only a link from the internet names: they must not lead to private addresses.
    pub(crate) hearsay: Vec<String>,
    /// What a metalink adds.
    pub(crate) advice: Arc<Advice>,
    /// What besides bytes belongs to the copy.
    pub(crate) plan: Arc<tree::Plan>,
}

impl Content {
    /// Takes the bytes of a .torrent file.
    ///
    /// # Errors
    /// [`ErrorKind::Failed`], naming the field that can't be.
    pub fn torrent(bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let torrent = Torrent::parse(bytes.as_ref())
            .map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))?;
        let name = RelPath::from_names([&torrent.info.name])
            .map_err(|error| Error::new(ErrorKind::Failed, format!("info.name: {error}")))?;
        let name = name.with_given(&torrent.info.raw_name);
        let (layout, digests) = torrent::describe(&torrent)?;
        let plan = tree::Plan::of(&torrent)?;
        let mut advice = Advice::default();
        let left_out = plan.left_out.iter();
        advice
            .notes
            .extend(left_out.map(|link| format!("left out: {link}")));
        Ok(Self {
            layout: Arc::new(layout),
            digests: Arc::new(digests),
            name,
            role: Role::Copy,
            from: Provenance::Here,
            options: CopyOptions::new("."),
            origins: Vec::new(),
            ranges: Vec::new(),
            named: Named::default(),
            hearsay: Vec::new(),
            advice: Arc::new(advice),
            plan: Arc::new(plan),
            swarm_id: torrent.info.info_hash(),
            form: torrent.info.form,
            torrent: Some(Arc::new(torrent)),
        })
    }

    /// Adds a share: the folder that contains NAME, or NAME itself.
    #[must_use]
    pub fn share(mut self, location: impl Into<PathBuf>) -> Self {
        self.named.shares.push(location.into());
        self
    }

    /// Adds an origin of the embedder's own; it is read under the same protection as the others, within the same
    /// limits.
    #[must_use]
    pub fn source(mut self, source: Arc<dyn RangeSource>) -> Self {
        self.ranges.push(source);
        self
    }

    /// Adds an origin that reads by itself through a sink. [`source`](Self::source) is what most embedders want.
    #[must_use]
    pub fn origin(mut self, origin: Arc<dyn OriginSource>) -> Self {
        self.origins.push(origin);
        self
    }

    /// The same with what is to be done with it; who was named with the content is added.
    pub(crate) fn with_options(mut self, options: CopyOptions) -> Self {
        let named = std::mem::take(&mut self.named);
        self.options = options;
        self.options.shares.extend(named.shares);
        extend(&mut self.options.mirrors, named.mirrors);
        extend(&mut self.options.peers, named.peers);
        extend(&mut self.options.trackers, named.trackers);
        self
    }

    /// Its name in the swarm.
    pub fn id(&self) -> ContentId {
        ContentId::new(self.swarm_id)
    }

    /// Serves the complete copy `folder/NAME` instead of making one. Nothing is written; each piece
    /// is verified before it is first sent.
    #[must_use]
    pub fn seed_from(mut self, folder: impl Into<PathBuf>) -> Self {
        self.role = Role::Seed(folder.into());
        self
    }

    /// Its name: the file or folder that it becomes.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its name as a path, which also tells under which other names sources may have it.
    pub fn file_name(&self) -> &RelPath {
        &self.name
    }

    /// Where it lies in `folder` if somebody made it there or copied it there, the likeliest first:
    /// under the name that was given for it, or under that of a copy of ours, which comes last.
    pub fn places_in(&self, folder: &Path) -> Vec<PathBuf> {
        let names = self.name.source_paths(Platform::HERE);
        let folder = match names.as_slice() {
            [_] => folder.to_path_buf(),
            _ => swarmcopy_sys::path::verbatim(folder),
        };
        names.iter().map(|name| folder.join(name)).collect()
    }

    /// Where its files and pieces lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The shares to try: those of the options, then those that the torrent and the metalink name.
    pub(crate) fn shares(&self) -> Vec<PathBuf> {
        let own = self.torrent.iter().flat_map(|torrent| &torrent.own.shares);
        let own = own
            .map(PathBuf::from)
            .filter(|_| self.opens_paths_of(self.from));
        let advised = self.advice.shares.iter().cloned();
        let advised = advised.filter(|_| self.opens_paths_of(self.advice.from));
        let shares = self.options.shares.iter().cloned();
        shares.chain(own).chain(advised).collect()
    }

    fn opens_paths_of(&self, from: Provenance) -> bool {
        self.options.trust_document || from.may_name_paths()
    }

    /// Whether `url` may lead to a private address: the user named it, or a document that may.
    pub(crate) fn may_be_private(&self, url: &str) -> bool {
        let is = |own: &String| own == url;
        let named = || self.options.mirrors.iter().any(is) || self.from.may_name_private();
        self.options.trust_document || !self.hearsay.iter().any(is) && named()
    }

    /// The mirrors to try: those of the options, then those that the torrent names.
    pub(crate) fn mirrors(&self) -> Vec<String> {
        let torrent = self.torrent.iter();
        let torrent =
            torrent.flat_map(|torrent| torrent.url_list.iter().chain(&torrent.own.mirrors));
        let mut mirrors: Vec<String> = Vec::new();
        for url in self.options.mirrors.iter().chain(torrent) {
            if !mirrors.contains(url) {
                mirrors.push(url.clone());
            }
        }
        mirrors
    }

    /// The trackers in tiers: the torrent's, then each of the options as a tier of its own.
    pub(crate) fn trackers(&self) -> Vec<Vec<url::Url>> {
        let added = self.options.trackers.iter().map(|url| vec![url.clone()]);
        let named = self.torrent.iter().flat_map(|torrent| &torrent.trackers);
        let tiers = named.cloned().chain(added);
        tiers
            .map(|tier| {
                tier.iter()
                    .filter_map(|url| url.parse().ok())
                    .collect::<Vec<_>>()
            })
            .filter(|tier| !tier.is_empty())
            .collect()
    }

    /// Those of its trackers that are asked at public addresses alone.
    pub(crate) fn public_trackers(&self) -> Vec<url::Url> {
        if self.options.trust_document {
            return Vec::new();
        }
        let torrent = self
            .torrent
            .iter()
            .filter(|_| !self.from.may_name_private());
        let torrent = torrent.flat_map(|torrent| torrent.trackers.iter().flatten());
        let named = torrent.filter(|url| !self.options.trackers.contains(url));
        let named = named.chain(&self.hearsay);
        named.filter_map(|url| url.parse().ok()).collect()
    }

    /// Whether servers on the internet may redirect to private addresses.
    pub(crate) fn redirects_privately(&self) -> bool {
        self.options.private_redirects || self.options.trust_document
    }

    pub(crate) fn is_seed(&self) -> bool {
        matches!(self.role, Role::Seed(_))
    }

    /// What is to be done besides bytes when all of them are there.
    pub(crate) fn tree_job(&self) -> tree::Job {
        let staged = self.options.staged.then(|| self.target_path());
        tree::Job {
            old: staged,
            selected: self.options.select.clone(),
            layout: Arc::clone(&self.layout),
            plan: Arc::clone(&self.plan),
            shape: self.shape(),
            extent: tree::Extent {
                attributes: !self.options.plain,
                exact: self.options.delete_extra,
                access: self.options.acl,
            },
        }
    }

    /// Looks what a copy would do, as far as lengths and times tell. Blocks; changes nothing.
    ///
    /// # Errors
    /// An option that can't be right, or a target that can't be read.
    pub fn preview(&self, options: &CopyOptions) -> Result<Preview, Error> {
        crate::check::options(options)?;
        let content = self.clone().with_options(options.clone());
        tree::preview(&content.target_path(), &content.tree_job())
    }

    /// Where the copy lies once it is complete.
    pub(crate) fn target_path(&self) -> PathBuf {
        self.options.into.join(self.name.to_path(Platform::HERE))
    }

    /// The target's path with something behind its name.
    pub(crate) fn beside_target(&self, suffix: &str) -> PathBuf {
        swarmcopy_sys::path::beside(&self.target_path(), suffix)
    }

    /// How it lies on a disk.
    pub(crate) fn shape(&self) -> Shape {
        if self.is_tree() {
            Shape::Tree
        } else {
            Shape::File
        }
    }

    pub(crate) fn is_tree(&self) -> bool {
        self.form == Form::Tree
    }

    /// Whether some files have no hashes of pieces, only one of the whole.
    pub(crate) fn has_whole_files(&self) -> bool {
        self.digests.files().len() > 0
    }

    /// Whether only the torrent's own trackers may be told of it (BEP 27).
    pub(crate) fn is_private(&self) -> bool {
        self.torrent
            .as_ref()
            .is_some_and(|torrent| torrent.info.private)
    }

    /// Its name in the swarm, padded with zeros to the length that stores and slots use.
    pub(crate) fn padded_id(&self) -> [u8; 32] {
        let mut id = [0; 32];
        for (to, from) in id.iter_mut().zip(self.swarm_id) {
            *to = from;
        }
        id
    }

    /// The info dictionary, for peers that have only a magnet link.
    pub(crate) fn info_bytes(&self) -> Option<Bytes> {
        self.torrent
            .as_ref()
            .map(|torrent| torrent.info.raw.clone())
    }
}

/// Adds what is not there yet.
fn extend(to: &mut Vec<String>, from: Vec<String>) {
    for one in from {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}
