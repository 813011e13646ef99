//! How shares and mirrors are read: only with a permit, in runs, by as many streams as pay.
//!
//! The gate says whether and what this machine may read; this file turns that into permits and
//! fetches. A permit is revoked at once when a slot is lost, and after the last fetch when it was
//! given back.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, PieceSet, Span};
use swarmcopy_slots::{OriginState, ReadEnd, View};

use crate::availability::Availability;
use crate::ledger::Job;
use crate::plan::Room;
use crate::scheduler::Scheduler;
use crate::source::{Origin, Source};
use crate::{Action, Instant, JobId, Outcome, Reason, SourceId, permit};

/// Longest run of an origin read while other machines are there, in bytes.
const RUN_SHARED: u64 = 4 << 20;
/// Longest run of an origin read of a machine that is alone, in bytes.
const RUN_ALONE: u64 = 16 << 20;
/// Length of the first runs, while the origin's rate is not known, in bytes.
const RUN_AT_START: u64 = 256 << 10;
/// What a request brings lasts so long, and so many times the way there and back, beside others and alone, up to the
/// last.
const RUN_TIME: Duration = Duration::from_millis(500);
const RUN_WAYS: (u32, u32) = (2, 4);
const RUN_TIME_MAX: Duration = Duration::from_secs(3);
/// A slot that is given back is read no longer than this if peers can wait.
const DRAIN_TIME: Duration = Duration::from_secs(1);
/// What is read under it is called off where it takes longer than this part of that.
const READS_SOON: u64 = 2;
/// An origin with this many bad pieces is used only where no other is left.
pub(crate) const BAD_PIECES_MAX: u32 = 3;

impl Scheduler {
    /// Opens origins that may be read now, closes those that may not.
    pub(crate) fn sync_permits(&mut self, now: Instant) {
        let may_open = self.gate.may_open(now) && self.left > 0;
        if now >= self.choose_at {
            self.choose_origins(now);
        }
        for at in 0..self.origin_ids.len() {
            let Some(id) = self.origin_ids.get(at).copied() else {
                continue;
            };
            let chosen = self.chosen.contains(&id);
            let Some(origin) = self.sources.get_mut(&id).and_then(Source::origin_mut) else {
                continue;
            };
            let may_open = may_open && chosen;
            if may_open && origin.permit.is_none() && origin.may_be_asked(now) {
                self.epoch += 1;
                let (permit, keeper) = permit::mint(id, self.epoch);
                origin.permit = Some(keeper);
                self.hungry.push(id);
                self.act(Action::OpenOrigin { permit });
            } else if !may_open && origin.permit.is_some() {
                origin.permit = None;
                self.act(Action::CloseOrigin { source: id });
            }
        }
    }

    /// Tells when this machine's part of the origin's budget changed.
    pub(crate) fn sync_origin_rate(&mut self) {
        let rate_bytes = self.gate.rate_max();
        if std::mem::replace(&mut self.origin_rate, rate_bytes) != rate_bytes {
            self.act(Action::LimitOrigins { rate_bytes });
        }
    }

    /// Lets origins be tried again for what they are believed not to bring, where nobody else brings it.
    pub(crate) fn doubt_gaps(&mut self, now: Instant) {
        let due = |(_, origin): &(SourceId, &Origin)| {
            origin.gaps.next_doubt().is_some_and(|at| now >= at)
        };
        let due: Vec<SourceId> = self.origins().filter(due).map(|(id, _)| id).collect();
        for id in due {
            let mut wanted = self.ledger.missing().clone();
            wanted.subtract(self.availability.available());
            for (_, other) in self.origins().filter(|(other, _)| *other != id) {
                if !other.health.is_failing() {
                    wanted.intersect_with(&other.gaps.all());
                }
            }
            if let Some(origin) = self.sources.get_mut(&id).and_then(Source::origin_mut)
                && origin.gaps.doubt(now, &wanted)
            {
                self.hungry.push(id);
            }
        }
    }

    /// Lets the origins look for work: what may be read has perhaps changed.
    pub(crate) fn wake_origins(&mut self, now: Instant) {
        if self.gate.may_open(now) {
            self.hungry.extend_from_slice(&self.origin_ids);
        }
    }

