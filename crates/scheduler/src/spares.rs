//! Which of many origins are read, and what happens to work that one of them is too slow for.
//!
//! A file may have a hundred mirrors. A few are read at a time: those that proved fast, then those that nobody
//! tried yet, in the order they were named; a dead or slow one makes room for a spare and is tried again
//! only when there is no better. What must stay true: with few origins all are read, and one that has
//! nothing of what is missing takes no place.

use std::time::Duration;

use swarmcopy_layout::PieceSet;

use crate::health::BESIDE_SERVING;
use crate::origins::BAD_PIECES_MAX;
use crate::plan::QUEUE;
use crate::scheduler::Scheduler;
use crate::source::{Origin, Source};
use crate::takeover::{STEAL_GAIN, STEAL_TIMES, TAKE_OVER_EVERY};
use crate::{Instant, JobId, Preference, SourceId};

/// Most origins that are read at a time.
const READ_MAX: usize = 4;
/// An origin with less than this part of the best one's rate is slow.
const SLOW_PART: u64 = 4;
/// Who is not preferred brings one of so many pieces all the same.
const TRIED_PART: usize = 8;
/// How often the choice is looked at when nothing happens.
const CHOOSE_EVERY: Duration = Duration::from_millis(500);
/// An origin without work makes others be looked for at most this often.
const CHOOSE_AGAIN: Duration = Duration::from_millis(20);

/// What speaks against an origin, the worst first; the least is the best.
type Rank = ([bool; 5], Preference, [bool; 2]);

impl Scheduler {
    /// Chooses the origins to be read.
    pub(crate) fn choose_origins(&mut self, now: Instant) {
        self.choose_at = now + CHOOSE_EVERY;
        if self.origin_ids.len() <= READ_MAX {
            self.chosen.clone_from(&self.origin_ids);
            return;
        }
        let best = self.best_origin_rate();
        let mut ranked: Vec<_> = self
            .origins()
            .enumerate()
            .map(|(place, (id, origin))| (self.origin_rank(now, id, origin, best), place, id))
            .collect();
        ranked.sort_unstable();
        self.chosen.clear();
        let chosen = ranked.iter().take(READ_MAX);
        self.chosen.extend(chosen.map(|(.., id)| *id));
    }

    fn origin_rank(&self, now: Instant, id: SourceId, origin: &Origin, best: u64) -> Rank {
        let rate = self.rate_of(id);
        let is_useless = !origin.gaps.shut().is_empty() && self.lacks_all(origin);
        let unwell = [
            is_useless,
            !origin.may_be_asked(now),
            origin.bad_pieces >= BAD_PIECES_MAX,
            origin.health.is_failing(),
            is_slow(rate, best),
        ];
        // what is read goes on: a change costs connections
        let new = [rate.is_none(), origin.permit.is_none()];
        (unwell, origin.preference, new)
    }

    fn best_origin_rate(&self) -> u64 {
        let rates = self.origins().filter_map(|(id, _)| self.rate_of(id));
        rates.max().unwrap_or(0)
    }

    /// The pieces that this origin leaves to others which are well and preferred to it; `None` for nothing. It is read
    /// like the others until its rate is known, and brings a small part later on, by which that stays known.
    pub(crate) fn left_to_preferred(&self, now: Instant, id: SourceId) -> Option<PieceSet> {
        let own = self.sources.get(&id)?.origin()?;
        self.rate_of(id)?;
        let best = self.best_origin_rate();
        let is_before = |(other, origin): &(SourceId, &Origin)| {
            let (of, than) = (origin.preference, own.preference);
            let well = origin.permit.is_some()
                && origin.may_be_asked(now)
                && !origin.health.is_failing()
                && origin.bad_pieces < BAD_PIECES_MAX;
            of.tier == than.tier
                && of.place < than.place
                && well
                && !is_slow(self.rate_of(*other), best)
        };
        let before = self.origins().filter(is_before);
        let mut proven = 0;
        let mut lacked: Option<PieceSet> = None;
        for (_, origin) in before {
            proven += origin.proven;
            match &mut lacked {
                Some(lacked) => lacked.intersect_with(origin.gaps.shut()),
                None => lacked = Some(origin.gaps.shut().clone()),
            }
        }
        let has_tried = (own.proven + own.unproven.len() + 1).saturating_mul(TRIED_PART) > proven;
        lacked.filter(|_| has_tried).map(|lacked| {
            let mut left = PieceSet::full(lacked.capacity());
            left.subtract(&lacked);
            left
        })
    }

    pub(crate) fn lacks_all(&self, origin: &Origin) -> bool {
        let missing = self.ledger.missing();
        missing.next_without(0, origin.gaps.shut()).is_none()
    }

