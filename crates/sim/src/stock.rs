//! What each machine has to do after a change, and the shortest time in which it could be done.
//!
//! The bound of a machine is the longest of these: what it lacks through its own downlink; what nobody
//! has through the origins, and once through the uplinks of those that read it; what the room lacks
//! through all uplinks, where nobody is given more than its downlink takes. Beside that the first and
//! the last piece take their time on the way. Where reading what somebody has saves a third of the
//! time or more, one copy more may be read.

use std::collections::BTreeSet;
use std::time::Duration;

use swarmcopy_layout::PieceSet;
use swarmcopy_scheduler::origin::{Hours, Isolated, Mode};
use swarmcopy_scheduler::{MachineClass, Scheduler};

use crate::bounds::{Room, Ways};
use crate::link::micros_for;
use crate::machine::{Brain, Condition};
use crate::profile::{Finding, Health, Role};
use crate::watch::Stock;
use crate::world::World;

/// A machine that has pieces and lets others ask for them.
#[derive(Debug)]
struct Holder {
    up: u64,
    has: PieceSet,
    /// Those that nobody else has.
    alone: PieceSet,
}

/// What can be had in a part of the room.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) members: Vec<usize>,
    /// Pieces that an origin has right that somebody may read.
    pub(crate) from_origins: PieceSet,
    /// Bytes a second that can be read.
    pub(crate) origin_rate: u64,
    /// Bytes a second that the best of those who may read can pass on.
    pub(crate) readers_up: u64,
    /// How many read whatever others have.
    fast: u64,
    /// Pieces that some machine has and lets others ask for.
    pub(crate) from_peers: PieceSet,
}

impl World {
    /// Takes down who is with whom, and what each has to do now.
    pub(crate) fn take_stock(&mut self) {
        let parts = self.parts();
        let met = self.watch.as_ref().is_some_and(|it| it.parts != parts);
        if let Some(watch) = &mut self.watch {
            watch.parts.clone_from(&parts);
        }
        let mut stocks = vec![Stock::default(); parts.len()];
        let mut thin = false;
        let changed_at = self.watch.as_ref().map_or(self.now, |it| it.changed_at);
        for part in 0..parts.len() {
            let members: Vec<usize> = (0..parts.len())
                .filter(|it| parts.get(*it) == Some(&part))
                .collect();
            if members.is_empty() {
                continue;
            }
            thin |= self.stock_of_part(members, &mut stocks);
        }
        let now = self.now;
        let Some(watch) = &mut self.watch else {
            return;
        };
        if met {
            watch.met_at = now;
        }
        watch.thin |= thin;
        for (noted, mut stock) in watch.noted.iter_mut().zip(stocks) {
            stock.at = changed_at;
            noted.stock = stock;
        }
    }

    /// A number for each machine: those with the same can reach each other, if only through others.
    fn parts(&self) -> Vec<usize> {
        let mut parts: Vec<usize> = (0..self.room()).collect();
        let mut seen = vec![false; self.room()];
        for first in 0..self.room() {
            let mut open = vec![first];
            while let Some(machine) = open.pop() {
                let fresh = seen
                    .get_mut(machine)
                    .is_some_and(|it| !std::mem::replace(it, true));
                if !fresh {
                    continue;
                }
                parts
                    .get_mut(machine)
                    .into_iter()
                    .for_each(|it| *it = first);
                if !self.takes_part(machine) {
                    continue;
                }
                let near = self.machines[machine].neighbours.iter();
                let near = near.filter(|it| self.takes_part(it.machine));
                open.extend(near.map(|it| it.machine));
            }
        }
        parts
    }

    fn takes_part(&self, machine: usize) -> bool {
        let one = &self.machines[machine];
        matches!(one.brain, Brain::Scheduler(_)) && one.condition == Condition::Well
    }

    /// Pieces that a machine wants and lacks.
    pub(crate) fn lacks(&self, machine: usize) -> PieceSet {
        let pieces = self.layout.pieces();
        let Some(scheduler) = self.machines[machine].scheduler() else {
            return PieceSet::empty(pieces);
        };
        let mut lacks = self.wanted(machine);
        lacks.subtract(scheduler.have());
        lacks
    }

    /// Who may read this origin, as far as it answers.
    fn may_read(&self, machine: usize, origin: usize) -> bool {
        let policy = self.policy(machine);
        let one = &self.machines[machine];
        let health = self.healths.get(origin).copied().unwrap_or_default();
        one.spec.role == Role::Own
            && self.takes_part(machine)
            && one.scheduler().is_some_and(|it| !it.is_complete())
            && policy.mode != Mode::Never
            && self.hours == Hours::Open
            && one.spec.reaches >> origin.min(31) & 1 == 1
            && matches!(health, Health::Well | Health::Slow(_))
    }

    /// Pieces that an origin has right.
    fn origin_has(&self, origin: usize) -> PieceSet {
        let mut has = PieceSet::full(self.layout.pieces());
        let source = crate::origins::source_of(origin);
        for piece in self.layout.piece_indexes() {
            if self.has_wrong(source, piece) || self.is_lacked(origin, piece) {
                has.remove(piece);
            }
        }
        has
    }

