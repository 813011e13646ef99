//! Magnet links (BEP 9): the description is asked of the addresses in the link, then of peers.
//!
//! What must stay true: only a description that has the link's info-hash is taken; a link from the internet makes
//! this machine ask no private address, unless it is trusted.

use std::sync::Arc;

use swarmcopy_address::{Shown, in_text, typed};
use swarmcopy_bt_wire::magnet::Magnet;
use swarmcopy_bt_wire::metainfo::Torrent;
use swarmcopy_layout::Layout;
use swarmcopy_swarm::{SwarmConfig, fetch_metadata};

use super::finding::Finding;
use super::web::Web;
use super::words::failed;
use crate::inner::Inner;
use crate::provenance::Provenance;
use crate::reach::{peer_is_private, url_is_private};
use crate::{Content, CopyOptions, Error, ErrorKind};

/// A link, without what it may not name.
#[derive(Debug)]
pub(super) struct Link {
    magnet: Magnet,
    /// How far it is trusted.
    from: Provenance,
    /// What was left out of it.
    left_out: Vec<String>,
}

impl Link {
    /// Reads a link that was found there. May be dropped at any await.
    pub(super) async fn read(
        text: &str,
        from: Provenance,
        options: &CopyOptions,
    ) -> Result<Self, Error> {
        let magnet = Magnet::parse(text).map_err(|error| failed(&error))?;
        let mut link = Self {
            magnet,
            from,
            left_out: Vec::new(),
        };
        if !from.may_name_private() && !options.trust_document {
            link.leave_out_private().await;
        }
        Ok(link)
    }

    /// Drops what leads to private addresses.
    async fn leave_out_private(&mut self) {
        let Magnet {
            trackers,
            mirrors,
            sources,
            peers,
            ..
        } = &mut self.magnet;
        for named in [trackers, mirrors, sources] {
            for url in std::mem::take(named) {
                if url_is_private(&url).await {
                    self.left_out.push(Shown(&url).to_string());
                } else {
                    named.push(url);
                }
            }
        }
        for peer in std::mem::take(peers) {
            if peer_is_private(&peer).await {
                self.left_out.push(peer);
            } else {
                peers.push(peer);
            }
        }
    }

    /// Adds what the link knows of peers, trackers and mirrors to the copy.
    pub(super) fn advise(self, content: &mut Content) {
        let notes = &mut Arc::make_mut(&mut content.advice).notes;
        let told = |torrent: &Arc<Torrent>| torrent.own.tree.is_some();
        if !content.torrent.as_ref().is_some_and(told) {
            let note = "a magnet link brings names and bytes alone: times, modes, empty folders and links come \
                        with the .torrent";
            notes.push(note.to_owned());
        }
        notes.extend(unusable(&self.magnet));
        let left_out = self.left_out.iter();
        notes.extend(left_out.map(|address| {
            format!(
                "{address} is not asked: a magnet link from the internet names a private address \
                 (`trust_document` allows that)"
            )
        }));
        if !self.from.may_name_private() {
            let CopyOptions {
                mirrors, trackers, ..
            } = &content.options;
            let named = self.magnet.mirrors.iter();
            let named = named.filter(|url| !mirrors.contains(url));
            let asked = self.magnet.trackers.iter();
            let asked = asked.filter(|url| !trackers.contains(url));
            content.hearsay = named.chain(asked).cloned().collect();
        }
        let named = &mut content.named;
        named.trackers = self.magnet.trackers;
        named.peers = self.magnet.peers;
        named.mirrors = self.magnet.mirrors;
    }
}

/// What of a link leads nowhere.
pub(crate) fn unusable(magnet: &Magnet) -> impl Iterator<Item = String> {
    let unusable = magnet.unusable.iter();
    unusable.map(|entry| {
        let (kind, value) = entry.split_once('=').unwrap_or(("", entry));
        let value = typed(value);
        let value = in_text(&value);
        format!(
            "{kind}={value} of the magnet link is not used: it is no such address, or one too many"
        )
    })
}

