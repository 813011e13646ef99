//! The live view on a terminal: a bar, what moves, and where it comes from.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use swarmcopy::{Explanation, Progress, Report, Started};

use super::news::SourceNews;
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

/// Shows a copy by a bar with a line below it.
#[derive(Debug)]
pub(super) struct LiveView {
    name: String,
    all: MultiProgress,
    bar: ProgressBar,
    below: ProgressBar,
    /// A line for each source in trouble, so many as there is room for.
    troubles: Vec<ProgressBar>,
    news: SourceNews,
}

impl LiveView {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new(1).with_style(bar_style()));
        let line = || all.add(ProgressBar::new(1).with_style(line_style()));
        let below = line();
        Self {
            name: String::new(),
            bar,
            below,
            troubles: Vec::new(),
            news: SourceNews::default(),
            all,
        }
    }

    /// A line below for each source in trouble.
    fn show_troubles(&mut self, progress: &Progress) {
        let all = progress.sources.iter();
        let troubled = all.filter(|source| source.state.is_trouble());
        let lines: Vec<String> = troubled
            .take(TROUBLES_MAX)
            .map(|source| output::clean(&text::short_source_line(source)).into_owned())
            .collect();
        while self.troubles.len() > lines.len() {
            if let Some(line) = self.troubles.pop() {
                line.finish_and_clear();
                self.all.remove(&line);
            }
        }
        while self.troubles.len() < lines.len() {
            let line = ProgressBar::new(1).with_style(line_style());
            self.troubles.push(self.all.add(line));
        }
        for (line, text) in self.troubles.iter().zip(lines) {
            line.set_message(text);
        }
    }

    /// The name, as far as there is room for it.
    fn prefix(&self) -> String {
        let name = short(&self.name);
        match Width::now() {
            Width::Narrow => name.chars().take(NARROW_NAME_CHARS_MAX).collect(),
            Width::Wide => name,
        }
    }

    fn print(&self, text: &str) {
        let _nobody_reads = self.all.println(output::clean(text));
    }
}

impl CopyView for LiveView {
    fn started(&mut self, started: &Started) {
        self.name.clone_from(&started.name);
        self.print(&text::started(started));
        self.bar.set_length(started.bytes.max(1));
        self.bar.set_prefix(self.prefix());
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position(progress.verified);
        for line in self.news.lines(Instant::now(), progress) {
            self.print(&line);
        }
        // the terminal may have another width by now
        self.bar.set_prefix(self.prefix());
        self.bar.set_message(match Width::now() {
            Width::Narrow => text::short_amount(progress),
            Width::Wide => text::amount(progress),
        });
        self.below
            .set_message(output::clean(&text::waiting_or_sources(progress)).into_owned());
        self.show_troubles(progress);
    }

    fn explain(&mut self, explanation: &Explanation) {
        self.print(&text::explanation(explanation));
    }

    fn complete(&mut self, _elapsed: Duration) {
        self.bar.set_position(self.bar.length().unwrap_or_default());
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
        self.below.finish_and_clear();
        self.troubles.iter().for_each(ProgressBar::finish_and_clear);
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

/// A bar with a name before it and a message behind it.
pub(super) fn bar_style() -> ProgressStyle {
    style("{prefix:.bold} {wide_bar} {msg}").progress_chars("━╸─")
}

/// A short bar with a name before it and as much text as fits behind it.
pub(super) fn machine_style(width: Width) -> ProgressStyle {
    let template = match width {
        Width::Narrow => "{prefix} {bar:6} {wide_msg}",
        Width::Wide => "{prefix} {bar:20} {wide_msg}",
    };
    style(template).progress_chars("━╸─")
}

/// A line of text, cut at the edge of the terminal.
pub(super) fn line_style() -> ProgressStyle {
    style("  {wide_msg}")
}

fn style(template: &str) -> ProgressStyle {
    // a template that can't be read would show the plain bar of the library
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
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
    fn templates_can_be_read() {
        for template in [
            "{prefix:.bold} {wide_bar} {msg}",
            "{prefix} {bar:20} {wide_msg}",
            "{prefix} {bar:6} {wide_msg}",
            "  {wide_msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("CS5"), "CS5");
        assert_eq!(short(&"ü".repeat(30)).chars().count(), NAME_CHARS_MAX);
    }
}
