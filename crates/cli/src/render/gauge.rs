//! A gauge for work that reads bytes from several threads: making and verifying.
//!
//! What must stay true: it may be told of every file of many; most calls cost a look at the clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::live;
use super::view::on_terminal;
use crate::exit::Style;
use crate::{format, output};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two lines of JSON.
const JSON_EVERY: Duration = Duration::from_millis(450);
/// Where lines are written, the first comes after that.
const FIRST_AFTER: Duration = Duration::from_millis(450);
/// Time between two looks that are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(50);

/// Shows how much is done; may be set from any thread.
#[derive(Debug)]
pub(crate) struct Gauge {
    what: &'static str,
    start: Instant,
    shown: Shown,
    /// Before this time since the start, in ms, nothing is shown.
    next_ms: AtomicU64,
}

/// How far work is.
#[derive(Debug, Serialize)]
struct ProgressEvent {
    event: &'static str,
    what: &'static str,
    seconds: f64,
    /// Files found, while they are still looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<usize>,
    done: u64,
    bytes: u64,
    rate: u64,
    seconds_left: Option<u64>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    /// When the last line was written, if one was.
    Lines(Mutex<Option<Instant>>),
    Json,
    Nothing,
}

impl Gauge {
    /// A gauge at nothing.
    pub(crate) fn new(what: &'static str, style: Style) -> Self {
        let start = Instant::now();
        let (shown, first) = match style {
            Style::Json => (Shown::Nothing, FIRST_AFTER),
            Style::Human if on_terminal() => (Shown::Bar(bar(what)), Duration::ZERO),
            Style::Human => (Shown::Lines(Mutex::new(None)), FIRST_AFTER),
        };
        Self {
            what,
            start,
            next_ms: AtomicU64::new(millis(first)),
            shown,
        }
    }

    /// A gauge that tells scripts, too.
    pub(crate) fn with_json(what: &'static str, style: Style) -> Self {
        let mut gauge = Self::new(what, style);
        if style == Style::Json {
            gauge.shown = Shown::Json;
        }
        gauge
    }

    /// Shows that so many files were found so far.
    pub(crate) fn found(&self, files: usize) {
        if !self.is_due() {
            return;
        }
        let count = u64::try_from(files).unwrap_or(u64::MAX);
        let text = format!("{} found", format::count(count, "file"));
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.set_message(text),
            Shown::Lines(last) => self.line(last, &text),
            Shown::Json => self.json(Some(files), 0, 0),
        }
    }

    /// Whether something is to be shown again; only one of many threads is told so.
    fn is_due(&self) -> bool {
        let now = millis(self.start.elapsed());
        let next = self.next_ms.load(Ordering::Relaxed);
        let pause = match self.shown {
            Shown::Json => JSON_EVERY,
            _ => DRAWN_EVERY,
        };
        let later = now.saturating_add(millis(pause));
        let swapped = || {
            self.next_ms
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
        };
        now >= next && swapped().is_ok()
    }

    fn json(&self, files: Option<usize>, done: u64, bytes: u64) {
        let rate = self.rate(done);
        output::json(&ProgressEvent {
            event: "progress",
            what: self.what,
            seconds: format::seconds(self.start.elapsed()),
            files,
            done,
            bytes,
            rate,
            seconds_left: format::seconds_left(bytes.saturating_sub(done), rate),
        });
    }

    /// Writes a line, unless one was written a moment ago.
    fn line(&self, last: &Mutex<Option<Instant>>, text: &str) {
        // another thread that holds the lock writes the line
        if let Ok(mut last) = last.try_lock()
            && last.is_none_or(|at| at.elapsed() >= LINE_EVERY)
        {
            *last = Some(Instant::now());
            output::note(&format!("{}: {text}", self.what));
        }
    }

    /// Shows that `done` of `bytes` are done.
    pub(crate) fn set(&self, done: u64, bytes: u64) {
        if !self.is_due() {
            return;
        }
        match &self.shown {
            Shown::Nothing => {}
            Shown::Json => self.json(None, done, bytes),
            Shown::Bar(bar) => {
                bar.set_length(bytes.max(1));
                // threads tell of their work in no order
                bar.set_position(done.max(bar.position()));
                bar.set_message(self.text(done, bytes));
            }
            Shown::Lines(last) => self.line(last, &self.text(done, bytes)),
        }
    }

    /// Clears what is drawn.
    pub(crate) fn end(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn rate(&self, done: u64) -> u64 {
        let ms = self.start.elapsed().as_millis().max(1);
        u64::try_from(u128::from(done) * 1000 / ms).unwrap_or(u64::MAX)
    }

    fn text(&self, done: u64, bytes: u64) -> String {
        let rate = self.rate(done);
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

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn bar(what: &'static str) -> ProgressBar {
    let style: ProgressStyle = live::bar_style();
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr())
        .with_style(style)
        .with_prefix(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_comes_with_the_first_half_second() {
        let told = |start: Instant| {
            let gauge = Gauge {
                what: "hashing",
                start,
                next_ms: AtomicU64::new(millis(FIRST_AFTER)),
                shown: Shown::Lines(Mutex::new(None)),
            };
            gauge.found(7);
            let Shown::Lines(last) = gauge.shown else {
                panic!("no lines")
            };
            last.into_inner().unwrap().is_some()
        };
        let now = Instant::now();
        assert!(told(now.checked_sub(FIRST_AFTER).unwrap()));
        // what takes no time says nothing
        assert!(!told(now + Duration::from_mins(1)));
    }
}
