//! The page about a recording: what came when and from where, and what was decided.
//!
//! What must stay true: whatever the recording says is escaped.

use std::fmt::Write as _;
use std::path::Path;

use swarmcopy::{Error, ErrorKind};
use swarmcopy_recording::{Replay, Second};

use super::text::escape;
use crate::format;

/// The drawing, for a wide and for a narrow page: width and height; and room for figures.
const SIZES: [(&str, (f64, f64)); 2] = [("large", (1000.0, 240.0)), ("small", (376.0, 220.0))];
const EDGE: (f64, f64) = (70.0, 24.0);
/// Columns of the drawing: neighbouring seconds share one where there are more.
const COLUMNS: usize = 200;
/// The kinds in the order in which they are stacked.
const KINDS: [&str; 4] = ["share", "mirror", "peer", "reuse"];

/// Writes the page.
pub(crate) fn write(path: &Path, replay: &Replay) -> Result<(), Error> {
    std::fs::write(path, page(replay)).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(ErrorKind::Disk, message)
    })
}

fn page(replay: &Replay) -> String {
    let layout = &replay.head.layout;
    let title = format!(
        "A recording: {} in {}",
        format::bytes(layout.len()),
        format::count(layout.pieces().into(), "piece")
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{style}</style></head><body><main><h1>{title}</h1>{tiles}\
         <h2>What came, by the kind of source</h2>{rates}{legend}\
         <h2>Decisions that are others now</h2>{differences}\
         <h2>What was decided about origins</h2>{reasons}<h2>Sources</h2>{sources}</main></body></html>\n",
        style = include_str!("style.css"),
        tiles = tiles(replay),
        rates = rates(replay),
        legend = super::text::legend("bytes a second over time"),
        differences = differences(replay),
        reasons = reasons(replay),
        sources = sources(replay),
    )
}

fn tiles(replay: &Replay) -> String {
    let end = match replay.complete {
        Some(at) => (format!("{at:.1} s"), "until it was complete"),
        None => (format!("{:.1} s", replay.seconds), "and not complete"),
    };
    let same = match (replay.differ, replay.gap) {
        (0, None) => "all of them the same again".to_owned(),
        (0, Some(gap)) => format!("the same again until {gap:.1} s, where something is missing"),
        (differ, _) => format!("{differ} of them others now"),
    };
    let origin = &replay.head.config.origin;
    let tiles = [
        (end.0, end.1.to_owned()),
        (format::count(replay.decisions, "decision"), same),
        (
            format::count(replay.events, "event"),
            "were told".to_owned(),
        ),
        (
            format!("K = {}", origin.readers_max),
            format!("{:?}, by version {}", origin.mode, replay.head.program),
        ),
    ];
    let tile = |(figure, words): &(String, String)| {
        let (figure, words) = (escape(figure), escape(words));
        format!("<div class=\"tile\"><b>{figure}</b><span>{words}</span></div>")
    };
    let tiles: String = tiles.iter().map(tile).collect();
    format!("<div class=\"tiles\">{tiles}</div>")
}

/// Bytes a second by kind, one column for some seconds: drawn for each width, so that figures can be read.
fn rates(replay: &Replay) -> String {
    let drawings = SIZES.map(|(name, size)| {
        let drawing = drawing(replay, size);
        format!("<div class=\"{name}\">{drawing}</div>")
    });
    drawings.concat()
}

fn drawing(replay: &Replay, size: (f64, f64)) -> String {
    let each = replay.rates.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<[f64; 4]> = replay
        .rates
        .chunks(each)
        .map(|seconds| mean(seconds, each))
        .collect();
    let top = columns
        .iter()
        .map(|it| it.iter().sum::<f64>())
        .fold(1.0, f64::max);
    let (left, bottom) = (EDGE.0, size.1 - EDGE.1);
    let width = (size.0 - left - 8.0) / number(columns.len().max(1));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"bytes a second over {:.0} s, at most {}\">",
        size.0,
        size.1,
        replay.seconds,
        format::rate(whole(top))
    );
    for value in [0.0, top / 2.0, top] {
        let y = bottom - (bottom - 10.0) * value / top;
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{left} {y:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            size.0 - 8.0,
            left - 6.0,
            y + 4.0,
            format::rate(whole(value))
        );
    }
    for (at, kinds) in columns.iter().enumerate() {
        let mut y = bottom;
        for (kind, rate) in KINDS.iter().zip(kinds).filter(|(_, rate)| **rate > 0.0) {
            let height = (bottom - 10.0) * rate / top;
            y -= height;
            let _ = write!(
                svg,
                "<rect class=\"{kind}\" x=\"{:.2}\" y=\"{y:.2}\" width=\"{:.2}\" height=\"{height:.2}\">\
                 <title>{} s: {} from {kind}</title></rect>",
                left + number(at) * width,
                width + 0.05,
                at.saturating_mul(each),
                format::rate(whole(*rate)),
            );
        }
    }
    let _ = write!(
        svg,
        "<text x=\"{left}\" y=\"{y}\">0 s</text><text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{:.0} s</text></svg>",
        size.0 - 8.0,
        replay.seconds,
        y = size.1 - 6.0
    );
    svg
}

fn mean(seconds: &[Second], each: usize) -> [f64; 4] {
    KINDS.map(|kind| {
        let sum: u64 = seconds.iter().filter_map(|second| second.get(kind)).sum();
        crate::rollout::float(sum) / number(each)
    })
}

fn differences(replay: &Replay) -> String {
    if replay.differ == 0 {
        return "<p class=\"note\">None.</p>".to_owned();
    }
    let rows = replay.differences.iter().map(|it| {
        let (then, now) = (escape(&it.then), escape(&it.now));
        format!(
            "<tr><td>{:.3} s</td><td>{then}</td><td>{now}</td></tr>",
            it.at
        )
    });
    let rows: String = rows.collect();
    format!(
        "<p class=\"note\">{} in all; the first of them:</p><table><tr><th>when</th><th>then</th><th>now</th></tr>{rows}</table>",
        replay.differ
    )
}

fn reasons(replay: &Replay) -> String {
    let rows = replay.reasons.iter();
    let rows = rows.map(|(code, n)| format!("<tr><td>{}</td><td>{n}</td></tr>", escape(code)));
    let rows = rows.collect::<Vec<_>>().concat();
    format!("<table><tr><th>reason</th><th>how often</th></tr>{rows}</table>")
}

/// The most sources that are listed.
const SOURCES_MAX: usize = 500;

fn sources(replay: &Replay) -> String {
    let rows = replay
        .names
        .iter()
        .take(SOURCES_MAX)
        .map(|(id, (kind, name))| {
            let (kind, name) = (escape(kind), escape(name));
            format!("<tr><td>{id}</td><td>{kind}</td><td>{name}</td></tr>")
        });
    let rows: String = rows.collect();
    format!(
        "<table><tr><th>number</th><th>kind</th><th>name, if it was recorded</th></tr>{rows}</table>"
    )
}

fn number(count: usize) -> f64 {
    crate::rollout::float(u64::try_from(count).unwrap_or(u64::MAX))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "a cast of a float saturates: a figure needs no more"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
