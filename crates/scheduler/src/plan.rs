//! What is asked of whom: the next span for each source that can take one.
//!
//! Peers get whole pieces while they are fast and short spans while they are slow or unknown,
//! enough of them that their links never run dry. Begun pieces are finished before new ones are
//! begun; of the new ones the rarest of a random sample is taken. Work that changes hands is in `takeover`.

use std::time::Duration;

use swarmcopy_layout::{BLOCK_LEN, PieceIndex, Span};
use swarmcopy_slots::OriginState;

use crate::health::Beside;
use crate::scheduler::Scheduler;
use crate::source::{Kind, Peer, Source};
use crate::{Action, Instant, JobId, Reason, SourceId};

/// Time for which a peer's queue should last: what waits there can't be asked of another.
pub(crate) const QUEUE: Duration = Duration::from_millis(250);
/// The same where there are few sources: then there is hardly another, and a far peer must have enough to do.
const QUEUE_LONG: Duration = Duration::from_millis(500);
/// The same of other people's clients. Some look at what is asked of them only twice a second: who asks for
/// no more than came in half a second never gets more.
const QUEUE_STOCK: Duration = Duration::from_millis(1500);
const SOURCES_FEW: usize = 4;
/// A piece is asked for as a whole where it is here within this time.
const PIECE_TIME: Duration = Duration::from_secs(2);
/// Least and most bytes asked of one peer at a time.
const QUEUE_BYTES: (u64, u64) = (64 << 10, 16 << 20);
/// Most bytes asked of a peer whose rate is not known: a piece, for that can be passed on.
const QUEUE_AT_START: u64 = 4 << 20;
/// Least and most bytes of one fetch from a peer.
pub(crate) const SPAN_BYTES: (u64, u64) = (32 << 10, 4 << 20);
/// A queue as long as this is one fetch: fewer sources then share a piece, and it is whole sooner.
const LONG_QUEUE: u64 = 2 << 20;
/// Pieces compared when the rarest is looked for.
const SAMPLE: u32 = 24;
/// Random places at which the sample is taken.
const SAMPLE_PLACES: u32 = 4;
/// What comes from others before it makes a source look silent for so long at most.
const LINE_MAX: Duration = Duration::from_secs(8);
/// Shortest time without a byte after which a peer is snubbed.
const PEER_PATIENCE: Duration = Duration::from_secs(2);
/// The same for somebody else's client that never brought any.
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// What an origin brings at a time, a quarter of the parts in which shares are read.
const ORIGIN_BLOCK: u32 = 256 << 10;
/// A snubbed peer is tried again after this, and each time after twice as long; one that never brought anything
/// later than one that did.
const RETRY_AFTER_SNUB: Duration = Duration::from_secs(1);
const RETRY_UNPROVEN: Duration = Duration::from_secs(5);
const SNUB_DOUBLINGS_MAX: u32 = 2;
/// A peer that refused a request is asked again after this.
pub(crate) const RETRY_AFTER_REFUSAL: Duration = Duration::from_secs(1);
/// Who alone has pieces is asked for what others have only while no other has room, and up to this part of
/// its queue.
const SPARED_PART: u64 = 4;
/// Time for which all that is asked of peers should last: it waits for its turn in several uplinks.
const CREDIT: Duration = Duration::from_millis(500);
/// The least of it in pieces and in bytes.
const CREDIT_PIECES_MIN: u64 = 6;
const CREDIT_BYTES_MIN: u64 = 6 << 20;

/// What came of the wish to ask a peer for more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filled {
    /// It was asked.
    Asked,
    /// It has nothing to be asked for.
    Nothing,
    /// It could be asked, if there was credit.
    NoCredit,
}

/// How much of the credit may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    /// All of it: for pieces that nobody else has.
    All,
    /// What peers bring in a while: for pieces that others have.
    Some,
}

impl Scheduler {
    /// Bytes that may be asked for and not yet verified.
    pub(crate) fn budget(&self) -> u64 {
        self.config
            .budget_bytes
            .max(self.layout.piece_len().saturating_mul(2))
    }

    /// Whether the credit allows one more piece to be begun. What can be had elsewhere leaves some
    /// room for what can't.
    pub(crate) fn may_begin(&self, room: Room) -> bool {
        let piece_len = self.layout.piece_len();
        // what is half here may wait for a source that is gone: it never keeps the rest from being begun
        let waits = if self.ledger.jobs().next().is_none() {
            self.ledger.loose_len()
        } else {
            0
        };
        let with_one = |bytes: u64| bytes.saturating_sub(waits).saturating_add(piece_len);
        let outstanding = with_one(self.ledger.outstanding());
        match room {
            Room::All => outstanding <= self.budget(),
            Room::Some => {
                let others = with_one(self.ledger.outstanding_of_others());
                let most = (self.budget() / 4 * 3).max(piece_len * 2);
                outstanding <= most && others <= self.credit()
            }
        }
    }

