//! The JSON lines of `get` and `seed`, as scripts rely on them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use swarmcopy::{Explanation, Phase, Progress, Report, SourceProgress, Started};

use super::CopyView;
use super::news::Pace;
use crate::{format, output};

/// Least time between two looks, unless told otherwise.
const LOOK_EVERY: Duration = Duration::from_millis(450);

/// Tells a copy as lines of JSON.
#[derive(Debug)]
pub(super) struct JsonView {
    pace: Pace,
    /// The phase that was told last.
    phase: Option<Phase>,
}

impl JsonView {
    /// Tells of progress each time that passes.
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self {
            pace: Pace::new(every.unwrap_or(LOOK_EVERY)),
            phase: None,
        }
    }
}

#[derive(Debug, Serialize)]
struct StartedEvent<'a> {
    event: &'static str,
    name: &'a str,
    info_hash: Option<String>,
    info_hash_v2: Option<String>,
    bytes: u64,
    pieces: u32,
    files: usize,
    listen: String,
    seed: u64,
}

#[derive(Debug, Serialize)]
struct SourceEvent<'a> {
    kind: &'static str,
    name: &'a str,
    rate: u64,
    bytes: u64,
    streams: u32,
    state: &'static str,
    why: Option<&'a str>,
    next_try: Option<f64>,
}

/// A look at a copy.
#[derive(Debug, Serialize)]
pub(super) struct ProgressEvent<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<usize>,
    seconds: f64,
    phase: &'static str,
    verified: u64,
    bytes: u64,
    rate: u64,
    peers: u32,
    sources: Vec<SourceEvent<'a>>,
    uploaded: u64,
    slots: &'a [u32],
    guard: &'static str,
    waiting_for: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    damaged: &'a [String],
}

#[derive(Debug, Serialize)]
struct ExplainEvent<'a> {
    event: &'static str,
    seconds: f64,
    reason: &'a str,
    source: Option<&'a str>,
    piece: Option<u32>,
    #[serde(skip_serializing_if = "is_none_left_out")]
    left_out: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_none_left_out(count: &u64) -> bool {
    *count == 0
}

#[derive(Debug, Serialize)]
struct CompleteEvent {
    event: &'static str,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct ReportEvent<'a> {
    event: &'static str,
    complete: bool,
    seconds: f64,
    bytes: u64,
    reused: u64,
    from_share: u64,
    from_mirror: u64,
    from_peers: u64,
    origin_bytes: u64,
    uploaded: u64,
    wasted: u64,
    bad_pieces: u64,
    origin_reader_seconds: f64,
    slots_held: &'a [u32],
    swarm_origin_bytes: u64,
    swarm_copies: f64,
    guard: &'static str,
    reasons: &'a BTreeMap<&'static str, u64>,
    undone: &'a [String],
    removed: u64,
    callers: u64,
    called: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    damaged: &'a [String],
}

impl CopyView for JsonView {
    fn started(&mut self, started: &Started) {
        output::json(&StartedEvent {
            event: "started",
            name: &started.name,
            info_hash: started.info_hash.map(|hash| format::hex(&hash)),
            info_hash_v2: started.info_hash_v2.map(|hash| format::hex(&hash)),
            bytes: started.bytes,
            pieces: started.pieces,
            files: started.files,
            listen: started.listen.to_string(),
            seed: started.seed,
        });
    }

    fn progress(&mut self, progress: &Progress) {
        let new_phase = self.phase.replace(progress.phase) != Some(progress.phase);
        if self.pace.is_due(Instant::now(), progress) || new_phase {
            output::json(&progress_event(progress, None));
        }
    }

    fn explain(&mut self, explanation: &Explanation) {
        output::json(&ExplainEvent {
            event: "explain",
            seconds: format::seconds(explanation.elapsed),
            reason: explanation.reason,
            source: explanation.source.as_deref(),
            piece: explanation.piece,
            left_out: explanation.left_out,
        });
    }

    fn complete(&mut self, elapsed: Duration) {
        output::json(&CompleteEvent {
            event: "complete",
            seconds: format::seconds(elapsed),
        });
    }

    fn end(&mut self) {}

    fn report(&mut self, report: &Report) {
        output::json(&ReportEvent {
            event: "report",
            complete: report.complete,
            seconds: format::seconds(report.elapsed),
            bytes: report.bytes,
            reused: report.reused,
            from_share: report.from_share,
            from_mirror: report.from_mirror,
            from_peers: report.from_peers,
            origin_bytes: report.origin_bytes,
            uploaded: report.uploaded,
            wasted: report.wasted,
            bad_pieces: report.bad_pieces,
            origin_reader_seconds: format::seconds(report.origin_reader),
            slots_held: &report.slots_held,
            swarm_origin_bytes: report.swarm_origin_bytes,
            swarm_copies: format::ratio(report.swarm_copies()),
            guard: report.guard.as_str(),
            reasons: &report.reasons,
            undone: &report.undone,
            removed: report.removed,
            callers: report.callers,
            called: report.called,
            damaged: &report.damaged,
        });
    }
}

/// A look at a copy, of which machine if there are several.
pub(super) fn progress_event(progress: &Progress, machine: Option<usize>) -> ProgressEvent<'_> {
    ProgressEvent {
        event: "progress",
        machine,
        seconds: format::seconds(progress.elapsed),
        phase: phase_name(progress.phase),
        verified: progress.verified,
        bytes: progress.bytes,
        rate: progress.rate,
        peers: progress.peers,
        sources: progress.sources.iter().map(source_event).collect(),
        uploaded: progress.uploaded,
        slots: &progress.slots,
        guard: progress.guard.as_str(),
        waiting_for: progress.waiting_for.as_deref(),
        damaged: &progress.damaged,
    }
}

fn source_event(source: &SourceProgress) -> SourceEvent<'_> {
    SourceEvent {
        kind: source.kind.as_str(),
        name: &source.name,
        rate: source.rate,
        bytes: source.bytes,
        streams: source.streams,
        state: source.state.as_str(),
        why: source.why.as_deref(),
        next_try: source.next_try.map(format::seconds),
    }
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Checking => "checking",
        Phase::Copying => "copying",
        Phase::Serving => "serving",
        _ => "ended",
    }
}
