//! What a simulation showed.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy_scheduler::{Instant, Reason};

use crate::profile::Role;

/// A look at a simulation under way.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Look {
    /// Virtual time since the start.
    pub now: Duration,
    /// Pieces that machines have verified so far.
    pub arrived: u64,
    /// Pieces that all machines together want.
    pub wanted: u64,
}

/// A piece that a machine verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// Which.
    pub piece: u32,
    /// When, counted from the start of the simulation.
    pub at: Duration,
    /// The origin that was the last to be asked for bytes of it; `None` where that was a peer.
    pub origin: Option<usize>,
}

/// Bytes that came to a machine within a tenth of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Came {
    /// The tenth of a second since the start of the simulation, from 0.
    pub tenth: u64,
    /// From which origin; `None` for peers.
    pub origin: Option<usize>,
    /// How many.
    pub bytes: u64,
}

/// Bytes that a user asked an origin for and got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Read {
    /// When they were there, counted from the start of the simulation.
    pub at: Duration,
    /// How long he waited for them.
    pub took: Duration,
}

/// How one machine fared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineOutcome {
    /// What it is.
    pub role: Role,
    /// Bytes a second that it can take.
    pub down_rate: u64,
    /// When it joined.
    pub joined: Duration,
    /// When it had everything, if it ever did; counted from the start of the simulation.
    pub done: Option<Duration>,
    /// Whether it was alive at the end.
    pub alive: bool,
    /// Bytes that the origin sent to it.
    pub origin_bytes: u64,
    /// Whether others had the whole content together when it joined.
    pub late: bool,
    /// The pieces that came to it, in the order in which they were verified.
    pub arrivals: Vec<Arrival>,
    /// All bytes that its link brought, wanted or not, in the order of time.
    pub came: Vec<Came>,
    /// What came to a user, 64 KiB at a time.
    pub reads: Vec<Read>,
}

impl MachineOutcome {
    /// How long it took, if it came to an end.
    pub fn took(&self) -> Option<Duration> {
        Some(self.done?.saturating_sub(self.joined))
    }
}

/// What a simulation showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The seed it ran with.
    pub seed: u64,
    /// Bytes of the content.
    pub len: u64,
    /// The shortest time possible.
    pub bound: Duration,
    /// The machines, in the profile's order.
    pub machines: Vec<MachineOutcome>,
    /// Bytes that the origins sent to machines of the room.
    pub origin_bytes: u64,
    /// Pieces that an origin was asked for after it had brought them with wrong bytes.
    pub asked_again: u64,
    /// How often a machine put a peer out that is no liar.
    pub honest_banned: u64,
    /// Most machines with a request open at the origin at a time.
    pub readers_peak: u32,
    /// Time with more readers than the policy allows.
    pub over_cap: Duration,
    /// Time with more than one reader too many.
    pub far_over_cap: Duration,
    /// Bytes that arrived when nobody wanted them any more, or were wrong.
    pub wasted_bytes: u64,
    /// Time of the last event.
    pub ended: Duration,
    /// What happened, counted.
    pub steps: u64,
    /// Calls of schedulers.
    pub events: u64,
    /// A hash of all that the schedulers did and when.
    pub trace: u64,
    /// How often each reason was given.
    pub reasons: BTreeMap<Reason, u64>,
    /// What was watched, if anything.
    pub watched: Option<Watched>,
}

/// What was watched of the promises.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Watched {
    /// The machines, in the profile's order.
    pub machines: Vec<WatchedMachine>,
    /// Bytes that were read though somebody of the room had them or read them.
    pub extra_bytes: u64,
    /// Bytes that the origins send while a word goes through the room and back, at most.
    pub crossed_bytes: u64,
    /// Whether the room was ever such that one copy more saves a third of the time.
    pub thin: bool,
    /// Time with more readers than the policy allows, in some part of the room.
    pub too_many: Duration,
    /// Time with more than one reader too many.
    pub far_too_many: Duration,
    /// Bytes that were asked of an origin by who must not read.
    pub forbidden: u64,
    /// Whether somebody waited too long to be waited for, or worked without end.
    pub hangs: bool,
    /// What happened, if the profile says to write it down.
    pub log: Vec<String>,
}

/// What was watched of a machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchedMachine {
    /// The longest time beyond what is promised without a useful byte, and when it ended.
    pub stalled: Option<(Duration, Duration)>,
    /// The last change around it before it had everything.
    pub since: Duration,
    /// The shortest time from then on, if it could end and had not.
    pub bound: Option<Duration>,
    /// The longest way there and back in its part of the room.
    pub round: Duration,
    /// How many machines are in its part of the room.
    pub part: usize,
    /// When it had everything.
    pub done: Option<Duration>,
    /// Most actions that its scheduler wanted in one millisecond.
    pub actions_max: u64,
}