    pub(crate) fn origins(&self) -> impl Iterator<Item = (SourceId, &Origin)> {
        let ids = self.origin_ids.iter();
        ids.filter_map(|id| Some((*id, self.sources.get(id)?.origin()?)))
    }

    pub(crate) fn fill_origin(&mut self, now: Instant, id: SourceId) {
        while self.origin_has_room(now, id)
            && (self.may_begin(Room::All) || self.ledger.loose().next().is_some())
        {
            let Some(span) = self.next_run(now, id) else {
                self.out_of_work(now, id);
                return;
            };
            // bytes of begun pieces that are here or on their way are not read again
            for run in self.ledger.begin_run(span).iter() {
                self.fetch(now, id, run);
            }
            let pieces = self.layout.pieces_of(span);
            if let Some(origin) = self.sources.get_mut(&id).and_then(Source::origin_mut) {
                origin.unproven.extend(pieces);
            }
        }
    }

    /// Others wait for a slot that is given back until what it reads has come. Where that would take long, it is
    /// called off; where it would take long beside what was asked of peers, those are. What of it came is kept.
    pub(crate) fn make_way(&mut self) {
        let leaving = self.gate.leaving();
        if std::mem::replace(&mut self.leaving, leaving) >= leaving {
            return;
        }
        let soon = self.best_rate.saturating_mul(DRAIN_TIME.as_secs());
        let of_origin = |source: &&Source| source.origin().is_some();
        let coming: u64 = self.sources.values().map(|it| it.flow.in_flight).sum();
        let reads = self.sources.values().filter(of_origin);
        let reads: u64 = reads.map(|it| it.flow.in_flight).sum();
        let jobs = if reads > soon / READS_SOON {
            self.jobs_where(|job| {
                let first = self.layout.piece_at(job.span.start());
                first.is_some_and(|piece| self.gate.leaves(piece))
            })
        } else if coming > soon {
            self.jobs_where(|job| {
                let source = self.sources.get(&job.source);
                source.is_some_and(|it| it.peer().is_some())
            })
        } else {
            Vec::new()
        };
        for job in jobs {
            self.cancel(job);
        }
    }

    pub(crate) fn jobs_where(&self, wanted: impl Fn(&Job) -> bool) -> Vec<JobId> {
        let jobs = self.ledger.jobs().filter(|(_, job)| wanted(job));
        jobs.map(|(id, _)| id).collect()
    }

    /// A piece proved right or wrong, or did not come.
    pub(crate) fn proved(&mut self, piece: PieceIndex, right: bool) {
        for id in &self.origin_ids {
            if let Some(origin) = self.sources.get_mut(id).and_then(Source::origin_mut)
                && origin.unproven.remove(&piece)
                && right
            {
                origin.proved(piece);
            }
        }
    }

    /// Takes back all that was asked of an origin which brought a wrong piece, where others can be
    /// asked for it.
    pub(crate) fn call_off(&mut self, id: SourceId) {
        if !self.has_others(id) {
            return;
        }
        let jobs = self.ledger.jobs();
        let jobs: Vec<_> = jobs
            .filter_map(|(job, of)| (of.source == id).then_some(job))
            .collect();
        for job in jobs {
            self.cancel(job);
        }
    }

    /// Whether another origin may be read that brings what is right.
    fn has_others(&self, id: SourceId) -> bool {
        self.origins().any(|(other, origin)| {
            let is_right = origin.bad_pieces < BAD_PIECES_MAX && !origin.health.is_failing();
            let is_of_use = || origin.gaps.shut().is_empty() || !self.lacks_all(origin);
            other != id && is_right && origin.permit.is_some() && is_of_use()
        })
    }

    fn origin_has_room(&mut self, now: Instant, id: SourceId) -> bool {
        let others = self.has_others(id);
        let Some(source) = self.sources.get_mut(&id) else {
            return false;
        };
        let jobs = u32::try_from(source.flow.jobs.len()).unwrap_or(u32::MAX);
        let Some(origin) = source.origin_mut() else {
            return false;
        };
        let last_resort = origin.bad_pieces >= BAD_PIECES_MAX && others;
        let has_room = origin.permit.is_some()
            && origin.may_be_asked(now)
            && !last_resort
            && (!others || origin.trust() > 0)
            && jobs < origin.streams.allowed().min(origin.streams_max);
        has_room && !self.would_be_last(id)
    }

