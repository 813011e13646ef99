//! What came of fetches: bytes that arrive, jobs that end, pieces that prove right or wrong.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, Spans};

use crate::book::ledger::Job;
use crate::fetch::interest::show_others;
use crate::fetch::origins::fill_origin;
use crate::fetch::permits::{call_off, reading_ended, wake_origins};
use crate::fetch::takeover::hand_over;
use crate::moment::Moment;
use crate::source::origin::Origin;
use crate::spread::counting::{no_more_sole, peer_lost, set_serving};
use crate::spread::suggest::suggest;
use crate::{Action, Instant, JobId, Outcome, Proof, Reason, SourceId, Tuning};
use swarmcopy_slots::{OriginState, ReadEnd};

/// A job brought bytes.
pub(crate) fn progress(at: &mut Moment<'_>, id: JobId, bytes: u64) {
    let now = at.now;
    let Some(job) = at.book.progress(now, id, bytes) else {
        return;
    };
    let Some(source) = at.sources.get_mut(job.source()) else {
        return;
    };
    source.flow_mut().brought(now, id, job.started(), bytes);
    at.measures.brought(now, bytes);
    if bytes > 0 {
        if let Some(peer) = source.peer_mut() {
            peer.conduct_mut().delivered(now);
            if !peer.serving() {
                set_serving(at, job.source(), true);
            }
        } else if let Some(origin) = source.origin_mut()
            && origin.answered()
        {
            at.gate.origin_state(now, job.source(), OriginState::Ready);
        }
    }
    at.gate.received(now, job.source(), bytes);
    at.queue.push(job.source());
}

/// A job ended.
pub(crate) fn job_end(at: &mut Moment<'_>, id: JobId, outcome: Outcome, missing: &Spans) {
    let Some(job) = at.book.end(id, missing) else {
        return;
    };
    let Some(source) = at.sources.get_mut(job.source()) else {
        return;
    };
    source.flow_mut().ended(id, job.left());
    // a source that says done and brought nothing of what is missing would be asked for ever
    let idle_end = outcome == Outcome::Done && job.delivered() == 0 && !missing.is_empty();
    let outcome = if idle_end {
        Outcome::Busy {
            retry_after_ms: None,
        }
    } else {
        outcome
    };
    take_blame(at, &job, outcome);
    for run in missing.iter() {
        for piece in at.terms.layout.pieces_of(run) {
            reading_ended(at, piece, ReadEnd::Failed);
            at.sources.proved(piece, false);
        }
    }
    if let Some(thief) = at.thefts.take(id) {
        if at.sources.origin(thief).is_some() {
            fill_origin(at, thief);
        } else {
            hand_over(at, thief, &job);
        }
    }
    at.queue.push(job.source());
    if !missing.is_empty() {
        at.wake_all();
    }
}

/// Notes what the end of a job says about its source.
fn take_blame(at: &mut Moment<'_>, job: &Job, outcome: Outcome) {
    let (now, id) = (at.now, job.source());
    let layout = &at.terms.layout;
    if let Outcome::Lacks(span) = outcome {
        if let Some(origin) = at.sources.origin_mut(id) {
            let pieces = layout.pieces_of(span);
            pieces.for_each(|piece| origin.gaps_mut().lacks(now, piece));
        } else {
            for piece in layout.pieces_of(span) {
                peer_lost(at, id, piece);
            }
        }
        return;
    }
    if let Some(origin) = at.sources.origin_mut(id) {
        if let Some(health) = origin_job_end((now, &at.terms.tuning), origin, job, outcome) {
            at.reading.choose_by(now);
            at.gate.origin_state(now, id, health);
        }
    } else if let Outcome::Busy { .. } | Outcome::Broken = outcome
        && let Some(peer) = at.sources.peer_mut(id)
    {
        peer.conduct_mut()
            .refused(now + at.terms.tuning.retry, job.started());
    }
}

/// Takes in what the end of a fetch says about its origin; its health, where that changed.
fn origin_job_end(
    (now, tuning): (Instant, &Tuning),
    origin: &mut Origin,
    job: &Job,
    outcome: Outcome,
) -> Option<OriginState> {
    let brought = job.delivered() > 0;
    match outcome {
        Outcome::Done => {
            let was_failing = origin.completed(now, job.delivered(), job.latency(now));
            was_failing.then_some(OriginState::Ready)
        }
        Outcome::Busy { retry_after_ms } => {
            let told = retry_after_ms.map(Duration::from_millis);
            origin.busy(now, brought, told, tuning);
            Some(OriginState::Held)
        }
        Outcome::Broken => {
            origin.failed(now, brought, tuning);
            Some(OriginState::Down)
        }
        Outcome::Cancelled | Outcome::Lacks(_) => None,
    }
}

/// A piece is verified.
pub(crate) fn piece_ok(at: &mut Moment<'_>, piece: PieceIndex) {
    if !at.book.verified(piece) {
        return;
    }
    reading_ended(at, piece, ReadEnd::Verified);
    at.sources.proved(piece, true);
    at.gate.have(at.now, piece);
    no_more_sole(at, piece);
    suggest(at, piece);
    show_others(at, piece);
    wake_origins(at);
}

/// Others may have it; nobody waited for it to come here.
pub(crate) fn piece_proven(at: &mut Moment<'_>, piece: PieceIndex) {
    if at.book.proven(piece) {
        at.gate.have(at.now, piece);
    }
}

/// A piece was complete but its bytes were wrong.
pub(crate) fn piece_bad(at: &mut Moment<'_>, piece: PieceIndex, senders: &[SourceId]) {
    at.book.wrong(piece, senders.len() > 1);
    reading_ended(at, piece, ReadEnd::Failed);
    at.sources.proved(piece, false);
    if let [id] = senders {
        if at.sources.peer(*id).is_some() {
            ban(at, *id, Proof::Alone(piece));
        } else if let Some(origin) = at.sources.origin_mut(*id) {
            origin.brought_wrong(at.now, piece);
            at.book.differs(piece);
            at.gate.bad(at.now, *id, piece);
            at.explain(Reason::OriginDiffers, Some(*id), Some(piece));
            call_off(at, *id);
        }
    }
    at.wake_all();
}

/// Puts a peer out. One that is gone may come back: it is named all the same.
pub(crate) fn ban(at: &mut Moment<'_>, source: SourceId, proof: Proof) {
    if let Some(known) = at.sources.get_mut(source) {
        let Some(peer) = known.peer_mut() else {
            return;
        };
        // it is asked nothing more until the link is down
        peer.conduct_mut().ban();
        set_serving(at, source, false);
    }
    let reason = Reason::PeerLiar;
    at.explain(reason, Some(source), Some(proof.piece()));
    at.act(Action::Ban {
        source,
        reason,
        proof,
    });
}
