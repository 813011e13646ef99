//! A gauge for work that reads bytes from several threads: making and verifying.
//!
//! What must stay true: it may be told of every file of many, most calls cost a look at the clock; the first word
//! comes with the first half second, also while the work itself says nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use swarmcopy::MakeProgress;

use super::screen::{Row, Screen};
use super::view::on_terminal;
use crate::exit::Style;
use crate::{format, output};

/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two lines of JSON.
const JSON_EVERY: Duration = Duration::from_millis(450);
/// The first word comes after that; what takes less time says nothing.
const FIRST_AFTER: Duration = Duration::from_millis(250);
/// Time between two looks that are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(50);

/// Shows how much is done; may be set from any thread.
#[derive(Debug)]
pub(crate) struct Gauge {
    dial: Arc<Dial>,
    /// Says the first word if nobody else does; ends when it hears that nobody waits for it any more.
    starter: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Dial {
    what: &'static str,
    start: Instant,
    shown: Shown,
    /// Before this time since the start, in ms, nothing is shown.
    next_ms: AtomicU64,
    at: At,
}

/// How far the work is.
#[derive(Debug, Default)]
struct At {
    files: AtomicU64,
    done: AtomicU64,
    bytes: AtomicU64,
}

/// How far work is, as JSON.
#[derive(Debug, Serialize)]
struct ProgressEvent {
    event: &'static str,
    what: &'static str,
    seconds: f64,
    /// Files found, while they are still looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    done: u64,
    bytes: u64,
    rate: u64,
    seconds_left: Option<u64>,
}

#[derive(Debug)]
enum Shown {
    Bar(Mutex<Screen>),
    /// When the last line was written, if one was.
    Lines(Mutex<Option<Instant>>),
    Json,
    Nothing,
}

impl Gauge {
    /// A gauge at nothing.
    pub(crate) fn new(what: &'static str, style: Style) -> Self {
        Self::shown(
            what,
            match style {
                Style::Json => Shown::Nothing,
                Style::Human if on_terminal() => Shown::Bar(Mutex::new(Screen::new())),
                Style::Human => Shown::Lines(Mutex::new(None)),
            },
        )
    }

    /// A gauge that tells scripts, too.
    pub(crate) fn with_json(what: &'static str, style: Style) -> Self {
        match style {
            Style::Json => Self::shown(what, Shown::Json),
            Style::Human => Self::new(what, style),
        }
    }

    fn shown(what: &'static str, shown: Shown) -> Self {
        let dial = Arc::new(Dial::new(what, Instant::now(), shown));
        Self {
            starter: starter(&dial),
            dial,
        }
    }

    /// Shows how far a .torrent is made.
    pub(crate) fn make(&self, progress: MakeProgress) {
        if progress.bytes == 0 {
            self.found(progress.files);
        } else {
            self.set(progress.hashed, progress.bytes);
        }
    }

    /// Shows that so many files were found so far.
    fn found(&self, files: usize) {
        let files = u64::try_from(files).unwrap_or(u64::MAX);
        self.dial.at.files.store(files, Ordering::Relaxed);
        self.dial.show_if_due();
    }

    /// Shows that `done` of `bytes` are done.
    pub(crate) fn set(&self, done: u64, bytes: u64) {
        // threads tell of their work in no order
        self.dial.at.done.fetch_max(done, Ordering::Relaxed);
        self.dial.at.bytes.store(bytes, Ordering::Relaxed);
        self.dial.show_if_due();
    }

    /// Clears what is drawn.
    pub(crate) fn end(mut self) {
        if let Some((waits, starter)) = self.starter.take() {
            drop(waits);
            let _said_or_not = starter.join();
        }
        if let Shown::Bar(screen) = &self.dial.shown {
            locked(screen).clear();
        }
    }
}

/// Says the first word in time, whatever the work does.
fn starter(dial: &Arc<Dial>) -> Option<(mpsc::Sender<()>, JoinHandle<()>)> {
    if let Shown::Nothing = dial.shown {
        return None;
    }
    let (waits, ended) = mpsc::channel::<()>();
    let dial = Arc::clone(dial);
    let builder = thread::Builder::new().name("first word".to_owned());
    let spawned = builder.spawn(move || {
        let waited = ended.recv_timeout(FIRST_AFTER);
        if waited == Err(mpsc::RecvTimeoutError::Timeout) {
            dial.show_if_due();
        }
    });
    // without a thread the work itself says it
    Some((waits, spawned.ok()?))
}

impl Dial {
    fn new(what: &'static str, start: Instant, shown: Shown) -> Self {
        Self {
            what,
            start,
            shown,
            next_ms: AtomicU64::new(millis(FIRST_AFTER)),
            at: At::default(),
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

    fn show_if_due(&self) {
        if !self.is_due() {
            return;
        }
        let of = |part: &AtomicU64| part.load(Ordering::Relaxed);
        let (files, done, bytes) = (of(&self.at.files), of(&self.at.done), of(&self.at.bytes));
        match &self.shown {
            Shown::Nothing => {}
            Shown::Json => self.json((bytes == 0).then_some(files), done, bytes),
            Shown::Bar(screen) => locked(screen).draw(vec![Row::Bar {
                name: self.what.to_owned(),
                part: done,
                whole: bytes,
                words: self.text(files, done, bytes),
            }]),
            Shown::Lines(last) => self.line(last, &self.text(files, done, bytes)),
        }
    }

    fn json(&self, files: Option<u64>, done: u64, bytes: u64) {
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

    fn rate(&self, done: u64) -> u64 {
        let ms = self.start.elapsed().as_millis().max(1);
        u64::try_from(u128::from(done) * 1000 / ms).unwrap_or(u64::MAX)
    }

    fn text(&self, files: u64, done: u64, bytes: u64) -> String {
        if bytes == 0 {
            return match files {
                0 => "looking what is there".to_owned(),
                files => format!("{} found", format::count(files, "file")),
            };
        }
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

fn locked(screen: &Mutex<Screen>) -> std::sync::MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(gauge: &Gauge) -> bool {
        let Shown::Lines(last) = &gauge.dial.shown else {
            panic!("no lines")
        };
        last.lock().unwrap().is_some()
    }

    #[test]
    fn the_first_line_comes_with_the_first_half_second_while_the_work_says_nothing() {
        let gauge = Gauge::shown("hashing", Shown::Lines(Mutex::new(None)));
        let start = gauge.dial.start;
        while !told(&gauge) {
            assert!(start.elapsed() < Duration::from_secs(30), "it never came");
            thread::yield_now();
        }
        assert!(start.elapsed() >= FIRST_AFTER);
        gauge.end();
    }

    #[test]
    fn what_takes_no_time_says_nothing() {
        // it has not begun yet, however slow this machine is
        let start = Instant::now() + Duration::from_mins(1);
        let gauge = Gauge {
            dial: Arc::new(Dial::new("hashing", start, Shown::Lines(Mutex::new(None)))),
            starter: None,
        };
        gauge.found(7);
        gauge.set(1, 2);
        assert!(!told(&gauge));
    }

    #[test]
    fn a_gauge_says_what_is_known() {
        let gauge = Gauge::shown("hashing", Shown::Nothing);
        let text = |files, done, bytes| gauge.dial.text(files, done, bytes);
        assert_eq!(text(0, 0, 0), "looking what is there");
        assert_eq!(text(7, 0, 0), "7 files found");
        assert!(text(7, 1, 2).starts_with("50 %, 1 B of 2 B"));
    }
}