    fn rate_of(&self, id: SourceId) -> Option<u64> {
        self.sources.get(&id)?.flow.rate.value()
    }

    /// An origin finds nothing to read: it helps another that is much slower, or makes room for a spare.
    pub(crate) fn out_of_work(&mut self, now: Instant, id: SourceId) {
        let Some(source) = self.sources.get(&id) else {
            return;
        };
        if !source.flow.jobs.is_empty() {
            return;
        }
        if self.origin_ids.len() > READ_MAX {
            self.choose_at = self.choose_at.min(now + CHOOSE_AGAIN);
        }
        let busy = |other: SourceId| {
            let other = self.sources.get(&other).filter(|_| other != id);
            other.is_some_and(|other| !other.flow.jobs.is_empty())
        };
        let waits = now.since(self.took_over_at) < TAKE_OVER_EVERY;
        if waits || !self.origin_ids.iter().any(|other| busy(*other)) {
            return;
        }
        self.took_over_at = now;
        if let Some(job) = self.slowest_of_origins(now, id) {
            self.thefts.insert(job, id);
            let from = self.ledger.job(job).map(|job| job.source);
            let other = from.and_then(|from| self.sources.get(&from));
            match from {
                Some(from) if other.is_some_and(|it| it.flow.is_silent(now, BESIDE_SERVING)) => {
                    self.silent(now, from);
                }
                _ => self.cancel(job),
            }
        }
    }

    /// The fetch of another origin that this one would end much sooner.
    fn slowest_of_origins(&self, now: Instant, id: SourceId) -> Option<JobId> {
        let source = self.sources.get(&id)?;
        let origin = source.origin().filter(|it| !it.health.is_failing())?;
        let lacks = origin.gaps.shut();
        let mut slowest: Option<(Duration, JobId)> = None;
        for (job_id, job) in self.ledger.jobs() {
            let other = self.sources.get(&job.source);
            let Some(other) = other.filter(|other| other.origin().is_some()) else {
                continue;
            };
            let mut pieces = self.layout.pieces_of(job.span);
            if job.source == id || job.cancelled || pieces.any(|it| lacks.contains(it)) {
                continue;
            }
            let mine = source.flow.time_for(job.left()).unwrap_or(QUEUE);
            let left = other.flow.time_for(other.flow.in_flight.max(job.left()));
            let left = left.unwrap_or_default().max(now.since(other.flow.active));
            let gains = left > mine * STEAL_TIMES + STEAL_GAIN;
            if gains && slowest.is_none_or(|(most, _)| left > most) {
                slowest = Some((left, job_id));
            }
        }
        slowest.map(|(_, job)| job)
    }

    /// Whether this origin failed last, and others that answer bring what is left before its silence would be noticed.
    fn would_hold_up(&self, id: SourceId) -> bool {
        let fails = |origin: &Origin| origin.health.is_failing();
        let rates = self
            .origins()
            .filter(|(other, origin)| *other != id && !fails(origin));
        let rate: u64 = rates.filter_map(|(other, _)| self.rate_of(other)).sum();
        let left = u64::from(self.left).saturating_mul(self.layout.piece_len());
        self.sources
            .get(&id)
            .and_then(Source::origin)
            .is_some_and(fails)
            && left <= rate.saturating_mul(BESIDE_SERVING.as_secs())
    }

    /// Whether this origin would need longer for one piece than all other sources for what is left.
    pub(crate) fn would_be_last(&self, id: SourceId) -> bool {
        if self.would_hold_up(id) {
            return true;
        }
        let piece_len = self.layout.piece_len();
        let Some(mine) = self
            .sources
            .get(&id)
            .and_then(|it| it.flow.time_for(piece_len))
        else {
            return false;
        };
        if mine <= STEAL_GAIN {
            return false;
        }
        let is_other = |(other, source): &(&SourceId, &Source)| {
            let asked = !source.flow.jobs.is_empty();
            **other != id && asked
        };
        let others = self.sources.iter().filter(is_other);
        let rate: u64 = others
            .filter_map(|(_, source)| source.flow.rate.value())
            .sum();
        let left = u64::from(self.left).saturating_mul(piece_len);
        let micros = left.saturating_mul(1_000_000).checked_div(rate);
        micros.is_some_and(|micros| mine > Duration::from_micros(micros) * STEAL_TIMES + STEAL_GAIN)
    }
}

/// Whether an origin's rate is a small part of the best one's.
fn is_slow(rate: Option<u64>, best: u64) -> bool {
    rate.is_some_and(|rate| rate.saturating_mul(SLOW_PART) < best)
}