    /// What can be had in a part of the room.
    pub(crate) fn means(&self, members: Vec<usize>) -> Means {
        let pieces = self.layout.pieces();
        let origins = 0..self.profile.origins.len();
        let has: Vec<PieceSet> = origins.clone().map(|it| self.origin_has(it)).collect();
        let mut from_origins = PieceSet::empty(pieces);
        let mut read = vec![false; has.len()];
        let mut readers: Vec<(u64, u64)> = Vec::new();
        for machine in self.readers_of(&members) {
            let reached = origins.clone().filter(|it| self.may_read(machine, *it));
            let reached: Vec<usize> = reached.collect();
            for origin in &reached {
                // who does not want a piece reads it for nobody
                let mut brought = self.lacks(machine);
                has.get(*origin)
                    .into_iter()
                    .for_each(|it| brought.intersect_with(it));
                from_origins.union_with(&brought);
                read.get_mut(*origin).into_iter().for_each(|it| *it = true);
            }
            if !reached.is_empty() {
                let one = &self.machines[machine];
                readers.push((one.spec.down_rate, one.up.rate));
            }
        }
        let read = origins.filter(|it| read.get(*it) == Some(&true));
        let rates = read.map(|it| self.machines[self.room() + it].up.rate / self.shares_of(it));
        let rate = rates.fold(0u64, u64::saturating_add);
        let own = members.iter().map(|it| self.policy(*it));
        let slots = own.clone().filter(|it| it.mode == Mode::Protect);
        let slots = slots.map(|it| it.readers_max).min().unwrap_or(u32::MAX);
        let fast = own.clone().filter(|it| it.mode == Mode::Fast).count();
        let slots = usize::try_from(slots)
            .unwrap_or(usize::MAX)
            .saturating_add(fast);
        let best = |of: fn(&(u64, u64)) -> u64| {
            let mut all: Vec<u64> = readers.iter().map(of).collect();
            all.sort_unstable_by(|one, other| other.cmp(one));
            all.into_iter().take(slots).fold(0u64, u64::saturating_add)
        };
        let budget = own.filter_map(|it| it.rate_bytes).min().unwrap_or(u64::MAX);
        let mut from_peers = PieceSet::empty(pieces);
        for machine in members.iter().filter(|it| !self.machines[**it].chokes) {
            if let Some(scheduler) = self.machines[*machine].scheduler() {
                from_peers.union_with(scheduler.have());
            }
        }
        Means {
            origin_rate: rate.min(best(|it| it.0)).min(budget),
            readers_up: best(|it| it.1),
            fast: u64::try_from(fast).unwrap_or(0),
            from_origins,
            from_peers,
            members,
        }
    }

    /// Among how many an origin's uplink is shared: the parts of the room that read it, groups for
    /// themselves, and users who know of nobody.
    fn shares_of(&self, origin: usize) -> u64 {
        let parts = self.watch.as_ref().map(|it| it.parts.as_slice());
        let parts = parts.unwrap_or_default();
        let mut shares = BTreeSet::new();
        for (machine, part) in parts.iter().enumerate() {
            let one = &self.machines[machine];
            if one.spec.role == Role::User && one.is_alive() {
                shares.insert((machine, None));
            } else if self.may_read(machine, origin) {
                shares.insert((*part, Some(&self.policy(machine).group)));
            }
        }
        u64::try_from(shares.len().max(1)).unwrap_or(1)
    }

    /// Those of a part that may read an origin: where some are wired, the others stand back; who knows of
    /// others and is with none does as its policy says.
    fn readers_of(&self, members: &[usize]) -> Vec<usize> {
        let origins = 0..self.profile.origins.len();
        let mut readers = members.to_vec();
        readers.retain(|machine| {
            let mut origins = origins.clone();
            origins.any(|it| self.may_read(*machine, it)) && !self.is_restrained(*machine, members)
        });
        let is_wired = |machine: &usize| self.policy(*machine).class == MachineClass::Wired;
        if readers.iter().any(is_wired) {
            readers.retain(is_wired);
        }
        readers
    }

    /// Whether a machine that is with nobody waits for others that it knows of, or reads slowly.
    fn is_restrained(&self, machine: usize, members: &[usize]) -> bool {
        let mut others = self.announced.iter().filter(|it| **it != machine);
        let waits = |other: &usize| {
            let one = &self.machines[*other];
            one.is_alive() || one.condition == Condition::Powerless
        };
        members.len() == 1
            && self.profile.finding != Finding::Nobody
            && self.policy(machine).isolated != Isolated::Read
            && others.any(waits)
    }

    /// Takes down what may be asked for twice before a word has come through the room and back.
    fn note_crossing(&mut self, means: &Means, round: Duration) {
        let round = u64::try_from(round.as_micros()).unwrap_or(u64::MAX);
        let crossed = means.origin_rate.saturating_mul(round) / 1_000_000;
        if let Some(watch) = self.watch.as_mut().filter(|_| means.members.len() > 1) {
            watch.crossed_bytes = watch.crossed_bytes.max(crossed);
        }
    }

