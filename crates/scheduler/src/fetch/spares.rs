//! Which of many origins are read, and what happens to work that one of them is too slow for.
//!
//! A file may have a hundred mirrors. A few are read at a time: those that proved fast, then those that nobody
//! tried yet, in the order they were named; a dead or slow one makes room for a spare and is tried again
//! only when there is no better. What must stay true: with few origins all are read, and one that has
//! nothing of what is missing takes no place.

use std::time::Duration;

use swarmcopy_layout::PieceSet;

use super::silence::silent;
use crate::arrival::{bytes_in, time_at};
use crate::moment::Moment;
use crate::source::origin::{Ills, Origin};
use crate::{JobId, Preference, SourceId};

/// What speaks against an origin, the worst first: it has nothing of what is missing, is not well, is slow, others are
/// preferred, it is not known yet or not read. The least is the best.
type Rank = (bool, Ills, bool, Preference, [bool; 2]);

/// Chooses the origins to be read.
pub(crate) fn choose_origins(at: &mut Moment<'_>) {
    let tuning = &at.terms.tuning;
    let next = at.now + tuning.look;
    let ids = at.sources.origin_ids();
    if ids.len() <= tuning.origins_read {
        at.reading.choose(ids.iter().copied(), next);
        return;
    }
    let best = at.sources.best_origin_rate();
    let origins = at.sources.origins().enumerate();
    let ranked = origins.map(|(place, (id, origin))| (rank(at, id, origin, best), place, id));
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_unstable();
    let best = ranked.iter().take(tuning.origins_read).map(|(.., id)| *id);
    at.reading.choose(best, next);
}

fn rank(at: &Moment<'_>, id: SourceId, origin: &Origin, best: u64) -> Rank {
    let rate = at.sources.rate_of(id);
    let missing = at.book.ledger().missing();
    let is_useless = !origin.gaps().shut().is_empty() && origin.lacks_all(missing);
    // what is read goes on: a change costs connections
    let new = [rate.is_none(), !origin.is_open()];
    let (ills, preference) = (origin.ills(at.now), origin.preference());
    (is_useless, ills, is_slow(at, rate, best), preference, new)
}

/// Whether an origin's rate is a small part of the best one's.
fn is_slow(at: &Moment<'_>, rate: Option<u64>, best: u64) -> bool {
    rate.is_some_and(|rate| rate.saturating_mul(at.terms.tuning.origin_slow) < best)
}

/// Whether another origin may be read that brings what is right.
pub(crate) fn has_others(at: &Moment<'_>, id: SourceId) -> bool {
    let missing = at.book.ledger().missing();
    at.sources.origins().any(|(other, origin)| {
        let is_of_use = || origin.gaps().shut().is_empty() || !origin.lacks_all(missing);
        let is_right = origin.ills(at.now).brings_right();
        other != id && is_right && origin.is_open() && is_of_use()
    })
}

/// The pieces that this origin leaves to others which are well and preferred to it; `None` for nothing. It is read
/// like the others until its rate is known, and brings a small part later on, by which that stays known.
pub(crate) fn left_to_preferred(at: &Moment<'_>, id: SourceId) -> Option<PieceSet> {
    let own = at.sources.origin(id)?;
    at.sources.rate_of(id)?;
    let best = at.sources.best_origin_rate();
    let is_before = |(other, origin): &(SourceId, &Origin)| {
        let (of, than) = (origin.preference(), own.preference());
        of.tier == than.tier
            && of.place < than.place
            && origin.is_open()
            && origin.ills(at.now).is_well()
            && !is_slow(at, at.sources.rate_of(*other), best)
    };
    let before = || at.sources.origins().filter(is_before);
    let proven: usize = before().map(|(_, origin)| origin.proven()).sum();
    let lacked = before().map(|(_, origin)| origin.gaps().shut().clone());
    let has_tried = (own.tried() + 1).saturating_mul(at.terms.tuning.origin_tried) > proven;
    has_tried.then(|| but_of_all(lacked)).flatten()
}

/// The pieces that an origin which brought too many wrong ones leaves to others that bring what is right; `None` for
/// nothing. What all of them are believed not to bring it is asked for.
pub(crate) fn left_to_honest(at: &Moment<'_>, id: SourceId) -> Option<PieceSet> {
    if !at.sources.origin(id)?.ills(at.now).lies {
        return None;
    }
    let others = at.sources.origins().filter(|(other, origin)| {
        *other != id && origin.is_open() && origin.ills(at.now).brings_right()
    });
    but_of_all(others.map(|(_, origin)| origin.gaps().all()))
}

