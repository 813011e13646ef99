//! How pieces spread: what peers gain, whose turn it is, who is asked to be the first.
//!
//! Only peers that serve count: who advertises everything and answers nothing neither makes a piece
//! common nor is spared for what it alone has.

pub(crate) mod outflow;
pub mod requests;
pub mod uplink;

use std::time::Duration;

use swarmcopy_layout::PieceIndex;

use crate::scheduler::Scheduler;
use crate::source::{Peer, Source};
use crate::{Action, Instant, NodeId, SourceId};

/// Most suggestions of one peer that are kept.
const SUGGESTIONS_MAX: usize = 32;
/// What a peer takes for a suggested piece, as long as that is not known of any.
const USUAL: Duration = Duration::from_millis(100);
/// Who takes so many times longer than the best quarter gets suggestions only where there is no other.
const SLOW_TIMES: u32 = 3;
/// A piece is suggested to a neighbour while at most so many have it.
const SUGGEST_BELOW: u16 = 1;

impl Scheduler {
    /// A peer has one more piece.
    pub(crate) fn peer_gained(&mut self, now: Instant, id: SourceId, piece: PieceIndex) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        if !peer.has.insert(piece) {
            return;
        }
        peer.took(now, piece);
        let counts = peer.counts();
        self.availability.copies(piece);
        if counts {
            self.piece_served(now, id, piece);
        }
        self.may_show(id, piece);
    }

    /// One more peer serves the piece.
    fn piece_served(&mut self, now: Instant, id: SourceId, piece: PieceIndex) {
        let serving = self.availability.serve(piece);
        if serving > 1 {
            self.no_more_sole(now, piece);
        } else if self.wanted.contains(piece) && !self.have.contains(piece) {
            let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
                return;
            };
            peer.sole += 1;
            self.gate.appeared(now, piece);
            let first = u16::from(peer.hello.is_some() && self.fresh.is_hinted());
            let rank = self.rank(piece).max(first);
            self.fresh.seen((now, id), piece, rank);
        }
        self.look_at_turn(now, piece);
    }

    /// Lets a piece wait for its turn, or be asked for if that has come.
    pub(crate) fn look_at_turn(&mut self, now: Instant, piece: PieceIndex) {
        if self.have.contains(piece) {
            return;
        }
        let serving = self.availability.serving_of(piece);
        let ends = self.is_end_game();
        if !self.fresh.is_open(now, piece, serving, ends) {
            self.ledger.hold(piece);
        } else if self.ledger.release(piece) {
            let holders = self.sources.iter();
            let holders = holders.filter(|(_, source)| {
                let peer = source.peer();
                peer.is_some_and(|peer| peer.has.contains(piece))
            });
            self.hungry.extend(holders.map(|(id, _)| *id));
        }
    }

    /// Looks at the turns that are waited for: of the last pieces they come sooner.
    pub(crate) fn hurry_turns(&mut self, now: Instant) {
        let waiting: Vec<PieceIndex> = self.fresh.waiting().collect();
        for piece in waiting {
            self.look_at_turn(now, piece);
        }
    }

    /// A peer has one piece less.
    pub(crate) fn peer_lost(&mut self, id: SourceId, piece: PieceIndex) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        if peer.has.remove(piece) && peer.counts() {
            self.no_more_served(id, std::iter::once(piece));
        }
        self.show_others(piece);
    }

    /// A peer answers, or does so no more.
    pub(crate) fn set_serving(&mut self, now: Instant, id: SourceId, serving: bool) {
        self.set_counting(now, id, |peer| peer.serving = serving);
    }

    /// A peer is far too slow, or is so no more.
    pub(crate) fn set_thin(&mut self, now: Instant, id: SourceId, thin: bool) {
        self.try_thin(now, id, thin);
        self.gate.finds_slow(now, id, thin);
    }

    /// Takes a peer for thin without telling it: nothing is known yet.
    pub(crate) fn try_thin(&mut self, now: Instant, id: SourceId, thin: bool) {
        self.set_counting(now, id, |peer| peer.thin = thin);
    }

    /// Changes what is known of a peer, and counts its pieces as available or not.
    fn set_counting(&mut self, now: Instant, id: SourceId, change: impl FnOnce(&mut Peer)) {
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return;
        };
        let before = peer.counts();
        change(peer);
        let counts = peer.counts();
        if counts == before {
            return;
        }
        let has = peer.has.clone();
        if counts {
            for piece in has.iter() {
                self.piece_served(now, id, piece);
            }
        } else {
            self.no_more_served(id, has.iter());
        }
    }

    /// A peer serves these pieces no more. How long they take to spread is not counted from when it said to
    /// have them.
    pub(crate) fn no_more_served(
        &mut self,
        id: SourceId,
        pieces: impl Iterator<Item = PieceIndex>,
    ) {
        for piece in pieces {
            self.availability.stop_serving(piece);
            if self.fresh.withdrawn(id, piece) {
                self.less_sole(id);
            }
        }
    }

    /// How many neighbours that lack the piece come before this machine in its order.
    fn rank(&self, piece: PieceIndex) -> u16 {
        let mine = order_key(piece, self.config.origin.node);
        let peers = self.sources.values().filter_map(Source::peer);
        let lacking = peers.filter(|peer| !peer.has.contains(piece));
        let before = lacking
            .filter_map(|peer| peer.hello.as_ref())
            .filter(|hello| order_key(piece, hello.node) < mine);
        u16::try_from(before.count()).unwrap_or(u16::MAX)
    }

    /// A piece that one peer alone had is here, or another peer has it, too.
    pub(crate) fn no_more_sole(&mut self, now: Instant, piece: PieceIndex) {
        if let Some(id) = self.fresh.spread(now, piece) {
            self.less_sole(id);
        }
    }

    fn less_sole(&mut self, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) {
            peer.sole = peer.sole.saturating_sub(1);
        }
    }

    /// A peer wants us to be the first to take a piece of it.
    pub(crate) fn suggested(&mut self, now: Instant, id: SourceId, piece: PieceIndex) {
        self.fresh.suggested(piece);
        self.look_at_turn(now, piece);
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut)
            && peer.suggestions.len() < SUGGESTIONS_MAX
        {
            peer.suggestions.push(piece);
        }
        self.hungry.push(id);
    }

    /// Asks one neighbour to take a piece that hardly any of them has: in turn, and the more often
    /// the faster it passes on what it has.
    pub(crate) fn suggest(&mut self, now: Instant, piece: PieceIndex) {
        if self.availability.serving_of(piece) > SUGGEST_BELOW {
            return;
        }
        let took = self.sources.values().filter_map(|it| it.peer()?.took);
        let mut took: Vec<Duration> = took.collect();
        took.sort_unstable();
        let usual = took.first().copied().unwrap_or(USUAL);
        let quarter = took.get(took.len() / 4).copied().unwrap_or(USUAL);
        let readers: Vec<NodeId> = self.gate.readers(now).collect();
        let has_turns = self.has_free_turn();
        let lacking = self.sources.iter_mut().filter_map(|(id, source)| {
            let peer = source.peer_mut()?;
            let node = peer.hello.as_ref()?.node;
            // who lacked nothing of ours until now gets a turn as soon as it asks for one
            let may_ask = peer.unchoked || has_turns && !peer.interested;
            let asks = may_ask && !peer.has.contains(piece);
            // in turn among those that are alike
            let times = peer.would_take(now, usual).as_micros() / usual.as_micros().max(1);
            let class = (times + 1).ilog2() / 2;
            // all others wait for whom it is suggested to
            let is_slow = peer.takes(now).is_some_and(|it| it > quarter * SLOW_TIMES);
            let key = (
                is_slow,
                class,
                !peer.unchoked,
                readers.contains(&node),
                peer.suggested,
                order_key(piece, node),
            );
            asks.then_some((key, *id, peer))
        });
        if let Some((_, source, peer)) = lacking.min_by_key(|(key, ..)| *key) {
            peer.suggest(now, piece);
            self.act(Action::Suggest { source, piece });
        }
    }
}

/// The place of a machine among those that want a piece: the same wherever it is asked, and
/// another one for each piece.
fn order_key(piece: PieceIndex, node: NodeId) -> u64 {
    let mut key =
        u64::from_le_bytes(node.0) ^ u64::from(piece.value()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}
