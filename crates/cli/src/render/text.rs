//! The sentences about a copy that the live view and the plain lines share.

use swarmcopy::{
    Explanation, GuardState, Phase, Progress, Report, SourceKind, SourceProgress, SourceState,
    Started,
};

use crate::{format, words};

/// The longest name of a source where there is little room.
const SHORT_CHARS_MAX: usize = 18;

/// The first line: what is copied and who can reach this machine.
pub(super) fn started(started: &Started) -> String {
    let files = u64::try_from(started.files).unwrap_or(u64::MAX);
    format!(
        "{}: {} in {}, {} pieces, listening at {}",
        started.name,
        format::bytes(started.bytes),
        format::count(files, "file"),
        started.pieces,
        started.listen
    )
}

/// How far it is: `61 %, 2.45 GB of 4.00 GB, 112 MB/s, 0:14 left`.
pub(super) fn amount(progress: &Progress) -> String {
    let Progress {
        verified,
        bytes,
        rate,
        ..
    } = *progress;
    let percent = format::percent(verified, bytes);
    let size = format!("{} of {}", format::bytes(verified), format::bytes(bytes));
    match progress.phase {
        Phase::Checking | Phase::Copying => {
            let left = format::seconds_left(bytes.saturating_sub(verified), rate);
            let left = left.map_or_else(|| "-:--".to_owned(), format::clock);
            let what = match progress.phase {
                Phase::Checking => "checking what is there: ",
                _ => "",
            };
            let rate = format::rate(rate);
            format!("{what}{percent} %, {size}, {rate}, {left} left")
        }
        Phase::Serving if !progress.damaged.is_empty() => {
            let peers = peers(progress.peers);
            format!("not complete: {percent} %, {size} are right, serving these to {peers}")
        }
        Phase::Serving => format!("complete, serving {}", peers(progress.peers)),
        _ => format!("{percent} %, {size}"),
    }
}

/// The same in half of the room: `61 %, 112 MB/s, 0:14`.
pub(super) fn short_amount(progress: &Progress) -> String {
    let percent = format::percent(progress.verified, progress.bytes);
    match progress.phase {
        Phase::Checking => format!("checking {percent} %"),
        Phase::Copying => {
            let left = progress.bytes.saturating_sub(progress.verified);
            let left = format::seconds_left(left, progress.rate);
            let left = left.map_or_else(|| "-:--".to_owned(), format::clock);
            format!("{percent} %, {}, {left}", format::rate(progress.rate))
        }
        Phase::Serving if !progress.damaged.is_empty() => format!("{percent} % right, serving"),
        Phase::Serving => "complete, serving".to_owned(),
        _ => format!("{percent} %"),
    }
}

/// What a copy to which nothing comes waits for; else where it comes from.
pub(super) fn waiting_or_sources(progress: &Progress) -> String {
    match &progress.waiting_for {
        Some(what) => format!("waiting for {what}"),
        None => sources(progress),
    }
}

/// Where it comes from: `share 320 MB, mirrors 0 B, 7 peers 2.13 GB; gave 1.20 GB`.
pub(super) fn sources(progress: &Progress) -> String {
    let of = |kind: SourceKind| {
        let bytes = progress.sources.iter().filter(|source| source.kind == kind);
        bytes
            .map(|source| source.bytes)
            .fold(0, u64::saturating_add)
    };
    let mut parts = vec![
        format!(
            "share {}, mirrors {}, {} {}",
            format::bytes(of(SourceKind::Share)),
            format::bytes(of(SourceKind::Mirror)),
            peers(progress.peers),
            format::bytes(of(SourceKind::Peer)),
        ),
        format!("gave {}", format::bytes(progress.uploaded)),
    ];
    if of(SourceKind::Reuse) > 0 {
        parts.push(format!("reused {}", format::bytes(of(SourceKind::Reuse))));
    }
    if !progress.slots.is_empty() {
        let slots = format::numbers(&progress.slots);
        parts.push(format!("holds slot {slots} of the origin"));
    }
    let waiting = progress.waiting_for.iter();
    parts.extend(waiting.map(|what| format!("waiting for {what}")));
    parts.join("; ")
}

