//! What a tracker knows: contents and their peers.
//!
//! No I/O. What must stay true: memory is bounded by `torrents_max` and `peers_max`; a peer that is
//! silent for more than two intervals is forgotten; seeds are told of no seeds.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use swarmcopy_bt_wire::tracker::{
    AnnounceReply, AnnounceRequest, Event, SCRAPE_MAX, ScrapeEntry, ScrapeReply, TrackerPeer,
};
use tokio::time::Instant;

use crate::TrackerOptions;

/// Peers in a reply when the client names no number.
const PEERS_DEFAULT: usize = 50;
/// Peers in a reply at most.
pub(crate) const PEERS_REPLY_MAX: usize = 200;
/// Seconds between announces at least, in replies.
const MIN_INTERVAL_S: u32 = 5;
/// Grace for a peer's late announce.
const GRACE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy)]
struct Peer {
    addr: SocketAddr,
    id: [u8; 20],
    complete: bool,
    heard: Instant,
}

/// Peers of one content: a list to choose from by chance, and where each address stands in it.
#[derive(Debug, Default)]
struct Torrent {
    peers: Vec<Peer>,
    places: HashMap<SocketAddr, usize>,
    downloaded: u32,
}

/// All contents.
#[derive(Debug)]
pub(crate) struct Table {
    torrents: HashMap<[u8; 20], Torrent>,
    options: TrackerOptions,
    swept: Instant,
}

impl Table {
    pub(crate) fn new(options: TrackerOptions, now: Instant) -> Self {
        Self {
            torrents: HashMap::new(),
            options,
            swept: now,
        }
    }

    /// Takes an announce of the peer at `addr`; fails with words for it.
    pub(crate) fn announce(
        &mut self,
        request: &AnnounceRequest,
        addr: SocketAddr,
        now: Instant,
    ) -> Result<AnnounceReply, &'static str> {
        self.sweep(now);
        let peers_max = self.options.peers_max;
        let known = self.torrents.contains_key(&request.info_hash);
        if !known && self.torrents.len() >= self.options.torrents_max {
            return Err("this tracker has no room for another torrent");
        }
        let torrent = self.torrents.entry(request.info_hash).or_default();
        let complete = request.left == 0;
        match request.event {
            Event::Stopped => torrent.remove(addr),
            event => {
                if event == Event::Completed {
                    torrent.downloaded = torrent.downloaded.saturating_add(1);
                }
                let peer = Peer {
                    addr,
                    id: request.peer_id,
                    complete,
                    heard: now,
                };
                torrent.put(peer, peers_max);
            }
        }
        let asked = request
            .numwant
            .and_then(|wanted| usize::try_from(wanted).ok());
        let wanted = match request.event {
            Event::Stopped => 0,
            _ => asked.unwrap_or(PEERS_DEFAULT).min(PEERS_REPLY_MAX),
        };
        let peers = torrent.choose(addr, complete, wanted);
        let entry = torrent.entry();
        if torrent.peers.is_empty() && torrent.downloaded == 0 {
            self.torrents.remove(&request.info_hash);
        }
        let interval = u32::try_from(self.options.interval.as_secs())
            .unwrap_or(u32::MAX)
            .max(1);
        let mut reply = AnnounceReply::new(interval, peers);
        reply.min_interval_s = Some(MIN_INTERVAL_S.min(interval));
        reply.complete = Some(entry.complete);
        reply.incomplete = Some(entry.incomplete);
        reply.external_ip = Some(addr.ip());
        Ok(reply)
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
        let peers = self
            .torrents
            .values()
            .map(|torrent| torrent.peers.len())
            .sum();
        (self.torrents.len(), peers)
    }

    /// Forgets the silent, now and then.
    fn sweep(&mut self, now: Instant) {
        let interval = self.options.interval;
        if now.saturating_duration_since(self.swept) < interval / 4 {
            return;
        }
        self.swept = now;
        let patience = interval.saturating_mul(2).saturating_add(GRACE);
        for torrent in self.torrents.values_mut() {
            torrent.retain(|peer| now.saturating_duration_since(peer.heard) <= patience);
        }
        self.torrents.retain(|_, torrent| !torrent.peers.is_empty());
    }
}

impl Torrent {
    fn put(&mut self, peer: Peer, peers_max: usize) {
        let place = self.places.get(&peer.addr).copied();
        if let Some(old) = place.and_then(|at| self.peers.get_mut(at)) {
            *old = peer;
        } else if self.peers.len() < peers_max {
            self.places.insert(peer.addr, self.peers.len());
            self.peers.push(peer);
        }
    }

