//! How a rehearsal is shown: one line for each machine, and the table at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use swarmcopy::Progress;
use swarmcopy_rehearsal::MachineProgress;

use super::live::Width;
use super::screen::{Row, Screen};
use super::view::on_terminal;
use super::{json, text};
use crate::exit::Style;
use crate::rollout::RollOut;
use crate::{format, output};

/// Least time between two looks at one machine as JSON.
const LOOK_EVERY: Duration = Duration::from_millis(950);
/// Time between two lines of one machine where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// The most machines that have a row of their own in the table.
const ROWS_MAX: usize = 64;
/// The most machines that have a bar of their own: a screen is no longer.
const BARS_MAX: usize = 32;

/// Shows a rehearsal.
pub(crate) trait RehearsalView {
    /// A look at one machine.
    fn progress(&mut self, look: &MachineProgress);
    /// Nothing moves any more: whatever is drawn is cleared.
    fn end(&mut self);
    /// The result.
    fn result(&mut self, rollout: &RollOut);
}

/// The view that fits the style and where stderr leads.
pub(crate) fn rehearsal_view(style: Style) -> Box<dyn RehearsalView> {
    match style {
        Style::Json => Box::new(JsonView::default()),
        Style::Human if on_terminal() => Box::new(LiveView::new()),
        Style::Human => Box::new(PlainView::default()),
    }
}

/// When each machine was last told of.
#[derive(Debug, Default)]
struct Pace(BTreeMap<usize, Instant>);

impl Pace {
    /// Whether `machine` was not told of for that long; if so, it counts as told of now.
    fn is_due(&mut self, machine: usize, every: Duration) -> bool {
        let due = self.0.get(&machine).is_none_or(|at| at.elapsed() >= every);
        if due {
            self.0.insert(machine, Instant::now());
        }
        due
    }
}

/// Rows of the screen that bars leave to other words.
const ROWS_LEFT: usize = 2;
/// Columns of a machine's bar.
const BAR_COLUMNS: usize = 20;
/// The same on a narrow terminal.
const NARROW_BAR_COLUMNS: usize = 6;
/// Time between two looks that are drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(100);

/// A bar for each machine; with more machines than rows, one for all and those that are slowest.
#[derive(Debug)]
struct LiveView {
    screen: Screen,
    looks: BTreeMap<usize, Progress>,
    drawn_at: Option<Instant>,
}

impl LiveView {
    fn new() -> Self {
        Self {
            screen: Screen::new(),
            looks: BTreeMap::new(),
            drawn_at: None,
        }
    }

    /// What is to be drawn in so many rows.
    fn rows(&self, rows: usize, width: Width) -> Vec<Row> {
        let bar = |name: String, (part, whole), words: &str| Row::ShortBar {
            name,
            part,
            whole,
            columns: match width {
                Width::Narrow => NARROW_BAR_COLUMNS,
                Width::Wide => BAR_COLUMNS,
            },
            words: output::clean(words).into_owned(),
        };
        let row = |(machine, look): (&usize, &Progress)| {
            let part = (look.verified, look.bytes);
            bar(machine_name(*machine), part, &machine_line(look))
        };
        if self.looks.len() <= rows {
            return self.looks.iter().map(row).collect();
        }
        let sum = |of: fn(&Progress) -> u64| {
            let all = self.looks.values().map(of);
            all.fold(0, u64::saturating_add)
        };
        let (verified, bytes) = (sum(|it| it.verified), sum(|it| it.bytes));
        let done = self.looks.values();
        let done = done.filter(|look| look.verified >= look.bytes);
        let (done, all) = (done.count(), self.looks.len());
        let rate = format::rate(sum(|it| it.rate));
        let words = match width {
            Width::Narrow => format!("{done}/{all}, {rate}; slowest:"),
            Width::Wide => format!("{done} of {all} complete, {rate}; the slowest:"),
        };
        let mut slowest: Vec<_> = self.looks.iter().collect();
        slowest.sort_by_key(|(machine, look)| (look.verified, **machine));
        let slowest = slowest.into_iter().take(rows.saturating_sub(1)).map(row);
        std::iter::once(bar("all".to_owned(), (verified, bytes), &words))
            .chain(slowest)
            .collect()
    }

    fn draw(&mut self) {
        let height = usize::from(console::Term::stderr().size().0);
        let rows = height.saturating_sub(ROWS_LEFT).clamp(2, BARS_MAX);
        self.screen.draw(self.rows(rows, Width::now()));
    }
}

