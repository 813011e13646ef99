//! The scheduler itself: takes events and the time, gives actions.
//!
//! It owns every decision about one content on one machine and does no I/O: no clock, no entropy
//! but the seed, no lock, no task. The same events at the same times with the same seed give the
//! same actions. What a source does is in `sources_in`, what is asked of it in `plan` and
//! `origins`, who is served in `uploads`.

use crate::doubts::Doubts;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet};
use swarmcopy_slots::{OriginConfig, OriginGate};

use crate::availability::Availability;
use crate::fresh::Fresh;
use crate::ledger::Ledger;
use crate::share::PeersShare;
use crate::source::{Kind, Source};
use crate::spread::outflow::Outflow;
use crate::trial::Trial;
use crate::{Action, Event, Has, Instant, JobId, Reason, SourceId};

/// How often silent things are looked at: snubs, pauses, turns of upload.
const TICK: Duration = Duration::from_millis(500);
/// The same while a peer that never brought anything is asked, or the last pieces come: the room may wait for it.
const TICK_ON_TRIAL: Duration = Duration::from_millis(100);

/// What a scheduler is told once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Who may read the origin.
    pub origin: OriginConfig,
    /// Most bytes asked for and not yet verified (but at least two pieces).
    pub budget_bytes: u64,
    /// Most peers that are served at a time.
    pub uploads_max: usize,
}

impl Config {
    /// The defaults under this origin policy: 64 MiB of credit, 64 uploads.
    pub fn new(origin: OriginConfig) -> Self {
        Self {
            origin,
            budget_bytes: 64 << 20,
            uploads_max: 64,
        }
    }
}

/// What the protection of the origin is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OriginReport {
    /// The slots that this machine holds.
    pub slots: Vec<u32>,
    /// The slots that it held at some time.
    pub slots_ever: Vec<u32>,
    /// Bytes that this machine read from origins.
    pub origin_bytes: u64,
    /// Bytes that all machines of the swarm read from origins, as last heard.
    pub swarm_bytes: u64,
    /// Machines that may read, as known here.
    pub machines: u32,
    /// Machines that hold a slot, as known here.
    pub readers: u32,
    /// Whether this machine waits for bytes that nobody brings it.
    pub starving: bool,
}

/// How the rest of the copy looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Outlook {
    /// Wanted pieces that are not verified.
    pub missing: u32,
    /// Of these, pieces that no connected source has (an origin has all but those it lacks).
    pub nowhere: u32,
    /// Of these, pieces that some origin had with wrong bytes.
    pub differ: u32,
    /// Fetches under way.
    pub jobs: u32,
}

/// Every decision about one content on one machine.
#[derive(Debug)]
pub struct Scheduler {
    pub(crate) config: Config,
    pub(crate) layout: Arc<Layout>,
    pub(crate) rng: fastrand::Rng,
    pub(crate) wanted: PieceSet,
    pub(crate) have: PieceSet,
    pub(crate) left: u32,
    pub(crate) ledger: Ledger,
    pub(crate) sources: BTreeMap<SourceId, Source>,
    pub(crate) availability: Availability,
    pub(crate) fresh: Fresh,
    pub(crate) gate: OriginGate,
    /// Sources that may have become able to take work.
    pub(crate) hungry: Vec<SourceId>,
    /// Peers that could take work, by when they would have ended it.
    pub(crate) line: BTreeSet<(Duration, SourceId)>,
    /// Pieces that are here or not wanted.
    pub(crate) settled: PieceSet,
    /// Which peers show which piece.
    pub(crate) shown: BTreeMap<PieceIndex, Vec<SourceId>>,
    /// The sources that are origins.
    pub(crate) origin_ids: Vec<SourceId>,
    /// The origins that are read; the others are spare.
    pub(crate) chosen: Vec<SourceId>,
    /// When they are chosen anew.
    pub(crate) choose_at: Instant,
    /// Pieces that the gate let us read and whose reading has not ended.
    pub(crate) reading: BTreeSet<PieceIndex>,
    /// Pieces that an origin had with wrong bytes.
    pub(crate) differ: PieceSet,
    /// The best rate that all sources together were seen to bring.
    pub(crate) best_rate: u64,
    /// How long requests must last to fill the way to peers, as last looked at.
    pub(crate) way_time: Duration,
    /// What peers get of the link while an origin is read.
    pub(crate) share: PeersShare,
    /// Whether origins are tried beside slow peers.
    pub(crate) trial: Trial,
    /// Pieces that were wrong when several had sent parts of them.
    pub(crate) doubts: Doubts,
    /// Since when peers bring too little.
    pub(crate) slow_since: Option<Instant>,
    /// Jobs that were called off so that another peer can do them.
    pub(crate) thefts: BTreeMap<JobId, SourceId>,
    /// What this machine sends.
    pub(crate) outflow: Outflow,
    /// How many slots are being given back.
    pub(crate) leaving: usize,
    pub(crate) took_over_at: Instant,
    pub(crate) epoch: u64,
    /// This machine's part of the origin's budget as last told.
    pub(crate) origin_rate: Option<u64>,
    actions: VecDeque<Action>,
    /// When silent things are looked at again.
    pub(crate) tick_at: Instant,
    /// When an origin that failed may be asked again.
    probe_at: Option<Instant>,
    complete: bool,
}