/// What is new about a source: `mirror http://m/ is down: Connection refused; next try in 1 s`.
pub(super) fn source_line(source: &SourceProgress) -> String {
    let state = match source.state {
        SourceState::Up => "answers",
        SourceState::Down => "is down",
        SourceState::Busy => "is busy",
        SourceState::Lacks => "lacks something",
        SourceState::Refused => "refuses",
        _ => "was not asked yet",
    };
    let why = source.why.iter().map(|why| format!(": {why}"));
    let next = source.next_try.iter().map(|after| {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        format!("; next try in {seconds} s")
    });
    let end: String = why.chain(next).collect();
    format!("{} {} {state}{end}", source.kind.as_str(), source.name)
}

/// The same where there is little room: what matters comes first.
pub(super) fn short_source_line(source: &SourceProgress) -> String {
    let why = source.why.as_deref().unwrap_or_default();
    let (name, state) = (short_name(source), source.state.as_str());
    format!("{name} {state}: {why}")
}

/// The server of an address, the end of a path.
fn short_name(source: &SourceProgress) -> String {
    let name = source.name.as_str();
    let host = name.split_once("://").map_or(name, |(_, rest)| rest);
    let short = match source.kind {
        SourceKind::Mirror | SourceKind::Tracker => host.split('/').next().unwrap_or(host),
        SourceKind::Peer => name.split(' ').next().unwrap_or(name),
        _ => name,
    };
    let chars = short.chars().count();
    if chars <= SHORT_CHARS_MAX {
        return short.to_owned();
    }
    let end = short.chars().skip(chars - SHORT_CHARS_MAX + 2);
    "..".chars().chain(end).collect()
}

fn peers(count: u32) -> String {
    format::count(u64::from(count), "peer")
}

