//! Who comes and who meets whom: a tracker that knows everybody, links to some of them.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::origin::{Mode, OriginConfig};
use swarmcopy_scheduler::{
    Config, Discovery, Down, Event, Hello, OriginKind, Outcome, Scheduler, SourceInfo,
};

use crate::agenda::{Coming, Word};
use crate::liar::Claimer;
use crate::link::{End, Link, Way};
use crate::machine::{Brain, Neighbour};
use crate::origins::{STREAMS_MAX, source_of, tag};
use crate::profile::{Finding, Holds, Role};
use crate::world::{World, way};

/// A tracker answers after this.
const ANSWER: Duration = Duration::from_millis(5);
/// A machine looks again for others: soon after the start, then now and then.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// Who is cut off by another calls back after this.
const CALL_BACK: Duration = Duration::from_millis(20);
/// How often a liar speaks.
pub(crate) const LIE_EVERY: Duration = Duration::from_secs(1);

impl World {
    /// A machine starts.
    pub(crate) fn join(&mut self, machine: usize) {
        let have = self.at_start(machine);
        let one = &self.machines[machine];
        let (node, role) = (one.node, one.spec.role);
        self.machines[machine].late = self.in_swarm_count == self.layout.pieces();
        let slots = self.profile.policy.readers_max;
        self.machines[machine].brain = match role {
            Role::Mute => Brain::Mute,
            Role::Liar => Brain::Liar,
            Role::Claimer => Brain::Claimer(Claimer::new(node, slots)),
            Role::User => Brain::User { asked_at: self.now },
            Role::Own | Role::Stock => {
                Brain::Scheduler(Box::new(self.scheduler(machine, have.clone())))
            }
        };
        if role == Role::User {
            return self.read_on(machine);
        }
        if !self.announced.contains(&machine) {
            self.announced.push(machine);
        }
        let answer = self.profile.latency * 2 + ANSWER;
        match self.profile.finding {
            Finding::Late(time) => {
                self.agenda.put(self.now + time, Coming::Dial(machine));
                self.agenda
                    .put(self.now + time + AGAIN.0, Coming::Dial(machine));
            }
            Finding::Dead => {}
            Finding::Tracker | Finding::Nobody | Finding::Local => {
                self.agenda.put(self.now + answer, Coming::Dial(machine));
                self.agenda.put(self.now + AGAIN.0, Coming::Dial(machine));
            }
        }
        match role {
            Role::Own => {
                for origin in 0..self.profile.origins.len() {
                    let source = source_of(origin);
                    let info = SourceInfo::Origin {
                        kind: OriginKind::Mirror,
                        tag: tag(origin),
                        streams_max: STREAMS_MAX,
                    };
                    self.tell(machine, Event::SourceUp { source, info });
                }
                let news = match self.profile.finding {
                    Finding::Local => Discovery::Announced,
                    _ => Discovery::Waiting,
                };
                self.tell(machine, Event::Discovery(news));
            }
            Role::Stock => self.follow_up(machine),
            Role::Claimer => self.agenda.put(self.now + LIE_EVERY, Coming::Lie(machine)),
            Role::Mute | Role::Liar | Role::User => {}
        }
        have.iter().for_each(|piece| self.in_swarm(piece));
        self.changed();
    }

    /// What a machine has when its process begins.
    fn at_start(&mut self, machine: usize) -> PieceSet {
        let pieces = self.layout.pieces();
        if let Some(kept) = self.machines[machine].kept.take() {
            return kept;
        }
        match self.machines[machine].spec.holds {
            Holds::Nothing => PieceSet::empty(pieces),
            Holds::Everything => PieceSet::full(pieces),
            Holds::Part(percent) => {
                let mut part = PieceSet::empty(pieces);
                for piece in self.layout.piece_indexes() {
                    if self.rng.u32(..100) < percent {
                        part.insert(piece);
                    }
                }
                part
            }
        }
    }

    /// The pieces that a machine wants.
    pub(crate) fn wanted(&self, machine: usize) -> PieceSet {
        let pieces = self.layout.pieces();
        let percent = u64::from(self.machines[machine].spec.wants);
        let mut wanted = PieceSet::full(pieces);
        if percent >= 100 {
            return wanted;
        }
        for piece in self.layout.piece_indexes() {
            if u64::from(piece.value()) * 100 >= u64::from(pieces) * percent {
                wanted.remove(piece);
            }
        }
        wanted
    }

    /// The policy of a machine.
    pub(crate) fn policy(&self, machine: usize) -> &OriginConfig {
        let own = self.machines[machine].spec.policy.as_ref();
        own.unwrap_or(&self.profile.policy)
    }

    fn scheduler(&mut self, machine: usize, have: PieceSet) -> Scheduler {
        let mut policy = self.policy(machine).clone();
        let one = &self.machines[machine];
        policy.node = one.node;
        policy.content = [42; 32];
        policy.hours = self.hours;
        policy.tuning = self.profile.numbers.slots;
        if one.spec.role == Role::Stock {
            policy.mode = Mode::Never;
        }
        let wanted = self.wanted(machine);
        let seed = self.rng.u64(..);
        let layout = Arc::clone(&self.layout);
        let mut config = Config::new(policy);
        config.tuning = self.profile.numbers.scheduler;
        Scheduler::new(config, layout, wanted, have, (self.now, seed))
    }

