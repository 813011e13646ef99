//! Draws rooms: the same seed and number give the same room, on every machine.

use std::time::Duration;

use swarmcopy_scheduler::origin::OriginConfig;

use super::kinds::Kind;
use super::manners::Manners;
use super::room::Room;
use crate::{Fault, Health, Holds, Kept, MachineSpec, OriginSpec, Role, Stay, Trouble};

/// Least and most bytes a second of a link.
const RATES: (u64, u64) = (50_000, 1_250_000_000);
/// Least and most bytes of a content.
const LENS: (u64, u64) = (16 << 10, 1 << 30);
/// Least and most bytes of a piece.
const PIECE_LENS: (u64, u64) = (16 << 10, 4 << 20);
const PIECES_MAX: u64 = 5000;
/// About so many quanta go through the links of a room.
const QUANTA: u64 = 12_000;

/// Draws rooms.
#[derive(Debug)]
pub struct Draw {
    rng: fastrand::Rng,
    kinds: Vec<Kind>,
    room: Room,
    /// The usual rate of a link.
    rate: u64,
    /// About how long the copy takes.
    time: Duration,
}

impl Draw {
    /// The room with this number, made of nothing but these kinds.
    pub fn room(seed: u64, number: u64, kinds: &[Kind]) -> Room {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.rotate_left(32) ^ number;
        let mut draw = Self {
            rng: fastrand::Rng::with_seed(mixed),
            kinds: kinds.to_vec(),
            room: Room::empty(mixed >> 16),
            rate: 0,
            time: Duration::ZERO,
        };
        draw.all();
        draw.room
    }

    fn all(&mut self) {
        let count = self.count();
        self.rate = self.between(RATES.0, RATES.1);
        self.content(count);
        self.ways();
        self.machines(count);
        self.origins();
        self.troubles();
        let mut manners = Manners::new(self.rng.u64(..), &self.kinds);
        manners.change(&mut self.room, self.time);
    }

    /// Whether a thing of this kind happens in `percent` of the rooms that may have it.
    fn is(&mut self, kind: Kind, percent: u32) -> bool {
        let drawn = self.rng.u32(..100) < percent;
        drawn && self.kinds.contains(&kind)
    }

    /// A number between these, all sizes equally likely.
    fn between(&mut self, least: u64, most: u64) -> u64 {
        let doublings = self.rng.u32(least.max(1).ilog2()..=most.max(1).ilog2());
        let first = 1u64 << doublings.min(62);
        self.rng.u64(first..first * 2).clamp(least, most)
    }

    fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    fn count(&mut self) -> usize {
        let large = self.rng.u32(..1000);
        let small = self.rng.usize(1..=12);
        match large {
            0..2 if self.kinds.contains(&Kind::Large) => 200,
            2..8 if self.kinds.contains(&Kind::Large) => 50,
            _ => small,
        }
    }

    /// The content is as large as the links bring in some seconds.
    fn content(&mut self, machines: usize) {
        let time = self.between(500, 40_000);
        self.time = Duration::from_millis(time);
        let machines = u64::try_from(machines).unwrap_or(1);
        let quantum = (self.rate / 500).clamp(16 << 10, 256 << 10);
        let most = (quantum * QUANTA / machines).min(LENS.1);
        let len = (self.rate / 1000 * time).clamp(LENS.0, most);
        let least = if self.rng.u32(..4) == 0 { 1 } else { 200 };
        let pieces = self.between(least, PIECES_MAX);
        let piece_len = (len / pieces).next_power_of_two();
        // a piece that takes longer than half a second is rare, as where a torrent is made with care
        let coarse = self.rng.u32(..20) == 0;
        let longest = if coarse {
            PIECE_LENS.1
        } else {
            (self.rate / 4).next_power_of_two().min(PIECE_LENS.1)
        };
        let piece_len = piece_len.clamp(PIECE_LENS.0, longest.max(PIECE_LENS.0));
        let pieces = (len / piece_len).clamp(1, PIECES_MAX);
        self.room.piece_len = piece_len;
        self.room.pieces = u32::try_from(pieces).unwrap_or(1);
        let seconds = piece_len * pieces * 1000 / self.rate;
        self.time = Duration::from_millis(seconds.max(200));
        let many = self.rng.u32(..8) == 0;
        let files = self.rng.u32(2..=64);
        if many {
            self.room.files = files.min(self.room.pieces);
        }
    }