    /// Bytes that may be asked of peers at a time.
    fn credit(&self) -> u64 {
        let all = bytes_in(CREDIT.max(self.way_time), self.best_rate)
            .max(self.layout.piece_len() * CREDIT_PIECES_MIN)
            .max(CREDIT_BYTES_MIN);
        if self.gate.is_reading() {
            self.share.of(all)
        } else {
            all
        }
    }

    /// How long requests must last for half of the peers that are asked.
    fn usual_way_time(&self) -> Duration {
        let asked = |source: &&Source| source.peer().is_some() && !source.flow.jobs.is_empty();
        let asked = self.sources.values().filter(asked);
        let mut times: Vec<Duration> = asked.map(|it| it.flow.way_time()).collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// Bytes that should be asked of a peer at a time.
    pub(crate) fn queue_len(&self, source: &Source) -> u64 {
        queue_len(self.layout.piece_len(), self.has_few_sources(), source)
    }

    fn has_few_sources(&self) -> bool {
        self.sources.len() <= SOURCES_FEW
    }

    /// Asks a peer for one more span.
    pub(crate) fn fill_peer(&mut self, now: Instant, id: SourceId) -> Filled {
        let Some(source) = self.sources.get(&id) else {
            return Filled::Nothing;
        };
        if !source.peer().is_some_and(|peer| peer.may_be_asked(now)) || self.is_too_late(id) {
            return Filled::Nothing;
        }
        let queue = self.queue_len(source);
        let idle = source.flow.jobs.is_empty();
        let full = source.flow.in_flight >= queue;
        let unknown = source.flow.rate.value().is_none();
        // others wait until a slot that is given back is read to its end
        if self.gate.leaving() > 0 && self.ledger.outstanding_of_others() >= self.layout.piece_len()
        {
            return Filled::NoCredit;
        }
        // a suggestion is worth a longer queue, but not at a peer that is far too slow
        let thin = source.peer().is_some_and(|peer| peer.thin);
        let may_wait = !thin || source.flow.in_flight < thin_queue_len(source).max(queue);
        if may_wait && self.take_suggestion(now, id) {
            return Filled::Asked;
        }
        if full {
            return Filled::Nothing;
        }
        let Some(piece) = self.pick(now, id) else {
            if idle && self.may_take_over(now) {
                self.take_over(now, id);
            }
            return if self.may_begin(Room::Some) {
                Filled::Nothing
            } else {
                Filled::NoCredit
            };
        };
        self.begin_for(piece, id);
        let Some(run) = self.ledger.free_run(piece) else {
            return Filled::Nothing;
        };
        let len = if queue >= LONG_QUEUE || unknown {
            queue
        } else {
            queue / 2
        };
        let len = len.clamp(SPAN_BYTES.0, SPAN_BYTES.1);
        let len = len - len % u64::from(BLOCK_LEN);
        self.fetch(now, id, run.head(len));
        Filled::Asked
    }

    /// Asks for a suggested piece as a whole, because nobody else has it; whether there was one.
    fn take_suggestion(&mut self, now: Instant, id: SourceId) -> bool {
        let may_begin = self.may_begin(Room::All);
        let closed = self.ledger.closed();
        let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut) else {
            return false;
        };
        if peer.suggestions.is_empty() || !may_begin {
            return false;
        }
        peer.suggestions.retain(|piece| !closed.contains(*piece));
        let has = &peer.has;
        let there = peer
            .suggestions
            .iter()
            .position(|piece| has.contains(*piece));
        let Some(piece) = there.map(|at| peer.suggestions.remove(at)) else {
            return false;
        };
        self.begin_for(piece, id);
        if let Some(run) = self.ledger.free_run(piece) {
            self.fetch(now, id, run.head(SPAN_BYTES.1));
        }
        true
    }

    /// Asks a source for a span whose pieces were begun.
    pub(crate) fn fetch(&mut self, now: Instant, id: SourceId, span: Span) -> JobId {
        let job = self.ledger.assign(now, id, span);
        if let Some(source) = self.sources.get_mut(&id) {
            source.flow.asked(now, job, span.len());
        }
        self.act(Action::Fetch {
            job,
            source: id,
            span,
        });
        job
    }

    pub(crate) fn cancel(&mut self, job: JobId) {
        if self.ledger.cancel(job) {
            self.act(Action::Cancel { job });
        }
    }

