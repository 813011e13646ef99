//! A gauge for work that reads bytes from several threads: making and verifying.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::live;
use super::view::on_terminal;
use crate::exit::Style;
use crate::{format, output};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows how much is done; may be set from any thread.
#[derive(Debug)]
pub(crate) struct Gauge {
    what: &'static str,
    start: Instant,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    /// When the last line was written.
    Lines(Mutex<Instant>),
    Nothing,
}

impl Gauge {
    /// A gauge at nothing.
    pub(crate) fn new(what: &'static str, style: Style) -> Self {
        let start = Instant::now();
        let shown = match style {
            Style::Json => Shown::Nothing,
            Style::Human if on_terminal() => Shown::Bar(bar(what)),
            Style::Human => Shown::Lines(Mutex::new(start)),
        };
        Self { what, start, shown }
    }

    /// Shows that `done` of `bytes` are done.
    pub(crate) fn set(&self, done: u64, bytes: u64) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_length(bytes.max(1));
                // threads tell of their work in no order
                bar.set_position(done.max(bar.position()));
                bar.set_message(self.text(done, bytes));
            }
            Shown::Lines(last) => {
                // another thread that holds the lock writes the line
                if let Ok(mut last) = last.try_lock()
                    && last.elapsed() >= LINE_EVERY
                {
                    *last = Instant::now();
                    output::note(&format!("{}: {}", self.what, self.text(done, bytes)));
                }
            }
        }
    }

    /// Clears what is drawn.
    pub(crate) fn end(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn text(&self, done: u64, bytes: u64) -> String {
        let ms = self.start.elapsed().as_millis().max(1);
        let rate = u64::try_from(u128::from(done) * 1000 / ms).unwrap_or(u64::MAX);
        let left = format::seconds_left(bytes.saturating_sub(done), rate);
        format!(
            "{} %, {} of {}, {}, {} left",
            format::percent(done, bytes),
            format::bytes(done),
            format::bytes(bytes),
            format::rate(rate),
            left.map_or_else(|| "-:--".to_owned(), format::clock)
        )
    }
}

fn bar(what: &'static str) -> ProgressBar {
    let style: ProgressStyle = live::bar_style();
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr())
        .with_style(style)
        .with_prefix(what)
}