impl Scheduler {
    /// A scheduler for `layout` that wants the pieces `wanted` and has `have`. The seed decides
    /// all its random choices.
    pub fn new(
        config: Config,
        layout: Arc<Layout>,
        wanted: PieceSet,
        have: PieceSet,
        start: (Instant, u64),
    ) -> Self {
        let (now, seed) = start;
        let pieces = layout.pieces();
        let mut closed = PieceSet::full(pieces);
        closed.subtract(&wanted);
        closed.union_with(&have);
        let mut missing = wanted.clone();
        missing.subtract(&have);
        let mut rng = fastrand::Rng::with_seed(seed);
        let gate_seed = rng.u64(..);
        let gate = OriginGate::new(config.origin.clone(), Arc::clone(&layout), gate_seed, now);
        let mut scheduler = Self {
            rng,
            left: missing.len(),
            ledger: Ledger::new(Arc::clone(&layout), closed.clone()),
            sources: BTreeMap::new(),
            availability: Availability::new(pieces),
            fresh: Fresh::new(pieces),
            gate,
            hungry: Vec::new(),
            line: BTreeSet::new(),
            settled: closed,
            shown: BTreeMap::new(),
            origin_ids: Vec::new(),
            chosen: Vec::new(),
            choose_at: Instant::ZERO,
            reading: BTreeSet::new(),
            differ: PieceSet::empty(pieces),
            best_rate: 0,
            way_time: Duration::ZERO,
            share: PeersShare::new(),
            trial: Trial::default(),
            doubts: Doubts::default(),
            slow_since: None,
            thefts: BTreeMap::new(),
            outflow: Outflow::default(),
            leaving: 0,
            took_over_at: Instant::ZERO,
            epoch: 0,
            origin_rate: None,
            actions: VecDeque::new(),
            tick_at: now + TICK,
            probe_at: None,
            complete: false,
            config,
            layout,
            wanted,
            have,
        };
        scheduler.settle(now);
        scheduler
    }

    /// Takes one event in.
    pub fn handle(&mut self, now: Instant, event: Event) {
        // most events of a large swarm change nothing that is decided here
        let decides = match &event {
            Event::SourceHas {
                has: Has::Piece(piece),
                ..
            } => !self.have.contains(*piece),
            Event::Uploaded { .. } => false,
            _ => true,
        };
        self.take_in(now, event);
        if decides {
            self.settle(now);
            let probe_at = self.next_probe(now).filter(|_| !self.complete);
            self.probe_at = probe_at;
        }
    }

