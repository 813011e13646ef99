//! A roll-out that was rehearsed or simulated, in the one form in which it is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy::SourceKind;
use swarmcopy_rehearsal::{Rehearsal, RehearsedMachine};
use swarmcopy_sim::{MachineOutcome, Outcome, Profile};

/// A piece that a machine verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) piece: u32,
    /// Since the start of the first machine.
    pub(crate) at: Duration,
    pub(crate) kind: SourceKind,
}

/// Bytes that a machine's link brought between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Came {
    /// Since the start of the first machine.
    pub(crate) from: Duration,
    /// The same.
    pub(crate) until: Duration,
    pub(crate) kind: SourceKind,
    pub(crate) bytes: u64,
}

/// How one machine fared.
#[derive(Debug, Clone)]
pub(crate) struct MachineRow {
    /// From its own start until it was complete, if it came so far.
    pub(crate) took: Option<Duration>,
    pub(crate) from_share: u64,
    pub(crate) from_mirror: u64,
    pub(crate) from_peers: u64,
    /// Of machines that exist.
    pub(crate) held: Option<Held>,
    /// How often each decision about the origin was taken, of machines that exist.
    pub(crate) reasons: BTreeMap<&'static str, u64>,
    /// Empty if nobody asked for them.
    pub(crate) arrivals: Vec<Arrival>,
    /// The same.
    pub(crate) came: Vec<Came>,
}

/// What a machine held of the origin.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// How long it read.
    pub(crate) reader: Duration,
    /// The slots that it ever held.
    pub(crate) slots: Vec<u32>,
    /// Copies that the origin has sent to the swarm, as far as it heard.
    pub(crate) swarm_copies: f64,
}

/// How a roll-out went.
#[derive(Debug, Clone)]
pub(crate) struct RollOut {
    /// What was rolled out.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) pieces: u32,
    /// The seed of a simulation.
    pub(crate) seed: Option<u64>,
    /// From the first start until the last machine was complete.
    pub(crate) elapsed: Duration,
    /// The least time in which it can be done, if rates are limited.
    pub(crate) bound: Option<Duration>,
    pub(crate) origin_bytes: u64,
    pub(crate) readers_peak: u64,
    pub(crate) readers_over_cap: Duration,
    pub(crate) identical: bool,
    /// How often each decision about the origin was taken.
    pub(crate) reasons: BTreeMap<&'static str, u64>,
    pub(crate) machines: Vec<MachineRow>,
    /// When, by what and with which settings it was made.
    pub(crate) facts: Vec<(String, String)>,
}

impl RollOut {
    /// A rehearsal with real files.
    pub(crate) fn rehearsed(name: String, rehearsal: Rehearsal) -> Self {
        Self {
            name,
            bytes: rehearsal.bytes,
            pieces: rehearsal.pieces,
            seed: None,
            elapsed: rehearsal.elapsed,
            bound: rehearsal.bound,
            origin_bytes: rehearsal.origin_bytes,
            readers_peak: u64::try_from(rehearsal.readers_peak).unwrap_or(u64::MAX),
            readers_over_cap: rehearsal.readers_over_cap,
            identical: rehearsal.identical,
            reasons: rehearsal.reasons(),
            machines: rehearsal.per_machine.into_iter().map(real).collect(),
            facts: Vec::new(),
        }
    }

    /// A simulation of `profile` with origins of these kinds, and the least time that it can take.
    pub(crate) fn simulated(
        profile: &Profile,
        outcome: &Outcome,
        (kinds, bound): (&[SourceKind], Option<Duration>),
    ) -> Self {
        let done = outcome.machines.iter().filter_map(|machine| machine.done);
        Self {
            name: "simulated content".to_owned(),
            bytes: outcome.len,
            pieces: u32::try_from(outcome.len.div_ceil(profile.piece_len.max(1)))
                .unwrap_or(u32::MAX),
            seed: Some(outcome.seed),
            elapsed: done.max().unwrap_or_default(),
            bound,
            origin_bytes: outcome.origin_bytes,
            readers_peak: u64::from(outcome.readers_peak),
            readers_over_cap: outcome.over_cap,
            identical: outcome.all_done(),
            reasons: outcome
                .reasons
                .iter()
                .map(|(reason, count)| (reason.code(), *count))
                .collect(),
            machines: outcome
                .machines
                .iter()
                .map(|machine| made_up(machine, profile, kinds))
                .collect(),
            facts: Vec::new(),
        }
    }

    /// How long the machines read the origin, all together, if they exist.
    pub(crate) fn origin_reader(&self) -> Option<Duration> {
        let held = self
            .machines
            .iter()
            .filter_map(|machine| machine.held.as_ref());
        (self.seed.is_none()).then(|| held.map(|held| held.reader).sum())
    }

    /// How many copies the origin sent.
    pub(crate) fn origin_copies(&self) -> f64 {
        if self.bytes == 0 {
            0.0
        } else {
            float(self.origin_bytes) / float(self.bytes)
        }
    }
}

/// A number for people and plots.
#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "52 bits are plenty for people"
)]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

fn real(machine: RehearsedMachine) -> MachineRow {
    let started = machine.started;
    let report = machine.report;
    let held = Held {
        reader: report.origin_reader,
        slots: report.slots_held.clone(),
        swarm_copies: report.swarm_copies(),
    };
    let arrivals = report.arrivals.into_iter().map(|arrival| Arrival {
        piece: arrival.piece,
        at: started + arrival.at,
        kind: arrival.kind,
    });
    let came = machine.came.into_iter().map(|came| Came {
        from: started + came.from,
        until: started + came.until,
        kind: came.kind,
        bytes: came.bytes,
    });
    MachineRow {
        took: Some(machine.took),
        from_share: report.from_share,
        from_mirror: report.from_mirror,
        from_peers: report.from_peers,
        held: Some(held),
        reasons: report.reasons,
        arrivals: arrivals.collect(),
        came: came.collect(),
    }
}

fn made_up(machine: &MachineOutcome, profile: &Profile, kinds: &[SourceKind]) -> MachineRow {
    let kind_of = |origin: Option<usize>| {
        let kind = origin.map(|place| kinds.get(place).copied().unwrap_or(SourceKind::Share));
        kind.unwrap_or(SourceKind::Peer)
    };
    let arrivals: Vec<_> = machine
        .arrivals
        .iter()
        .map(|arrival| Arrival {
            piece: arrival.piece,
            at: arrival.at,
            kind: kind_of(arrival.origin),
        })
        .collect();
    let from = |kind: SourceKind| {
        let of = arrivals.iter().filter(|arrival| arrival.kind == kind);
        let bytes = of.map(|arrival| {
            let start = u64::from(arrival.piece).saturating_mul(profile.piece_len);
            let left = profile.content_len().saturating_sub(start);
            left.min(profile.piece_len)
        });
        bytes.sum()
    };
    let tenths = |count: u64| Duration::from_millis(count.saturating_mul(100));
    MachineRow {
        took: machine.took(),
        from_share: from(SourceKind::Share),
        from_mirror: from(SourceKind::Mirror),
        from_peers: from(SourceKind::Peer),
        held: None,
        reasons: BTreeMap::new(),
        came: machine
            .came
            .iter()
            .map(|came| Came {
                from: tenths(came.tenth),
                until: tenths(came.tenth.saturating_add(1)),
                kind: kind_of(came.origin),
                bytes: came.bytes,
            })
            .collect(),
        arrivals,
    }
}