    /// The piece that this peer should bring next: a begun one, else the rarest of a sample.
    fn pick(&mut self, now: Instant, id: SourceId) -> Option<PieceIndex> {
        let source = self.sources.get(&id)?;
        let peer = source.peer()?;
        // who alone has pieces is kept free for them, where others have the rest
        let alone = peer.sole > 0;
        let piece_len = self.layout.piece_len();
        let few = self.has_few_sources();
        let has_room = |it: &&Source| it.flow.in_flight < queue_len(piece_len, few, it);
        let busy = source.flow.in_flight >= queue_len(piece_len, few, source) / SPARED_PART;
        let others = || {
            let sources = self.sources.values().filter(has_room);
            sources.filter_map(Source::peer)
        };
        // a reader of the origin leaves nothing that it could read to who may never answer: its slot
        // would look read to the end; and nobody waits for that with the last pieces
        let on_trial = !peer.serving;
        let (reads, ends) = (self.gate.may_open(now), self.is_end_game());
        let spares = |piece: PieceIndex| {
            let serving = self.availability.serving_of(piece);
            if on_trial && (if serving == 0 { reads } else { ends }) {
                return false;
            }
            !alone
                || serving <= 1
                || !busy
                    && !others().any(|other| {
                        other.sole == 0 && other.may_be_asked(now) && other.has.contains(piece)
                    })
        };
        let may_bring = |piece: &PieceIndex| {
            peer.has.contains(*piece) && self.is_for(now, *piece, id) && spares(*piece)
        };
        if let Some(piece) = self.ledger.loose().find(may_bring) {
            return Some(piece);
        }
        if !self.may_begin(Room::Some) {
            return None;
        }
        if let Some(piece) = self.doubted(now, id).find(may_bring) {
            return Some(piece);
        }
        // whoever has nothing else to do does not wait for its turn
        let nothing = self.ledger.jobs().next().is_none() && !self.fresh.is_hinted();
        let idle = nothing || self.gate.peer_has_room(id);
        let except = if idle {
            self.ledger.closed()
        } else {
            self.ledger.shut()
        };
        let mut best: Option<(u16, PieceIndex)> = None;
        for _ in 0..SAMPLE_PLACES {
            let mut at = self.rng.u32(..self.layout.pieces().max(1));
            let mut wrapped = false;
            for _ in 0..SAMPLE / SAMPLE_PLACES {
                let mut next = peer.has.next_without(at, except);
                if next.is_none() && !wrapped {
                    wrapped = true;
                    next = peer.has.next_without(0, except);
                }
                let Some(piece) = next else { break };
                at = piece.value() + 1;
                let holders = self.availability.serving_of(piece);
                if best.is_none_or(|(least, _)| holders < least) && spares(piece) {
                    best = Some((holders, piece));
                }
            }
            best?;
        }
        best.map(|(_, piece)| piece)
    }

    /// Begins the open piece, which this peer is to bring.
    fn begin_for(&mut self, piece: PieceIndex, id: SourceId) {
        if !self.ledger.closed().contains(piece) {
            self.doubts.begun(piece, id);
        }
        self.ledger.begin(piece);
    }

    /// Whether a begun piece may be asked of this peer: one in doubt is another's as long as that may be asked.
    fn is_for(&self, now: Instant, piece: PieceIndex, id: SourceId) -> bool {
        let owner = self.doubts.owner(piece).filter(|owner| *owner != id);
        let owner = owner.and_then(|owner| self.sources.get(&owner)?.peer());
        !owner.is_some_and(|owner| owner.may_be_asked(now))
    }

