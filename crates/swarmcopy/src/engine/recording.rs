//! Everything that the scheduler is told and says, on its way through the recorder, if there is one.
//!
//! What must stay true: nobody else in the engine tells the scheduler anything.

use swarmcopy_scheduler::{Action, Event, Instant};

use super::Engine;

impl Engine {
    pub(super) fn tell(&mut self, event: Event) {
        let now = self.clock.now();
        if let Some(recorder) = &mut self.recorder {
            if let Event::SourceUp { source, .. } = &event
                && let Some(kind) = self.account.kind(*source)
            {
                let name = self.account.name(*source).unwrap_or_default();
                recorder.name(now, *source, kind.as_str(), name);
            }
            recorder.event(now, &event);
        }
        self.scheduler.handle(now, event);
    }

    pub(super) fn pass_time(&mut self) {
        let now = self.clock.now();
        if let Some(recorder) = &mut self.recorder {
            recorder.timeout(now);
        }
        self.scheduler.handle_timeout(now);
    }

    pub(super) fn close_scheduler(&mut self, now: Instant) {
        if let Some(recorder) = &mut self.recorder {
            recorder.close(now);
        }
        self.scheduler.close(now);
    }

    pub(super) fn next_action(&mut self) -> Option<Action> {
        let action = self.scheduler.poll_action()?;
        if let Some(recorder) = &mut self.recorder {
            recorder.action(self.clock.now(), &action);
        }
        Some(action)
    }

    pub(super) fn flush_recording(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }
}
