//! A copy, or what is served, as measurements.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use swarmcopy::{Phase, Progress, SourceKind};

use super::writer::{Writer, registry};

/// Takes looks at a copy, to be measured.
#[derive(Debug, Clone, Default)]
pub struct CopyMeter(Arc<Mutex<Measured>>);

#[derive(Debug, Default)]
struct Measured {
    last: Option<Progress>,
    /// How long the copy waited, by the code of the cause.
    waited: BTreeMap<&'static str, Duration>,
}

impl CopyMeter {
    /// Takes a look.
    pub fn look(&self, progress: &Progress) {
        let mut measured = self.lock();
        let before = measured
            .last
            .as_ref()
            .map_or(Duration::ZERO, |last| last.elapsed);
        if let Some(code) = progress.waiting_code {
            let passed = progress.elapsed.saturating_sub(before);
            *measured.waited.entry(code).or_default() += passed;
        }
        measured.last = Some(progress.clone());
    }

    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measurements of a copy.
pub fn of_copy(meter: CopyMeter) -> Registry {
    let mut registry = registry();
    registry.register_collector(Box::new(meter));
    registry
}

impl Collector for CopyMeter {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let measured = self.lock();
        let Some(progress) = &measured.last else {
            return Ok(());
        };
        let mut to = Writer(encoder);
        amounts(&mut to, progress)?;
        origin(&mut to, progress)?;
        standing(&mut to, progress)?;
        let waited = measured.waited.iter();
        let waited: Vec<_> = waited
            .map(|(code, time)| (*code, time.as_secs_f64()))
            .collect();
        let help = "How long nothing of use came, by the cause";
        to.seconds("waiting_seconds", help, &waited, "reason")
    }
}

fn amounts(to: &mut Writer<'_>, progress: &Progress) -> fmt::Result {
    to.gauge(
        "wanted_bytes",
        "Bytes of all wanted files",
        &[],
        progress.bytes,
    )?;
    to.gauge(
        "have_bytes",
        "Bytes that are verified and here",
        &[],
        progress.verified,
    )?;
    let kinds = [
        SourceKind::Share,
        SourceKind::Mirror,
        SourceKind::Peer,
        SourceKind::Reuse,
    ];
    let labels = kinds.map(|kind| [("source", kind.as_str())]);
    to.counters(
        "received_bytes",
        "Bytes that came, by the kind of source",
        labels
            .iter()
            .zip(kinds)
            .map(|(labels, kind)| (labels.as_slice(), progress.brought(kind))),
    )?;
    to.counters(
        "verified_bytes",
        "Bytes that were verified, by the kind of source that was last asked for them",
        labels
            .iter()
            .zip(kinds)
            .map(|(labels, kind)| (labels.as_slice(), progress.verified_from(kind))),
    )?;
    to.counter("uploaded_bytes", "Bytes given to peers", progress.uploaded)?;
    to.counter(
        "wasted_bytes",
        "Bytes that came twice or were wrong",
        progress.wasted,
    )?;
    to.counter(
        "bad_pieces",
        "Pieces whose bytes were wrong",
        progress.bad_pieces,
    )?;
    to.gauge(
        "rate_bytes",
        "Verified bytes a second, lately",
        &[],
        progress.rate,
    )
}

fn origin(to: &mut Writer<'_>, progress: &Progress) -> fmt::Result {
    let slots = u64::try_from(progress.slots.len()).unwrap_or(u64::MAX);
    to.gauge(
        "slots_held",
        "Slots of the origin that this machine holds",
        &[],
        slots,
    )?;
    let help = "Machines that hold a slot of the origin, as far as this one knows";
    to.gauge("origin_readers", help, &[], progress.readers.into())?;
    let help = "Bytes that origins sent to the whole swarm, as far as this machine heard";
    to.counter("swarm_origin_bytes", help, progress.swarm_origin_bytes)?;
    let reasons = progress.reasons.iter();
    let reasons: Vec<_> = reasons.map(|(code, n)| ([("reason", *code)], *n)).collect();
    to.counters(
        "decisions",
        "How often something was decided, by reason",
        reasons
            .iter()
            .map(|(labels, count)| (labels.as_slice(), *count)),
    )
}

fn standing(to: &mut Writer<'_>, progress: &Progress) -> fmt::Result {
    to.gauge("peers", "Connected peers", &[], progress.peers.into())?;
    let phases = [
        ("checking", Phase::Checking),
        ("copying", Phase::Copying),
        ("serving", Phase::Serving),
    ];
    let phases =
        phases.map(|(name, phase)| ([("phase", name)], u64::from(progress.phase == phase)));
    to.gauges(
        "phase",
        "What the copy is doing: 1 for that, 0 for the rest",
        phases.iter().map(|(labels, is)| (labels.as_slice(), *is)),
    )?;
    let help = "Since the last bytes of use, while something is missing";
    to.gauge("quiet_seconds", help, &[], progress.quiet.as_secs())?;
    // peers come and go: each would leave a line behind
    let states = progress
        .sources
        .iter()
        .filter(|it| it.kind != SourceKind::Peer);
    let states: Vec<_> = states
        .map(|it| {
            let labels = [("kind", it.kind.as_str()), ("name", it.name.as_str())];
            (labels, u64::from(!it.state.is_trouble()))
        })
        .collect();
    let values = states.iter().map(|(labels, up)| (labels.as_slice(), *up));
    to.gauges("source_up", "Whether a source is in no trouble", values)
}
