//! Plain lines every few seconds, where stderr is no terminal.

use std::time::{Duration, Instant};

use swarmcopy::{Explanation, Phase, Progress, Report, Started};

use super::{CopyView, text};
use crate::output;

/// Time between two lines while nothing but the numbers changes.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows a copy line by line.
#[derive(Debug, Default)]
pub(super) struct PlainView {
    name: String,
    last: Option<(Instant, Phase)>,
}

impl CopyView for PlainView {
    fn started(&mut self, started: &Started) {
        self.name.clone_from(&started.name);
        self.last = Some((Instant::now(), Phase::Checking));
        output::note(&text::started(started));
    }

    fn progress(&mut self, progress: &Progress) {
        let due = self.last.is_none_or(|(at, phase)| {
            at.elapsed() >= LINE_EVERY
                || (phase != progress.phase && progress.phase == Phase::Serving)
        });
        if due {
            self.last = Some((Instant::now(), progress.phase));
            let (amount, sources) = (text::amount(progress), text::sources(progress));
            output::note(&format!("{}: {amount}; {sources}", self.name));
        }
    }

    fn explain(&mut self, explanation: &Explanation) {
        output::note(&text::explanation(explanation));
    }

    fn complete(&mut self, _elapsed: Duration) {}

    fn end(&mut self) {}

    fn report(&mut self, report: &Report) {
        output::lines(&text::summary(&self.name, report));
    }
}
