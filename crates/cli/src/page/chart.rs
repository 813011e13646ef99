//! The drawings of the page: the room over time, and each machine's rates and pieces.

use std::fmt::Write as _;

use swarmcopy::SourceKind;

use crate::format;
use crate::rollout::{Arrival, MachineRow, RollOut, float};

/// Steps of time in a drawing.
const STEPS: usize = 120;
/// Columns of a piece map: neighbours share one where there are more pieces.
const COLUMNS: usize = 300;
/// The room's drawing, for a wide and for a narrow page: width and height.
const ROOMS: [(&str, (f64, f64)); 2] = [("large", (1000.0, 260.0)), ("small", (376.0, 240.0))];
/// The edges of it that are left for figures.
const EDGE: (f64, f64) = (46.0, 24.0);
/// A machine's drawing: width, height of the rates, top and height of the pieces.
const MACHINE: (f64, f64, f64, f64) = (300.0, 64.0, 70.0, 12.0);
/// A rate is the mean of so much time, or of a fortieth of all where that is longer.
const MEAN_SECONDS: f64 = 2.0;
/// The kinds in the order in which they are stacked.
const KINDS: [SourceKind; 3] = [SourceKind::Share, SourceKind::Mirror, SourceKind::Peer];

/// Everybody's progress, the origin's line and the bound: drawn for each width, so that figures can be read.
pub(super) fn room(rollout: &RollOut) -> String {
    let drawings = ROOMS.map(|(name, size)| {
        let drawing = drawing(rollout, size);
        format!("<div class=\"{name}\">{drawing}</div>")
    });
    drawings.concat()
        + "<div class=\"legend\"><span><i style=\"background:var(--share)\"></i>copies that the \
           origin has sent</span><span><i style=\"background:var(--peer)\"></i>copy of a machine: the \
           middle one, and from the slowest to the fastest</span></div>"
}