    fn ways(&mut self) {
        self.room.latency = Duration::from_micros(self.between(100, 2000));
        if self.is(Kind::Far, 25) {
            self.room.latency = Duration::from_micros(self.between(2000, 300_000));
        }
        if self.is(Kind::Far, 20) {
            self.room.jitter = Duration::from_micros(self.between(100, 50_000));
        }
    }

    fn machines(&mut self, count: usize) {
        let unequal = self.is(Kind::Unequal, 55);
        let thin = self.is(Kind::Thin, 25);
        let late = self.is(Kind::Late, 50);
        let far = self.is(Kind::Far, 15);
        let stock = self.is(Kind::Stock, 15);
        let seeds = self.is(Kind::Seeds, 20);
        let deaf = self.is(Kind::Deaf, 8);
        let leaves = self.rng.u32(..3);
        let policy = self.policy();
        for _ in 0..count {
            let mut spec = MachineSpec {
                join: Duration::from_micros(self.rng.u64(0..20_000)),
                up_rate: self.rate,
                down_rate: self.rate,
                policy: policy.clone(),
                ..MachineSpec::default()
            };
            if unequal {
                let least = (self.rate / 30).max(RATES.0);
                spec.down_rate = self.between(least, self.rate);
                spec.up_rate = spec.down_rate;
            }
            if thin && self.rng.bool() {
                let part = self.between(2, 50);
                spec.up_rate = (spec.up_rate / part).max(RATES.0.min(spec.up_rate));
            }
            if late && self.rng.u32(..3) == 0 {
                spec.join = self.at(120);
            }
            if far && self.rng.u32(..3) == 0 {
                spec.far = Duration::from_micros(self.between(1000, 100_000));
            }
            if stock && self.rng.u32(..3) == 0 {
                spec.role = Role::Stock;
            }
            if seeds && self.rng.u32(..3) == 0 {
                spec.holds = match self.rng.u32(..3) {
                    0 => Holds::Part(self.rng.u32(1..100)),
                    _ => Holds::Everything,
                };
            }
            if deaf && self.rng.u32(..3) == 0 {
                spec.listens = false;
            }
            spec.stay = match leaves {
                0 => Stay::WhileNeeded(Duration::from_secs(self.rng.u64(1..60))),
                1 => Stay::WhileNeeded(Duration::ZERO),
                _ => Stay::Always,
            };
            self.room.machines.push(spec);
        }
        self.mean_ones();
    }

    fn mean_ones(&mut self) {
        if self.is(Kind::Mean, 8) {
            let roles = [Role::Mute, Role::Claimer, Role::User];
            let role = self.rng.choice(roles).unwrap_or_default();
            let spec = MachineSpec {
                role,
                up_rate: self.rate,
                down_rate: self.rate,
                ..MachineSpec::default()
            };
            self.room.machines.push(spec);
        }
    }

    fn policy(&mut self) -> Option<OriginConfig> {
        let readers_max = self.rng.u32(1..=8);
        self.is(Kind::Readers, 30).then(|| {
            let mut policy = OriginConfig::default();
            policy.readers_max = readers_max;
            policy
        })
    }

    fn origins(&mut self) {
        let several = self.is(Kind::Origins, 30);
        let none = self.is(Kind::Origins, 5);
        let count = if none {
            0
        } else if several {
            self.rng.u32(2..=4)
        } else {
            1
        };
        for _ in 0..count {
            let up_rate = match self.rng.u32(..3) {
                0 => self.rate,
                1 => self.rate.saturating_mul(10).min(RATES.1),
                _ => {
                    let least = (self.rate / 10).max(RATES.0);
                    self.between(least, self.rate.saturating_mul(10).min(RATES.1))
                }
            };
            let mut spec = OriginSpec {
                up_rate,
                ..OriginSpec::default()
            };
            if self.is(Kind::Far, 20) {
                spec.far = Duration::from_micros(self.between(1000, 150_000));
            }
            if several && self.is(Kind::Wrong, 15) {
                spec.wrong_every = self.rng.u32(1..10);
            }
            if several && self.is(Kind::Wrong, 15) {
                spec.lacks_every = self.rng.u32(1..10);
            }
            self.room.origins.push(spec);
        }
        if self.is(Kind::Reach, 15) {
            for place in 0..self.room.machines.len() {
                let reaches = if self.rng.bool() {
                    u32::MAX
                } else {
                    self.rng.u32(..16)
                };
                if let Some(spec) = self.room.machines.get_mut(place) {
                    spec.reaches = reaches;
                }
            }
        }
        let seeded = |spec: &MachineSpec| spec.holds == Holds::Everything;
        if count == 0 && !self.room.machines.iter().any(seeded) {
            let spec = MachineSpec {
                holds: Holds::Everything,
                up_rate: self.rate,
                ..MachineSpec::default()
            };
            self.room.machines.push(spec);
        }
    }

