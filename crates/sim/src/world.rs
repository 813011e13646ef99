//! The world: machines, links, and what will happen next.
//!
//! One event after another, in the order of time; nothing here is random but by the seed. What
//! machines do with their links is in `traffic`, what their schedulers want in `acts`, who meets
//! whom in `meetings`, what goes wrong in `troubles`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, RelPath};
use swarmcopy_scheduler::origin::{Hours, SlotMessage};
use swarmcopy_scheduler::{Event, Instant, NodeId, Reason};

use crate::agenda::{Agenda, Coming};
use crate::link::{Job, Link, Way};
use crate::machine::{Brain, Machine};
use crate::outcome::{Look, MachineOutcome, Outcome, Readers};
use crate::profile::{Fault, Health, MachineSpec, Profile, Role};
use crate::table::{Slab, Table};
use crate::watch::Watch;

/// Steps from one look at a simulation to the next.
const LOOK_STEPS: u64 = 100_000;

/// Counts for the outcome.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) origin_bytes: u64,
    pub(crate) wasted_bytes: u64,
    /// Pieces that an origin was asked for though they were wrong before.
    pub(crate) asked_again: u64,
    pub(crate) honest_banned: u64,
    /// Pieces that machines verified.
    pub(crate) arrivals: u64,
    pub(crate) readers: Readers,
    pub(crate) steps: u64,
    pub(crate) events: u64,
    pub(crate) trace: u64,
    pub(crate) reasons: BTreeMap<Reason, u64>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) profile: Profile,
    pub(crate) layout: Arc<Layout>,
    pub(crate) now: Instant,
    pub(crate) agenda: Agenda,
    pub(crate) machines: Table<Machine>,
    pub(crate) links: Table<Link>,
    pub(crate) jobs: Slab<Job>,
    pub(crate) letters: Slab<SlotMessage>,
    pub(crate) rng: fastrand::Rng,
    /// Machines that the tracker knows.
    pub(crate) announced: Vec<usize>,
    /// Whether the halves of the room can't reach each other.
    pub(crate) parted: bool,
    pub(crate) tally: Tally,
    /// Machines that are there or will come, take part and are not complete.
    pub(crate) waiting: usize,
    /// Pieces that some machine has.
    pub(crate) in_swarm: Vec<bool>,
    pub(crate) in_swarm_count: u32,
    /// Whether the policies' hours are open.
    pub(crate) hours: Hours,
    /// How each origin takes requests.
    pub(crate) healths: Vec<Health>,
    /// Decides by how much each word comes late.
    pub(crate) jitter: fastrand::Rng,
    /// What frozen machines were told meanwhile.
    pub(crate) told: Slab<Event>,
    pub(crate) watch: Option<Box<Watch>>,
}

impl World {
    pub(crate) fn new(profile: Profile) -> Self {
        let layout = Arc::new(layout_of(&profile));
        let mut rng = fastrand::Rng::with_seed(profile.seed ^ 0x5eed);
        let mut machines = Table::new();
        for spec in &profile.machines {
            let node = NodeId(rng.u64(1..).to_be_bytes());
            let takes_part = spec.role != Role::User;
            let pieces = if takes_part { layout.pieces() } else { 0 };
            machines.push(Machine::new(spec.clone(), node, pieces));
        }
        for origin in &profile.origins {
            let spec = MachineSpec {
                up_rate: origin.up_rate,
                far: origin.far,
                ..MachineSpec::default()
            };
            let mut server = Machine::new(spec, NodeId::default(), 0);
            server.brain = Brain::Origin;
            machines.push(server);
        }
        let tally = Tally {
            origin_bytes: 0,
            wasted_bytes: 0,
            asked_again: 0,
            honest_banned: 0,
            arrivals: 0,
            readers: Readers::new(profile.policy.readers_max),
            steps: 0,
            events: 0,
            trace: 0xcbf2_9ce4_8422_2325,
            reasons: BTreeMap::new(),
        };
        let pieces = usize::try_from(layout.pieces()).unwrap_or(0);
        let mut world = Self {
            layout,
            now: Instant::ZERO,
            agenda: Agenda::default(),
            machines,
            links: Table::new(),
            jobs: Slab::new(),
            letters: Slab::new(),
            rng,
            announced: Vec::new(),
            parted: false,
            tally,
            waiting: 0,
            in_swarm: vec![false; pieces],
            in_swarm_count: 0,
            hours: Hours::Open,
            healths: vec![Health::Well; profile.origins.len()],
            jitter: fastrand::Rng::with_seed(profile.seed ^ 0x1a7e),
            told: Slab::new(),
            watch: profile.watched.then(|| Box::new(Watch::new(&profile))),
            profile,
        };
        world.put_down();
        world
    }

