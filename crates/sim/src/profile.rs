//! What is simulated: the content, the machines, the origin, and what goes wrong.

use std::time::Duration;

use crate::numbers::Numbers;
use swarmcopy_scheduler::origin::{Hours, OriginConfig};

/// Bytes a second of a link of 1 Gbit/s.
pub const GIGABIT: u64 = 125_000_000;

/// What a machine is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Role {
    /// One of ours.
    #[default]
    Own,
    /// Another program: no slots, no origin.
    Stock,
    /// Says to have everything, lets everybody ask, answers nothing.
    Mute,
    /// Claims every slot each second, reads nothing, has nothing.
    Claimer,
    /// Says to have everything and serves it, with wrong bytes.
    Liar,
    /// Knows nothing of the swarm: reads the first origin, 64 KiB after 64 KiB, until the end.
    User,
}

/// What a machine has when it joins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Holds {
    /// Nothing.
    #[default]
    Nothing,
    /// The whole content.
    Everything,
    /// About so many of a hundred pieces, drawn by lot.
    Part(u32),
}

/// How machines find each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Finding {
    /// A tracker knows everybody who comes.
    #[default]
    Tracker,
    /// It takes this long to answer for the first time.
    Late(Duration),
    /// It answers, and names nobody.
    Nobody,
    /// It never answers.
    Dead,
    /// There is none: each calls out to its neighbours.
    Local,
}

/// When a machine that has everything goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stay {
    /// Never.
    #[default]
    Always,
    /// As soon as no peer needs it, or after this time at the latest.
    WhileNeeded(Duration),
}

/// One machine of the room.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MachineSpec {
    /// When it joins.
    pub join: Duration,
    /// Bytes a second that it can send.
    pub up_rate: u64,
    /// Bytes a second that it can take.
    pub down_rate: u64,
    /// What it is.
    pub role: Role,
    /// What it has at the start.
    pub holds: Holds,
    /// Time that its messages are on their way beside what all need.
    pub far: Duration,
    /// Whether others can call it; else only it calls them.
    pub listens: bool,
    /// When it goes once it has everything.
    pub stay: Stay,
    /// Of so many of a hundred pieces, the first ones, it wants to have all.
    pub wants: u32,
    /// Bit i: it can reach origin i. What it can't reach answers it nothing.
    pub reaches: u32,
    /// Its policy, if it is not that of all.
    pub policy: Option<OriginConfig>,
}

impl MachineSpec {
    /// Whether it takes part and lacks the content when it joins.
    pub(crate) fn wants(&self) -> bool {
        self.holds != Holds::Everything && matches!(self.role, Role::Own | Role::Stock)
    }
}

impl Default for MachineSpec {
    /// One of ours with nothing, there from the start, at 1 Gbit/s.
    fn default() -> Self {
        Self {
            join: Duration::ZERO,
            up_rate: GIGABIT,
            down_rate: GIGABIT,
            role: Role::Own,
            holds: Holds::Nothing,
            far: Duration::ZERO,
            listens: true,
            stay: Stay::Always,
            wants: 100,
            reaches: u32::MAX,
            policy: None,
        }
    }
}

/// How an origin takes requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Health {
    /// It answers.
    #[default]
    Well,
    /// It answers nothing, and sends nothing more of what it was asked for.
    Silent,
    /// It refuses connections.
    Refusing,
    /// It breaks off soon after it was asked.
    Resetting,
    /// 503, with or without a word of how many milliseconds to stay away.
    Busy(Option<u64>),
    /// 404 for everything.
    Missing,
    /// Answers that are none to what was asked: a login page, wrong ranges.
    Nonsense,
    /// It answers, but sends only so many bytes a second.
    Slow(u64),
}

/// A mirror.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OriginSpec {
    /// Bytes a second that it can send.
    pub up_rate: u64,
    /// Time from a request to the first byte of its answer; each file is asked for on its own.
    pub answer: Duration,
    /// Of so many pieces it has one with wrong bytes; 0 = none.
    pub wrong_every: u32,
    /// Of so many pieces it lacks one; 0 = none.
    pub lacks_every: u32,
    /// Time that its messages are on their way beside what all need.
    pub far: Duration,
}

impl Default for OriginSpec {
    /// Honest, at once, at 10 Gbit/s.
    fn default() -> Self {
        Self {
            up_rate: 10 * GIGABIT,
            answer: Duration::ZERO,
            wrong_every: 0,
            lacks_every: 0,
            far: Duration::ZERO,
        }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// One machine that holds a slot dies.
    KillHolder,
    /// All machines that hold a slot die.
    KillHolders,
    /// The room falls apart: no link between the first half of the machines and the second.
    Part,
    /// The halves find each other again.
    Heal,
    /// The origins answer nobody.
    OriginDown,
    /// The origins are back.
    OriginUp,
    /// One origin takes requests in another way from now on.
    Origin(usize, Health),
    /// A machine's process dies; its machine refuses connections.
    Crash(usize),
    /// A machine is gone without a word, and answers nobody.
    PowerLoss(usize),
    /// A process ends in order.
    Leave(usize),
    /// A machine does nothing, and takes nothing in.
    Freeze(usize),
    /// It goes on.
    Thaw(usize),
    /// A machine that is gone starts again, with all that it had or with nothing.
    Return(usize, Kept),
    /// A stock client lets nobody ask from now on, or lets them again.
    Choke(usize, bool),
    /// The hours of all policies open or close.
    Hours(Hours),
    /// A machine's link sends and takes so many bytes a second from now on.
    Rates(usize, u64, u64),
}

/// What a machine that starts again finds of its former copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Every verified piece.
    All,
    /// None.
    Nothing,
}

