//! Draws how machines behave: their policies, what they want, how they find each other, and the
//! strangers among them.

use std::time::Duration;

use swarmcopy_scheduler::MachineClass;
use swarmcopy_scheduler::origin::{Hours, Isolated, Mode, OriginConfig};

use super::kinds::Kind;
use super::room::Room;
use crate::{Fault, Finding, Holds, MachineSpec, Role, Trouble};

/// A client that chokes does so for this long, as most do.
const CHOKED: Duration = Duration::from_secs(10);

/// Changes rooms that were drawn.
#[derive(Debug)]
pub(super) struct Manners {
    rng: fastrand::Rng,
    kinds: Vec<Kind>,
}

impl Manners {
    pub(super) fn new(seed: u64, kinds: &[Kind]) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            kinds: kinds.to_vec(),
        }
    }

    /// Changes a room; `time` is about how long its copy takes.
    pub(super) fn change(&mut self, room: &mut Room, time: Duration) {
        self.policies(room);
        self.finding(room);
        self.wants(room);
        self.hours(room, time);
        self.choking(room, time);
        self.strangers(room, time);
        room.troubles.sort_by_key(|trouble| trouble.at);
    }

    fn is(&mut self, kind: Kind, percent: u32) -> bool {
        let drawn = self.rng.u32(..100) < percent;
        drawn && self.kinds.contains(&kind)
    }

    fn policies(&mut self, room: &mut Room) {
        if !self.is(Kind::Policy, 25) {
            return;
        }
        let what = self.rng.u32(..7);
        let rates = room.machines.iter().map(|it| it.down_rate);
        let budget = rates.max().unwrap_or(1) / self.rng.u64(1..6);
        let isolated = [Isolated::Wait, Isolated::Trickle, Isolated::Read];
        let isolated = self.rng.choice(isolated).unwrap_or_default();
        for spec in &mut room.machines {
            let some = self.rng.u32(..3) == 0;
            let number = self.rng.u32(1..=8);
            let policy = spec.policy.get_or_insert_default();
            match what {
                0 if some => policy.readers_max = number,
                1 if some => "other".clone_into(&mut policy.group),
                2 if some => policy.class = MachineClass::Wifi,
                3 => policy.rate_bytes = Some(budget.max(20_000)),
                4 if some => policy.mode = Mode::Never,
                5 if some => policy.mode = Mode::Fast,
                6 => policy.isolated = isolated,
                _ => {}
            }
        }
    }

    fn finding(&mut self, room: &mut Room) {
        let late = Duration::from_millis(self.rng.u64(200..20_000));
        let ways = [
            Finding::Late(late),
            Finding::Nobody,
            Finding::Dead,
            Finding::Local,
        ];
        let way = self.rng.choice(ways).unwrap_or_default();
        if self.is(Kind::Finding, 12) {
            room.finding = way;
        }
    }

    fn wants(&mut self, room: &mut Room) {
        if !self.is(Kind::Select, 10) {
            return;
        }
        for spec in &mut room.machines {
            if spec.role == Role::Own && spec.holds == Holds::Nothing && self.rng.bool() {
                spec.wants = self.rng.u32(1..100);
            }
        }
    }

    fn put(room: &mut Room, at: Duration, fault: Fault) {
        let every = None;
        room.troubles.push(Trouble { at, every, fault });
    }

    /// A moment in the first half of the copy.
    fn at(&mut self, time: Duration) -> Duration {
        let most = u64::try_from(time.as_millis()).unwrap_or(u64::MAX) / 2;
        Duration::from_millis(self.rng.u64(0..most.max(1) + 200))
    }

    fn hours(&mut self, room: &mut Room, time: Duration) {
        let (at, lasts) = (self.at(time), self.rng.u64(500..30_000));
        if self.is(Kind::Hours, 6) {
            Self::put(room, at, Fault::Hours(Hours::Closed));
            let ends = at + Duration::from_millis(lasts);
            Self::put(room, ends, Fault::Hours(Hours::Open));
        }
    }

    fn choking(&mut self, room: &mut Room, time: Duration) {
        let at = self.at(time);
        if !self.is(Kind::Choking, 60) {
            return;
        }
        for machine in 0..room.machines.len() {
            let spec = room.machines.get(machine);
            if spec.is_some_and(|it| it.role == Role::Stock) {
                for turn in [0, 2] {
                    Self::put(room, at + CHOKED * turn, Fault::Choke(machine, true));
                    let over = at + CHOKED * (turn + 1);
                    Self::put(room, over, Fault::Choke(machine, false));
                }
            }
        }
    }

    fn strangers(&mut self, room: &mut Room, time: Duration) {
        let (join, lasts) = (self.at(time), self.rng.u64(50..5000));
        let roles = [Role::Stock, Role::Mute, Role::Liar];
        let role = self.rng.choice(roles).unwrap_or_default();
        let stays = self.rng.bool();
        if !self.is(Kind::Strangers, 8) {
            return;
        }
        let rate = room.machines.iter().map(|it| it.down_rate).max();
        let rate = rate.unwrap_or(1_000_000);
        let machine = room.machines.len();
        room.machines.push(MachineSpec {
            join,
            role,
            up_rate: rate,
            down_rate: rate,
            policy: None::<OriginConfig>,
            ..MachineSpec::default()
        });
        if role != Role::Liar || !stays {
            let goes = join + Duration::from_millis(lasts);
            Self::put(room, goes, Fault::Leave(machine));
        }
    }
}
