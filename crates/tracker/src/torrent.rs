//! The peers of one content, and a choice of them by chance.
//!
//! What must stay true: to put, remove and count takes the same time however many there are, and to
//! choose takes as long as the answer is long.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use fastrand::Rng;
use swarmcopy_bt_wire::tracker::{ScrapeEntry, TrackerPeer};
use tokio::time::Instant;

/// A peer as it announced itself last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) id: [u8; 20],
    pub(crate) complete: bool,
    pub(crate) heard: Instant,
}

/// Which peers an answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Families {
    /// Of both families.
    Both,
    /// Of the family of who asks: an answer by UDP has room for no other.
    Same,
}

/// The peers of one family.
#[derive(Debug, Default)]
struct Side {
    leeches: Vec<Peer>,
    seeds: Vec<Peer>,
}

/// One content.
#[derive(Debug)]
pub(crate) struct Torrent {
    v4: Side,
    v6: Side,
    /// In which list and where in it an address stands.
    places: HashMap<SocketAddr, (bool, usize)>,
    pub(crate) downloaded: u32,
    /// Who announced it first.
    pub(crate) first: IpAddr,
}

impl Torrent {
    pub(crate) fn new(first: IpAddr) -> Self {
        Self {
            v4: Side::default(),
            v6: Side::default(),
            places: HashMap::new(),
            downloaded: 0,
            first,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn has(&self, addr: SocketAddr) -> bool {
        self.places.contains_key(&addr)
    }

    /// Takes a peer, new or known.
    pub(crate) fn put(&mut self, peer: Peer) {
        if let Some((complete, at)) = self.places.get(&peer.addr).copied() {
            if complete == peer.complete
                && let Some(old) = self.list(peer.addr, complete).get_mut(at)
            {
                *old = peer;
                return;
            }
            self.remove(peer.addr);
        }
        let list = self.list(peer.addr, peer.complete);
        list.push(peer);
        let at = list.len().saturating_sub(1);
        self.places.insert(peer.addr, (peer.complete, at));
    }

    /// Forgets a peer; whether it was known.
    pub(crate) fn remove(&mut self, addr: SocketAddr) -> bool {
        let Some((complete, at)) = self.places.remove(&addr) else {
            return false;
        };
        let list = self.list(addr, complete);
        list.swap_remove(at);
        if let Some(moved) = list.get(at).map(|peer| peer.addr) {
            self.places.insert(moved, (complete, at));
        }
        true
    }

    /// Forgets those that were heard before `since`; their addresses.
    pub(crate) fn forget_silent(&mut self, since: Option<Instant>) -> Vec<IpAddr> {
        let is_silent = |peer: &&Peer| since.is_some_and(|since| peer.heard < since);
        let silent: Vec<_> = self
            .peers()
            .filter(is_silent)
            .map(|peer| peer.addr)
            .collect();
        for addr in &silent {
            self.remove(*addr);
        }
        silent.iter().map(SocketAddr::ip).collect()
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = &Peer> {
        let [a, b, c, d] = [
            &self.v4.leeches,
            &self.v4.seeds,
            &self.v6.leeches,
            &self.v6.seeds,
        ];
        a.iter().chain(b).chain(c).chain(d)
    }

    /// Others than `addr` by chance, at most `wanted`. A seed gets the leeches first, and seeds where
    /// they are too few: a client that knows nothing yet but the name of a content says to lack nothing.
    pub(crate) fn choose(
        &self,
        addr: SocketAddr,
        seed: bool,
        wanted: usize,
        families: Families,
        rng: &mut Rng,
    ) -> Vec<TrackerPeer> {
        let nobody: &[Peer] = &[];
        let (own, other) = if addr.is_ipv4() {
            (&self.v4, &self.v6)
        } else {
            (&self.v6, &self.v4)
        };
        let (leeches, seeds) = match families {
            Families::Both => (&*other.leeches, &*other.seeds),
            Families::Same => (nobody, nobody),
        };
        let mut chosen = Vec::with_capacity(wanted.min(self.len()));
        let mut take = |lists: &[&[Peer]]| {
            let more = wanted.saturating_sub(chosen.len());
            // one more than wanted: who asks may be among them
            let others = sample(lists, more.saturating_add(1), rng);
            let others = others.filter(|peer| peer.addr != addr).take(more);
            chosen.extend(others.map(|peer| TrackerPeer::new(peer.addr, Some(peer.id))));
        };
        if seed {
            take(&[&own.leeches, leeches]);
            take(&[&own.seeds, seeds]);
        } else {
            take(&[&own.leeches, leeches, &own.seeds, seeds]);
        }
        chosen
    }

    pub(crate) fn entry(&self) -> ScrapeEntry {
        let sum = |a: &Vec<Peer>, b: &Vec<Peer>| {
            u32::try_from(a.len().saturating_add(b.len())).unwrap_or(u32::MAX)
        };
        ScrapeEntry {
            complete: sum(&self.v4.seeds, &self.v6.seeds),
            downloaded: self.downloaded,
            incomplete: sum(&self.v4.leeches, &self.v6.leeches),
        }
    }

    fn list(&mut self, addr: SocketAddr, complete: bool) -> &mut Vec<Peer> {
        let side = if addr.is_ipv4() {
            &mut self.v4
        } else {
            &mut self.v6
        };
        if complete {
            &mut side.seeds
        } else {
            &mut side.leeches
        }
    }
}

/// At most `wanted` of all in `lists`, each at most once: from a start by chance on, by a step by chance
/// that meets every place before it comes back.
fn sample<'a>(
    lists: &[&'a [Peer]],
    wanted: usize,
    rng: &mut Rng,
) -> impl Iterator<Item = &'a Peer> {
    let len: usize = lists.iter().map(|list| list.len()).sum();
    let start = rng.usize(..len.max(1));
    let step = (0..TRIES_MAX)
        .map(|_| rng.usize(1..len.max(2)))
        .find(|step| common_divisor(*step, len) == 1);
    let (mut at, step) = (start, step.unwrap_or(1));
    (0..wanted.min(len)).filter_map(move |_| {
        let mut place = at;
        at = at.checked_add(step)?.checked_rem(len)?;
        lists.iter().find_map(|list| {
            let peer = list.get(place);
            place = place.wrapping_sub(list.len());
            peer
        })
    })
}

/// Steps that are tried before the next place is taken.
const TRIES_MAX: usize = 16;

fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn peer(host: u16, complete: bool) -> Peer {
        let [high, low] = host.to_be_bytes();
        let addr = if host.is_multiple_of(3) {
            SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, host], 6881))
        } else {
            SocketAddr::from(([10, 0, high, low], 6881))
        };
        Peer {
            addr,
            id: [0; 20],
            complete,
            heard: Instant::now(),
        }
    }

    #[test]
    fn a_choice_holds_nobody_twice_and_everybody_where_there_is_room() {
        let mut rng = Rng::with_seed(7);
        for len in 0..40 {
            let mut torrent = Torrent::new(IpAddr::from([10, 0, 0, 1]));
            (0..len).for_each(|host| torrent.put(peer(host, host % 5 == 0)));
            for wanted in 0..45 {
                let me = peer(1, false).addr;
                let chosen = torrent.choose(me, false, wanted, Families::Both, &mut rng);
                let distinct: HashSet<_> = chosen.iter().map(|peer| peer.addr).collect();
                let others = usize::from(len) - usize::from(len > 1);
                assert_eq!(chosen.len(), wanted.min(others), "{len} {wanted}");
                assert!(distinct.len() == chosen.len() && !distinct.contains(&me));
            }
        }
    }

    #[test]
    fn everybody_is_chosen_about_as_often() {
        let mut rng = Rng::with_seed(7);
        let mut torrent = Torrent::new(IpAddr::from([10, 0, 0, 1]));
        (0..100).for_each(|host| torrent.put(peer(host, host % 5 == 0)));
        let mut times = HashMap::<_, u32>::new();
        for _ in 0..10_000 {
            let me = SocketAddr::from(([10, 9, 9, 9], 1));
            for peer in torrent.choose(me, false, 10, Families::Both, &mut rng) {
                *times.entry(peer.addr).or_default() += 1;
            }
        }
        assert!(times.len() == 100 && times.values().all(|times| (800..1200).contains(times)));
    }

    #[test]
    fn places_stay_right_whoever_comes_changes_and_goes() {
        let mut rng = Rng::with_seed(7);
        let mut torrent = Torrent::new(IpAddr::from([10, 0, 0, 1]));
        let mut model = HashMap::new();
        for _ in 0..20_000 {
            let one = peer(rng.u16(..60), rng.bool());
            if rng.u8(..3) == 0 {
                assert_eq!(torrent.remove(one.addr), model.remove(&one.addr).is_some());
            } else {
                torrent.put(one);
                model.insert(one.addr, one.complete);
            }
            let seeds = model.values().filter(|complete| **complete).count();
            let entry = torrent.entry();
            assert_eq!(usize::try_from(entry.complete).unwrap(), seeds);
            assert_eq!(torrent.len(), model.len());
            assert!(
                torrent
                    .peers()
                    .all(|peer| model[&peer.addr] == peer.complete)
            );
        }
    }
}
