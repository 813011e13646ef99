//! Watches what is promised of every room: each machine's progress, who reads, what is read twice.
//!
//! Ten times a second of virtual time it looks whether a machine that lacks something goes without a
//! useful byte though something could bring one. What a machine had to do, and the shortest time for
//! that, is taken down anew after each change (`stock`): who joins, goes, fails, meets or parts.

use std::collections::BTreeMap;
use std::time::Duration;

use swarmcopy_layout::Span;
use swarmcopy_scheduler::SourceId;
use swarmcopy_scheduler::origin::{Hours, Mode};

use crate::agenda::Coming;
use crate::link::micros_for;
use crate::machine::{Brain, Condition};
use crate::profile::{Health, Role};
use crate::watch::{Bringer, Course};
use crate::world::World;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Useful bytes come after this at the latest, or after four round trips.
const STALL: Duration = Duration::from_secs(3);
/// Who had some this lately is not looked at closely.
const LATELY: Duration = Duration::from_secs(1);
/// A room in which somebody waits for so long beyond that is over: it hangs.
const HANGS: Duration = Duration::from_secs(30);
/// A room in which nobody can be brought anything, and nothing will change, is over after this.
const HOPELESS: Duration = Duration::from_secs(20);
/// Most actions of one scheduler in one millisecond, and so many more for each piece.
const ACTIONS_MAX: u64 = 2_000;
/// Machines that met are of one room for who reads after this.
const MERGED: Duration = Duration::from_secs(3);
/// Bytes that one of those who wait for an uplink is sent before it is the next one's turn.
const TURN_LEN: u64 = 4 << 20;

impl World {
    /// Something changed around the machines.
    pub(crate) fn changed(&mut self) {
        let now = self.now;
        if let Some(watch) = &mut self.watch {
            (watch.changed, watch.changed_at) = (true, now);
        }
    }

    /// Bytes have come to a machine.
    pub(crate) fn note_useful(&mut self, machine: usize, source: SourceId, span: Span) {
        if self.watch.is_none() {
            return;
        }
        let piece = self.layout.piece_at(span.start());
        if piece.is_some_and(|piece| self.brings_wrong(machine, source, piece)) {
            return;
        }
        let now = self.now;
        if let Some(one) = self.watch.as_mut().and_then(|it| it.noted.get_mut(machine)) {
            one.useful_at = now;
            one.bytes += span.len();
        }
    }

    /// A scheduler wanted so many things at once.
    pub(crate) fn watch_actions(&mut self, machine: usize, count: u64) {
        let milli = self.now.micros() / 1000;
        let most = ACTIONS_MAX + 4 * u64::from(self.layout.pieces());
        let Some(watch) = &mut self.watch else {
            return;
        };
        let Some(one) = watch.noted.get_mut(machine) else {
            return;
        };
        if one.actions.0 != milli {
            one.actions = (milli, 0);
        }
        one.actions.1 += count;
        one.actions_max = one.actions_max.max(one.actions.1);
        if one.actions.1 > most {
            watch.course = Course::Hangs;
        }
    }

    /// A machine has everything.
    pub(crate) fn watch_done(&mut self, machine: usize) {
        let now = self.now;
        self.log(Some(machine), || "has everything".to_owned());
        if let Some(one) = self.watch.as_mut().and_then(|it| it.noted.get_mut(machine)) {
            one.ended = Some((now, one.stock.clone()));
        }
    }

    /// A machine's new process begins.
    pub(crate) fn watch_again(&mut self, machine: usize) {
        if let Some(one) = self.watch.as_mut().and_then(|it| it.noted.get_mut(machine)) {
            one.ended = None;
        }
    }

