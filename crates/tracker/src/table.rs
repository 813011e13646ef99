//! What a tracker knows: contents and their peers.
//!
//! No I/O. What must stay true: memory is bounded, in all and for each address; a peer that is silent
//! for more than two intervals is forgotten; a refusal changes nothing.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fastrand::Rng;
use swarmcopy_bt_wire::extension::ONLOOKER_PREFIX;
use swarmcopy_bt_wire::tracker::{
    AnnounceReply, AnnounceRequest, Event, SCRAPE_MAX, ScrapeEntry, ScrapeReply,
};
use tokio::time::Instant;

use crate::TrackerOptions;
use crate::address::Addresses;
use crate::torrent::{Families, Peer, Torrent};

/// Peers in a reply when the client names no number.
const PEERS_DEFAULT: usize = 50;
/// Peers in a reply at most.
pub(crate) const PEERS_REPLY_MAX: usize = 200;
/// Seconds between announces at least, in replies.
const MIN_INTERVAL_S: u32 = 5;
/// Grace for a peer's late announce.
const GRACE: Duration = Duration::from_secs(30);

/// All contents.
#[derive(Debug)]
pub(crate) struct Table {
    torrents: HashMap<[u8; 20], Torrent>,
    peers: usize,
    addresses: Addresses,
    options: TrackerOptions,
    rng: Rng,
    swept: Instant,
}

impl Table {
    pub(crate) fn new(options: TrackerOptions, now: Instant) -> Self {
        Self {
            torrents: HashMap::new(),
            peers: 0,
            addresses: Addresses::default(),
            options,
            rng: Rng::with_seed(swarmcopy_sys::random::seed()),
            swept: now,
        }
    }

    /// Counts an announce that came from `from`; whether it may be answered.
    pub(crate) fn may_announce(&mut self, from: IpAddr, now: Instant) -> bool {
        let rate = self.options.announces_per_address_max;
        self.addresses.may_announce(from, rate, now)
    }

