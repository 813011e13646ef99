//! Plain lines every few seconds, where stderr is no terminal.

use std::time::{Duration, Instant};

use swarmcopy::{Explanation, Progress, Report, Started};

use super::news::{Pace, SourceNews};
use super::{CopyView, text};
use crate::output;

/// Time between two lines while nothing but the numbers changes, unless told otherwise.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows a copy line by line.
#[derive(Debug)]
pub(super) struct PlainView {
    name: String,
    pace: Pace,
    news: SourceNews,
}

impl PlainView {
    /// Writes a line each time that passes.
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self {
            name: String::new(),
            pace: Pace::new(every.unwrap_or(LINE_EVERY)),
            news: SourceNews::default(),
        }
    }
}

impl CopyView for PlainView {
    fn started(&mut self, started: &Started) {
        self.name.clone_from(&started.name);
        self.pace.begins(Instant::now());
        output::note(&text::started(started));
    }

    fn progress(&mut self, progress: &Progress) {
        let now = Instant::now();
        for line in self.news.lines(now, progress) {
            output::note(&format!("{}: {line}", self.name));
        }
        if self.pace.is_due(now, progress) {
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
