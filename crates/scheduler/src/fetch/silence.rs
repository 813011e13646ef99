//! Sources that let us wait: their fetches are called off, and they are asked again later.

use std::time::Duration;

use swarmcopy_layout::BLOCK_LEN;

use crate::arrival::time_at;
use crate::moment::Moment;
use crate::source::Source;
use crate::source::health::Beside;
use crate::spread::counting::set_serving;
use crate::{Instant, JobId, Reason, SourceId, Tuning};
use swarmcopy_slots::OriginState;

/// Looks for sources that let us wait too long, and wakes the others: pauses may be over.
pub(crate) fn look_at_sources(at: &mut Moment<'_>) {
    let coming = at.sources.in_flight();
    let ids: Vec<SourceId> = at.sources.ids().collect();
    for id in ids {
        if is_silent(at, id, coming) {
            silent(at, id);
        }
        look_at_debt(at, id);
        at.queue.push(id);
    }
}

/// Whether a peer that is doubted is waited for again, and in vain so far.
pub(crate) fn is_waited_for_in_vain(source: &Source, (now, tuning): (Instant, &Tuning)) -> bool {
    let is_doubted = source.peer().is_some_and(|peer| !peer.serving());
    is_doubted && source.flow().is_silent(now, tuning.patience_short)
}

/// Whether a source that is asked brought nothing for too long, as against all that is `coming`. One that is doubted
/// is waited for no longer where an origin may bring it.
fn is_silent(at: &Moment<'_>, id: SourceId, coming: u64) -> bool {
    let Some(source) = at.sources.get(id).filter(|it| it.flow().is_asked()) else {
        return false;
    };
    if is_waited_for_in_vain(source, (at.now, &at.terms.tuning)) && reads(at) {
        return true;
    }
    let (floor, block_len) = least_patience(at, id, source);
    let (usual, tuning) = (at.measures.best_rate(), &at.terms.tuning);
    let flow = source.flow();
    let patience = flow.patience((block_len, tuning.patience_blocks), floor, usual);
    // what was asked of others comes by the same link, and perhaps first
    let before = coming.saturating_sub(flow.in_flight());
    let line = time_at(before, usual).unwrap_or_default();
    let line = line.min(tuning.patience_line);
    flow.quiet_for(at.now) > patience + line
}

/// Whether this machine reads an origin that answers.
fn reads(at: &Moment<'_>) -> bool {
    let mut origins = at.sources.origins();
    origins.any(|(_, it)| it.is_open() && !it.is_failing())
}

/// The shortest time without a byte that is silence, and how much a source brings at a time.
fn least_patience(at: &Moment<'_>, id: SourceId, source: &Source) -> (Duration, u64) {
    let tuning = &at.terms.tuning;
    if let Some(origin) = source.origin() {
        let others = at.sources.origins().filter(|(other, _)| *other != id);
        let beside = others.map(|(_, other)| other.health().beside()).max();
        let beside = beside.unwrap_or(Beside::Nobody);
        return (
            origin.health().patience(beside, tuning),
            tuning.origin_block,
        );
    }
    let peer = source.peer();
    let floor = peer.map_or(tuning.patience, |peer| peer.patience(tuning));
    (floor, BLOCK_LEN.into())
}

/// Whether a peer serves, as far as it let us wait.
fn look_at_debt(at: &mut Moment<'_>, id: SourceId) {
    let Some(source) = at.sources.get_mut(id) else {
        return;
    };
    let owes = source.owes_first();
    let Some(peer) = source.peer_mut() else {
        return;
    };
    if !owes {
        peer.conduct_mut().owes_nothing();
    }
    let serves = peer.serves(at.now, &at.terms.tuning);
    set_serving(at, id, serves);
}

/// A source let us wait too long: its fetches are called off.
pub(crate) fn silent(at: &mut Moment<'_>, id: SourceId) {
    let now = at.now;
    let Some(source) = at.sources.get_mut(id) else {
        return;
    };
    let jobs = source.flow().jobs().to_vec();
    let mut reason = Reason::PeerSnubbed;
    if let Some(peer) = source.peer_mut() {
        peer.conduct_mut().snub(now, &at.terms.tuning);
        at.gate.peer_silent(now, id);
    } else if let Some(origin) = source.origin_mut() {
        reason = Reason::OriginPaused;
        origin.failed(now, false, &at.terms.tuning);
        at.gate.origin_state(now, id, OriginState::Down);
    }
    let ledger = at.book.ledger();
    let is_fresh = |job: &JobId| ledger.job(*job).is_some_and(|job| !job.is_cancelled());
    if jobs.iter().any(is_fresh) {
        at.explain(reason, Some(id), None);
    }
    for job in jobs {
        at.cancel(job);
    }
}