/// A decision: `   1.204 s  origin:slot-held  piece 17  //server/share`.
pub(super) fn explanation(explanation: &Explanation) -> String {
    let seconds = explanation.elapsed.as_secs_f64();
    let parts = [
        Some(format!("{seconds:>9.3} s  {}", explanation.reason)),
        explanation.piece.map(|piece| format!("piece {piece}")),
        explanation.source.clone(),
        Some(explanation.left_out)
            .filter(|count| *count > 0)
            .map(|count| format!("({count} more like it)")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// The summary, a few lines.
pub(super) fn summary(name: &str, report: &Report) -> Vec<String> {
    let taken = format::taken(report.elapsed);
    let copied = report.bytes.saturating_sub(report.reused);
    let rate = u64::try_from(u128::from(copied) * 1000 / report.elapsed.as_millis().max(1));
    let mut lines = vec![if report.complete {
        let rate = format::rate(rate.unwrap_or(u64::MAX));
        let bytes = format::bytes(report.bytes);
        let new = if report.reused > 0 && copied > 0 {
            format!(", of which {} new,", format::bytes(copied))
        } else {
            String::new()
        };
        format!("{name}: complete and verified: {bytes}{new} in {taken}, {rate}")
    } else {
        format!("{name}: not complete after {taken}")
    }];
    lines.push(format!(
        "  from share {}, mirrors {}, peers {}; there before {}; gave {}",
        format::bytes(report.from_share),
        format::bytes(report.from_mirror),
        format::bytes(report.from_peers),
        format::bytes(report.reused),
        format::bytes(report.uploaded)
    ));
    if report.wasted > 0 || report.bad_pieces > 0 {
        let bad = format::count(report.bad_pieces, "piece");
        lines.push(format!(
            "  wasted {}, {bad} with wrong bytes",
            format::bytes(report.wasted)
        ));
    }
    let kept = report.from_share.saturating_add(report.from_mirror);
    if report.origin_bytes > kept {
        let read = format::bytes(report.origin_bytes);
        lines.push(format!("  read {read} from share and mirrors in all"));
    }
    lines.extend(origin(report));
    if report.removed > 0 {
        lines.push(format!("  removed {} that did not belong", report.removed));
    }
    if report.is_shut_in() {
        let how = if cfg!(windows) {
            "swarmcopy firewall add"
        } else {
            "swarmcopy firewall show"
        };
        lines.push(format!(
            "  no other machine ever connected to this one: a firewall may keep them out (`{how}`)"
        ));
    }
    let undone = report.undone.iter().map(|what| words::of(what));
    lines.extend(undone.map(|what| format!("  {what}")));
    lines
}

/// What share and mirrors had to do, if anything is known of that.
fn origin(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if report.swarm_origin_bytes > 0 {
        let copies = report.swarm_copies();
        let taken = format::taken(report.origin_reader);
        let slots = format::numbers(&report.slots_held);
        lines.push(format!(
            "  share and mirrors: read for {taken} by this machine, slots held {slots}; {copies:.3} copies sent to the swarm"
        ));
    }
    if !report.reasons.is_empty() {
        let reasons = report.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        lines.push(format!("  decisions: {}", reasons.join(", ")));
    }
    let guard = match report.guard {
        GuardState::Local => "they count readers on this machine; on others, it is not proven",
        GuardState::Server => "the server keeps them and counts readers on all machines",
        GuardState::Unavailable => "they can't be locked here: the swarm alone counts readers",
        _ => return lines,
    };
    lines.push(format!("  lock files ({}): {guard}", report.guard.as_str()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report() -> Report {
        let mut report = Report::default();
        report.complete = true;
        report.elapsed = Duration::from_secs(4);
        report.bytes = 1_000_000_000;
        report.reused = 200_000_000;
        report.from_peers = 800_000_000;
        report
    }

    #[test]
    fn the_summary_counts_what_was_there_out_of_the_rate() {
        let lines = summary("CS5", &report());
        assert_eq!(
            lines[0],
            "CS5: complete and verified: 1.00 GB, of which 800 MB new, in 4.00 s, 200 MB/s"
        );
        assert_eq!(
            lines[1],
            "  from share 0 B, mirrors 0 B, peers 800 MB; there before 200 MB; gave 0 B"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn the_summary_tells_what_the_origin_had_to_do() {
        let mut report = report();
        report.swarm_origin_bytes = 1_010_000_000;
        report.origin_reader = Duration::from_millis(2500);
        report.slots_held = vec![0, 2];
        report.guard = GuardState::Local;
        report.reasons.insert("slot:claimed", 2);
        let lines = summary("CS5", &report);
        assert!(lines[2].contains("read for 2.50 s") && lines[2].contains("slots held 0 2"));
        assert!(lines[2].ends_with("1.010 copies sent to the swarm"));
        assert_eq!(lines[3], "  decisions: slot:claimed 2");
        assert!(lines[4].starts_with("  lock files (local): "));
    }

    #[test]
    fn the_summary_says_when_nobody_ever_connected_in() {
        let says = |callers, called| {
            let mut report = report();
            (report.callers, report.called) = (callers, called);
            let lines = summary("CS5", &report);
            lines.iter().any(|line| line.contains("a firewall"))
        };
        assert!(says(0, 4));
        assert!(!says(1, 4));
        // of two machines only one connects
        assert!(!says(0, 1));
    }

    #[test]
    fn the_summary_tells_of_waste_and_of_the_origin() {
        let mut report = report();
        report.complete = false;
        report.bad_pieces = 1;
        report.origin_bytes = 5_000_000;
        let lines = summary("CS5", &report);
        assert_eq!(lines[0], "CS5: not complete after 4.00 s");
        assert_eq!(lines[2], "  wasted 0 B, 1 piece with wrong bytes");
        assert!(lines[3].starts_with("  read 5.00 MB"));
    }
}