    /// Notes what is read from an origin though another machine of the room has it or reads it.
    pub(crate) fn count_extra(&mut self, machine: usize, span: Span) {
        if self.watch.is_none() {
            return;
        }
        let mode = self.policy(machine).mode;
        if mode == Mode::Never || self.hours == Hours::Closed {
            self.watch
                .as_mut()
                .into_iter()
                .for_each(|it| it.forbidden += span.len());
        }
        let pieces: Vec<_> = self.layout.pieces_of(span).collect();
        for piece in pieces {
            let elsewhere = (0..self.room()).any(|other| {
                let one_table = self.policy(machine).group == self.policy(other).group;
                let serves = !self.machines[other].chokes;
                other != machine && one_table && serves && self.are_of_one_part(machine, other) && {
                    let scheduler = self.machines[other].scheduler();
                    scheduler.is_some_and(|it| it.have().contains(piece))
                        || self.reads(other, self.layout.piece_span(piece))
                }
            });
            let extra = elsewhere && mode != Mode::Fast;
            if let Some(watch) = &mut self.watch {
                if extra {
                    watch.extra.insert((machine, piece.value()));
                } else {
                    watch.extra.remove(&(machine, piece.value()));
                }
            }
        }
    }

    /// Whether a machine waits for these bytes from an origin that sends.
    fn reads(&self, machine: usize, span: Span) -> bool {
        self.streams(machine).any(|way| {
            let server = self.links[way.link()].end(way.other()).machine;
            let asked = &self.links[way.link()].end(way).asked;
            let mut jobs = asked.iter().filter_map(|key| self.jobs.get(*key));
            !self.machines[server].up.stopped
                && jobs.any(|job| job.ended.is_none() && job.span.contains(span))
        })
    }

    /// An origin sends bytes to a machine.
    pub(crate) fn watch_origin_bytes(&mut self, machine: usize, at: u64, bytes: u64) {
        let Some(piece) = self.layout.piece_at(at) else {
            return;
        };
        if let Some(watch) = &mut self.watch
            && watch.extra.contains(&(machine, piece.value()))
        {
            watch.extra_bytes += bytes;
        }
    }

    fn are_of_one_part(&self, one: usize, other: usize) -> bool {
        self.watch.as_ref().is_some_and(|watch| {
            let part = |machine: usize| watch.parts.get(machine);
            part(one) == part(other)
        })
    }

    /// Looks at everybody.
    pub(crate) fn look_around(&mut self) {
        let now = self.now;
        self.agenda.put(now + LOOK_EVERY, Coming::Watch);
        let changed = self
            .watch
            .as_mut()
            .map(|it| std::mem::take(&mut it.changed));
        if changed == Some(true) {
            self.take_stock();
        }
        self.log_progress();
        self.look_at_readers();
        let mut hope = false;
        for machine in 0..self.room() {
            let one = &self.machines[machine];
            let wants = one.scheduler().is_some_and(|it| !it.is_complete());
            if wants && one.condition == Condition::Well {
                hope |= self.look_at(machine);
            }
        }
        let Some(watch) = &mut self.watch else {
            return;
        };
        if hope || now < watch.last_trouble || now < watch.changed_at + STALL {
            watch.hopeless_since = None;
        } else if now.since(*watch.hopeless_since.get_or_insert(now)) >= HOPELESS {
            watch.end(Course::Over);
        }
        if now >= watch.too_late() {
            watch.end(Course::Over);
        }
    }

    /// Looks at a machine that lacks something; whether it may still be brought what it lacks.
    fn look_at(&mut self, machine: usize) -> bool {
        let now = self.now;
        let noted = self.watch.as_ref().and_then(|it| it.noted.get(machine));
        let Some(noted) = noted else {
            return false;
        };
        if now.since(noted.useful_at) < LATELY {
            self.could(machine, None);
            return true;
        }
        let slack = self.slack(machine);
        self.could(machine, slack.map(|(bringer, _)| bringer));
        let Some((_, slack)) = slack else {
            return false;
        };
        let Some(watch) = &mut self.watch else {
            return false;
        };
        let changed_at = watch.changed_at;
        let Some(one) = watch.noted.get_mut(machine) else {
            return false;
        };
        let from = one.useful_at.max(changed_at);
        let from = from.max(one.could_since.map_or(now, |it| it.1));
        let beyond = now.since(from).saturating_sub(slack);
        if beyond > one.stalled.map_or(Duration::ZERO, |it| it.0) {
            let first = one.stalled.is_none();
            one.stalled = Some((beyond, now));
            if beyond >= HANGS {
                watch.end(Course::Hangs);
            }
            if first {
                self.log_stall(machine);
            }
        }
        true
    }

