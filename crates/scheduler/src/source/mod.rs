//! The sources that can be used now: peers, and origins in the order in which they came.

pub(crate) mod conduct;
pub(crate) mod flow;
pub(crate) mod gaps;
pub(crate) mod health;
pub(crate) mod hints;
pub(crate) mod origin;
pub(crate) mod peer;
pub(crate) mod reading;

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use flow::Flow;
use origin::Origin;
use peer::Peer;

use crate::{SourceId, Tuning};

/// One source.
#[derive(Debug)]
pub(crate) struct Source {
    flow: Flow,
    kind: Kind,
}

/// What a source is.
#[derive(Debug)]
enum Kind {
    Peer(Box<Peer>),
    Origin(Box<Origin>),
}

impl Source {
    /// A peer that was asked for nothing yet.
    pub(crate) fn of_peer(peer: Peer) -> Self {
        Self {
            flow: Flow::default(),
            kind: Kind::Peer(Box::new(peer)),
        }
    }

    /// An origin that was asked for nothing yet.
    pub(crate) fn of_origin(origin: Origin) -> Self {
        Self {
            flow: Flow::default(),
            kind: Kind::Origin(Box::new(origin)),
        }
    }

    /// What is under way from it.
    pub(crate) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The same, to change it.
    pub(crate) fn flow_mut(&mut self) -> &mut Flow {
        &mut self.flow
    }

    /// The peer that it is, if it is one.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        match &self.kind {
            Kind::Peer(peer) => Some(peer),
            Kind::Origin(_) => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn peer_mut(&mut self) -> Option<&mut Peer> {
        match &mut self.kind {
            Kind::Peer(peer) => Some(peer),
            Kind::Origin(_) => None,
        }
    }

    /// The origin that it is, if it is one.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.kind {
            Kind::Origin(origin) => Some(origin),
            Kind::Peer(_) => None,
        }
    }

    /// The same, to change it.
    pub(crate) fn origin_mut(&mut self) -> Option<&mut Origin> {
        match &mut self.kind {
            Kind::Origin(origin) => Some(origin),
            Kind::Peer(_) => None,
        }
    }

    /// Whether somebody else's client that never brought anything lets us wait: asked, or choking us.
    pub(crate) fn owes_first(&self) -> bool {
        self.peer().is_some_and(|peer| {
            let waits = peer.chokes_us() || self.flow.is_asked();
            peer.is_unproven_stranger() && waits
        })
    }
}

/// All sources by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    all: BTreeMap<SourceId, Source>,
    /// Those that are origins.
    origins: Vec<SourceId>,
}

impl Sources {
    /// A source can be used from now on.
    pub(crate) fn add(&mut self, id: SourceId, source: Source) {
        if source.origin().is_some() {
            self.origins.retain(|origin| *origin != id);
            self.origins.push(id);
        }
        self.all.insert(id, source);
    }

    /// A source is gone.
    pub(crate) fn remove(&mut self, id: SourceId) -> Option<Source> {
        let source = self.all.remove(&id)?;
        self.origins.retain(|origin| *origin != id);
        Some(source)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The source with this number.
    pub(crate) fn get(&self, id: SourceId) -> Option<&Source> {
        self.all.get(&id)
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self, id: SourceId) -> Option<&mut Source> {
        self.all.get_mut(&id)
    }

    /// The peer with this number.
    pub(crate) fn peer(&self, id: SourceId) -> Option<&Peer> {
        self.get(id)?.peer()
    }

    /// The same, to change it.
    pub(crate) fn peer_mut(&mut self, id: SourceId) -> Option<&mut Peer> {
        self.get_mut(id)?.peer_mut()
    }

    /// The origin with this number.
    pub(crate) fn origin(&self, id: SourceId) -> Option<&Origin> {
        self.get(id)?.origin()
    }

    /// The same, to change it.
    pub(crate) fn origin_mut(&mut self, id: SourceId) -> Option<&mut Origin> {
        self.get_mut(id)?.origin_mut()
    }

    /// The numbers of all.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SourceId> + '_ {
        self.all.keys().copied()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.all.iter().map(|(id, source)| (*id, source))
    }

    /// All peers.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (SourceId, &Peer)> {
        self.iter()
            .filter_map(|(id, source)| Some((id, source.peer()?)))
    }

    /// The same, to change them.
    pub(crate) fn peers_mut(&mut self) -> impl Iterator<Item = (SourceId, &mut Peer)> {
        let all = self.all.iter_mut();
        all.filter_map(|(id, source)| Some((*id, source.peer_mut()?)))
    }

    /// The numbers of the origins.
    pub(crate) fn origin_ids(&self) -> &[SourceId] {
        &self.origins
    }

    /// All origins.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (SourceId, &Origin)> {
        let ids = self.origins.iter();
        ids.filter_map(|id| Some((*id, self.origin(*id)?)))
    }

    /// Bytes a second that a source brings while it is asked, once that is known.
    pub(crate) fn rate_of(&self, id: SourceId) -> Option<u64> {
        self.get(id)?.flow.rate()
    }

    /// Bytes a second of each source, lately, and how many fetches it has; 0 for one that is not asked.
    pub(crate) fn rates(&self) -> impl Iterator<Item = (SourceId, u64, usize)> {
        self.iter().map(|(id, source)| {
            let flow = &source.flow;
            let rate = flow.rate().filter(|_| flow.is_asked()).unwrap_or(0);
            (id, rate, flow.jobs().len())
        })
    }

    /// Bytes a second of all sources together, lately.
    pub(crate) fn rate(&self) -> u64 {
        self.rates().map(|(_, rate, _)| rate).sum()
    }

    /// Bytes that all were asked for and have not brought.
    pub(crate) fn in_flight(&self) -> u64 {
        self.all.values().map(|it| it.flow.in_flight()).sum()
    }

    /// How long requests must last to fill the way, for half of the peers that are asked.
    pub(crate) fn way_time(&self, tuning: &Tuning) -> Duration {
        let asked = |it: &&Source| it.peer().is_some() && it.flow.is_asked();
        let asked = self.all.values().filter(asked);
        let mut times: Vec<Duration> = asked.map(|it| it.flow.way_time(tuning)).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// Whether a peer is asked that never brought anything.
    pub(crate) fn has_trial(&self) -> bool {
        self.all.values().any(|source| {
            let peer = source.peer();
            source.flow.is_asked() && peer.is_some_and(|it| !it.conduct().has_delivered())
        })
    }

    /// The best rate of an origin.
    pub(crate) fn best_origin_rate(&self) -> u64 {
        let rates = self.origins().filter_map(|(id, _)| self.rate_of(id));
        rates.max().unwrap_or(0)
    }

    /// What origins that do not fail brought this machine at best; `None` if it has not read them.
    pub(crate) fn rate_of_origins(&self) -> Option<u64> {
        let own = self.origins().filter(|(_, origin)| !origin.is_failing());
        own.filter_map(|(id, _)| self.rate_of(id)).max()
    }

    /// A piece proved right or wrong, or did not come.
    pub(crate) fn proved(&mut self, piece: PieceIndex, right: bool) {
        for id in &self.origins {
            if let Some(origin) = self.all.get_mut(id).and_then(Source::origin_mut) {
                origin.proved(piece, right);
            }
        }
    }
}