    /// Puts down what the profile says will happen.
    fn put_down(&mut self) {
        for (place, spec) in self.profile.machines.iter().enumerate() {
            self.agenda
                .put(Instant::ZERO + spec.join, Coming::Join(place));
            self.waiting += usize::from(matches!(spec.role, Role::Own | Role::Stock));
        }
        for (place, trouble) in self.profile.troubles.iter().enumerate() {
            self.agenda
                .put(Instant::ZERO + trouble.at, Coming::Trouble(place));
            self.waiting += usize::from(matches!(trouble.fault, Fault::Return(..)));
        }
        if self.watch.is_some() {
            self.agenda.put(Instant::ZERO, Coming::Watch);
        }
    }

    /// Lets everything happen until all are complete; `look` is told now and then.
    pub(crate) fn run(&mut self, mut look: impl FnMut(Look)) {
        let end = Instant::ZERO + self.profile.deadline;
        while self.waiting > 0 {
            let Some((at, coming)) = self.agenda.next() else {
                break;
            };
            if at > end {
                break;
            }
            self.now = at;
            self.tally.steps += 1;
            if self.tally.steps.is_multiple_of(LOOK_STEPS) {
                look(self.look());
            }
            self.happen(coming);
            if self.watch.as_ref().is_some_and(|watch| watch.is_over()) {
                break;
            }
        }
    }

    fn look(&self) -> Look {
        let wanting = self.profile.machines.iter().filter(|spec| spec.wants());
        let wanting = u64::try_from(wanting.count()).unwrap_or(u64::MAX);
        Look {
            now: self.now.since(Instant::ZERO),
            arrived: self.tally.arrivals,
            wanted: wanting.saturating_mul(u64::from(self.layout.pieces())),
        }
    }

    fn happen(&mut self, coming: Coming) {
        if self.is_held_back(coming) {
            return;
        }
        match coming {
            Coming::Join(machine) => self.join(machine),
            Coming::Dial(machine) => self.dial(machine),
            Coming::LinkUp(one, other) => self.link_up(one, other),
            Coming::Timeout(machine) => self.timeout(machine),
            Coming::Word(way, word) => self.hear(way, word),
            Coming::Turn(way) => self.take_turn(way),
            Coming::TurnsEnd(machine) => self.turns_end(machine),
            Coming::Sent(machine) => self.sent(machine),
            Coming::Arrived(way, job, bytes) => self.arrived(way, job, u64::from(bytes)),
            Coming::JobEnd(job) => self.tell_job_end(job),
            Coming::Checked(machine, piece) => self.checked(machine, piece),
            Coming::Have(machine, piece) => self.tell_have(machine, piece),
            Coming::Haves(machine) => self.take_haves(machine),
            Coming::Trouble(trouble) => self.trouble(trouble),
            Coming::Refused(machine, other) => {
                let node = self.machines[other].node;
                self.tell(machine, Event::Dead { node });
            }
            Coming::Lie(machine) => self.lie(machine),
            Coming::Fate(job) => self.meet_fate(job),
            Coming::Told(machine, event) => {
                if let Some(event) = self.told.take(event) {
                    self.tell(machine, event);
                }
            }
            Coming::Gone(machine) => self.gone(machine),
            Coming::Linger(machine) => self.linger(machine),
            Coming::GivenUp(machine) => self.give_up(machine),
            Coming::Met(machine) => self.met(machine),
            Coming::Watch => self.look_around(),
        }
    }

    /// Calls a machine's scheduler and does what it wants.
    pub(crate) fn tell(&mut self, machine: usize, event: Event) {
        let now = self.now;
        if self.machines[machine].is_frozen() {
            let event = self.told.insert(event);
            self.machines[machine]
                .held
                .push(Coming::Told(machine, event));
            return;
        }
        let Some(scheduler) = self.machines[machine].scheduler_mut() else {
            return;
        };
        scheduler.handle(now, event);
        self.follow_up(machine);
    }