    /// The next run that the gate lets this machine read from this origin.
    fn next_run(&mut self, now: Instant, id: SourceId) -> Option<Span> {
        let source = self.sources.get(&id)?;
        let origin = source.origin()?;
        let lacks = origin.gaps.shut();
        let trust = self.has_others(id).then(|| origin.trust());
        let trust = trust.and_then(|pieces| u32::try_from(pieces).ok());
        let run_len = self.run_len(now, source);
        let room = self.budget().saturating_sub(self.ledger.outstanding());
        let pieces_max = (run_len.min(room) / self.layout.piece_len()).max(1);
        let mut narrowed = None;
        let full = !self.may_begin(Room::All);
        let left = self.left_to_preferred(now, id);
        if !lacks.is_empty() || full || left.is_some() {
            let mut missing = self.ledger.missing().clone();
            missing.subtract(lacks);
            if let Some(left) = left {
                missing.subtract(&left);
            }
            if full {
                missing.intersect_with(self.ledger.closed());
            }
            narrowed = Some(missing);
        }
        let missing = narrowed.as_ref().unwrap_or(self.ledger.missing());
        let facts = self.view_facts();
        let mut view = facts.view(missing, &self.availability);
        view.narrowed = narrowed.is_some();
        let pieces_max = u32::try_from(pieces_max).unwrap_or(u32::MAX);
        let pieces_max = pieces_max.min(trust.unwrap_or(u32::MAX));
        let plan = self.gate.next_read(now, id, &view, pieces_max)?;
        let last = self
            .layout
            .piece(plan.first().value() + plan.count().max(1) - 1)?;
        let span = Span::between(
            self.layout.piece_span(plan.first()).start(),
            self.layout.piece_span(last).end(),
        );
        self.reading.extend(self.layout.pieces_of(span));
        self.explain(plan.reason(), Some(id), Some(plan.first()));
        Some(span)
    }

    /// Tells the gate what time it is, with what it needs to see.
    pub(crate) fn pass_time_at_gate(&mut self, now: Instant) {
        let facts = self.view_facts();
        let view = facts.view(self.ledger.missing(), &self.availability);
        self.gate.timeout(now, &view);
    }

    /// For each origin that this machine does not read though pieces are missing that nobody brings:
    /// the first such piece, and why it is not read. O(origins), and O(slots) for each.
    pub fn origin_denials(&self, now: Instant) -> Vec<(SourceId, PieceIndex, Reason)> {
        let Some(piece) = self.ledger.missing().iter().next() else {
            return Vec::new();
        };
        self.origin_ids
            .iter()
            .filter(|id| {
                let source = self.sources.get(id);
                source.is_some_and(|source| source.flow.jobs.is_empty())
            })
            .map(|id| (*id, piece, self.origin_reason(now, *id, piece)))
            .filter(|(_, _, reason)| reason.is_denial())
            .collect()
    }

    /// Why this machine may or may not read `piece` from the origin `source` now.
    pub fn origin_reason(&self, now: Instant, source: SourceId, piece: PieceIndex) -> Reason {
        let view = self.view_facts();
        let view = view.view(self.ledger.missing(), &self.availability);
        self.gate.reason(now, source, &view, piece)
    }

    /// When an origin that failed may be asked again, or is tried again for what it lacked.
    pub(crate) fn next_probe(&self, now: Instant) -> Option<Instant> {
        let next = |(_, origin): (SourceId, &Origin)| origin.health.next_probe(now);
        self.origins().filter_map(next).min()
    }

    /// When each origin that is in trouble is tried again, where a time is set.
    pub fn origin_tries(&self, now: Instant) -> impl Iterator<Item = (SourceId, Instant)> {
        self.origins().filter_map(move |(id, origin)| {
            let doubt = origin.gaps.next_doubt().filter(|at| *at > now);
            let next = origin.health.next_probe(now).or(doubt)?;
            Some((id, next))
        })
    }

    fn view_facts(&self) -> Facts {
        let mut facts = Facts {
            pieces_left: self.left,
            link_goodput: self.best_rate,
            peers: 0,
            peers_slow: false,
            way: self.way_time / 2,
            wrong: self.wrong_everywhere(),
        };
        for source in self.sources.values() {
            if let Some(peer) = source.peer() {
                facts.peers += 1;
                facts.peers_slow |= peer.thin;
            }
        }
        facts
    }