/// The .torrent of a link: from its addresses (`xs`), else from peers.
pub(super) async fn torrent(
    link: &Link,
    session: &Inner,
    (options, finding): (&CopyOptions, &Finding),
    web: &Web,
) -> Result<(Vec<u8>, Provenance), Error> {
    let magnet = &link.magnet;
    let web = web.named_by(link.from);
    for url in &magnet.sources {
        let fetched = web.fetch(url).await;
        let from = fetched.as_ref().map(|it| Provenance::fetched(it.is_public));
        let from = from.unwrap_or_default().max(link.from);
        match fetched.map(|fetched| fetched.body) {
            Ok(Some(bytes)) if is_of(magnet, &bytes) => return Ok((bytes, from)),
            Ok(_) => tracing::warn!("{} is not the .torrent of the magnet link", Shown(url)),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    // what peers send is checked by the link's own hash, and names nothing
    match from_peers(link, session, (options, finding)).await {
        Err(error) if !link.left_out.is_empty() => Err(error.with_hint(format!(
            "the link came from the internet, and {} private addresses that it names were not asked: \
             `trust_document` allows that",
            link.left_out.len()
        ))),
        bytes => Ok((bytes?, Provenance::Here)),
    }
}

/// Whether a .torrent has the info-hash of the link.
fn is_of(magnet: &Magnet, bytes: &[u8]) -> bool {
    Torrent::parse(bytes).is_ok_and(|torrent| {
        let info = torrent.info;
        let same_v1 = magnet.info_hash_v1.is_none() || magnet.info_hash_v1 == info.info_hash_v1;
        let same_v2 = magnet.info_hash_v2.is_none() || magnet.info_hash_v2 == info.info_hash_v2;
        same_v1 && same_v2
    })
}

async fn from_peers(
    link: &Link,
    session: &Inner,
    (options, finding): (&CopyOptions, &Finding),
) -> Result<Vec<u8>, Error> {
    let config = swarm_config(link, session, options)?;
    if config.trackers.is_empty()
        && config.peers.is_empty()
        && config.lsd.is_none()
        && config.dht.is_none()
    {
        return Err(Error::new(
            ErrorKind::Incomplete,
            "cannot describe the magnet link: it names nobody to ask",
        )
        .with_hint("name a machine that has it with `peers`, or a tracker with `trackers`"));
    }
    let patience = options.timeout.into_iter().chain(options.deadline).min();
    let asking = fetch_metadata(config, &finding.0);
    let info = match patience {
        Some(patience) => {
            let asked = tokio::time::timeout(patience, asking).await;
            asked.map_err(|_| finding.in_vain(patience))?
        }
        None => asking.await,
    };
    let bytes = [b"d4:info".as_slice(), &info, b"e"].concat();
    if is_of(&link.magnet, &bytes) {
        return Ok(bytes);
    }
    // the link's own hash is right: the description itself is no good, or one of its two hashes
    Content::torrent(&bytes)?;
    Err(failed(
        &"the two info-hashes of the magnet link are of different torrents",
    ))
}

fn swarm_config(link: &Link, session: &Inner, options: &CopyOptions) -> Result<SwarmConfig, Error> {
    let magnet = &link.magnet;
    let v2 = || {
        magnet
            .info_hash_v2
            .as_ref()
            .and_then(|hash| hash.first_chunk().copied())
    };
    let hash = magnet.info_hash_v1.or_else(v2);
    let hash = hash.ok_or_else(|| failed(&"cannot read magnet link: no usable info-hash"))?;
    let nothing = Layout::builder(1).build().map_err(|error| failed(&error))?;
    let mut config = SwarmConfig::new(hash, session.peer_id, Arc::new(nothing));
    config.listener = Some(Arc::clone(&session.listener));
    config.lsd.clone_from(&session.lsd);
    config.dht.clone_from(&session.dht);
    config.encryption = session.config.encryption.into();
    let trackers = magnet.trackers.iter().chain(&options.trackers);
    config.trackers = trackers
        .filter_map(|url| Some(vec![url.parse().ok()?]))
        .collect();
    if !link.from.may_name_private() && !options.trust_document {
        let named = magnet.trackers.iter();
        let named = named.filter(|url| !options.trackers.contains(url));
        config.public_trackers = named.filter_map(|url| url.parse().ok()).collect();
    }
    config.private_redirects = options.private_redirects || options.trust_document;
    config.peers = options
        .peers
        .iter()
        .filter_map(|peer| peer.parse().ok())
        .collect();
    config
        .peers
        .extend(magnet.peers.iter().filter_map(|peer| peer.parse().ok()));
    Ok(config)
}