/// All pieces but those that are in each of these sets; `None` where there is no set.
fn but_of_all(sets: impl Iterator<Item = PieceSet>) -> Option<PieceSet> {
    let common = sets.reduce(|mut common, set| {
        common.intersect_with(&set);
        common
    })?;
    let mut others = PieceSet::full(common.capacity());
    others.subtract(&common);
    Some(others)
}

/// An origin finds nothing to read: it helps another that is much slower, or makes room for a spare.
pub(crate) fn out_of_work(at: &mut Moment<'_>, id: SourceId) {
    if at.sources.get(id).is_none() || is_at_work(at, id) {
        return;
    }
    let ids = at.sources.origin_ids();
    let others_work = ids
        .iter()
        .any(|other| *other != id && is_at_work(at, *other));
    if ids.len() > at.terms.tuning.origins_read {
        at.reading.choose_by(at.now + at.terms.tuning.search);
    }
    if !others_work || !at.thefts.is_due(at.now) {
        return;
    }
    at.thefts.looked(at.now);
    let Some((job, from)) = slowest_for(at, id) else {
        return;
    };
    at.thefts.add(job, id);
    let other = at.sources.get(from);
    if other.is_some_and(|it| it.flow().is_silent(at.now, at.terms.tuning.patience_short)) {
        silent(at, from);
    } else {
        at.cancel(job);
    }
}

/// The fetch of another origin that this one would end much sooner, with that origin.
fn slowest_for(at: &Moment<'_>, id: SourceId) -> Option<(JobId, SourceId)> {
    let source = at.sources.get(id)?;
    let origin = source
        .origin()
        .filter(|it| it.ills(at.now).brings_right())?;
    let lacks = origin.gaps().shut();
    let tuning = &at.terms.tuning;
    let mut slowest: Option<(Duration, JobId, SourceId)> = None;
    for (job_id, job) in at.book.ledger().jobs() {
        let other = at.sources.get(job.source());
        let Some(other) = other.filter(|other| other.origin().is_some()) else {
            continue;
        };
        let mut pieces = at.terms.layout.pieces_of(job.span());
        if job.source() == id || job.is_cancelled() || pieces.any(|it| lacks.contains(it)) {
            continue;
        }
        let mine = source.flow().time_for(job.left()).unwrap_or(tuning.queue);
        let flow = other.flow();
        let left = flow.time_for(flow.in_flight().max(job.left()));
        let left = left.unwrap_or_default().max(flow.quiet_for(at.now));
        let gains = left > mine * tuning.steal_times + tuning.steal_gain;
        if gains && slowest.is_none_or(|(most, ..)| left > most) {
            slowest = Some((left, job_id, job.source()));
        }
    }
    slowest.map(|(_, job, from)| (job, from))
}

/// Whether a source is asked for something: what it might bring, but is not asked for, holds nobody back.
fn is_at_work(at: &Moment<'_>, id: SourceId) -> bool {
    at.sources.get(id).is_some_and(|it| it.flow().is_asked())
}

/// Whether this origin failed last, and others at work bring what is left before its silence would be noticed.
fn would_hold_up(at: &Moment<'_>, id: SourceId) -> bool {
    if !at.sources.origin(id).is_some_and(Origin::is_failing) {
        return false;
    }
    let origins = at.sources.origins();
    let others = origins.filter(|(other, origin)| *other != id && !origin.is_failing());
    let others = others.filter(|(other, _)| is_at_work(at, *other));
    let rate: u64 = others
        .filter_map(|(other, _)| at.sources.rate_of(other))
        .sum();
    at.book.left_len() <= bytes_in(at.terms.tuning.patience_short, rate)
}

/// Whether this origin would need longer for one piece than all other sources at work for what is left.
pub(crate) fn would_be_last(at: &Moment<'_>, id: SourceId) -> bool {
    if would_hold_up(at, id) {
        return true;
    }
    let (piece_len, tuning) = (at.terms.layout.piece_len(), &at.terms.tuning);
    let mine = at.sources.get(id);
    let Some(mine) = mine.and_then(|it| it.flow().time_for(piece_len)) else {
        return false;
    };
    if mine <= tuning.steal_gain {
        return false;
    }
    let others = at.sources.rates().filter(|(other, ..)| *other != id);
    let rate: u64 = others.map(|(_, rate, _)| rate).sum();
    let others = time_at(at.book.left_len(), rate);
    others.is_some_and(|others| mine > others * tuning.steal_times + tuning.steal_gain)
}