impl RehearsalView for LiveView {
    fn progress(&mut self, look: &MachineProgress) {
        self.looks.insert(look.machine, look.progress.clone());
        if self.drawn_at.is_none_or(|at| at.elapsed() >= DRAWN_EVERY) {
            self.draw();
            self.drawn_at = Some(Instant::now());
        }
    }

    fn end(&mut self) {
        self.screen.clear();
    }

    fn result(&mut self, rollout: &RollOut) {
        output::lines(&table(rollout));
    }
}

#[derive(Debug, Default)]
struct PlainView {
    pace: Pace,
}

impl RehearsalView for PlainView {
    fn progress(&mut self, look: &MachineProgress) {
        if self.pace.is_due(look.machine, LINE_EVERY) {
            output::note(&format!(
                "{}: {}",
                machine_name(look.machine),
                machine_line(&look.progress)
            ));
        }
    }

    fn end(&mut self) {}

    fn result(&mut self, rollout: &RollOut) {
        output::lines(&table(rollout));
    }
}

#[derive(Debug, Default)]
struct JsonView {
    pace: Pace,
}

#[derive(Debug, Serialize)]
struct MachineEvent {
    /// Null if it never was complete.
    seconds: Option<f64>,
    from_share: u64,
    from_mirror: u64,
    from_peers: u64,
    #[serde(flatten)]
    held: Option<HeldEvent>,
}

/// Of machines that exist: what they held of the origin.
#[derive(Debug, Serialize)]
struct HeldEvent {
    origin_reader_seconds: f64,
    slots_held: Vec<u32>,
    swarm_copies: f64,
}

#[derive(Debug, Serialize)]
struct RehearsalEvent {
    event: &'static str,
    machines: usize,
    bytes: u64,
    seconds_last: f64,
    seconds_bound: Option<f64>,
    origin_bytes: u64,
    origin_copies: f64,
    readers_peak: u64,
    readers_over_cap_ms: u128,
    identical: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin_reader_seconds: Option<f64>,
    reasons: BTreeMap<&'static str, u64>,
    /// Of a simulation.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    per_machine: Vec<MachineEvent>,
}

impl RehearsalView for JsonView {
    fn progress(&mut self, look: &MachineProgress) {
        if self.pace.is_due(look.machine, LOOK_EVERY) {
            output::json(&json::progress_event(&look.progress, Some(look.machine)));
        }
    }

    fn end(&mut self) {}

    fn result(&mut self, rollout: &RollOut) {
        let machines = rollout.machines.iter().map(|machine| MachineEvent {
            seconds: machine.took.map(format::seconds),
            from_share: machine.from_share,
            from_mirror: machine.from_mirror,
            from_peers: machine.from_peers,
            held: machine.held.as_ref().map(|held| HeldEvent {
                origin_reader_seconds: format::seconds(held.reader),
                slots_held: held.slots.clone(),
                swarm_copies: format::ratio(held.swarm_copies),
            }),
        });
        output::json(&RehearsalEvent {
            event: "rehearsal",
            machines: rollout.machines.len(),
            bytes: rollout.bytes,
            seconds_last: format::seconds(rollout.elapsed),
            seconds_bound: rollout.bound.map(format::seconds),
            origin_bytes: rollout.origin_bytes,
            origin_copies: format::ratio(rollout.origin_copies()),
            readers_peak: rollout.readers_peak,
            readers_over_cap_ms: rollout.readers_over_cap.as_millis(),
            identical: rollout.identical,
            origin_reader_seconds: rollout.origin_reader().map(format::seconds),
            reasons: rollout.reasons.clone(),
            seed: rollout.seed,
            per_machine: machines.collect(),
        });
    }
}

fn machine_name(machine: usize) -> String {
    format!("machine {:>3}", machine.saturating_add(1))
}

fn machine_line(progress: &Progress) -> String {
    let percent = format::percent(progress.verified, progress.bytes);
    format!(
        "{percent:>3} %, {:>9}; {}",
        format::rate(progress.rate),
        text::sources(progress)
    )
}