    /// Who of a part has what, and what each alone has.
    fn who_has(&self, means: &Means) -> Vec<Holder> {
        let mut seen = PieceSet::empty(self.layout.pieces());
        let mut twice = seen.clone();
        let mut holders = Vec::new();
        for machine in &means.members {
            let one = &self.machines[*machine];
            let Some(has) = one.scheduler().map(Scheduler::have) else {
                continue;
            };
            let mut again = seen.clone();
            again.intersect_with(has);
            twice.union_with(&again);
            seen.union_with(has);
            if !has.is_empty() && !one.chokes {
                holders.push(Holder {
                    up: one.up.rate,
                    has: has.clone(),
                    alone: has.clone(),
                });
            }
        }
        for holder in &mut holders {
            holder.alone.subtract(&twice);
        }
        holders
    }

    /// The microseconds in which those that have some of these pieces can have sent each of them once.
    fn sent_once(&self, holders: &[Holder], pieces: &PieceSet) -> u64 {
        let bytes = |set: &PieceSet| u64::from(set.len()).saturating_mul(self.layout.piece_len());
        let (mut all_up, mut longest) = (0u64, 0);
        let mut there = PieceSet::empty(self.layout.pieces());
        for holder in holders {
            let mut has = holder.has.clone();
            has.intersect_with(pieces);
            if has.is_empty() {
                continue;
            }
            there.union_with(&has);
            all_up = all_up.saturating_add(holder.up);
            has.intersect_with(&holder.alone);
            longest = longest.max(micros_for(bytes(&has), holder.up));
        }
        longest.max(micros_for(bytes(&there).min(self.layout.len()), all_up))
    }

    /// Takes down what each machine of a part has to do; whether one more copy would save much.
    fn stock_of_part(&mut self, members: Vec<usize>, stocks: &mut [Stock]) -> bool {
        let means = self.means(members);
        let holders = self.who_has(&means);
        let room = self.reckon(&means);
        let farthest = means.members.iter().map(|it| self.machines[*it].spec.far);
        let way =
            self.profile.latency + self.profile.jitter + farthest.max().unwrap_or_default() * 2;
        self.note_crossing(&means, way * 2);
        let grain = self.grain(&means, &room);
        let mut thin = false;
        for (place, machine) in means.members.iter().enumerate() {
            let lacks = self.lacks(*machine);
            let mut elsewhere = lacks.clone();
            elsewhere.subtract(&means.from_origins);
            let unreadable = elsewhere.any_without(&means.from_peers);
            let bound = (!unreadable && !lacks.is_empty()).then(|| {
                let ways = Ways {
                    own_up: self.machines[*machine].up.rate,
                    readers_up: means.readers_up,
                    from_holders: self.sent_once(&holders, &lacks),
                    unread: self.sent_once(&holders, &elsewhere),
                };
                let (bound, saves) = room.bound(place, ways);
                thin |= saves;
                let own = self.machines[*machine].spec.down_rate;
                let own = micros_for(self.layout.piece_len(), own);
                Duration::from_micros(bound.saturating_add(grain).saturating_add(own))
            });
            if let Some(stock) = stocks.get_mut(*machine) {
                *stock = Stock {
                    at: self.now,
                    bound,
                    round: way * 2,
                    machines: means.members.len(),
                };
            }
        }
        thin
    }

    /// A part in numbers.
    fn reckon(&self, means: &Means) -> Room {
        let len = self.layout.len();
        let piece_len = self.layout.piece_len();
        let mut room = Room {
            takers: Vec::new(),
            origin_rate: means.origin_rate,
            up: 0,
            nowhere: 0,
            more: len.saturating_mul(means.fast),
            content: len,
        };
        let mut nowhere = PieceSet::empty(self.layout.pieces());
        for machine in &means.members {
            let one = &self.machines[*machine];
            let lacks = self.lacks(*machine);
            let left = u64::from(lacks.len()).saturating_mul(piece_len);
            nowhere.union_with(&lacks);
            room.takers.push((left.min(len), one.spec.down_rate));
            if one.scheduler().is_some() && !one.chokes {
                room.up = room.up.saturating_add(one.up.rate);
            }
        }
        nowhere.subtract(&means.from_peers);
        nowhere.intersect_with(&means.from_origins);
        room.nowhere = u64::from(nowhere.len()).saturating_mul(piece_len);
        room
    }

    /// The microseconds that the first piece takes from an origin, and the last from machine to machine.
    fn grain(&self, means: &Means, room: &Room) -> u64 {
        let piece_len = self.layout.piece_len();
        let mut ups: Vec<u64> = means
            .members
            .iter()
            .map(|it| self.machines[*it].up.rate)
            .collect();
        ups.sort_unstable();
        let good_up = ups.get(ups.len() / 2).copied().unwrap_or(1);
        let hops = u64::from(usize::BITS - means.members.len().leading_zeros());
        let last = if means.members.len() > 1 {
            micros_for(piece_len, good_up).saturating_mul(hops)
        } else {
            0
        };
        let first = if room.nowhere > 0 {
            micros_for(piece_len, means.origin_rate)
        } else {
            0
        };
        last.saturating_add(first)
    }
}
