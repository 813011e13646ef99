//! What befalls a single machine: it ends in order or without a word, freezes, starts again; how far
//! it is from others.

use std::time::Duration;

use swarmcopy_scheduler::origin::Hours;
use swarmcopy_scheduler::{Discovery, Down, Event, Instant, NodeId, Scheduler};

use crate::agenda::{Coming, Word};
use crate::link::Way;
use crate::machine::{Brain, Condition, Machine};
use crate::profile::{Kept, Role, Stay};
use crate::world::World;

/// How often a complete machine looks whether it is needed.
pub(crate) const LINGER_LOOK: Duration = Duration::from_millis(250);
/// A link over which nothing comes is given up after this, as in the tool.
const SILENCE_MAX: Duration = Duration::from_mins(3);
/// Who answers nothing is out of reach after this, as in the tool.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// What is said last has left the machine after this.
const LAST_WORDS: Duration = Duration::from_millis(20);

impl World {
    /// Time that a message of one machine to another takes beside what all take.
    pub(crate) fn detour(&self, one: usize, other: usize) -> Duration {
        self.machines[one].spec.far + self.machines[other].spec.far
    }

    /// Time that a message of one machine to another takes.
    pub(crate) fn latency(&self, one: usize, other: usize) -> Duration {
        self.profile.latency + self.detour(one, other)
    }

    /// Time that a message over a link takes.
    pub(crate) fn way_latency(&self, way: Way) -> Duration {
        let link = &self.links[way.link()];
        self.latency(link.end(way).machine, link.end(way.other()).machine)
    }

    /// When a word said now at this end is heard at the other; it overtakes none.
    pub(crate) fn heard_at(&mut self, way: Way) -> Instant {
        let machine = self.links[way.link()].end(way).machine;
        let most = u64::try_from(self.profile.jitter.as_micros()).unwrap_or(0);
        let late = Duration::from_micros(if most == 0 {
            0
        } else {
            self.jitter.u64(..most)
        });
        let said = self.machines[machine].busy_until.max(self.now);
        let heard = said + self.way_latency(way) + late;
        let end = self.links[way.link()].end_mut(way);
        end.word_at = end.word_at.max(heard);
        end.word_at
    }

    /// Whether something has to wait because the machine to which it happens is frozen; it then
    /// happens when that goes on.
    pub(crate) fn is_held_back(&mut self, coming: Coming) -> bool {
        let machine = match coming {
            Coming::Dial(machine)
            | Coming::Timeout(machine)
            | Coming::Sent(machine)
            | Coming::TurnsEnd(machine)
            | Coming::Checked(machine, _)
            | Coming::Have(machine, _)
            | Coming::Haves(machine)
            | Coming::Refused(machine, _)
            | Coming::Lie(machine)
            | Coming::Linger(machine)
            | Coming::Gone(machine)
            | Coming::Met(machine) => machine,
            Coming::Word(way, _) | Coming::Turn(way) => self.links[way.link()].end(way).machine,
            Coming::Arrived(way, ..) => self.links[way.link()].end(way.other()).machine,
            Coming::LinkUp(one, _) if self.machines[one].is_frozen() => one,
            Coming::LinkUp(_, other) => other,
            Coming::JobEnd(job) | Coming::Fate(job) => match self.jobs.get(job) {
                Some(job) => self.links[job.asker.link()].end(job.asker).machine,
                None => return false,
            },
            Coming::Join(_)
            | Coming::Trouble(_)
            | Coming::Told(..)
            | Coming::GivenUp(_)
            | Coming::Watch => return false,
        };
        let one = &mut self.machines[machine];
        if one.is_frozen() {
            one.held.push(coming);
        }
        one.is_frozen()
    }

    pub(crate) fn freeze(&mut self, machine: usize) {
        if self.machines[machine].condition != Condition::Well {
            return;
        }
        self.machines[machine].condition = Condition::Frozen;
        self.machines[machine].up.stopped = true;
    }

    pub(crate) fn thaw(&mut self, machine: usize) {
        let one = &mut self.machines[machine];
        if !one.is_frozen() {
            return;
        }
        one.condition = Condition::Well;
        one.up.stopped = false;
        for coming in std::mem::take(&mut one.held) {
            self.agenda.put(self.now, coming);
        }
        self.send(machine);
    }

    /// The machine's process is no more; its links are not touched.
    pub(crate) fn end_process(&mut self, machine: usize) {
        let one = &mut self.machines[machine];
        let takes_part = matches!(one.spec.role, Role::Own | Role::Stock);
        if takes_part && one.done_at.is_none() && one.is_alive() {
            self.waiting -= 1;
        }
        one.kept = one
            .scheduler()
            .map(|it| it.have().clone())
            .or(one.kept.take());
        one.brain = Brain::Absent;
        one.condition = Condition::Well;
        for coming in std::mem::take(&mut one.held) {
            if let Coming::Told(_, event) = coming {
                self.told.take(event);
            }
        }
        self.machines[machine].reading.permits.clear();
        self.log(Some(machine), || "ends".to_owned());
    }

    /// It is gone, and nothing says so: its links stand until they were silent for long.
    pub(crate) fn lose_power(&mut self, machine: usize) {
        self.end_process(machine);
        self.machines[machine].condition = Condition::Powerless;
        self.machines[machine].up.stopped = true;
        let streams: Vec<Way> = self.streams(machine).collect();
        for way in streams {
            self.drop_serving(way.other());
        }
        self.agenda
            .put(self.now + SILENCE_MAX, Coming::GivenUp(machine));
    }

