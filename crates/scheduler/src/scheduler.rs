//! The scheduler itself: takes events and the time, gives actions.
//!
//! It owns the parts that decide about one content on one machine and decides nothing itself. It does no I/O: no
//! clock, no entropy but the seed, no lock, no task. The same events at the same times with the same seed give the
//! same actions.

use std::collections::VecDeque;
use std::sync::Arc;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet};

use crate::book::Book;
use crate::clock::Clock;
use crate::fetch::line::fill_hungry;
use crate::fetch::origins::doubt_gaps;
use crate::fetch::permits::{cancel_reading, make_way, sync_permits, sync_rate, wake_origins};
use crate::fetch::queue::Queue;
use crate::fetch::silence::look_at_sources;
use crate::fetch::thefts::Thefts;
use crate::fetch::thin::weigh_peers;
use crate::fetch::view::Facts;
use crate::fetch::weighing::Weighing;
use crate::intake::take_in;
use crate::measure::Measures;
use crate::moment::Moment;
use crate::report::{self, OriginReport, Outlook};
use crate::source::Sources;
use crate::source::reading::Reading;
use crate::spread::counting::{hurry_turns, look_at_turn};
use crate::spread::turns::turn_uploads;
use crate::terms::Terms;
use crate::{Action, Event, Has, Instant, Reason, SourceId, Tuning};
use swarmcopy_slots::{OriginConfig, OriginGate};

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
    /// By which numbers it is decided.
    pub tuning: Tuning,
}

impl Config {
    /// The defaults under this origin policy: 64 MiB of credit, 64 uploads.
    pub fn new(origin: OriginConfig) -> Self {
        Self {
            origin,
            budget_bytes: 64 << 20,
            uploads_max: 64,
            tuning: Tuning::default(),
        }
    }
}

/// Every decision about one content on one machine.
#[derive(Debug)]
pub struct Scheduler {
    terms: Terms,
    book: Book,
    sources: Sources,
    gate: OriginGate,
    reading: Reading,
    measures: Measures,
    queue: Queue,
    thefts: Thefts,
    weighing: Weighing,
    clock: Clock,
    rng: fastrand::Rng,
    actions: VecDeque<Action>,
}

impl Scheduler {
    /// A scheduler for `layout` that wants the pieces `wanted` and has `have`. The seed decides
    /// all its random choices.
    pub fn new(
        mut config: Config,
        layout: Arc<Layout>,
        wanted: PieceSet,
        have: PieceSet,
        start: (Instant, u64),
    ) -> Self {
        let (now, seed) = start;
        config.tuning = config.tuning.bounded();
        let mut rng = fastrand::Rng::with_seed(seed);
        let gate_seed = rng.u64(..);
        let mut scheduler = Self {
            rng,
            book: Book::new(Arc::clone(&layout), wanted, have, &config.tuning),
            sources: Sources::default(),
            reading: Reading::new(),
            measures: Measures::new(&config.tuning),
            queue: Queue::default(),
            thefts: Thefts::new(config.tuning.search),
            weighing: Weighing::default(),
            clock: Clock::new(now + config.tuning.look),
            actions: VecDeque::new(),
            terms: Terms {
                tuning: config.tuning,
                node: config.origin.node,
                budget_bytes: config
                    .budget_bytes
                    .max(layout.piece_len().saturating_mul(2)),
                uploads_max: config.uploads_max,
                layout: Arc::clone(&layout),
            },
            gate: OriginGate::new(config.origin, layout, gate_seed, now),
        };
        settle(&mut scheduler.at(now));
        scheduler
    }

