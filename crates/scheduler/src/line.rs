//! The line of the peers that could take work: the one that would end it first stands first.
//!
//! The line outlasts events, because most of them change nothing for most peers: whoever is touched
//! by an event gets a new place, and as long as there is credit the first is asked. Nobody leaves
//! the line for want of credit, so the next verified piece wakes one peer and not all.

use std::time::Duration;

use crate::plan::{Filled, SPAN_BYTES};
use crate::scheduler::Scheduler;
use crate::source::{Kind, STOCK_DOUBTED_AFTER, Source};
use crate::{Instant, SourceId};

impl Scheduler {
    pub(crate) fn wake_all(&mut self) {
        self.hungry.extend(self.sources.keys().copied());
    }

    /// Gives work to every source that may be able to take some.
    pub(crate) fn fill_hungry(&mut self, now: Instant) {
        // peers first: what they bring costs the origin nothing
        let mut hungry = std::mem::take(&mut self.hungry);
        hungry.sort_unstable();
        hungry.dedup();
        let mut origins = Vec::new();
        for id in &hungry {
            match self.sources.get(id).map(|source| &source.kind) {
                Some(Kind::Peer(_)) => self.line_up(now, *id),
                Some(Kind::Origin(_)) => origins.push(*id),
                None => {}
            }
        }
        self.serve_line(now, &hungry);
        hungry.clear();
        hungry.append(&mut self.hungry);
        self.hungry = hungry;
        self.fill_origins(now, origins);
    }

    /// Gives work to origins: to those that failed last only what the others leave.
    fn fill_origins(&mut self, now: Instant, mut hungry: Vec<SourceId>) {
        let fails = |id: &SourceId| {
            let source = self.sources.get(id);
            source
                .and_then(Source::origin)
                .is_some_and(|origin| origin.health.is_failing())
        };
        if hungry.iter().any(fails) {
            hungry.extend(self.origin_ids.iter().filter(|id| !fails(id)));
            hungry.sort_by_key(|id| (fails(id), *id));
            hungry.dedup();
        }
        for id in hungry {
            self.fill_origin(now, id);
        }
    }

    /// Gives a peer its place in the line, or takes it out if it can't be asked. Whoever owes us the first byte
    /// from now on is looked at when that was too long.
    fn line_up(&mut self, now: Instant, id: SourceId) {
        let place = self.place_of(now, id);
        let Some(source) = self.sources.get_mut(&id) else {
            return;
        };
        let owes = source.owes_first();
        let Some(peer) = source.peer_mut() else {
            return;
        };
        if owes && peer.owes_since.is_none() {
            peer.owes_since = Some(now);
            self.tick_at = self.tick_at.min(now + STOCK_DOUBTED_AFTER);
        }
        let known = std::mem::replace(&mut peer.place, place);
        if known != place {
            if let Some(known) = known {
                self.line.remove(&(known, id));
            }
            self.line.extend(place.map(|place| (place, id)));
        }
    }

    /// Takes a peer out of the line.
    fn step_out(&mut self, id: SourceId) {
        if let Some(peer) = self.sources.get_mut(&id).and_then(Source::peer_mut)
            && let Some(place) = peer.place.take()
        {
            self.line.remove(&(place, id));
        }
    }

    /// When a peer would have brought one more span, if it may be asked for one; at once where it
    /// suggests pieces.
    fn place_of(&self, now: Instant, id: SourceId) -> Option<Duration> {
        let source = self.sources.get(&id)?;
        let peer = source.peer()?;
        if !peer.may_be_asked(now) || peer.shown.is_none() {
            return None;
        }
        if !peer.suggestions.is_empty() {
            return Some(Duration::ZERO);
        }
        let room = source.flow.in_flight < self.queue_len(source);
        let queued = source.flow.in_flight.saturating_add(SPAN_BYTES.0);
        let unknown = Duration::from_micros(queued / (SPAN_BYTES.0 / 1024));
        room.then(|| source.flow.time_for(queued).unwrap_or(unknown))
    }

    /// One fetch at a time to the peer that would end it first, until credit or peers run out.
    fn serve_line(&mut self, now: Instant, hungry: &[SourceId]) {
        while let Some((_, id)) = self.line.first().copied() {
            match self.fill_peer(now, id) {
                Filled::Asked => self.line_up(now, id),
                Filled::Nothing => self.step_out(id),
                Filled::NoCredit => {
                    self.fill_loose(now, hungry);
                    self.take_over_for_idle(now);
                    return;
                }
            }
        }
    }

    /// What is left of begun pieces needs no credit: those that an event touched may have it.
    fn fill_loose(&mut self, now: Instant, hungry: &[SourceId]) {
        for id in hungry {
            let waits = |source: &Source| source.peer().is_some_and(|peer| peer.place.is_some());
            while self.ledger.loose().next().is_some()
                && self.sources.get(id).is_some_and(waits)
                && self.fill_peer(now, *id) == Filled::Asked
            {
                self.line_up(now, *id);
            }
        }
    }

    /// Without credit an idle peer can only do what others would do later.
    fn take_over_for_idle(&mut self, now: Instant) {
        if !self.may_take_over(now) {
            return;
        }
        let idle = self.line.iter().map(|(_, id)| *id).find(|id| {
            let source = self.sources.get(id);
            source.is_some_and(|source| {
                source.flow.jobs.is_empty() && source.peer().is_some_and(|peer| peer.serving)
            })
        });
        if let Some(id) = idle {
            self.take_over(now, id);
        }
    }
}
