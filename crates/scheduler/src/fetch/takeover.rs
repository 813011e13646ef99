//! Work that changes hands: an idle peer takes over what another would bring much later.
//!
//! What is on its way already comes in vain, so it must pay. The bar is lower for the last pieces, for which all
//! else waits. What must stay true: work taken over is called off first, and given to the other when its
//! end was told.

use std::time::Duration;

use swarmcopy_layout::BLOCK_LEN;

use crate::book::ledger::Job;
use crate::moment::Moment;
use crate::source::flow::Flow;
use crate::source::peer::Peer;
use crate::{Instant, JobId, SourceId};

/// Whether it is time to look for work to take over again.
pub(crate) fn may_take_over(at: &Moment<'_>) -> bool {
    at.thefts.is_due(at.now)
}

/// Calls off the fetch of another peer that this idle one would end much sooner; what it leaves
/// goes to this one.
pub(crate) fn take_over(at: &mut Moment<'_>, id: SourceId) {
    // two that never answer would take the same work over from each other for ever
    if !at.sources.peer(id).is_some_and(Peer::serving) {
        return;
    }
    at.thefts.looked(at.now);
    if let Some(job) = slowest_for(at, id) {
        at.thefts.add(job, id);
        at.cancel(job);
    }
}

/// The fetch of another source that this peer would end much sooner and that would end last.
fn slowest_for(at: &Moment<'_>, id: SourceId) -> Option<JobId> {
    let source = at.sources.get(id)?;
    let peer = source.peer()?;
    let layout = &at.terms.layout;
    let mut slowest: Option<(Duration, JobId)> = None;
    for (job_id, job) in at.book.ledger().jobs() {
        let first = layout.piece_at(job.span().start());
        let fits = job.source() != id && !job.is_cancelled();
        if !fits || !first.is_some_and(|piece| peer.has().contains(piece)) {
            continue;
        }
        let Some(other) = at.sources.get(job.source()) else {
            continue;
        };
        // the last block is most likely on its way, while anything comes
        let quiet = other.flow().quiet_for(at.now);
        let silent = quiet.min(at.now.since(job.started())) >= at.terms.tuning.steal_queued;
        if job.left() <= u64::from(BLOCK_LEN) && !silent {
            continue;
        }
        // what an origin reads is called off only where none of it has to be read again
        let mut pieces = layout.pieces_of(job.span());
        if other.origin().is_some() && !pieces.all(|piece| peer.has().contains(piece)) {
            continue;
        }
        let left = left_of(at.now, other.flow(), job);
        if gains(at, job, (left, other.flow()), source.flow())
            && slowest.is_none_or(|(most, _)| left > most)
        {
            slowest = Some((left, job_id));
        }
    }
    slowest.map(|(_, job)| job)
}

/// Whether a fetch that would end in the time `left` would end much sooner elsewhere.
fn gains(at: &Moment<'_>, job: &Job, (left, other): (Duration, &Flow), mine: &Flow) -> bool {
    let tuning = &at.terms.tuning;
    let time = mine.time_for(job.left()).unwrap_or(tuning.queue) + mine.way();
    let waited = at.now.since(job.started()).saturating_sub(other.way());
    // however wrong all this is, work that changes hands again and again comes to rest
    let again = 1 << job.moves().min(tuning.steal_moves);
    if job.delivered() == 0 && waited > too_long(at, job.span().len()) * again {
        left.max(waited) > time
    } else if at.book.ends() {
        // little can come in vain, and all others are done
        left > time * (tuning.steal_times / 2) + tuning.look_soon * again
    } else {
        left > time * tuning.steal_times + tuning.steal_gain * again
    }
}

/// How long a fetch may stand in a queue before it is moved at no loss: many times what all
/// sources together need for so many bytes.
fn too_long(at: &Moment<'_>, bytes: u64) -> Duration {
    let at_full_speed = bytes.saturating_mul(1_000_000) / at.measures.best_rate().max(1);
    let tuning = &at.terms.tuning;
    (Duration::from_micros(at_full_speed) * tuning.steal_times).max(tuning.steal_queued)
}

/// When a source would have brought a job and what lies before it, or how long it has brought nothing though it
/// could.
fn left_of(now: Instant, flow: &Flow, job: &Job) -> Duration {
    let queued = flow.in_flight().max(job.left());
    let left = flow.time_for(queued).unwrap_or_default();
    left.max(flow.quiet_for(now).saturating_sub(flow.way()))
}

/// Gives what a job left to the peer for which it was called off.
pub(crate) fn hand_over(at: &mut Moment<'_>, thief: SourceId, job: &Job) {
    let ready = at.sources.peer(thief);
    let ready = ready.is_some_and(|peer| peer.may_be_asked(at.now));
    let piece = at.terms.layout.piece_at(job.span().start());
    let Some(piece) = piece.filter(|_| ready) else {
        return;
    };
    // a piece of which nothing came is open again
    at.book.begin(piece);
    if let Some(run) = at.book.ledger().free_run(piece) {
        let moved = at.fetch(thief, run.head(at.terms.tuning.span_max));
        at.book.moved(moved, job.moves() + 1);
    }
}