    /// Lets time pass; to be called when [`poll_timeout`](Self::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.tick_at {
            self.look_at_sources(now);
            self.turn_uploads(now);
            let room = self.outflow.look(now);
            self.gate.has_room(now, room);
            let ends = self.is_end_game();
            if ends {
                self.hurry_turns(now);
            }
            let soon = self.has_trial() || ends;
            self.tick_at = now + if soon { TICK_ON_TRIAL } else { TICK };
        }
        while let Some(piece) = self.fresh.next_due(now) {
            self.look_at_turn(now, piece);
        }
        self.pass_time_at_gate(now);
        self.make_way();
        self.wake_origins(now);
        self.settle(now);
        self.probe_at = self.next_probe(now).filter(|_| !self.complete);
    }

    /// Whether a peer is asked that never brought anything.
    fn has_trial(&self) -> bool {
        self.sources.values().any(|source| {
            let peer = source.peer();
            !source.flow.jobs.is_empty() && peer.is_some_and(|it| it.delivered_at.is_none())
        })
    }

    /// The next thing to do, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let tick = (!self.sources.is_empty()).then_some(self.tick_at);
        let turn = self.fresh.wake_at().filter(|_| !self.complete);
        [tick, turn, self.probe_at, self.gate.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The pieces that are verified here.
    pub fn have(&self) -> &PieceSet {
        &self.have
    }

    /// Whether every wanted piece is verified.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// What the origin's protection is doing, for reports.
    pub fn origin_report(&self, now: Instant) -> OriginReport {
        let status = self.gate.status(now);
        OriginReport {
            slots: slots_of(status.slots),
            slots_ever: slots_of(status.slots_ever),
            origin_bytes: status.origin_bytes,
            swarm_bytes: status.swarm_bytes,
            machines: status.machines,
            readers: u32::try_from(self.gate.readers(now).collect::<BTreeSet<_>>().len())
                .unwrap_or(u32::MAX),
            starving: status.starving,
        }
    }

    /// Gives every slot back: this process is about to end.
    pub fn close(&mut self, now: Instant) {
        self.gate.close(now);
        self.settle(now);
    }

    /// Bytes a second of each source, lately.
    pub fn rates(&self) -> impl Iterator<Item = (SourceId, u64, usize)> {
        self.sources.iter().map(|(id, source)| {
            let asked = !source.flow.jobs.is_empty();
            let rate = source.flow.rate.value().filter(|_| asked).unwrap_or(0);
            (*id, rate, source.flow.jobs.len())
        })
    }

    /// Whether a connected peer that we can serve still lacks something that is here.
    pub fn is_needed(&self) -> bool {
        self.sources
            .values()
            .filter_map(Source::peer)
            .any(|peer| peer.interested)
    }

    /// How the rest of the copy looks; costs O(pieces), so it is not for every event.
    pub fn outlook(&self) -> Outlook {
        let mut missing = self.wanted.clone();
        missing.subtract(&self.have);
        let mut nowhere = missing.clone();
        for source in self.sources.values() {
            match &source.kind {
                Kind::Peer(peer) => nowhere.subtract(&peer.has),
                Kind::Origin(origin) => nowhere.intersect_with(&origin.gaps.all()),
            }
        }
        let mut differ = missing.clone();
        differ.intersect_with(&self.differ);
        let jobs = u32::try_from(self.ledger.jobs().count()).unwrap_or(u32::MAX);
        Outlook {
            missing: missing.len(),
            nowhere: nowhere.len(),
            differ: differ.len(),
            jobs,
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(crate) fn explain(
        &mut self,
        reason: Reason,
        source: Option<SourceId>,
        piece: Option<PieceIndex>,
    ) {
        self.act(Action::Explain {
            reason,
            source,
            piece,
        });
    }

    /// Brings decisions up to date with what is known.
    fn settle(&mut self, now: Instant) {
        self.sync_origin_rate();
        self.sync_permits(now);
        if !self.complete {
            if self.left == 0 {
                self.finish();
            } else {
                self.fill_hungry(now);
            }
        }
        while let Some(piece) = self.gate.poll_cancel() {
            self.cancel_reading(piece);
        }
        self.sync_permits(now);
        while let Some((source, message)) = self.gate.poll_message(now) {
            self.act(Action::SendSlots { source, message });
        }
        while let Some((slot, take)) = self.gate.poll_guard() {
            self.act(Action::Guard { slot, take });
        }
        while let Some((reason, source, piece)) = self.gate.poll_explain() {
            self.explain(reason, source, piece);
        }
    }

    fn finish(&mut self) {
        self.complete = true;
        self.hungry.clear();
        self.line.clear();
        let running: Vec<_> = self.ledger.jobs().map(|(id, _)| id).collect();
        for job in running {
            self.cancel(job);
        }
        self.act(Action::Complete);
    }
}

/// The slots of a mask.
fn slots_of(mask: u64) -> Vec<u32> {
    (0..u64::BITS)
        .filter(|slot| mask >> slot & 1 == 1)
        .collect()
}
