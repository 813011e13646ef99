//! The live view on a terminal: a bar, what moves, and where it comes from.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use swarmcopy::{Explanation, Progress, Report, Started};

use super::{CopyView, text};
use crate::output;

/// The longest name that stands before the bar; the terminal's width is for the numbers.
const NAME_CHARS_MAX: usize = 24;

/// Shows a copy by a bar with a line below it.
#[derive(Debug)]
pub(super) struct LiveView {
    name: String,
    all: MultiProgress,
    bar: ProgressBar,
    below: ProgressBar,
}

impl LiveView {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let bar = all.add(ProgressBar::new(1).with_style(bar_style()));
        let below = all.add(ProgressBar::new(1).with_style(line_style()));
        Self {
            name: String::new(),
            all,
            bar,
            below,
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
        self.bar.set_prefix(short(&started.name));
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.set_position(progress.verified);
        self.bar.set_message(text::amount(progress));
        self.below
            .set_message(output::clean(&text::sources(progress)).into_owned());
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
    }

    fn report(&mut self, report: &Report) {
        output::lines(&text::summary(&self.name, report));
    }
}

/// A bar with a name before it and a message behind it.
pub(super) fn bar_style() -> ProgressStyle {
    style("{prefix:.bold} {wide_bar} {msg}").progress_chars("━╸─")
}

/// A short bar with a name before it and as much text as fits behind it.
pub(super) fn machine_style() -> ProgressStyle {
    style("{prefix} {bar:20} {wide_msg}").progress_chars("━╸─")
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