    fn hello(&self, machine: usize) -> Option<Hello> {
        let one = &self.machines[machine];
        matches!(one.spec.role, Role::Own | Role::Claimer).then(|| {
            let policy = self.policy(machine);
            let (class, readers_max) = (policy.class, policy.readers_max);
            Hello {
                node: one.node,
                origins: (0..self.profile.origins.len()).map(tag).collect(),
                readers_max,
                class,
                group: Some(policy.group.clone()),
                starving: false,
            }
        })
    }

    fn degree(&self, machine: usize) -> usize {
        let ways = self.machines[machine].ways.iter();
        ways.filter(|way| self.links[way.link()].up).count()
    }

    pub(crate) fn are_linked(&self, one: usize, other: usize) -> bool {
        let mut ways = self.machines[one].ways.iter();
        ways.any(|way| {
            let link = &self.links[way.link()];
            link.up && link.end(way.other()).machine == other
        })
    }

    /// A machine hears from the tracker, and dials some of those it was told of.
    pub(crate) fn dial(&mut self, machine: usize) {
        if !self.machines[machine].is_alive() {
            return;
        }
        let mut others: Vec<usize> = self.announced.clone();
        others.retain(|other| *other != machine && self.machines[*other].is_alive());
        // a tracker goes on naming those that are gone without a word
        let nobody = self.profile.finding == Finding::Nobody;
        if nobody {
            others.clear();
        }
        let news = if nobody || self.announced.iter().all(|other| *other == machine) {
            Discovery::Nobody
        } else {
            Discovery::Named
        };
        if self.machines[machine].spec.role == Role::Own {
            self.tell(machine, Event::Discovery(news));
        }
        let first = !std::mem::replace(&mut self.machines[machine].answered, true);
        let degree = self.degree(machine);
        let (least, most) = self.profile.neighbours;
        let wanted = if first {
            most / 2
        } else {
            least.saturating_sub(degree)
        };
        self.rng.shuffle(&mut others);
        let mut found = 0;
        for other in others {
            if found >= wanted {
                break;
            }
            if self.degree(other) < most
                && self.machines[other].spec.listens
                && !self.are_linked(machine, other)
                && !self.is_cut(machine, other)
            {
                found += 1;
                let jitter = Duration::from_micros(self.rng.u64(0..10_000));
                self.agenda.put(
                    self.now + self.latency(machine, other) * 3 + jitter,
                    Coming::LinkUp(machine, other),
                );
            }
        }
        self.meet_all(machine);
        let next = if first { return } else { AGAIN.1 };
        self.agenda.put(self.now + next, Coming::Dial(machine));
    }

    /// Two machines are connected.
    pub(crate) fn link_up(&mut self, one: usize, other: usize) {
        let alive = self.machines[one].is_alive() && self.machines[other].is_alive();
        if !alive || self.are_linked(one, other) || self.is_cut(one, other) || one == other {
            return;
        }
        let ends = [one, other].map(|machine| End::new(machine, self.next_source(machine), false));
        let sources = [ends[0].source, ends[1].source];
        let [first, second] = ends;
        let link = self.links.push(Link::new(first, second));
        self.machines[one].ways.push(way(link, 0));
        self.machines[other].ways.push(way(link, 1));
        for (near, far, source) in [(one, other, sources[1]), (other, one, sources[0])] {
            let neighbour = Neighbour {
                link,
                machine: far,
                source,
            };
            self.machines[near].neighbours.push(neighbour);
        }
        self.changed();
        let both_ours = self.hello(one).is_some() && self.hello(other).is_some();
        for (machine, far, source) in [(one, other, sources[0]), (other, one, sources[1])] {
            let hello = self.hello(far).filter(|_| both_ours);
            self.tell(
                machine,
                Event::SourceUp {
                    source,
                    info: SourceInfo::Peer { hello },
                },
            );
            self.say(machine, source, Word::Bitfield);
            if matches!(self.machines[machine].brain, Brain::Mute | Brain::Liar) {
                self.say(machine, source, Word::Unchoke);
                self.links[link]
                    .end_mut(way(link, u8::from(machine == other)))
                    .serves = true;
            }
        }
    }

    /// A link breaks, or is closed.
    pub(crate) fn link_down(&mut self, link: usize, how: Down) {
        if !std::mem::replace(&mut self.links[link].up, false) {
            return;
        }
        self.changed();
        for side in [0, 1] {
            let end = way(link, side);
            let near = self.links[link].end(end).machine;
            self.machines[near]
                .neighbours
                .retain(|other| other.link != link);
            self.drop_serving(end);
            let asked = self.links[link].end(end).asked.clone();
            for key in asked {
                self.end_job(key, Outcome::Broken);
                self.tell_job_end(key);
            }
            let (machine, source) = (
                self.links[link].end(end).machine,
                self.links[link].end(end).source,
            );
            self.tell(machine, Event::SourceDown { source, how });
        }
    }

    /// A machine dies.
    pub(crate) fn die(&mut self, machine: usize) {
        self.end_process(machine);
        let ways: Vec<Way> = self.ways(machine).collect();
        for way in ways {
            let link = &self.links[way.link()];
            let (was_up, far) = (link.up, link.end(way.other()).machine);
            self.link_down(way.link(), Down::Reset);
            if was_up && !self.is_origin(far) {
                let refused = self.now + CALL_BACK + self.latency(machine, far) * 2;
                self.agenda.put(refused, Coming::Refused(far, machine));
            }
        }
    }
}
