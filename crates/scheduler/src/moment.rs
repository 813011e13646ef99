//! All parts of a scheduler at one moment, for what needs several of them, and what is done through all of them.
//!
//! Each part has its own fields and is asked by its verbs; a moment only brings them together.

use std::collections::VecDeque;

use swarmcopy_layout::{PieceIndex, Span};

use crate::book::Book;
use crate::clock::Clock;
use crate::fetch::queue::Queue;
use crate::fetch::thefts::Thefts;
use crate::fetch::weighing::Weighing;
use crate::measure::Measures;
use crate::source::Sources;
use crate::source::reading::Reading;
use crate::terms::Terms;
use crate::{Action, Instant, JobId, Reason, SourceId};
use swarmcopy_slots::OriginGate;

/// All parts of a scheduler at one moment.
pub(crate) struct Moment<'a> {
    pub(crate) now: Instant,
    pub(crate) terms: &'a Terms,
    pub(crate) book: &'a mut Book,
    pub(crate) sources: &'a mut Sources,
    pub(crate) gate: &'a mut OriginGate,
    pub(crate) reading: &'a mut Reading,
    pub(crate) measures: &'a mut Measures,
    pub(crate) queue: &'a mut Queue,
    pub(crate) thefts: &'a mut Thefts,
    pub(crate) weighing: &'a mut Weighing,
    pub(crate) clock: &'a mut Clock,
    pub(crate) rng: &'a mut fastrand::Rng,
    pub(crate) actions: &'a mut VecDeque<Action>,
}

impl Moment<'_> {
    /// Something is to be done.
    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Says why something was decided.
    pub(crate) fn explain(
        &mut self,
        reason: Reason,
        source: Option<SourceId>,
        piece: Option<PieceIndex>,
    ) {
        self.act(Action::Explain {
            reason,
            source,
            piece,
        });
    }

    /// Asks a source for a span whose pieces were begun.
    pub(crate) fn fetch(&mut self, source: SourceId, span: Span) -> JobId {
        let job = self.book.assign(self.now, source, span);
        if let Some(known) = self.sources.get_mut(source) {
            known.flow_mut().asked(self.now, job, span.len());
        }
        self.act(Action::Fetch { job, source, span });
        job
    }

    /// Calls a fetch off, once.
    pub(crate) fn cancel(&mut self, job: JobId) {
        if self.book.cancel(job) {
            self.act(Action::Cancel { job });
        }
    }

    /// Every source may be able to take work.
    pub(crate) fn wake_all(&mut self) {
        self.queue.wake(self.sources.ids());
    }
}