    fn timeout(&mut self, machine: usize) {
        let now = self.now;
        let one = &mut self.machines[machine];
        if one.timeout_at.is_some_and(|at| at <= now) {
            one.timeout_at = None;
        }
        let Some(scheduler) = one.scheduler_mut() else {
            return;
        };
        if scheduler.poll_timeout().is_some_and(|at| at <= now) {
            scheduler.handle_timeout(now);
        }
        self.follow_up(machine);
    }

    pub(crate) fn follow_up(&mut self, machine: usize) {
        self.tally.events += 1;
        let cost = self.profile.event_cost;
        let now = self.now;
        let one = &mut self.machines[machine];
        one.busy_until = one.busy_until.max(now) + cost;
        let mut count = 0;
        while let Some(action) = self.machines[machine]
            .scheduler_mut()
            .and_then(swarmcopy_scheduler::Scheduler::poll_action)
        {
            self.act(machine, action);
            count += 1;
        }
        self.watch_actions(machine, count);
        let one = &mut self.machines[machine];
        let Some(due) = one
            .scheduler()
            .and_then(swarmcopy_scheduler::Scheduler::poll_timeout)
        else {
            return;
        };
        let due = due.max(now + Duration::from_micros(1));
        if one.timeout_at.is_none_or(|at| due < at) {
            one.timeout_at = Some(due);
            self.agenda.put(due, Coming::Timeout(machine));
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let machines = self.machines.iter().take(self.room());
        let since_start = |at: Instant| at.since(Instant::ZERO);
        let machines = machines.map(|machine| MachineOutcome {
            role: machine.spec.role,
            down_rate: machine.spec.down_rate,
            joined: machine.spec.join,
            done: machine.done_at.map(since_start),
            alive: machine.is_alive(),
            origin_bytes: machine.origin_bytes,
            late: machine.late,
            arrivals: machine.arrivals.clone(),
            came: machine.came.clone(),
            reads: machine.reads.clone(),
        });
        Outcome {
            seed: self.profile.seed,
            len: self.layout.len(),
            bound: self.profile.bound(),
            machines: machines.collect(),
            origin_bytes: self.tally.origin_bytes,
            asked_again: self.tally.asked_again,
            honest_banned: self.tally.honest_banned,
            readers_peak: self.tally.readers.peak,
            over_cap: self.tally.readers.over,
            far_over_cap: self.tally.readers.far_over,
            wasted_bytes: self.tally.wasted_bytes,
            ended: since_start(self.now),
            steps: self.tally.steps,
            events: self.tally.events,
            trace: self.tally.trace,
            reasons: self.tally.reasons.clone(),
            watched: self.watch.as_ref().map(|watch| watch.outcome()),
        }
    }

    /// Whether the fault cuts these machines off from each other.
    pub(crate) fn is_cut(&self, one: usize, other: usize) -> bool {
        let middle = self.room() / 2;
        self.parted && (one < middle) != (other < middle)
    }

    pub(crate) fn note(&mut self, values: [u64; 3]) {
        let mut trace = self.tally.trace ^ self.now.micros();
        for value in values {
            trace = (trace ^ value)
                .wrapping_mul(0x0100_0000_01b3)
                .rotate_left(23);
        }
        self.tally.trace = trace;
    }
}

/// One end of a link.
pub(crate) fn way(link: usize, side: u8) -> Way {
    Way {
        link: u32::try_from(link).unwrap_or(u32::MAX),
        side,
    }
}

fn layout_of(profile: &Profile) -> Layout {
    let mut builder = Layout::builder(profile.piece_len);
    for (number, len) in profile.files.iter().enumerate() {
        let Ok(path) = RelPath::parse(&format!("files/{number}")) else {
            unreachable!("a number is a name")
        };
        builder = builder.file(path, *len);
    }
    let Ok(layout) = builder.build() else {
        unreachable!("a profile's sizes make a layout")
    };
    layout
}

impl Fault {
    pub(crate) const fn code(self) -> u64 {
        match self {
            Self::KillHolder => 1,
            Self::KillHolders => 2,
            Self::Part => 3,
            Self::Heal => 4,
            Self::OriginDown => 5,
            Self::OriginUp => 6,
            Self::Origin(..) => 7,
            Self::Crash(_) => 8,
            Self::PowerLoss(_) => 9,
            Self::Leave(_) => 10,
            Self::Freeze(_) => 11,
            Self::Thaw(_) => 12,
            Self::Return(..) => 13,
            Self::Rates(..) => 14,
            Self::Choke(..) => 15,
            Self::Hours(_) => 16,
        }
    }
}