/// When something goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// The first time.
    pub at: Duration,
    /// How often again.
    pub every: Option<Duration>,
    /// What.
    pub fault: Fault,
}

/// Everything that a simulation depends on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Decides all that is random.
    pub seed: u64,
    /// Bytes of each file of the content.
    pub files: Vec<u64>,
    /// Bytes of a piece.
    pub piece_len: u64,
    /// The origins that all machines of ours know.
    pub origins: Vec<OriginSpec>,
    /// Time that a message is on its way.
    pub latency: Duration,
    /// A machine's processor time for one event.
    pub event_cost: Duration,
    /// Bytes a second that a machine verifies.
    pub verify_rate: u64,
    /// Fewest and most neighbours of a machine, as far as there are so many.
    pub neighbours: (usize, usize),
    /// The machines, the origins apart.
    pub machines: Vec<MachineSpec>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// The policy of our machines; node and content are set for each.
    pub policy: OriginConfig,
    /// The numbers by which our machines decide.
    pub numbers: Numbers,
    /// The end of the simulation, if not all are complete before.
    pub deadline: Duration,
    /// Most time by which a message comes late; those of one link keep their order.
    pub jitter: Duration,
    /// How machines find each other.
    pub finding: Finding,
    /// Whether promises are watched: each machine's progress ten times a second.
    pub watched: bool,
    /// Whether what happens is written down as lines.
    pub logged: bool,
}

impl Profile {
    /// `machines` machines at 1 Gbit/s that start within the same 20 ms: 4 GiB in pieces of 4 MiB
    /// from an origin that is ten times as fast, half a millisecond away.
    pub fn flash(seed: u64, machines: usize) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let join = |_| MachineSpec {
            join: Duration::from_micros(rng.u64(0..20_000)),
            ..MachineSpec::default()
        };
        Self {
            seed,
            files: vec![4 << 30],
            piece_len: 4 << 20,
            origins: vec![OriginSpec::default()],
            latency: Duration::from_micros(500),
            event_cost: Duration::from_micros(2),
            verify_rate: 1_500_000_000,
            neighbours: (25, 40),
            machines: (0..machines).map(join).collect(),
            troubles: Vec::new(),
            policy: OriginConfig::default(),
            numbers: Numbers::default(),
            deadline: Duration::from_mins(20),
            jitter: Duration::ZERO,
            finding: Finding::default(),
            watched: false,
            logged: false,
        }
    }

    /// The same machines, which join one after another over `over`.
    pub fn staggered(seed: u64, machines: usize, over: Duration) -> Self {
        let mut profile = Self::flash(seed, machines);
        let last = u32::try_from(machines.saturating_sub(1).max(1)).unwrap_or(u32::MAX);
        for (place, spec) in (0u32..).zip(&mut profile.machines) {
            spec.join = over * place / last;
        }
        profile
    }

    /// Bytes of the content.
    pub fn content_len(&self) -> u64 {
        self.files.iter().sum()
    }

    /// The same with one file of other sizes.
    pub fn sized(self, len: u64, piece_len: u64) -> Self {
        self.tree(vec![len], piece_len)
    }

    /// The same with files of these lengths.
    pub fn tree(mut self, files: Vec<u64>, piece_len: u64) -> Self {
        self.files = files;
        self.piece_len = piece_len;
        self
    }

    /// The same with every link, the origins' too, at this many bytes a second.
    pub fn at_rate(self, rate: u64) -> Self {
        self.origins_at(rate)
            .each(|_, spec| (spec.up_rate, spec.down_rate) = (rate, rate))
    }

    /// The same with the links of all origins at this many bytes a second.
    pub fn origins_at(mut self, rate: u64) -> Self {
        for spec in &mut self.origins {
            spec.up_rate = rate;
        }
        self
    }

    /// The same with one more trouble.
    pub fn with(mut self, at: Duration, every: Option<Duration>, fault: Fault) -> Self {
        self.troubles.push(Trouble { at, every, fault });
        self
    }

    /// The same, with `change` applied to each machine and its place.
    pub fn each(mut self, mut change: impl FnMut(usize, &mut MachineSpec)) -> Self {
        for (place, spec) in self.machines.iter_mut().enumerate() {
            change(place, spec);
        }
        self
    }

    /// The shortest time in which these machines could all have the content, were they all there
    /// from the start: `max(F/u_s, F/d_min, N F/(u_s + sum of u_i))`. Machines that have it or
    /// serve nothing don't count.
    pub fn bound(&self) -> Duration {
        let room = self.machines.iter().filter(|spec| spec.wants());
        let honest = self.origins.iter().filter(|spec| spec.wrong_every == 0);
        let origins = honest.fold(0u64, |sum, spec| sum.saturating_add(spec.up_rate));
        let (mut count, mut up, mut down) = (0u64, origins, u64::MAX);
        for spec in room {
            count += 1;
            up = up.saturating_add(spec.up_rate);
            down = down.min(spec.down_rate);
        }
        let seeds = self
            .machines
            .iter()
            .filter(|spec| spec.holds == Holds::Everything);
        up = seeds.fold(up, |sum, spec| sum.saturating_add(spec.up_rate));
        let micros = |bytes: u128, rate: u64| bytes * 1_000_000 / u128::from(rate.max(1));
        let len = u128::from(self.content_len());
        let longest = micros(len, origins)
            .max(micros(len, down))
            .max(micros(len * u128::from(count), up));
        Duration::from_micros(u64::try_from(longest).unwrap_or(u64::MAX))
    }
}