fn drawing(rollout: &RollOut, size: (f64, f64)) -> String {
    let seconds = longest(rollout);
    let (bands, origin) = (bands(rollout, seconds), origin_line(rollout, seconds));
    let top = origin.iter().copied().fold(1.05, f64::max);
    let x = |step: usize| EDGE.0 + (size.0 - EDGE.0 - 8.0) * at(step) / at(STEPS);
    let y = |value: f64| 8.0 + (size.1 - EDGE.1 - 8.0) * (1.0 - value / top);
    let line = |values: &mut dyn Iterator<Item = f64>| {
        let points = values.enumerate();
        points
            .map(|(step, value)| format!("{:.1},{:.1}", x(step), y(value)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let lower = bands
        .iter()
        .enumerate()
        .rev()
        .map(|(step, band)| format!("{:.1},{:.1}", x(step), y(band.0)))
        .collect::<Vec<_>>()
        .join(" ");
    let upper = line(&mut bands.iter().map(|band| band.2));
    let median = line(&mut bands.iter().map(|band| band.1));
    let sent = line(&mut origin.iter().copied());
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"progress over time\">",
        size.0, size.1
    );
    axes(&mut svg, (seconds, size), &x, &y);
    let _ = write!(
        svg,
        "<polygon class=\"band\" points=\"{upper} {lower}\"/>\
         <polyline class=\"median\" points=\"{median}\"/><polyline class=\"origin\" points=\"{sent}\"/>"
    );
    if let Some(bound) = rollout.bound.map(|bound| bound.as_secs_f64()) {
        let place = EDGE.0 + (size.0 - EDGE.0 - 8.0) * (bound / seconds).min(1.0);
        let _ = write!(
            svg,
            "<path class=\"bound\" d=\"M{place:.1} 8V{:.1}\"/>\
             <text x=\"{:.1}\" y=\"18\" text-anchor=\"end\">bound {bound:.1} s</text>",
            y(0.0),
            place - 5.0
        );
    }
    tips(&mut svg, (seconds, size), &bands, &origin);
    svg.push_str("</svg>");
    svg
}

/// A strip over each step that tells its figures to who points at it.
fn tips(
    svg: &mut String,
    (seconds, size): (f64, (f64, f64)),
    bands: &[(f64, f64, f64)],
    origin: &[f64],
) {
    let width = (size.0 - EDGE.0 - 8.0) / at(STEPS);
    for (step, (band, sent)) in bands.iter().zip(origin).enumerate() {
        let [slowest, middle, fastest] = [band.0, band.1, band.2].map(|part| part * 100.0);
        let _ = write!(
            svg,
            "<rect class=\"tip\" x=\"{:.1}\" y=\"8\" width=\"{width:.1}\" height=\"{:.1}\"><title>{:.1} s: the middle \
             machine has {middle:.0} %, the slowest {slowest:.0} %, the fastest {fastest:.0} %; the origin has sent {sent:.2} \
             copies</title></rect>",
            EDGE.0 + (at(step) - 0.5).max(0.0) * width,
            size.1 - EDGE.1 - 8.0,
            seconds * at(step) / at(STEPS),
        );
    }
}

/// The rate at the top of all machines' drawings: the highest that one of them had, in bytes a second.
pub(super) fn scale(rollout: &RollOut, places: &[usize]) -> f64 {
    let seconds = longest(rollout);
    let machines = places
        .iter()
        .filter_map(|place| rollout.machines.get(*place));
    let peaks = machines.map(|machine| peak(&rates(machine, seconds)));
    peaks.fold(1.0, f64::max)
}

fn peak(rates: &[[f64; 3]]) -> f64 {
    rates
        .iter()
        .map(|step| step.iter().sum::<f64>())
        .fold(0.0, f64::max)
}

/// One machine: rates over time by kind of source, and where each piece came from.
pub(super) fn machine(rollout: &RollOut, place: usize, scale: f64) -> String {
    let Some(machine) = rollout.machines.get(place) else {
        return String::new();
    };
    let seconds = longest(rollout);
    let rates = rates(machine, seconds);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"machine {}\">",
        MACHINE.0,
        MACHINE.2 + MACHINE.3,
        place.saturating_add(1)
    );
    let width = MACHINE.0 / at(STEPS);
    for (step, kinds) in rates.iter().enumerate() {
        let mut base = MACHINE.1;
        for (kind, rate) in KINDS.iter().zip(kinds).filter(|(_, rate)| **rate > 0.0) {
            let height = (MACHINE.1 - 2.0) * rate / scale.max(1.0);
            base -= height;
            let _ = write!(
                svg,
                "<rect class=\"{kind}\" x=\"{:.2}\" y=\"{base:.2}\" width=\"{:.2}\" height=\"{height:.2}\">\
                 <title>{:.1} s: {} from {kind}</title></rect>",
                at(step) * width,
                width + 0.05,
                seconds * at(step) / at(STEPS),
                format::rate(whole(*rate)),
                kind = kind.as_str(),
            );
        }
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" d=\"M0 {}H{}\"/>",
        MACHINE.1, MACHINE.0
    );
    pieces(&mut svg, machine, rollout);
    let took = machine
        .took
        .map_or_else(|| "not complete".to_owned(), format::taken);
    format!(
        "<div class=\"machine\"><h3>machine {}<span>{took}, at most {}</span></h3>{svg}</svg></div>",
        place.saturating_add(1),
        format::rate(whole(peak(&rates))),
    )
}

/// The piece map: runs of pieces from one kind of source.
fn pieces(svg: &mut String, machine: &MachineRow, rollout: &RollOut) {
    let columns = usize::try_from(rollout.pieces)
        .unwrap_or(COLUMNS)
        .clamp(1, COLUMNS);
    let mut kinds = vec!["none"; columns];
    for arrival in &machine.arrivals {
        let column = u64::from(arrival.piece) * u64::try_from(columns).unwrap_or(1)
            / u64::from(rollout.pieces.max(1));
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if let Some(kind) = kinds.get_mut(column) {
            *kind = arrival.kind.as_str();
        }
    }
    let width = MACHINE.0 / at(columns);
    let mut start = 0usize;
    for run in kinds.chunk_by(|one, other| one == other) {
        let kind = run.first().copied().unwrap_or("none");
        let _ = write!(
            svg,
            "<rect class=\"{kind}\" x=\"{:.2}\" y=\"{}\" width=\"{:.2}\" height=\"{}\"><title>{}</title></rect>",
            at(start) * width,
            MACHINE.2,
            at(run.len()) * width + 0.02,
            MACHINE.3,
            match kind {
                "none" => "did not come",
                kind => kind,
            }
        );
        start = start.saturating_add(run.len());
    }
}

fn axes(
    svg: &mut String,
    (seconds, size): (f64, (f64, f64)),
    x: &dyn Fn(usize) -> f64,
    y: &dyn Fn(f64) -> f64,
) {
    for value in [0.0, 0.5, 1.0] {
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{} {:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            EDGE.0,
            y(value),
            size.0 - 8.0,
            EDGE.0 - 6.0,
            y(value) + 4.0,
            value * 100.0
        );
    }
    for quarter in 0..=4 {
        let step = STEPS / 4 * quarter;
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.1} s</text>",
            x(step).min(size.0 - 20.0),
            size.1 - 6.0,
            seconds * at(step) / at(STEPS)
        );
    }
}