    fn remove(&mut self, addr: SocketAddr) {
        let Some(at) = self.places.remove(&addr) else {
            return;
        };
        self.peers.swap_remove(at);
        if let Some(moved) = self.peers.get(at) {
            self.places.insert(moved.addr, at);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Peer) -> bool) {
        self.peers.retain(keep);
        self.places = self
            .peers
            .iter()
            .enumerate()
            .map(|(at, peer)| (peer.addr, at))
            .collect();
    }

    /// Others by chance, at most `wanted`: for a seed only those that lack something.
    fn choose(&self, addr: SocketAddr, seed: bool, wanted: usize) -> Vec<TrackerPeer> {
        let useful = self
            .peers
            .iter()
            .filter(|peer| peer.addr != addr && !(seed && peer.complete));
        let mut useful: Vec<&Peer> = useful.collect();
        let mut rng = fastrand::Rng::with_seed(swarmcopy_sys::random::seed());
        for at in 0..wanted.min(useful.len()) {
            let chosen = rng.usize(at..useful.len());
            useful.swap(at, chosen);
        }
        useful
            .iter()
            .take(wanted)
            .map(|peer| TrackerPeer::new(peer.addr, Some(peer.id)))
            .collect()
    }

    fn entry(&self) -> ScrapeEntry {
        let count = |complete| {
            let peers = self
                .peers
                .iter()
                .filter(|peer| peer.complete == complete)
                .count();
            u32::try_from(peers).unwrap_or(u32::MAX)
        };
        ScrapeEntry {
            complete: count(true),
            downloaded: self.downloaded,
            incomplete: count(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> TrackerOptions {
        TrackerOptions {
            interval: Duration::from_mins(1),
            torrents_max: 2,
            peers_max: 300,
        }
    }

    fn addr(host: u16) -> SocketAddr {
        let [high, low] = host.to_be_bytes();
        SocketAddr::from(([10, 0, high, low], 6881))
    }

    fn request(left: u64) -> AnnounceRequest {
        let mut request = AnnounceRequest::new([7; 20], [1; 20], 6881);
        request.left = left;
        request
    }

    #[tokio::test]
    async fn seeds_are_told_of_no_seeds() {
        let now = Instant::now();
        let mut table = Table::new(options(), now);
        table.announce(&request(0), addr(1), now).unwrap();
        table.announce(&request(9), addr(2), now).unwrap();
        let seed = table.announce(&request(0), addr(3), now).unwrap();
        assert_eq!(
            seed.peers.iter().map(|peer| peer.addr).collect::<Vec<_>>(),
            [addr(2)]
        );
        let other = table.announce(&request(9), addr(4), now).unwrap();
        assert_eq!(other.peers.len(), 3);
        assert_eq!((other.complete, other.incomplete), (Some(2), Some(2)));
    }

    #[tokio::test]
    async fn the_silent_are_forgotten_and_the_leaving_at_once() {
        let now = Instant::now();
        let mut table = Table::new(options(), now);
        for host in 1..=3 {
            table.announce(&request(9), addr(host), now).unwrap();
        }
        let mut stopped = request(9);
        stopped.event = Event::Stopped;
        assert!(
            table
                .announce(&stopped, addr(1), now)
                .unwrap()
                .peers
                .is_empty()
        );
        assert_eq!(table.count(), (1, 2));
        let late = now + Duration::from_secs(100);
        table.announce(&request(9), addr(2), late).unwrap();
        let later = now + Duration::from_secs(151);
        assert_eq!(
            table
                .announce(&request(9), addr(2), later)
                .unwrap()
                .incomplete,
            Some(1)
        );
    }

    #[tokio::test]
    async fn memory_is_limited_and_replies_are_by_chance() {
        let now = Instant::now();
        let mut table = Table::new(options(), now);
        for host in 0..1000 {
            table.announce(&request(9), addr(host), now).unwrap();
        }
        assert_eq!(table.count(), (1, 300));
        let mut many = request(9);
        many.numwant = Some(100_000);
        let first = table.announce(&many, addr(0), now).unwrap().peers;
        assert_eq!(first.len(), PEERS_REPLY_MAX);
        assert_ne!(first, table.announce(&many, addr(0), now).unwrap().peers);
        let mut others = request(9);
        others.info_hash = [8; 20];
        assert!(table.announce(&others, addr(1), now).is_ok());
        others.info_hash = [9; 20];
        assert!(table.announce(&others, addr(1), now).is_err());
    }
}
