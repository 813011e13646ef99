//! `replay`: plays a recording again.

use serde::Serialize;
use swarmcopy::{Error, ErrorKind};
use swarmcopy_recording::{Difference, Replay, ReplayError, replay};

use crate::args::ReplayArgs;
use crate::exit::{self, Style};
use crate::{format, output, page};

/// Differences that are shown.
const SHOWN: usize = 10;

/// A difference as JSON.
#[derive(Debug, Serialize)]
struct DifferenceEvent<'a> {
    event: &'static str,
    seconds: f64,
    then: &'a str,
    now: &'a str,
}

/// The end as JSON.
#[derive(Debug, Serialize)]
struct ReplayEvent<'a> {
    event: &'static str,
    program: &'a str,
    seconds: f64,
    events: u64,
    decisions: u64,
    differ: u64,
    gap: Option<f64>,
    complete: Option<f64>,
    pieces: u32,
    bytes: u64,
    reasons: &'a std::collections::BTreeMap<String, u64>,
}

/// Runs the command: exit code 0 if every decision is the same, else 4.
pub(super) fn run(args: &ReplayArgs) -> Result<u8, Error> {
    let replay = replay(&args.file).map_err(|error| {
        let kind = match error {
            ReplayError::Io(_) => ErrorKind::Failed,
            _ => ErrorKind::Usage,
        };
        Error::new(kind, format!("{}: {error}", args.file.display()))
    })?;
    match Style::of(args.json) {
        Style::Json => tell_json(&replay),
        Style::Human => output::lines(&words(&replay)),
    }
    if let Some(path) = &args.report {
        page::replay::write(path, &replay)?;
    }
    Ok(if replay.differ == 0 {
        exit::DONE
    } else {
        exit::MISMATCH
    })
}

fn tell_json(replay: &Replay) {
    for difference in &replay.differences {
        output::json(&DifferenceEvent {
            event: "difference",
            seconds: difference.at,
            then: &difference.then,
            now: &difference.now,
        });
    }
    output::json(&ReplayEvent {
        event: "replay",
        program: &replay.head.program,
        seconds: replay.seconds,
        events: replay.events,
        decisions: replay.decisions,
        differ: replay.differ,
        gap: replay.gap,
        complete: replay.complete,
        pieces: replay.head.layout.pieces(),
        bytes: replay.head.layout.len(),
        reasons: &replay.reasons,
    });
}

/// The recording in words.
fn words(replay: &Replay) -> Vec<String> {
    let layout = &replay.head.layout;
    let mut lines = vec![format!(
        "{} in {}, recorded for {:.1} s by version {}",
        format::bytes(layout.len()),
        format::count(layout.pieces().into(), "piece"),
        replay.seconds,
        replay.head.program
    )];
    lines.push(match replay.complete {
        Some(at) => format!("complete after {at:.1} s"),
        None => "not complete".to_owned(),
    });
    lines.push(format!(
        "{} and {}, {}",
        format::count(replay.events, "event"),
        format::count(replay.decisions, "decision"),
        match replay.differ {
            0 => "all the same again".to_owned(),
            differ => format!("{differ} of them others now"),
        }
    ));
    if let Some(gap) = replay.gap {
        lines.push(format!(
            "something is missing from {gap:.1} s on: nothing is compared behind that"
        ));
    }
    lines.extend(replay.differences.iter().take(SHOWN).map(difference));
    let mut reasons: Vec<_> = replay.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    lines.extend(
        reasons
            .iter()
            .map(|(code, count)| format!("{count:>8}  {code}")),
    );
    lines
}

fn difference(difference: &Difference) -> String {
    let Difference { at, then, now } = difference;
    format!("  at {at:.3} s: then {then}; now {now}")
}