    /// Open pieces in doubt, without those that this peer brought in vain and another may bring.
    fn doubted(&self, now: Instant, id: SourceId) -> impl Iterator<Item = PieceIndex> + '_ {
        let elsewhere = move |piece: PieceIndex| {
            let others = self.sources.iter().filter(|(other, _)| **other != id);
            let mut others = others.filter_map(|(_, source)| source.peer());
            others.any(|peer| peer.serving && peer.may_be_asked(now) && peer.has.contains(piece))
        };
        let all = self.doubts.all();
        let open = all.filter(move |(piece, last)| *last != Some(id) || !elsewhere(*piece));
        let open = open.map(|(piece, _)| piece);
        open.filter(|piece| !self.ledger.closed().contains(*piece))
    }

    /// What time alone changes: silent sources, pauses that are over.
    pub(crate) fn look_at_sources(&mut self, now: Instant) {
        let ids: Vec<SourceId> = self.sources.keys().copied().collect();
        let together: u64 = self.rates().map(|(_, rate, _)| rate).sum();
        self.best_rate = self.best_rate.max(together);
        self.way_time = self.usual_way_time();
        self.doubt_gaps(now);
        self.weigh_peers(now);
        let coming: u64 = self.sources.values().map(|it| it.flow.in_flight).sum();
        for id in ids {
            let Some(source) = self.sources.get(&id) else {
                continue;
            };
            let (floor, block_len) = match &source.kind {
                Kind::Peer(peer) if peer.is_unproven_stranger() => (FIRST_PATIENCE, BLOCK_LEN),
                Kind::Peer(_) => (PEER_PATIENCE, BLOCK_LEN),
                Kind::Origin(origin) => {
                    let others = self.origins().filter(|(other, _)| *other != id);
                    let beside = others.map(|(_, other)| other.health.beside()).max();
                    let beside = beside.unwrap_or(Beside::Nobody);
                    (origin.health.patience(beside), ORIGIN_BLOCK)
                }
            };
            let usual = self.best_rate;
            let patience = source.flow.patience(u64::from(block_len), floor, usual);
            // what was asked of others comes by the same link, and perhaps first
            let before = coming.saturating_sub(source.flow.in_flight);
            let line = time_for(before, usual).min(LINE_MAX);
            let silent = now.since(source.flow.active) > patience + line;
            if silent && !source.flow.jobs.is_empty() {
                self.silent(now, id);
            }
            self.look_at_debt(now, id);
            self.hungry.push(id);
        }
    }

    /// Whether a peer serves, as far as it let us wait.
    fn look_at_debt(&mut self, now: Instant, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let owes = source.owes_first();
        let Some(peer) = source.peer_mut() else {
            return;
        };
        if !owes {
            peer.owes_since = None;
        }
        let serves = peer.serves(now);
        self.set_serving(now, id, serves);
    }

    /// A source let us wait too long: its fetches are called off.
    pub(crate) fn silent(&mut self, now: Instant, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let jobs = source.flow.jobs.clone();
        match &mut source.kind {
            Kind::Peer(peer) => {
                snub(now, peer);
                self.gate.peer_silent(now, id);
            }
            Kind::Origin(origin) => {
                origin.health.failed(now, false);
                origin.streams.failed();
                self.gate.origin_state(now, id, OriginState::Down);
            }
        }
        let reason = if source.peer().is_some() {
            Reason::PeerSnubbed
        } else {
            Reason::OriginPaused
        };
        let fresh = jobs
            .iter()
            .any(|job| self.ledger.job(*job).is_some_and(|job| !job.cancelled));
        if fresh {
            self.explain(reason, Some(id), None);
        }
        for job in jobs {
            self.cancel(job);
        }
    }
}

/// What a peer brings in a moment or on its way here, and a piece at least if that does not take it long: a piece in
/// few hands is whole sooner, but what waits in a slow peer's queue can't be asked of a faster one.
fn queue_len(piece_len: u64, few: bool, source: &Source) -> u64 {
    let piece = piece_len.min(QUEUE_AT_START);
    let ours = source.peer().is_some_and(|peer| peer.hello.is_some());
    let time = match (ours, few) {
        (false, _) => QUEUE_STOCK,
        (true, true) => QUEUE_LONG,
        (true, false) => QUEUE,
    };
    let time = time.max(source.flow.way_time());
    source.flow.rate.value().map_or(piece, |rate| {
        bytes_in(time, rate)
            .max(piece.min(bytes_in(PIECE_TIME, rate)))
            .clamp(QUEUE_BYTES.0, QUEUE_BYTES.1)
    })
}

/// What may wait in the queue of a peer that is far too slow.
pub(crate) fn thin_queue_len(source: &Source) -> u64 {
    let rate = source.flow.rate.value();
    rate.map_or(QUEUE_AT_START, |rate| bytes_in(PIECE_TIME, rate))
}

/// How long `bytes` take at `rate` bytes a second; no time where that is not known.
fn time_for(bytes: u64, rate: u64) -> Duration {
    let micros = bytes.saturating_mul(1_000_000).checked_div(rate);
    Duration::from_micros(micros.unwrap_or(0))
}

/// Bytes that come in this time at `rate` bytes a second.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    rate.saturating_mul(millis) / 1000
}

fn snub(now: Instant, peer: &mut Peer) {
    if peer.snubbed_until.is_none_or(|until| until <= now) {
        peer.snubs = peer.snubs.saturating_add(1);
        let doublings = peer.snubs.saturating_sub(1).min(SNUB_DOUBLINGS_MAX);
        let retry = peer
            .delivered_at
            .map_or(RETRY_UNPROVEN, |_| RETRY_AFTER_SNUB);
        peer.snubbed_until = Some(now + retry * (1 << doublings));
    }
}