/// The table of machines and what the origin had to do.
fn table(rollout: &RollOut) -> Vec<String> {
    let head = format!(
        "{:<12} {:>9} {:>10} {:>10} {:>10} {:>9}  slots held",
        "", "seconds", "share", "mirrors", "peers", "read for"
    );
    let rows = rollout
        .machines
        .iter()
        .enumerate()
        .take(ROWS_MAX)
        .map(|(at, machine)| {
            let held = machine.held.as_ref();
            let took = machine.took.map_or_else(
                || "-".to_owned(),
                |took| format!("{:.2}", took.as_secs_f64()),
            );
            format!(
                "{:<12} {took:>9} {:>10} {:>10} {:>10} {:>9}  {}",
                machine_name(at),
                format::bytes(machine.from_share),
                format::bytes(machine.from_mirror),
                format::bytes(machine.from_peers),
                held.map_or_else(
                    || "-".to_owned(),
                    |held| format!("{:.2} s", held.reader.as_secs_f64())
                ),
                held.map_or_else(|| "-".to_owned(), |held| format::numbers(&held.slots)),
            )
        });
    let mut lines: Vec<String> = std::iter::once(head).chain(rows).collect();
    if rollout.machines.len() > ROWS_MAX {
        let more = rollout.machines.len().saturating_sub(ROWS_MAX);
        lines.push(format!("and {more} more"));
    }
    let last = rollout.elapsed.as_secs_f64();
    lines.push(match rollout.bound.map(|bound| bound.as_secs_f64()) {
        Some(bound) if bound > 0.0 => {
            format!("the last machine was complete after {last:.2} s: {:.2} x the bound of {bound:.2} s", last / bound)
        }
        _ => format!("the last machine was complete after {last:.2} s"),
    });
    lines.push(format!(
        "the origin sent {:.3} copies ({} of {}), to {} at a time at most",
        rollout.origin_copies(),
        format::bytes(rollout.origin_bytes),
        format::bytes(rollout.bytes),
        format::count(rollout.readers_peak, "machine")
    ));
    lines.extend(reasons(rollout));
    lines.push(if rollout.seed.is_some() {
        simulated(rollout)
    } else if rollout.identical {
        "all copies are identical to the original".to_owned()
    } else {
        "A COPY DIFFERS FROM THE ORIGINAL".to_owned()
    });
    lines
}

/// How long the origin was read, and how often each decision about it was taken.
fn reasons(rollout: &RollOut) -> Vec<String> {
    let head = rollout.origin_reader().map(|reader| {
        let seconds = reader.as_secs_f64();
        format!("together the machines read the origin for {seconds:.2} s; why, and why not:")
    });
    let head = head.unwrap_or_else(|| "decisions about the origin:".to_owned());
    let reasons = rollout.reasons.iter();
    let reasons = reasons.map(|(reason, count)| format!("  {reason} {count}"));
    std::iter::once(head).chain(reasons).collect()
}

/// What can be said of copies that exist nowhere.
fn simulated(rollout: &RollOut) -> String {
    let all = rollout.machines.len();
    let done = rollout.machines.iter();
    let done = done.filter(|machine| machine.took.is_some()).count();
    let seed = rollout.seed.unwrap_or_default();
    format!("{done} of {all} simulated machines are complete (seed {seed})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_is_told_of_at_its_own_pace() {
        let mut pace = Pace::default();
        let hour = Duration::from_hours(1);
        assert!(pace.is_due(0, hour) && pace.is_due(1, hour));
        assert!(!pace.is_due(0, hour) && pace.is_due(0, Duration::ZERO));
    }

    /// Name and words of a row.
    fn said(row: &Row) -> (&str, &str) {
        match row {
            Row::ShortBar { name, words, .. } => (name, words),
            row => panic!("{row:?} is no machine's"),
        }
    }

    #[test]
    fn where_machines_have_no_row_the_total_says_who_has_in_any_width() {
        let mut view = LiveView::new();
        for machine in 0..1000 {
            let mut progress = Progress::new(1000);
            progress.rate = 9_999_999;
            progress.verified = if machine == 7 { 1 } else { 1000 };
            view.looks.insert(machine, progress);
        }
        // what 40 and 72 columns leave behind name and bar
        for (width, room) in [(Width::Narrow, 40 - 11), (Width::Wide, 72 - 25)] {
            let rows = view.rows(5, width);
            assert_eq!(rows.len(), 5);
            let (name, words) = said(&rows[0]);
            assert_eq!(name, "all");
            assert!(words.chars().count() <= room, "{words}");
            assert!(
                words.contains("999") && words.contains("9.99 GB/s") && words.ends_with("slowest:")
            );
            assert!(said(&rows[1]).0.ends_with(" 8"), "{rows:?}");
        }
        let rows = view.rows(1000, Width::Wide);
        assert_eq!(said(&rows[0]).0, machine_name(0));
    }
}
