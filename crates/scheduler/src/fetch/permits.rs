//! With which permits origins are read, and what ends their reading.
//!
//! The gate says whether this machine may read; this file turns that into permits. A permit is revoked at once when a
//! slot is lost, and after the last fetch when it was given back.

use swarmcopy_layout::PieceIndex;

use super::spares::{choose_origins, has_others};
use crate::arrival::bytes_in;
use crate::moment::Moment;
use crate::{Action, SourceId};
use swarmcopy_slots::ReadEnd;

/// Opens origins that may be read now, closes those that may not.
pub(crate) fn sync_permits(at: &mut Moment<'_>) {
    let may_open = at.gate.may_open(at.now) && at.book.left() > 0;
    if at.reading.is_choice_due(at.now) {
        choose_origins(at);
    }
    for place in 0..at.sources.origin_ids().len() {
        let Some(id) = at.sources.origin_ids().get(place).copied() else {
            continue;
        };
        let may_open = may_open && at.reading.is_chosen(id);
        let Some(origin) = at.sources.origin_mut(id) else {
            continue;
        };
        if may_open && !origin.is_open() && origin.may_be_asked(at.now) {
            let (permit, keeper) = at.reading.permit(id);
            origin.open(keeper);
            at.queue.push(id);
            at.act(Action::OpenOrigin { permit });
        } else if !may_open && origin.is_open() {
            origin.close();
            at.act(Action::CloseOrigin { source: id });
        }
    }
}

/// Tells when this machine's part of the origin's budget changed.
pub(crate) fn sync_rate(at: &mut Moment<'_>) {
    let rate_bytes = at.gate.rate_max();
    if at.reading.limited(rate_bytes) {
        at.act(Action::LimitOrigins { rate_bytes });
    }
}

/// Lets the origins look for work: what may be read has perhaps changed.
pub(crate) fn wake_origins(at: &mut Moment<'_>) {
    if at.gate.may_open(at.now) {
        at.queue.wake(at.sources.origin_ids().iter().copied());
    }
}

/// Others wait for a slot that is given back until what it reads has come. Where that would take long, it is
/// called off; where it would take long beside what was asked of peers, those are. What of it came is kept.
pub(crate) fn make_way(at: &mut Moment<'_>) {
    if !at.reading.leaves(at.gate.leaving()) {
        return;
    }
    let soon = bytes_in(at.terms.tuning.drain, at.measures.best_rate());
    let origins = at.sources.iter().filter(|(_, it)| it.origin().is_some());
    let reads: u64 = origins.map(|(_, it)| it.flow().in_flight()).sum();
    let ledger = at.book.ledger();
    let jobs = if reads > soon / 2 {
        ledger.jobs_where(|job| {
            let first = at.terms.layout.piece_at(job.span().start());
            first.is_some_and(|piece| at.gate.leaves(piece))
        })
    } else if at.sources.in_flight() > soon {
        ledger.jobs_where(|job| at.sources.peer(job.source()).is_some())
    } else {
        Vec::new()
    };
    for job in jobs {
        at.cancel(job);
    }
}

/// Takes back all that was asked of an origin which brought a wrong piece, where others can be
/// asked for it.
pub(crate) fn call_off(at: &mut Moment<'_>, id: SourceId) {
    if !has_others(at, id) {
        return;
    }
    for job in at.book.ledger().jobs_where(|job| job.source() == id) {
        at.cancel(job);
    }
}

/// The reading of a planned piece ended; told to the gate once.
pub(crate) fn reading_ended(at: &mut Moment<'_>, piece: PieceIndex, end: ReadEnd) {
    if at.reading.ended(piece) {
        at.gate.read_ended(at.now, piece, end);
    }
}

/// The slot of a piece that is being read was lost.
pub(crate) fn cancel_reading(at: &mut Moment<'_>, piece: PieceIndex) {
    let span = at.terms.layout.piece_span(piece);
    let is_origin = |id: SourceId| at.sources.origin(id).is_some();
    let ledger = at.book.ledger();
    let jobs = ledger.jobs_where(|job| job.span().contains(span) && is_origin(job.source()));
    for job in jobs {
        at.cancel(job);
    }
}
