//! What is noted of a room whose promises are watched; `looks` notes it, `stock` reckons the bounds.

use std::collections::BTreeSet;
use std::time::Duration;

use swarmcopy_scheduler::Instant;

use crate::outcome::{Watched, WatchedMachine};
use crate::profile::Profile;

/// A room that takes so many times its bound, and this long, is watched no longer.
const TOO_LATE: (u32, Duration) = (5, Duration::from_mins(1));
/// What one machine has to do since the last change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    pub(crate) at: Instant,
    /// The shortest time for them; `None` where something can't be had.
    pub(crate) bound: Option<Duration>,
    /// The longest way there and back within its part of the room.
    pub(crate) round: Duration,
    /// How many machines are in its part of the room.
    pub(crate) machines: usize,
}

/// Who could bring a machine a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bringer {
    /// A peer that has something.
    Peer,
    /// An origin, straight or by way of another machine.
    Origin,
}

/// What is noted of one machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    pub(crate) useful_at: Instant,
    /// Since when something could bring it a byte, and who.
    pub(crate) could_since: Option<(Bringer, Instant)>,
    /// What it has to do since the last change, and how fast that could go.
    pub(crate) stock: Stock,
    /// The longest time beyond what is allowed without a useful byte, and when it ended.
    pub(crate) stalled: Option<(Duration, Instant)>,
    /// When it had everything, and what it had to do since the last change before.
    pub(crate) ended: Option<(Instant, Stock)>,
    pub(crate) actions: (u64, u64),
    pub(crate) actions_max: u64,
    /// Useful bytes in all, and those that the log has told of.
    pub(crate) bytes: u64,
    pub(crate) logged: u64,
}

/// Whether a room goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// It does.
    Runs,
    /// It is watched no longer.
    Over,
    /// Somebody waits, or works, for ever.
    Hangs,
}

/// What is watched.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) noted: Vec<Noted>,
    pub(crate) changed_at: Instant,
    pub(crate) changed: bool,
    /// When links or machines last came together.
    pub(crate) met_at: Instant,
    /// Who can reach whom, as last taken down: a number for each machine.
    pub(crate) parts: Vec<usize>,
    pub(crate) extra: BTreeSet<(usize, u32)>,
    /// Bytes that were read though somebody of the room had them or read them.
    pub(crate) extra_bytes: u64,
    /// Whether the room was ever such that reading twice saves much.
    pub(crate) thin: bool,
    /// Most bytes that the origins send while a word goes there and back.
    pub(crate) crossed_bytes: u64,
    pub(crate) too_many: Duration,
    pub(crate) far_too_many: Duration,
    /// Bytes that were asked of an origin by who must not.
    pub(crate) forbidden: u64,
    pub(crate) course: Course,
    pub(crate) hopeless_since: Option<Instant>,
    /// The last time at which something happens by itself.
    pub(crate) last_trouble: Instant,
    pub(crate) log: Option<Vec<String>>,
}

impl Watch {
    pub(crate) fn new(profile: &Profile) -> Self {
        let machines = profile.machines.len();
        let troubles = profile.troubles.iter().map(|trouble| trouble.at);
        let joins = profile.machines.iter().map(|spec| spec.join);
        let last = troubles.chain(joins).max().unwrap_or_default();
        Self {
            noted: vec![Noted::default(); machines],
            changed_at: Instant::ZERO,
            changed: false,
            met_at: Instant::ZERO,
            parts: (0..machines).collect(),
            extra: BTreeSet::new(),
            extra_bytes: 0,
            crossed_bytes: 0,
            thin: false,
            too_many: Duration::ZERO,
            far_too_many: Duration::ZERO,
            forbidden: 0,
            course: Course::Runs,
            hopeless_since: None,
            last_trouble: Instant::ZERO + last,
            log: profile.logged.then(Vec::new),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.course != Course::Runs
    }

    pub(crate) fn end(&mut self, course: Course) {
        if self.course == Course::Runs {
            self.course = course;
        }
    }

    /// The time after which nobody is waited for.
    pub(crate) fn too_late(&self) -> Instant {
        let open = self.noted.iter().filter(|one| one.ended.is_none());
        let ends = open.filter_map(|one| {
            let bound = one.stock.bound?;
            Some(one.stock.at + bound * TOO_LATE.0 + TOO_LATE.1)
        });
        ends.max().unwrap_or(Instant::from_micros(u64::MAX))
    }

    /// What was seen.
    pub(crate) fn outcome(&self) -> Watched {
        let since_start = |at: Instant| at.since(Instant::ZERO);
        let machines = self.noted.iter().map(|one| {
            let stock = one.ended.as_ref().map_or(&one.stock, |it| &it.1);
            WatchedMachine {
                stalled: one.stalled.map(|(time, at)| (time, since_start(at))),
                since: since_start(stock.at),
                bound: stock.bound,
                round: stock.round,
                part: stock.machines,
                done: one.ended.as_ref().map(|it| since_start(it.0)),
                actions_max: one.actions_max,
            }
        });
        Watched {
            machines: machines.collect(),
            extra_bytes: self.extra_bytes,
            crossed_bytes: self.crossed_bytes,
            thin: self.thin,
            too_many: self.too_many,
            far_too_many: self.far_too_many,
            forbidden: self.forbidden,
            hangs: self.course == Course::Hangs,
            log: self.log.clone().unwrap_or_default(),
        }
    }
}
