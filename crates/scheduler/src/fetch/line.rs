//! Work for every source that may be able to take some: peers in line, then origins.
//!
//! Peers come first, for what they bring costs the origin nothing. Whoever is touched by an event gets a new place in
//! the line, and as long as there is credit the first is asked.

use std::time::Duration;

use super::credit::QueueRule;
use super::origins::fill_origin;
use super::peers::{Filled, fill_peer};
use super::takeover::{may_take_over, take_over};
use crate::SourceId;
use crate::moment::Moment;
use crate::source::origin::Origin;
use crate::source::peer::Peer;

/// Gives work to every source that may be able to take some.
pub(crate) fn fill_hungry(at: &mut Moment<'_>) {
    let hungry = at.queue.take_hungry();
    let mut origins = Vec::new();
    for id in &hungry {
        match at.sources.get(*id) {
            Some(source) if source.peer().is_some() => line_up(at, *id),
            Some(_) => origins.push(*id),
            None => {}
        }
    }
    serve_line(at, &hungry);
    at.queue.reuse(hungry);
    fill_origins(at, origins);
}

/// Gives work to origins: to those that failed last only what the others leave.
fn fill_origins(at: &mut Moment<'_>, mut hungry: Vec<SourceId>) {
    let fails = |id: &SourceId| at.sources.origin(*id).is_some_and(Origin::is_failing);
    if hungry.iter().any(fails) {
        let origins = at.sources.origin_ids();
        hungry.extend(origins.iter().filter(|id| !fails(id)));
        hungry.sort_by_key(|id| (fails(id), *id));
        hungry.dedup();
    }
    for id in hungry {
        fill_origin(at, id);
    }
}

/// Gives a peer its place in the line, or takes it out if it can't be asked. Whoever owes us the first byte
/// from now on is looked at when that was too long.
fn line_up(at: &mut Moment<'_>, id: SourceId) {
    let place = place_of(at, id);
    let Some(source) = at.sources.get_mut(id) else {
        return;
    };
    if source.owes_first()
        && let Some(peer) = source.peer_mut()
        && peer.conduct_mut().owes(at.now)
    {
        at.clock.look_by(at.now + at.terms.tuning.stock_doubted);
    }
    at.queue.put(id, place);
}

/// When a peer would have brought one more span, if it may be asked for one; at once where it
/// suggests pieces.
fn place_of(at: &Moment<'_>, id: SourceId) -> Option<Duration> {
    let source = at.sources.get(id)?;
    let peer = source.peer()?;
    if !peer.may_be_asked(at.now) || peer.shown().is_none() {
        return None;
    }
    if peer.hints().has_given() {
        return Some(Duration::ZERO);
    }
    let flow = source.flow();
    let room = flow.in_flight() < QueueRule::among(at.sources, at.terms).len(source);
    let span = at.terms.tuning.span_min;
    let queued = flow.in_flight().saturating_add(span);
    let unknown = Duration::from_micros(queued / (span / 1024).max(1));
    room.then(|| flow.time_for(queued).unwrap_or(unknown))
}

/// One fetch at a time to the peer that would end it first, until credit or peers run out.
fn serve_line(at: &mut Moment<'_>, hungry: &[SourceId]) {
    while let Some(id) = at.queue.first() {
        match fill_peer(at, id) {
            Filled::Asked => line_up(at, id),
            Filled::Nothing => at.queue.put(id, None),
            Filled::NoCredit => {
                fill_loose(at, hungry);
                take_over_for_idle(at);
                return;
            }
        }
    }
}

/// What is left of begun pieces needs no credit: those that an event touched may have it.
fn fill_loose(at: &mut Moment<'_>, hungry: &[SourceId]) {
    for id in hungry {
        while at.book.ledger().loose().next().is_some()
            && at.queue.has(*id)
            && fill_peer(at, *id) == Filled::Asked
        {
            line_up(at, *id);
        }
    }
}

/// Without credit an idle peer can only do what others would do later.
fn take_over_for_idle(at: &mut Moment<'_>) {
    if !may_take_over(at) {
        return;
    }
    let idle = at.queue.line().find(|id| {
        let source = at.sources.get(*id);
        source.is_some_and(|it| !it.flow().is_asked() && it.peer().is_some_and(Peer::serving))
    });
    if let Some(id) = idle {
        take_over(at, id);
    }
}
