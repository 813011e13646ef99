//! Makes a room smaller while it breaks the same promise.
//!
//! It tries to leave out one thing after another, large parts first, until nothing more can go.

use std::time::Duration;

use crate::numbers::Numbers;

use super::promises::{Promise, Verdict, play_with};
use super::room::Room;
use crate::{Fault, Finding, Holds, MachineSpec, OriginSpec, Stay};

/// Most rooms that are played for one.
const TRIES_MAX: u32 = 2_000;

/// The smaller room.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shrunk {
    /// The room.
    pub room: Room,
    /// How it breaks the promise.
    pub verdict: Verdict,
    /// How many rooms were played.
    pub tries: u32,
}

/// The smallest room found that still breaks `promise`; `None` if this one does not.
pub fn shrink(room: &Room, promise: Promise) -> Option<Shrunk> {
    shrink_with(room, promise, Numbers::default())
}

/// The same with machines that decide by other numbers.
pub fn shrink_with(room: &Room, promise: Promise, numbers: Numbers) -> Option<Shrunk> {
    shrink_by(room, |room| {
        Some(play_with(room, numbers)).filter(|it| it.breaks(promise))
    })
}

/// The smallest room found for which `fails` gives a verdict.
fn shrink_by(room: &Room, mut fails: impl FnMut(&Room) -> Option<Verdict>) -> Option<Shrunk> {
    let mut best = Shrunk {
        room: room.clone(),
        verdict: fails(room)?,
        tries: 1,
    };
    loop {
        let before = best.room.to_string();
        for change in 0.. {
            let Some(smaller) = smaller(&best.room, change) else {
                break;
            };
            // leaving out a thing may leave out others behind it: what comes next is tried again
            let mut next = Some(smaller);
            while let Some(room) = next.take() {
                if best.tries >= TRIES_MAX {
                    return Some(best);
                }
                best.tries += 1;
                if room.to_string() != best.room.to_string()
                    && let Some(verdict) = fails(&room)
                {
                    (best.room, best.verdict) = (room, verdict);
                    next = self::smaller(&best.room, change);
                }
            }
        }
        if best.room.to_string() == before {
            return Some(best);
        }
    }
}

/// The room with the change of this number; `None` if there is no such change.
fn smaller(room: &Room, change: usize) -> Option<Room> {
    let mut smaller = room.clone();
    let mut at = change;
    if at < room.troubles.len() {
        smaller.troubles.remove(at);
        return Some(smaller);
    }
    at -= room.troubles.len();
    if at < room.machines.len() {
        drop_machine(&mut smaller, at);
        return Some(smaller);
    }
    at -= room.machines.len();
    if at < room.origins.len() {
        drop_origin(&mut smaller, at);
        return Some(smaller);
    }
    at -= room.origins.len();
    if let Some(change) = WHOLE.get(at) {
        change(&mut smaller);
        return Some(smaller);
    }
    at -= WHOLE.len();
    let usual = MachineSpec::default();
    let machine = smaller.machines.get_mut(at / MACHINE.len());
    if let Some(spec) = machine {
        MACHINE.get(at % MACHINE.len())?(spec, &usual);
        return Some(smaller);
    }
    at -= room.machines.len() * MACHINE.len();
    let usual = OriginSpec::default();
    let spec = smaller.origins.get_mut(at / ORIGIN.len())?;
    ORIGIN.get(at % ORIGIN.len())?(spec, &usual);
    Some(smaller)
}

/// Changes of the whole room.
const WHOLE: &[fn(&mut Room)] = &[
    |room| room.files = 1,
    |room| room.finding = Finding::default(),
    |room| room.jitter = Duration::ZERO,
    |room| room.latency = Duration::from_micros(500),
    |room| room.pieces = (room.pieces / 2).max(1),
    |room| room.pieces = (room.pieces / 4 * 3).max(1),
    |room| {
        let rate = room
            .machines
            .iter()
            .map(|it| it.down_rate)
            .max()
            .unwrap_or(1);
        for spec in &mut room.machines {
            (spec.up_rate, spec.down_rate) = (rate, rate);
        }
    },
    |room| room.machines.iter_mut().for_each(|it| it.policy = None),
    |room| {
        room.machines
            .iter_mut()
            .for_each(|it| it.far = Duration::ZERO);
    },
    |room| {
        room.machines
            .iter_mut()
            .for_each(|it| it.stay = Stay::Always);
    },
];

/// Changes of one machine.
const MACHINE: &[fn(&mut MachineSpec, &MachineSpec)] = &[
    |spec, usual| spec.role = usual.role,
    |spec, usual| spec.join = usual.join,
    |spec, usual| spec.far = usual.far,
    |spec, usual| spec.stay = usual.stay,
    |spec, usual| spec.wants = usual.wants,
    |spec, usual| spec.reaches = usual.reaches,
    |spec, usual| spec.listens = usual.listens,
    |spec, usual| spec.policy.clone_from(&usual.policy),
    |spec, _| spec.holds = Holds::Nothing,
    |spec, _| spec.up_rate = spec.down_rate,
];

/// Changes of one origin.
const ORIGIN: &[fn(&mut OriginSpec, &OriginSpec)] = &[
    |spec, usual| spec.far = usual.far,
    |spec, usual| spec.answer = usual.answer,
    |spec, usual| spec.wrong_every = usual.wrong_every,
    |spec, usual| spec.lacks_every = usual.lacks_every,
];

/// Takes out a machine and what befalls it.
fn drop_machine(room: &mut Room, place: usize) {
    room.machines.remove(place);
    let moved = |machine: &mut usize| {
        let stays = *machine != place;
        *machine -= usize::from(*machine > place);
        stays
    };
    room.troubles
        .retain_mut(|trouble| match &mut trouble.fault {
            Fault::Crash(machine)
            | Fault::PowerLoss(machine)
            | Fault::Leave(machine)
            | Fault::Freeze(machine)
            | Fault::Thaw(machine)
            | Fault::Return(machine, _)
            | Fault::Choke(machine, _)
            | Fault::Rates(machine, ..) => moved(machine),
            _ => true,
        });
}

/// Takes out an origin and what befalls it.
fn drop_origin(room: &mut Room, place: usize) {
    room.origins.remove(place);
    room.troubles
        .retain_mut(|trouble| match &mut trouble.fault {
            Fault::Origin(origin, _) => {
                let stays = *origin != place;
                *origin -= usize::from(*origin > place);
                stays
            }
            _ => true,
        });
    for spec in &mut room.machines {
        let before = spec.reaches & ((1 << place.min(31)) - 1);
        let behind = (spec.reaches >> place.min(31) >> 1) << place.min(31);
        if spec.reaches != u32::MAX {
            spec.reaches = before | behind;
        }
    }
}