    /// A moment within so many of a hundred parts of the copy.
    fn at(&mut self, percent: u64) -> Duration {
        let most = u64::try_from(self.time.as_millis()).unwrap_or(1) * percent / 100;
        Duration::from_millis(self.rng.u64(0..most.max(1) + 200))
    }

    fn troubles(&mut self) {
        let count = self.rng.choice([0, 0, 1, 1, 1, 2, 3]).unwrap_or(0);
        for _ in 0..count {
            let drawn = self.rng.u32(..100);
            match drawn {
                0..30 => self.origin_trouble(),
                30..42 => self.machine_goes(Kind::Leave),
                42..56 => self.machine_goes(Kind::Crash),
                56..62 => self.machine_goes(Kind::Power),
                62..80 => self.freezes(),
                80..90 => self.rates_change(),
                _ => self.falls_apart(),
            }
        }
        self.room.troubles.sort_by_key(|trouble| trouble.at);
    }

    fn put(&mut self, at: Duration, fault: Fault) {
        self.room.troubles.push(Trouble {
            at,
            every: None,
            fault,
        });
    }

    fn origin_trouble(&mut self) {
        let origins = self.room.origins.len();
        let waits = [None, Some(1000), Some(5000), Some(100_000_000)];
        let retry = self.rng.choice(waits).flatten();
        let slow = self.rate / 20 + 1;
        let healths = [
            Health::Silent,
            Health::Refusing,
            Health::Resetting,
            Health::Busy(retry),
            Health::Missing,
            Health::Nonsense,
            Health::Slow(slow),
        ];
        let health = self.rng.choice(healths).unwrap_or_default();
        let at = self.at(90);
        let time = self.millis(300, 60_000);
        let origin = self.rng.usize(..origins.max(1));
        let from_start = self.rng.u32(..4) == 0;
        if origins > 0 && self.kinds.contains(&Kind::Origin) {
            let at = if from_start { Duration::ZERO } else { at };
            self.put(at, Fault::Origin(origin, health));
            self.put(at + time, Fault::Origin(origin, Health::Well));
        }
    }

    fn machine_goes(&mut self, kind: Kind) {
        let at = self.at(100);
        let machine = self.rng.usize(..self.room.machines.len().max(1));
        let back = self.is(Kind::Return, 40);
        let kept = if self.rng.bool() {
            Kept::All
        } else {
            Kept::Nothing
        };
        let after = self.millis(1000, 60_000);
        if !self.kinds.contains(&kind) {
            return;
        }
        let fault = match kind {
            Kind::Leave => Fault::Leave(machine),
            Kind::Power => Fault::PowerLoss(machine),
            _ => Fault::Crash(machine),
        };
        self.put(at, fault);
        let returns = self
            .room
            .machines
            .get(machine)
            .is_some_and(MachineSpec::wants);
        if back && returns {
            self.put(at + after, Fault::Return(machine, kept));
        }
    }

    fn freezes(&mut self) {
        let at = self.at(100);
        let time = self.millis(1000, 120_000);
        let count = self.room.machines.len();
        let machine = self.rng.usize(..count.max(1));
        let all = self.rng.u32(..4) == 0;
        if !self.kinds.contains(&Kind::Freeze) {
            return;
        }
        let who = if all { 0..count } else { machine..machine + 1 };
        for machine in who {
            self.put(at, Fault::Freeze(machine));
            self.put(at + time, Fault::Thaw(machine));
        }
    }

    fn rates_change(&mut self) {
        let at = self.at(90);
        let machine = self.rng.usize(..self.room.machines.len().max(1));
        let least = (self.rate / 30).max(RATES.0);
        let rate = self.between(least, self.rate.saturating_mul(3).min(RATES.1));
        if self.kinds.contains(&Kind::Rates) {
            self.put(at, Fault::Rates(machine, rate, rate));
        }
    }

    fn falls_apart(&mut self) {
        let at = self.at(90);
        let time = self.millis(1000, 30_000);
        if self.kinds.contains(&Kind::Part) {
            self.put(at, Fault::Part);
            self.put(at + time, Fault::Heal);
        }
    }
}