    /// Takes an announce of the peer at `addr`; fails with words for it.
    pub(crate) fn announce(
        &mut self,
        request: &AnnounceRequest,
        addr: SocketAddr,
        families: Families,
        now: Instant,
    ) -> Result<AnnounceReply, &'static str> {
        self.sweep(now);
        if request.event == Event::Stopped {
            self.stop(request.info_hash, addr);
            let entry = self.entry(&request.info_hash);
            return Ok(self.reply(addr, entry, Vec::new()));
        }
        let peer = Peer {
            addr,
            id: request.peer_id,
            complete: request.left == 0,
            heard: now,
        };
        // who only looks on is told of others, and nobody of it
        if !peer.id.starts_with(ONLOOKER_PREFIX) {
            self.make_room(request.info_hash, addr.ip(), now)?;
            self.put(request.info_hash, peer, now);
        }
        let Some(torrent) = self.torrents.get_mut(&request.info_hash) else {
            return Ok(self.reply(addr, ScrapeEntry::default(), Vec::new()));
        };
        if request.event == Event::Completed {
            torrent.downloaded = torrent.downloaded.saturating_add(1);
        }
        let asked = request
            .numwant
            .and_then(|wanted| usize::try_from(wanted).ok());
        let wanted = asked.unwrap_or(PEERS_DEFAULT).min(PEERS_REPLY_MAX);
        let peers = torrent.choose(addr, peer.complete, wanted, families, &mut self.rng);
        let entry = torrent.entry();
        Ok(self.reply(addr, entry, peers))
    }

    /// The numbers of these contents, or of all (up to a limit) if none is named.
    pub(crate) fn scrape(&mut self, info_hashes: &[[u8; 20]], now: Instant) -> ScrapeReply {
        self.sweep(now);
        let mut reply = ScrapeReply::default();
        let all = info_hashes
            .is_empty()
            .then(|| self.torrents.keys())
            .into_iter()
            .flatten();
        for info_hash in info_hashes.iter().chain(all).take(SCRAPE_MAX) {
            if let Some(torrent) = self.torrents.get(info_hash) {
                reply.files.insert(*info_hash, torrent.entry());
            }
        }
        reply
    }

    /// How many contents and peers there are.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.torrents.len(), self.peers)
    }

    /// All that is known.
    pub(crate) fn torrents(&self) -> impl Iterator<Item = (&[u8; 20], &Torrent)> {
        self.torrents.iter()
    }

    /// Takes a content with its peers as an earlier run knew them, as far as there is room.
    pub(crate) fn restore(
        &mut self,
        info_hash: [u8; 20],
        downloaded: u32,
        peers: impl IntoIterator<Item = Peer>,
        now: Instant,
    ) {
        for peer in peers {
            if self.make_room(info_hash, peer.addr.ip(), now).is_ok() {
                self.put(info_hash, peer, now);
            }
        }
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            torrent.downloaded = downloaded;
        }
    }

    /// Makes an entry for a content, if there is none and the bounds allow one.
    fn make_room(
        &mut self,
        info_hash: [u8; 20],
        ip: IpAddr,
        now: Instant,
    ) -> Result<(), &'static str> {
        if self.torrents.contains_key(&info_hash) {
            return Ok(());
        }
        if self.torrents.len() >= self.options.torrents_max {
            return Err("this tracker has no room for another torrent");
        }
        let taken = self.addresses.entry(ip, now);
        let taken = taken.ok_or("this tracker has no room for another address")?;
        if taken.torrents >= self.options.torrents_per_address_max {
            return Err("this tracker has no room for another torrent of your address");
        }
        taken.torrents = taken.torrents.saturating_add(1);
        self.torrents.insert(info_hash, Torrent::new(ip));
        Ok(())
    }

    /// Remembers a peer, if it is known or the bounds allow another one.
    fn put(&mut self, info_hash: [u8; 20], peer: Peer, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        if !torrent.has(peer.addr) {
            let is_full = torrent.len() >= self.options.peers_max
                || self.peers >= self.options.peers_total_max;
            let taken = self.addresses.entry(peer.addr.ip(), now);
            let room = |peers| !is_full && peers < self.options.peers_per_address_max;
            let Some(taken) = taken.filter(|taken| room(taken.peers)) else {
                return;
            };
            taken.peers = taken.peers.saturating_add(1);
            self.peers = self.peers.saturating_add(1);
        }
        torrent.put(peer);
    }

    /// Forgets a peer that leaves, and its content with the last of them unless somebody completed it.
    fn stop(&mut self, info_hash: [u8; 20], addr: SocketAddr) {
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        if torrent.remove(addr) {
            self.addresses.forget_peer(addr.ip());
            self.peers = self.peers.saturating_sub(1);
        }
        if torrent.len() == 0 && torrent.downloaded == 0 {
            self.addresses.forget_torrent(torrent.first);
            self.torrents.remove(&info_hash);
        }
    }

    fn entry(&self, info_hash: &[u8; 20]) -> ScrapeEntry {
        let torrent = self.torrents.get(info_hash);
        torrent.map(Torrent::entry).unwrap_or_default()
    }

    fn reply(
        &self,
        addr: SocketAddr,
        entry: ScrapeEntry,
        peers: Vec<swarmcopy_bt_wire::tracker::TrackerPeer>,
    ) -> AnnounceReply {
        let interval = u32::try_from(self.options.interval.as_secs())
            .unwrap_or(u32::MAX)
            .max(1);
        let mut reply = AnnounceReply::new(interval, peers);
        reply.min_interval_s = Some(MIN_INTERVAL_S.min(interval));
        reply.complete = Some(entry.complete);
        reply.incomplete = Some(entry.incomplete);
        reply.external_ip = Some(addr.ip());
        reply
    }

    /// Forgets the silent, now and then.
    fn sweep(&mut self, now: Instant) {
        let interval = self.options.interval;
        if now.saturating_duration_since(self.swept) < interval / 4 {
            return;
        }
        self.swept = now;
        let patience = interval.saturating_mul(2).saturating_add(GRACE);
        let since = now.checked_sub(patience);
        let (addresses, peers) = (&mut self.addresses, &mut self.peers);
        self.torrents.retain(|_, torrent| {
            for ip in torrent.forget_silent(since) {
                addresses.forget_peer(ip);
                *peers = peers.saturating_sub(1);
            }
            let stays = torrent.len() > 0;
            if !stays {
                addresses.forget_torrent(torrent.first);
            }
            stays
        });
        self.addresses.sweep(now);
    }
}

#[cfg(test)]
mod tests;