    /// Others give the links to a machine without power up.
    pub(crate) fn give_up(&mut self, machine: usize) {
        if self.machines[machine].condition == Condition::Powerless {
            self.break_links(machine, Down::Reset);
        }
    }

    fn break_links(&mut self, machine: usize, how: Down) {
        let ways: Vec<Way> = self.ways(machine).collect();
        for way in ways {
            self.link_down(way.link(), how);
        }
    }

    /// A process begins to end: it gives back what it holds, and says so.
    pub(crate) fn leave(&mut self, machine: usize) {
        let now = self.now;
        if self.machines[machine].condition != Condition::Well {
            return;
        }
        self.machines[machine].condition = Condition::Leaving;
        self.log(Some(machine), || "leaves".to_owned());
        if let Some(scheduler) = self.machines[machine].scheduler_mut() {
            scheduler.close(now);
            self.follow_up(machine);
        }
        let slowest = self.ways(machine).map(|way| self.way_latency(way)).max();
        let wait = slowest.unwrap_or_default() + self.profile.jitter + LAST_WORDS;
        self.agenda.put(now + wait, Coming::Gone(machine));
    }

    /// It has said all: its links are closed, and the tracker forgets it.
    pub(crate) fn gone(&mut self, machine: usize) {
        if self.machines[machine].condition == Condition::Leaving {
            self.announced.retain(|other| *other != machine);
            self.end_process(machine);
            self.break_links(machine, Down::Closed);
        }
    }

    /// A complete machine leaves when nobody needs it.
    pub(crate) fn linger(&mut self, machine: usize) {
        let one = &self.machines[machine];
        let (Stay::WhileNeeded(most), Some(done)) = (one.spec.stay, one.done_at) else {
            return;
        };
        let needed = one.scheduler().is_some_and(Scheduler::is_needed);
        if needed && self.now.since(done) < most {
            self.agenda
                .put(self.now + LINGER_LOOK, Coming::Linger(machine));
        } else {
            self.leave(machine);
        }
    }

    /// A machine that is gone starts a new process.
    pub(crate) fn start_again(&mut self, machine: usize, kept: Kept) {
        let is_gone = |one: &Machine| !one.is_alive() && one.kept.is_some();
        if machine >= self.room() || !is_gone(&self.machines[machine]) {
            // it never came or went, or came back before
            self.waiting -= 1;
            return;
        }
        self.break_links(machine, Down::Reset);
        let node = NodeId(self.jitter.u64(1..).to_be_bytes());
        self.machines[machine].start_again(node);
        if kept == Kept::Nothing {
            self.machines[machine].kept = None;
            self.machines[machine].arrivals.clear();
        }
        self.log(Some(machine), || format!("starts again with {kept:?}"));
        self.watch_again(machine);
        self.join(machine);
    }

    /// A client chokes everybody for a time, as some do in turns, or lets them ask again.
    pub(crate) fn set_choking(&mut self, machine: usize, chokes: bool) {
        if machine >= self.room() || self.machines[machine].spec.role != Role::Stock {
            return;
        }
        self.machines[machine].chokes = chokes;
        self.log(Some(machine), || format!("chokes all: {chokes}"));
        for way in self.machines[machine].ways.clone() {
            let end = self.links[way.link()].end(way);
            let (source, lets) = (end.source, end.lets);
            if !lets || !self.links[way.link()].up {
                continue;
            }
            self.set_serves(machine, source, !chokes);
            let word = if chokes { Word::Choke } else { Word::Unchoke };
            self.say(machine, source, word);
        }
    }

    /// The hours of all policies open or close.
    pub(crate) fn set_hours(&mut self, hours: Hours) {
        self.hours = hours;
        for machine in 0..self.room() {
            if self.machines[machine].spec.role == Role::Own {
                self.tell(machine, Event::Hours(hours));
            }
        }
    }

    /// A machine's link changes.
    pub(crate) fn set_rates(&mut self, machine: usize, up: u64, down: u64) {
        if machine < self.room() {
            self.machines[machine].up.rate = up.max(1);
            self.machines[machine].spec.down_rate = down.max(1);
        }
    }

    /// Puts down when all that the tracker named are met or found out of reach.
    pub(crate) fn meet_all(&mut self, machine: usize) {
        if self.watch.is_none() || self.announced.iter().all(|other| *other == machine) {
            return;
        }
        let others = self.announced.iter().filter(|other| **other != machine);
        let times = others.map(|other| {
            let one = &self.machines[*other];
            let answers = one.is_alive() && !one.is_frozen() && one.spec.listens;
            if answers || self.are_linked(machine, *other) {
                self.latency(machine, *other) * 4 + LAST_WORDS
            } else {
                CONNECT_TIME
            }
        });
        let longest = times.max().unwrap_or_default();
        self.agenda.put(self.now + longest, Coming::Met(machine));
    }

    /// All that were named were met or are out of reach.
    pub(crate) fn met(&mut self, machine: usize) {
        if self.machines[machine].is_alive() && self.machines[machine].spec.role == Role::Own {
            let event = Event::Discovery(Discovery::Met);
            self.tell(machine, event);
        }
    }
}
