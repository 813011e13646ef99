//! Who is served: bounded turns for the peers that want something.
//!
//! There is no tit-for-tat: inside a site everybody works for the same end. Machines of ours come
//! first; where more want a turn than there are, one turn goes on every few seconds. Who reads the
//! origin serves few of other people's clients meanwhile: they all ask for what is rarest at once,
//! and get it from the others soon.

use std::time::Duration;

use crate::scheduler::Scheduler;
use crate::source::{Peer, Source};
use crate::{Action, Instant, SourceId};

/// How long a turn lasts at least while others wait.
const TURN: Duration = Duration::from_secs(10);

/// Other people's clients that a reader of the origin serves while machines of ours want turns.
const STOCK_OF_READER: usize = 1;

impl Scheduler {
    pub(crate) fn peer_interested(&mut self, now: Instant, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) {
            peer.interested = true;
        }
        self.next_upload(now);
    }

    pub(crate) fn peer_not_interested(&mut self, now: Instant, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) {
            peer.interested = false;
        }
        self.choke(id);
        self.next_upload(now);
    }

    /// Gives free turns to peers that wait for one: machines of ours first, then who waited longest.
    pub(crate) fn next_upload(&mut self, now: Instant) {
        let stock_max = self.stock_max(now);
        loop {
            if !self.has_free_turn() {
                return;
            }
            let stock_full = self.stock_served().count() >= stock_max;
            let waiting = self.peers().filter(|(_, peer)| {
                peer.interested && !peer.unchoked && !(stock_full && peer.hello.is_none())
            });
            let next = waiting.min_by_key(|(_, peer)| (peer.hello.is_none(), peer.unchoked_at));
            let Some((id, _)) = next else { return };
            self.unchoke(now, id);
        }
    }

    /// Whether one more peer may be served.
    pub(crate) fn has_free_turn(&self) -> bool {
        let served = self.peers().filter(|(_, peer)| peer.unchoked).count();
        served < self.config.uploads_max
    }

    /// How many of other people's clients may be served.
    fn stock_max(&self, now: Instant) -> usize {
        let ours = |peer: &Peer| peer.hello.is_some() && peer.interested;
        let reads = self.gate.may_open(now) && self.left > 0;
        if reads && self.peers().any(|(_, peer)| ours(peer)) {
            STOCK_OF_READER
        } else {
            self.config.uploads_max
        }
    }

    fn stock_served(&self) -> impl Iterator<Item = SourceId> {
        let stock = |peer: &Peer| peer.hello.is_none() && peer.unchoked;
        let peers = self.peers().filter(move |(_, peer)| stock(peer));
        peers.map(|(id, _)| id)
    }

    /// Takes the longest turn away while somebody waits.
    pub(crate) fn turn_uploads(&mut self, now: Instant) {
        let stock_max = self.stock_max(now);
        let surplus: Vec<SourceId> = self.stock_served().skip(stock_max).collect();
        for id in surplus {
            self.choke(id);
        }
        self.next_upload(now);
        if !self
            .peers()
            .any(|(_, peer)| peer.interested && !peer.unchoked)
        {
            return;
        }
        let longest = self
            .peers()
            .filter(|(_, peer)| peer.unchoked && now.since(peer.unchoked_at) >= TURN)
            .min_by_key(|(_, peer)| peer.unchoked_at);
        if let Some((id, _)) = longest {
            self.choke(id);
            self.next_upload(now);
        }
    }

    pub(crate) fn unchoke(&mut self, now: Instant, id: SourceId) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        peer.unchoked_at = now;
        if !std::mem::replace(&mut peer.unchoked, true) {
            self.act(Action::Unchoke { source: id });
        }
    }

    fn choke(&mut self, id: SourceId) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        if std::mem::replace(&mut peer.unchoked, false) {
            self.act(Action::Choke { source: id });
        }
    }

    fn peers(&self) -> impl Iterator<Item = (SourceId, &Peer)> {
        self.sources
            .iter()
            .filter_map(|(id, source)| source.peer().map(|peer| (*id, peer)))
    }
}