impl Outcome {
    /// How many copies the origin sent.
    pub fn copies(&self) -> f64 {
        ratio(self.origin_bytes, self.len)
    }

    /// Whether every machine that lives and takes part has everything.
    pub fn all_done(&self) -> bool {
        self.takers().all(|machine| machine.done.is_some())
    }

    /// The living machines that want the content.
    pub fn takers(&self) -> impl Iterator<Item = &MachineOutcome> {
        let takes = |role| matches!(role, Role::Own | Role::Stock);
        self.machines
            .iter()
            .filter(move |machine| machine.alive && takes(machine.role))
    }

    /// The longest time that one of these machines took, in bounds; infinite if one did not end.
    pub fn slowest<'a>(&self, of: impl Iterator<Item = &'a MachineOutcome>) -> f64 {
        let mut longest = Duration::ZERO;
        for machine in of {
            let Some(took) = machine.took() else {
                return f64::INFINITY;
            };
            longest = longest.max(took);
        }
        longest.as_secs_f64() / self.bound.as_secs_f64().max(1e-9)
    }

    /// The longest time of all machines, in bounds.
    pub fn last(&self) -> f64 {
        self.slowest(self.takers())
    }

    /// Bytes that arrived when nobody wanted them any more or were wrong, as a part of all that were wanted.
    pub fn wasted(&self) -> f64 {
        let machines = u64::try_from(self.machines.len()).unwrap_or(1);
        ratio(self.wasted_bytes, self.len) / ratio(machines, 1).max(1.0)
    }

    /// The longest time of each kind of machine, in the whole room's bounds, where there are several
    /// kinds: by role and by rate.
    pub fn by_kind(&self) -> BTreeMap<String, f64> {
        let mut kinds: BTreeMap<String, Vec<&MachineOutcome>> = BTreeMap::new();
        for machine in self.takers() {
            let kind = format!(
                "{:?} at {} Mbit/s",
                machine.role,
                machine.down_rate / 125_000
            );
            kinds.entry(kind).or_default().push(machine);
        }
        if kinds.len() < 2 {
            return BTreeMap::new();
        }
        let slowest =
            |(kind, all): (String, Vec<&MachineOutcome>)| (kind, self.slowest(all.into_iter()));
        kinds.into_iter().map(slowest).collect()
    }

    /// The outcome in one line.
    pub fn summary(&self) -> String {
        let done = self
            .takers()
            .filter(|machine| machine.done.is_some())
            .count();
        let last = match self.last() {
            bounds if bounds.is_finite() => format!("{bounds:.3}"),
            _ => "never".to_owned(),
        };
        format!(
            "done {done}/{} copies {:.4} readers {} over {} ms (far {} ms) last {last} bound {:.1} s \
             wasted {:.2} % events {}",
            self.takers().count(),
            self.copies(),
            self.readers_peak,
            self.over_cap.as_millis(),
            self.far_over_cap.as_millis(),
            self.bound.as_secs_f64(),
            100.0 * self.wasted(),
            self.events,
        )
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    // through u32 steps both parts stay exact enough for a report
    let scale = |value: u64| {
        f64::from(u32::try_from(value >> 32).unwrap_or(u32::MAX)) * 4_294_967_296.0
            + f64::from(u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX))
    };
    scale(part) / scale(whole).max(1.0)
}

/// Counts the machines that read the origin.
#[derive(Debug)]
pub(crate) struct Readers {
    cap: u32,
    open: BTreeMap<usize, u32>,
    since: Instant,
    pub(crate) peak: u32,
    pub(crate) over: Duration,
    pub(crate) far_over: Duration,
}

impl Readers {
    pub(crate) fn new(cap: u32) -> Self {
        Self {
            cap,
            open: BTreeMap::new(),
            since: Instant::ZERO,
            peak: 0,
            over: Duration::ZERO,
            far_over: Duration::ZERO,
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.open.len()).unwrap_or(u32::MAX)
    }

    fn pass(&mut self, now: Instant) {
        let passed = now.since(self.since);
        if self.count() > self.cap {
            self.over += passed;
        }
        if self.count() > self.cap + 1 {
            self.far_over += passed;
        }
        self.since = now;
    }

    /// A request came.
    pub(crate) fn opened(&mut self, now: Instant, machine: usize) {
        self.pass(now);
        *self.open.entry(machine).or_default() += 1;
        self.peak = self.peak.max(self.count());
    }

    /// A request is answered or dropped.
    pub(crate) fn closed(&mut self, now: Instant, machine: usize) {
        self.pass(now);
        if let Some(count) = self.open.get_mut(&machine) {
            *count -= 1;
            if *count == 0 {
                self.open.remove(&machine);
            }
        }
    }
}