    /// All parts at this moment.
    fn at(&mut self, now: Instant) -> Moment<'_> {
        Moment {
            now,
            terms: &self.terms,
            book: &mut self.book,
            sources: &mut self.sources,
            gate: &mut self.gate,
            reading: &mut self.reading,
            measures: &mut self.measures,
            queue: &mut self.queue,
            thefts: &mut self.thefts,
            weighing: &mut self.weighing,
            clock: &mut self.clock,
            rng: &mut self.rng,
            actions: &mut self.actions,
        }
    }

    /// Takes one event in.
    pub fn handle(&mut self, now: Instant, event: Event) {
        // most events of a large swarm change nothing that is decided here
        let decides = match &event {
            Event::SourceHas {
                has: Has::Piece(piece),
                ..
            } => !self.book.have().contains(*piece),
            Event::Uploaded { .. } => false,
            _ => true,
        };
        let mut at = self.at(now);
        take_in(&mut at, event);
        if decides {
            settle(&mut at);
            look_for_probe(&mut at);
        }
    }

    /// Lets time pass; to be called when [`poll_timeout`](Self::poll_timeout) has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut at = self.at(now);
        if at.clock.is_due(now) {
            tick(&mut at);
        }
        while let Some(piece) = at.book.next_due(now) {
            look_at_turn(&mut at, piece);
        }
        let known = (now, &at.terms.tuning);
        let facts = Facts::of((at.book, at.sources), at.measures, known);
        at.gate.timeout(now, &facts.to_be_read(at.book));
        make_way(&mut at);
        wake_origins(&mut at);
        settle(&mut at);
        look_for_probe(&mut at);
    }

    /// The next thing to do, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let tick = (!self.sources.is_empty()).then_some(self.clock.tick_at());
        let turn = self.book.fresh().wake_at();
        let turn = turn.filter(|_| !self.queue.is_closed());
        [tick, turn, self.clock.probe_at(), self.gate.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The pieces that are verified here.
    pub fn have(&self) -> &PieceSet {
        self.book.have()
    }

    /// Whether every wanted piece is verified.
    pub fn is_complete(&self) -> bool {
        self.book.left() == 0
    }

    /// What the origin's protection is doing, for reports.
    pub fn origin_report(&self, now: Instant) -> OriginReport {
        report::origin_report(&self.gate, now)
    }

    /// Gives every slot back: this process is about to end.
    pub fn close(&mut self, now: Instant) {
        self.gate.close(now);
        settle(&mut self.at(now));
    }

    /// Bytes a second of each source, lately.
    pub fn rates(&self) -> impl Iterator<Item = (SourceId, u64, usize)> {
        self.sources.rates()
    }

    /// Whether a connected peer that we can serve still lacks something that is here.
    pub fn is_needed(&self) -> bool {
        self.sources.peers().any(|(_, peer)| peer.interested())
    }

    /// How the rest of the copy looks; costs O(pieces), so it is not for every event.
    pub fn outlook(&self) -> Outlook {
        report::outlook(&self.book, &self.sources)
    }

    /// For each origin that this machine does not read though pieces are missing that nobody brings:
    /// the first such piece, and why it is not read. O(origins), and O(slots) for each.
    pub fn origin_denials(&self, now: Instant) -> Vec<(SourceId, PieceIndex, Reason)> {
        report::denials(&self.book, &self.sources, |source, piece| {
            self.origin_reason(now, source, piece)
        })
    }

    /// Why this machine may or may not read `piece` from the origin `source` now.
    pub fn origin_reason(&self, now: Instant, source: SourceId, piece: PieceIndex) -> Reason {
        let known = (now, &self.terms.tuning);
        let facts = Facts::of((&self.book, &self.sources), &self.measures, known);
        let view = facts.to_be_read(&self.book);
        self.gate.reason(now, source, &view, piece)
    }

    /// When each origin that is in trouble is tried again, where a time is set.
    pub fn origin_tries(&self, now: Instant) -> impl Iterator<Item = (SourceId, Instant)> {
        self.sources.origins().filter_map(move |(id, origin)| {
            let doubt = origin.gaps().next_doubt().filter(|at| *at > now);
            let next = origin.health().next_probe(now).or(doubt)?;
            Some((id, next))
        })
    }
}

/// Looks at what is silent.
fn tick(at: &mut Moment<'_>) {
    at.measures
        .look(at.sources.rate(), at.sources.way_time(&at.terms.tuning));
    doubt_gaps(at);
    weigh_peers(at);
    look_at_sources(at);
    turn_uploads(at);
    let room = at.measures.has_room_up(at.now, &at.terms.tuning);
    at.gate.has_room(at.now, room);
    let ends = at.book.ends();
    if ends {
        hurry_turns(at);
    }
    let tuning = &at.terms.tuning;
    let soon = ends || at.sources.has_trial();
    let pause = if soon { tuning.look_soon } else { tuning.look };
    at.clock.looked(at.now + pause);
}

/// Brings decisions up to date with what is known.
fn settle(at: &mut Moment<'_>) {
    sync_rate(at);
    sync_permits(at);
    if !at.queue.is_closed() {
        if at.book.left() == 0 {
            finish(at);
        } else {
            fill_hungry(at);
        }
    }
    while let Some(piece) = at.gate.poll_cancel() {
        cancel_reading(at, piece);
    }
    sync_permits(at);
    while let Some((source, message)) = at.gate.poll_message(at.now) {
        at.act(Action::SendSlots { source, message });
    }
    while let Some((slot, take)) = at.gate.poll_guard() {
        at.act(Action::Guard { slot, take });
    }
    while let Some((reason, source, piece)) = at.gate.poll_explain() {
        at.explain(reason, source, piece);
    }
}

fn finish(at: &mut Moment<'_>) {
    at.queue.close();
    for job in at.book.ledger().jobs_where(|_| true) {
        at.cancel(job);
    }
    at.act(Action::Complete);
}

/// Notes when an origin that failed may be asked again.
fn look_for_probe(at: &mut Moment<'_>) {
    let origins = at.sources.origins();
    let next = origins.filter_map(|(_, origin)| origin.health().next_probe(at.now));
    let next = next.min().filter(|_| !at.queue.is_closed());
    at.clock.probe(next);
}
