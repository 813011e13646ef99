//! How shares and mirrors are read: in runs, by as many streams as pay.

use swarmcopy_layout::{PieceSet, Span};

use super::credit::{Room, may_begin};
use super::spares::{has_others, left_to_honest, left_to_preferred, out_of_work, would_be_last};
use super::view::Facts;
use crate::SourceId;
use crate::arrival::bytes_in;
use crate::moment::Moment;
use crate::source::Source;
use crate::source::origin::Origin;

/// Lets origins be tried again for what they are believed not to bring, where nobody else brings it.
pub(crate) fn doubt_gaps(at: &mut Moment<'_>) {
    let now = at.now;
    let origins = at.sources.origins();
    let due = origins.filter(|(_, it)| it.gaps().next_doubt().is_some_and(|at| now >= at));
    let due: Vec<SourceId> = due.map(|(id, _)| id).collect();
    for id in due {
        let mut wanted = at.book.ledger().missing().clone();
        wanted.subtract(at.book.availability().available());
        for (_, other) in at.sources.origins().filter(|(other, _)| *other != id) {
            if !other.is_failing() {
                wanted.intersect_with(&other.gaps().all());
            }
        }
        if let Some(origin) = at.sources.origin_mut(id)
            && origin.gaps_mut().doubt(now, &wanted)
        {
            at.queue.push(id);
        }
    }
}

/// Gives work to an origin while it has room.
pub(crate) fn fill_origin(at: &mut Moment<'_>, id: SourceId) {
    while has_room(at, id)
        && (may_begin(at, Room::All) || at.book.ledger().loose().next().is_some())
    {
        let Some(span) = next_run(at, id) else {
            out_of_work(at, id);
            return;
        };
        // bytes of begun pieces that are here or on their way are not read again
        for run in at.book.begin_run(span).iter() {
            at.fetch(id, run);
        }
        if let Some(origin) = at.sources.origin_mut(id) {
            origin.asked_for(at.terms.layout.pieces_of(span));
        }
    }
}

/// Whether one more fetch of this origin pays.
fn has_room(at: &Moment<'_>, id: SourceId) -> bool {
    let Some(source) = at.sources.get(id) else {
        return false;
    };
    let Some(origin) = source.origin() else {
        return false;
    };
    origin.is_open()
        && origin.may_be_asked(at.now)
        && (origin.trust() > 0 || !has_others(at, id))
        && origin.has_stream_beside(source.flow().jobs().len())
        && !would_be_last(at, id)
}

/// The next run that the gate lets this machine read from this origin.
fn next_run(at: &mut Moment<'_>, id: SourceId) -> Option<Span> {
    let source = at.sources.get(id)?;
    let origin = source.origin()?;
    let layout = &at.terms.layout;
    let ledger = at.book.ledger();
    let trust = has_others(at, id).then(|| origin.trust());
    let trust = trust.and_then(|pieces| u32::try_from(pieces).ok());
    let room = at.terms.budget_bytes.saturating_sub(ledger.outstanding());
    let pieces_max = (run_len(at, source).min(room) / layout.piece_len()).max(1);
    let narrowed = narrowed(at, id, origin.gaps().shut());
    let missing = narrowed.as_ref().unwrap_or(ledger.missing());
    let known = (at.now, &at.terms.tuning);
    let facts = Facts::of((at.book, at.sources), at.measures, known);
    let mut view = facts.view(missing, at.book);
    view.narrowed = narrowed.is_some() || facts.is_owed();
    let last = with_wrong(view.last, origin);
    view.last = last.as_ref().or(view.last);
    let pieces_max = u32::try_from(pieces_max).unwrap_or(u32::MAX);
    let pieces_max = pieces_max.min(trust.unwrap_or(u32::MAX));
    let plan = at.gate.next_read(at.now, id, &view, pieces_max)?;
    let last = layout.piece(plan.first().value() + plan.count().max(1) - 1)?;
    let span = Span::between(
        layout.piece_span(plan.first()).start(),
        layout.piece_span(last).end(),
    );
    at.reading.began(layout.pieces_of(span));
    at.explain(plan.reason(), Some(id), Some(plan.first()));
    Some(span)
}

/// What comes last with what this origin had wrong before, if there is such: what may be right comes first, however
/// often the wrong is tried again.
fn with_wrong(last: Option<&PieceSet>, origin: &Origin) -> Option<PieceSet> {
    let mut again = origin.gaps().wrong_again().peekable();
    again.peek()?;
    let none = || PieceSet::empty(origin.gaps().shut().capacity());
    let mut all = last.cloned().unwrap_or_else(none);
    again.for_each(|piece| {
        all.insert(piece);
    });
    Some(all)
}

/// What is missing without what this origin is not asked for, if there is such.
fn narrowed(at: &Moment<'_>, id: SourceId, lacks: &PieceSet) -> Option<PieceSet> {
    let full = !may_begin(at, Room::All);
    let left = [left_to_preferred(at, id), left_to_honest(at, id)];
    if lacks.is_empty() && !full && left.iter().all(Option::is_none) {
        return None;
    }
    let ledger = at.book.ledger();
    let mut missing = ledger.missing().clone();
    missing.subtract(lacks);
    for left in left.iter().flatten() {
        missing.subtract(left);
    }
    if full {
        missing.intersect_with(ledger.closed());
    }
    Some(missing)
}

/// How long a run may be: what comes in half a second by all streams together, or in a few ways there and back, because whoever
/// turns up meanwhile can't take any of it, and peers want the first of its pieces soon.
fn run_len(at: &Moment<'_>, source: &Source) -> u64 {
    // of a far origin the way there and back is a small part of each request
    let flow = source.flow();
    let alone = at.gate.is_alone(at.now);
    let tuning = &at.terms.tuning;
    let ways = if alone { tuning.ways * 2 } else { tuning.ways };
    let (least, most) = tuning.run_time;
    let time = least.max(flow.way() * ways).min(most);
    let timely = flow
        .rate()
        .map_or(tuning.origin_block, |rate| bytes_in(time, rate));
    if !alone {
        let streams = source.origin().map_or(1, |it| it.streams().allowed());
        return (timely / u64::from(streams)).min(tuning.span_max);
    }
    let streams = u64::try_from(flow.jobs().len()).unwrap_or(0) + 2;
    timely
        .min(at.terms.budget_bytes / (2 * streams))
        .min(tuning.run_alone())
}
