//! What of the policy changes while a copy runs, and how decisions about origins are told.

use swarmcopy_layout::PieceIndex;
use swarmcopy_scheduler::{Event as Happened, Reason, SourceId};

use super::Engine;
use super::note::Note;
use super::telling::Telling;
use crate::event::Event;
use crate::guard::{self, Guard, GuardNews, Locks};
use crate::report::Explanation;
use crate::{GuardState, OriginMode};

impl Engine {
    /// Has a lock of the share taken or dropped; without lock files nobody asks for that.
    pub(super) fn order_lock(&self, slot: u32, take: bool) {
        if let Some(guard) = &self.guard {
            guard.order(slot, take);
        }
    }

    pub(super) fn take_guard_news(&mut self, news: GuardNews) {
        match news {
            GuardNews::Slot { slot, lock } => self.tell(Happened::Guard { slot, lock }),
            GuardNews::ReachesServer => self.guard_state = GuardState::Server,
        }
    }

    /// Lock files beside a share that was found late: from now on they count its readers.
    pub(super) fn guard_late(&mut self, locks: Locks) {
        let found = guard::Found::of(self.policy.guard, vec![locks]);
        if self.guard.is_some() || found.slots().is_none() {
            return;
        }
        self.guard_state = found.state;
        let notes = self.notes.clone();
        self.guard = Guard::start(found, move |news| {
            notes.blocking_send(Note::Guard(news)).is_ok()
        });
        self.tell(Happened::Guarded);
    }

    /// Tells the scheduler when the hours of the origin begin or end.
    pub(super) fn check_hours(&mut self) {
        let hours = self.policy.hours_now();
        if hours != self.hours {
            self.hours = hours;
            self.tell(Happened::Hours(hours));
        }
    }

    /// Counts a decision and tells whoever listens.
    pub(super) fn explain(
        &mut self,
        reason: Reason,
        source: Option<SourceId>,
        piece: Option<PieceIndex>,
    ) {
        self.account.reason(reason);
        let now = std::time::Instant::now();
        if let Some(telling) = self.tellings.take(now, (reason, source), piece) {
            self.tell_decision(telling);
        }
    }

    /// Tells of decisions that were left out and have no like since.
    pub(super) fn explain_left_out(&mut self) {
        for telling in self.tellings.due(std::time::Instant::now()) {
            self.tell_decision(telling);
        }
    }

    fn tell_decision(&self, telling: Telling) {
        let source = telling.source.and_then(|id| self.account.name(id));
        let explanation = Explanation {
            elapsed: self.clock.elapsed(),
            reason: telling.reason.code(),
            source: source.map(str::to_owned),
            piece: telling.piece.map(PieceIndex::value),
            left_out: telling.left_out,
        };
        let Explanation { reason, piece, .. } = explanation;
        tracing::debug!(reason, source, piece, "decided");
        self.outlets.events.tell(Event::Decision(explanation));
    }

    /// Tells why origins are not read, each time when that has changed.
    pub(super) fn explain_denials(&mut self) {
        let now = self.clock.now();
        for (source, piece, reason) in self.scheduler.origin_denials(now) {
            if self.denied.insert(source, reason) != Some(reason) {
                self.explain(reason, Some(source), Some(piece));
            }
        }
    }

    /// Tells that origins are left alone for good.
    pub(super) fn explain_never(&mut self) {
        if self.policy.mode == OriginMode::Never && !self.content.is_seed() {
            self.explain(Reason::DeniedNever, None, None);
        }
    }
}
