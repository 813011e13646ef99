//! How a rehearsal goes, and how it went.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy::{Progress, Report, SourceKind};

/// A look at one machine of a rehearsal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MachineProgress {
    /// Which, from 0.
    pub machine: usize,
    /// How it does.
    pub progress: Progress,
}

/// Bytes that came to a machine between two looks at it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Came {
    /// Since the start of the machine.
    pub from: Duration,
    /// The same.
    pub until: Duration,
    /// The kind of the source.
    pub kind: SourceKind,
    /// How many, wanted or not.
    pub bytes: u64,
}

/// How one machine of a rehearsal fared.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RehearsedMachine {
    /// When it started, since the start of the first.
    pub started: Duration,
    /// From its own start until it was complete.
    pub took: Duration,
    /// Its report.
    pub report: Report,
    /// What came when, if arrivals are kept.
    pub came: Vec<Came>,
}

/// How a rehearsal went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rehearsal {
    /// Bytes of the content.
    pub bytes: u64,
    /// Its pieces.
    pub pieces: u32,
    /// From the first start until the last machine was complete.
    pub elapsed: Duration,
    /// The least time in which it can be done at these rates, if they are limited.
    pub bound: Option<Duration>,
    /// Bytes that left the origin.
    pub origin_bytes: u64,
    /// Most machines that read the origin at a time, sampled every 100 ms.
    pub readers_peak: usize,
    /// How long more than `readers_max` read.
    pub readers_over_cap: Duration,
    /// Whether all copies are the same as the original, byte by byte.
    pub identical: bool,
    /// Each machine, in the order in which they started.
    pub per_machine: Vec<RehearsedMachine>,
}

impl Rehearsal {
    /// How long machines had a request open at the origin, summed over all machines.
    pub fn origin_reader(&self) -> Duration {
        self.per_machine
            .iter()
            .map(|machine| machine.report.origin_reader)
            .sum()
    }

    /// How often each decision about the origin was taken, on all machines together.
    pub fn reasons(&self) -> BTreeMap<&'static str, u64> {
        let mut sum = BTreeMap::new();
        for (reason, count) in self
            .per_machine
            .iter()
            .flat_map(|machine| &machine.report.reasons)
        {
            *sum.entry(*reason).or_default() += count;
        }
        sum
    }

    /// How many copies the origin sent.
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "a ratio for people: 52 bits are plenty"
    )]
    pub fn origin_copies(&self) -> f64 {
        if self.bytes == 0 {
            0.0
        } else {
            self.origin_bytes as f64 / self.bytes as f64
        }
    }
}