/// The time of the last arrival.
fn longest(rollout: &RollOut) -> f64 {
    let arrivals = rollout
        .machines
        .iter()
        .flat_map(|machine| &machine.arrivals);
    let last = arrivals.map(|arrival| arrival.at.as_secs_f64());
    let bound = rollout.bound.map_or(0.0, |bound| bound.as_secs_f64());
    last.fold(bound, f64::max).max(1e-3) * 1.01
}

fn step_of(arrival: &Arrival, seconds: f64) -> usize {
    let step = whole(arrival.at.as_secs_f64() / seconds * at(STEPS));
    usize::try_from(step).unwrap_or(STEPS).min(STEPS - 1)
}

/// Bytes a second at each step, by kind: the mean of the time around it. What came between two looks may have come at
/// any time between them, and a line may bring a moment's worth at once after a pause.
fn rates(machine: &MachineRow, seconds: f64) -> Vec<[f64; 3]> {
    let came = came(machine, seconds);
    let step = seconds / at(STEPS);
    let around = usize::try_from(whole(MEAN_SECONDS.max(seconds / 40.0) / step / 2.0)).unwrap_or(1);
    let mean = |place: usize| {
        let from = place.saturating_sub(around);
        let to = place
            .saturating_add(around)
            .saturating_add(1)
            .min(came.len());
        let window = came.get(from..to).unwrap_or_default();
        let time = at(window.len().max(1)) * step;
        let mut sums = [0.0; 3];
        for bytes in window {
            for (sum, bytes) in sums.iter_mut().zip(bytes) {
                *sum += bytes / time;
            }
        }
        sums
    };
    (0..came.len()).map(mean).collect()
}

/// Bytes that came in each step, by kind; what came over several steps is divided among them.
fn came(machine: &MachineRow, seconds: f64) -> Vec<[f64; 3]> {
    let mut sums = vec![[0.0; 3]; STEPS];
    let step = seconds / at(STEPS);
    for came in &machine.came {
        let Some(kind) = KINDS.iter().position(|kind| *kind == came.kind) else {
            continue;
        };
        let (from, until) = (came.from.as_secs_f64(), came.until.as_secs_f64());
        let time = (until - from).max(1e-9);
        let first = usize::try_from(whole(from / step)).unwrap_or(STEPS);
        for (place, sums) in sums.iter_mut().enumerate().skip(first) {
            let (begin, end) = (at(place) * step, at(place + 1) * step);
            if begin >= until {
                break;
            }
            let part = (end.min(until) - begin.max(from)).max(0.0) / time;
            if let Some(sum) = sums.get_mut(kind) {
                *sum += float(came.bytes) * part;
            }
        }
    }
    sums
}

/// After each step the slowest, the middle and the fastest machine's part of the content.
fn bands(rollout: &RollOut, seconds: f64) -> Vec<(f64, f64, f64)> {
    let pieces = f64::from(rollout.pieces.max(1));
    let mut had = vec![0u32; rollout.machines.len()];
    let mut next: Vec<_> = rollout
        .machines
        .iter()
        .map(|machine| machine.arrivals.iter().peekable())
        .collect();
    let mut bands = vec![(0.0, 0.0, 0.0)];
    for step in 0..STEPS {
        for (had, arrivals) in had.iter_mut().zip(&mut next) {
            while arrivals
                .next_if(|arrival| step_of(arrival, seconds) <= step)
                .is_some()
            {
                *had = had.saturating_add(1);
            }
        }
        let mut sorted = had.clone();
        sorted.sort_unstable();
        let part = |place: usize| f64::from(sorted.get(place).copied().unwrap_or(0)) / pieces;
        let last = sorted.len().saturating_sub(1);
        bands.push((part(0), part(last / 2), part(last)));
    }
    bands
}

/// After each step the copies that the origin has sent.
fn origin_line(rollout: &RollOut, seconds: f64) -> Vec<f64> {
    let mut sent = vec![0.0; STEPS];
    let all = rollout
        .machines
        .iter()
        .flat_map(|machine| &machine.arrivals);
    for arrival in all.filter(|arrival| arrival.kind != SourceKind::Peer) {
        if let Some(sum) = sent.get_mut(step_of(arrival, seconds)) {
            *sum += 1.0 / f64::from(rollout.pieces.max(1));
        }
    }
    let mut sum = 0.0;
    let sums = sent.into_iter().map(|part| {
        sum += part;
        sum
    });
    std::iter::once(0.0).chain(sums).collect()
}

fn at(place: usize) -> f64 {
    float(u64::try_from(place).unwrap_or(u64::MAX))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "a cast of a float saturates: a plot needs no more"
)]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}