    fn could(&mut self, machine: usize, bringer: Option<Bringer>) {
        let now = self.now;
        let noted = self.watch.as_mut().map(|it| &mut it.noted);
        if let Some(one) = noted.and_then(|it| it.get_mut(machine)) {
            let before = one.could_since.filter(|it| Some(it.0) == bringer);
            one.could_since = bringer.map(|bringer| before.unwrap_or((bringer, now)));
        }
    }

    /// How long a machine may go without a useful byte; `None` where nothing could bring it one.
    fn slack(&self, machine: usize) -> Option<(Bringer, Duration)> {
        let watch = self.watch.as_ref()?;
        let mine = watch.parts.get(machine)?;
        let stock = &watch.noted.get(machine)?.stock;
        let members = 0..self.room();
        let members = members.filter(|it| watch.parts.get(*it) == Some(mine));
        let means = self.means(members.collect());
        let lacks = self.lacks(machine);
        let mut there = lacks.clone();
        there.intersect_with(&means.from_peers);
        let mut readable = lacks;
        readable.intersect_with(&means.from_origins);
        let piece_len = self.layout.piece_len();
        let count = u64::try_from(means.members.len()).unwrap_or(u64::MAX);
        let time = |bytes: u64, rate: u64| Duration::from_micros(micros_for(bytes, rate));
        let (bringer, turn) = if !there.is_empty() {
            let others = means.members.iter().filter(|it| **it != machine);
            let holders = others.filter(|it| {
                let scheduler = self.machines[**it].scheduler();
                let mut has = there.clone();
                scheduler.is_some_and(|it| {
                    has.intersect_with(it.have());
                    !has.is_empty()
                })
            });
            let ups = holders.map(|it| self.machines[*it].up.rate);
            let (up, least) = ups.fold((0u64, u64::MAX), |(sum, least), it| {
                (sum.saturating_add(it), least.min(it))
            });
            let turn = piece_len.min(TURN_LEN);
            let wait = time(turn.saturating_mul(count), up) + time(turn, least);
            (Bringer::Peer, wait)
        } else if !readable.is_empty() {
            let wait = time(piece_len.saturating_mul(8), means.origin_rate);
            (Bringer::Origin, wait)
        } else {
            return None;
        };
        Some((bringer, STALL.max(stock.round * 4) + turn))
    }

    /// Counts who reads beside how many may: in each part of the room for itself.
    fn look_at_readers(&mut self) {
        let now = self.now;
        let Some(watch) = &self.watch else {
            return;
        };
        let mut most = BTreeMap::new();
        let mut reading = BTreeMap::new();
        for (machine, part) in watch.parts.iter().enumerate() {
            let one = &self.machines[machine];
            let policy = self.policy(machine);
            if one.spec.role != Role::Own || policy.mode != Mode::Protect {
                continue;
            }
            if matches!(one.brain, Brain::Scheduler(_)) && !one.is_frozen() {
                let group = (*part, policy.group.clone());
                let cap: &mut u32 = most.entry(group.clone()).or_default();
                *cap = (*cap).max(policy.readers_max);
                if self.is_reading(machine) {
                    *reading.entry(group).or_insert(0u32) += 1;
                }
            }
        }
        let settled = now >= watch.met_at + MERGED;
        let over = |more: u32| {
            let mut groups = reading.iter();
            groups.any(|(group, count)| {
                *count > most.get(group).copied().unwrap_or(0).saturating_add(more)
            })
        };
        let (over, far) = (settled && over(0), settled && over(1));
        if let Some(watch) = &mut self.watch {
            watch.too_many += if over { LOOK_EVERY } else { Duration::ZERO };
            watch.far_too_many += if far { LOOK_EVERY } else { Duration::ZERO };
        }
    }

    /// Whether a machine has a request open at an origin that answers it.
    fn is_reading(&self, machine: usize) -> bool {
        self.streams(machine).any(|way| {
            let server = self.links[way.link()].end(way.other());
            let origin = server.machine - self.room();
            let health = self.healths.get(origin).copied().unwrap_or_default();
            !server.serving.is_empty() && matches!(health, Health::Well | Health::Slow(_))
        })
    }
}