    /// Pieces that each origin had with wrong bytes lately.
    fn wrong_everywhere(&self) -> Option<PieceSet> {
        let mut all: Option<PieceSet> = None;
        for (_, origin) in self.origins() {
            let mut wrong = PieceSet::empty(self.layout.pieces());
            origin.gaps.wrong_now().for_each(|piece| {
                wrong.insert(piece);
            });
            if wrong.is_empty() {
                return None;
            }
            if let Some(all) = &all {
                wrong.intersect_with(all);
            }
            all = Some(wrong);
        }
        all
    }

    /// The reading of a planned piece ended; told to the gate once.
    pub(crate) fn reading_ended(&mut self, now: Instant, piece: PieceIndex, end: ReadEnd) {
        if self.reading.remove(&piece) {
            self.gate.read_ended(now, piece, end);
        }
    }

    /// The slot of a piece that is being read was lost.
    pub(crate) fn cancel_reading(&mut self, piece: PieceIndex) {
        let span = self.layout.piece_span(piece);
        let jobs: Vec<_> = self
            .ledger
            .jobs()
            .filter(|(_, job)| job.span.contains(span))
            .filter(|(_, job)| {
                self.sources
                    .get(&job.source)
                    .is_some_and(|s| s.origin().is_some())
            })
            .map(|(id, _)| id)
            .collect();
        for job in jobs {
            self.cancel(job);
        }
    }

    /// How long a run may be: what comes in half a second by all streams together, or in a few ways there and back, because whoever
    /// turns up meanwhile can't take any of it, and peers want the first of its pieces soon.
    fn run_len(&self, now: Instant, source: &Source) -> u64 {
        let rate = source.flow.rate.value();
        // of a far origin the way there and back is a small part of each request
        let way = source.flow.latency.base().unwrap_or_default();
        let alone = self.gate.is_alone(now);
        let ways = if alone { RUN_WAYS.1 } else { RUN_WAYS.0 };
        let time = RUN_TIME.max(way * ways).min(RUN_TIME_MAX);
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let timely = rate.map_or(RUN_AT_START, |rate| rate.saturating_mul(millis) / 1000);
        if !alone {
            let streams = source.origin().map_or(1, |it| it.streams.allowed());
            return (timely / u64::from(streams)).min(RUN_SHARED);
        }
        let streams = u64::try_from(source.flow.jobs.len()).unwrap_or(0) + 2;
        timely.min(self.budget() / (2 * streams)).min(RUN_ALONE)
    }
}

/// What the gate needs to know besides sets of pieces.
struct Facts {
    pieces_left: u32,
    link_goodput: u64,
    peers: u32,
    peers_slow: bool,
    way: Duration,
    wrong: Option<PieceSet>,
}

impl Facts {
    fn view<'a>(&'a self, missing: &'a PieceSet, availability: &'a Availability) -> View<'a> {
        View {
            missing,
            narrowed: false,
            wrong: self.wrong.as_ref(),
            available: availability.available(),
            serving: availability.serving(),
            copied: availability.copied(),
            pieces_left: self.pieces_left,
            peers: self.peers,
            peers_slow: self.peers_slow,
            way: self.way,
            link_goodput: self.link_goodput,
        }
    }
}

/// Takes in what the end of a fetch says about its origin; its health, where that changed.
pub(crate) fn origin_job_end(
    now: Instant,
    origin: &mut Origin,
    job: &Job,
    outcome: Outcome,
) -> Option<OriginState> {
    let brought = job.delivered > 0;
    match outcome {
        Outcome::Done => {
            let took = job.first_at.unwrap_or(now).since(job.started);
            origin.streams.completed(now, job.delivered, took);
            let was_failing = origin.health.is_failing();
            origin.health.answered();
            was_failing.then_some(OriginState::Ready)
        }
        Outcome::Busy { retry_after_ms } => {
            let told = retry_after_ms.map(Duration::from_millis);
            origin.health.busy(now, brought, told);
            origin.streams.busy();
            Some(OriginState::Held)
        }
        Outcome::Broken => {
            origin.health.failed(now, brought);
            origin.streams.failed();
            Some(OriginState::Down)
        }
        Outcome::Cancelled | Outcome::Lacks(_) => None,
    }
}
