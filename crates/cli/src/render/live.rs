//! The live view on a terminal: a bar, what moves, and where it comes from.

use std::time::{Duration, Instant};

use swarmcopy::{Explanation, Progress, Report, Started};

use super::news::SourceNews;
use super::screen::{Row, Screen};
use super::{CopyView, text};
use crate::output;

/// The longest name that stands before the bar; the terminal's width is for the numbers.
const NAME_CHARS_MAX: usize = 24;

/// The same on a narrow terminal.
const NARROW_NAME_CHARS_MAX: usize = 10;
/// Sources in trouble that have a line.
const TROUBLES_MAX: usize = 4;
/// With fewer columns less is said beside the bar.
const COLUMNS_FOR_ALL: u16 = 72;

/// Shows a copy by a bar with lines below it.
#[derive(Debug)]
pub(super) struct LiveView {
    name: String,
    screen: Screen,
    news: SourceNews,
}

impl LiveView {
    pub(super) fn new() -> Self {
        Self {
            name: String::new(),
            screen: Screen::new(),
            news: SourceNews::default(),
        }
    }

    /// A bar, what comes from where, and a line for each source in trouble.
    fn rows(&self, progress: &Progress) -> Vec<Row> {
        let name = short(&self.name);
        // the terminal may have another width by now
        let (name, words) = match Width::now() {
            Width::Narrow => {
                let name = name.chars().take(NARROW_NAME_CHARS_MAX).collect();
                (name, text::short_amount(progress))
            }
            Width::Wide => (name, text::amount(progress)),
        };
        let bar = Row::Bar {
            name,
            part: progress.verified,
            whole: progress.bytes,
            words,
        };
        let words = |text: &str| Row::Words(output::clean(text).into_owned());
        let all = progress.sources.iter();
        let troubled = all.filter(|source| source.state.is_trouble());
        let troubles = troubled.take(TROUBLES_MAX);
        let troubles = troubles.map(|source| words(&text::short_source_line(source)));
        [bar, words(&text::waiting_or_sources(progress))]
            .into_iter()
            .chain(troubles)
            .collect()
    }

    fn print(&mut self, text: &str) {
        self.screen.print(&output::clean(text));
    }
}

impl CopyView for LiveView {
    fn started(&mut self, started: &Started) {
        self.name.clone_from(&started.name);
        self.print(&text::started(started));
    }

    fn progress(&mut self, progress: &Progress) {
        for line in self.news.lines(Instant::now(), progress) {
            self.print(&line);
        }
        self.screen.draw(self.rows(progress));
    }

    fn explain(&mut self, explanation: &Explanation) {
        self.print(&text::explanation(explanation));
    }

    fn complete(&mut self, _elapsed: Duration) {}

    fn end(&mut self) {
        self.screen.clear();
    }

    fn report(&mut self, report: &Report) {
        output::lines(&text::summary(&self.name, report));
    }
}

/// How much may be said in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// What matters most.
    Narrow,
    /// All.
    Wide,
}

impl Width {
    /// That of the terminal, which may change at any time.
    pub(super) fn now() -> Self {
        if console::Term::stderr().size().1 < COLUMNS_FOR_ALL {
            Self::Narrow
        } else {
            Self::Wide
        }
    }
}

/// A name cut to what fits before a bar.
pub(super) fn short(name: &str) -> String {
    let name = output::clean(name);
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.into_owned();
    }
    name.chars()
        .take(NAME_CHARS_MAX - 2)
        .chain("..".chars())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("CS5"), "CS5");
        assert_eq!(short(&"ü".repeat(30)).chars().count(), NAME_CHARS_MAX);
    }
}
