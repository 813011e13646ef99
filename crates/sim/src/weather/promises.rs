//! What every room is promised, and whether it was kept.
//!
//! - Liveness: who lacks something that can be brought gets useful bytes within 3 s or four round trips
//!   of the last change, and no scheduler works without end.
//! - Pace: each machine ends within 1.15 times its bound and 2 s after the last change; who is alone
//!   within 1.05 and 1 s, in rooms of more than fifty within 1.2 and 3 s.
//! - Copies: what somebody of the room has or reads is read again at most for a fiftieth of the content,
//!   or once where that saves a third of the time.
//! - Readers: never more than the policy says, but one for 0.3 s in all; who must not read doesn't.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::numbers::Numbers;

use super::room::Room;
use crate::{Outcome, Simulation, Watched};

/// Beside the bounds: so many round trips, for meetings and first requests.
const ROUNDS: u32 = 6;
/// A fiftieth of the content may be read again.
const EXTRA_PARTS: u64 = 50;
/// And so many pieces, for contents of few: the least window of a reader.
const EXTRA_PIECES: u64 = 4;
/// One reader too many is there for no longer.
const TOO_MANY: Duration = Duration::from_millis(300);

/// One of the promises.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Promise {
    /// Nothing panics.
    Sound,
    /// P1: nobody stalls for ever.
    Hangs,
    /// P1: nobody stalls.
    Liveness,
    /// P2.
    Pace,
    /// P3.
    Copies,
    /// P4.
    Readers,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sound => "panic",
            Self::Hangs => "hang",
            Self::Liveness => "P1",
            Self::Pace => "P2",
            Self::Copies => "P3",
            Self::Readers => "P4",
        })
    }
}

/// A promise that was broken, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Breach {
    /// Which.
    pub promise: Promise,
    /// How, in words.
    pub how: String,
}

/// What came of a room.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// The promises that were broken, each once.
    pub broken: Vec<Breach>,
    /// The worst machine's time beside last change + bound, both since the start.
    pub pace: Option<f64>,
    /// Copies that the origins sent.
    pub copies: f64,
    /// Virtual time that was simulated.
    pub ended: Duration,
    /// Events that were simulated.
    pub steps: u64,
}

impl Verdict {
    /// Whether this promise was broken.
    pub fn breaks(&self, promise: Promise) -> bool {
        self.broken.iter().any(|breach| breach.promise == promise)
    }
}

/// Plays a room and judges it.
pub fn play(room: &Room) -> Verdict {
    play_with(room, Numbers::default())
}

/// The same with machines that decide by other numbers.
pub fn play_with(room: &Room, numbers: Numbers) -> Verdict {
    let mut profile = room.profile();
    profile.numbers = numbers;
    match catch_unwind(AssertUnwindSafe(|| Simulation::run(profile))) {
        Ok(outcome) => judge(room, &outcome),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
            let how = text.unwrap_or_default();
            let promise = Promise::Sound;
            Verdict {
                broken: vec![Breach { promise, how }],
                ..Verdict::default()
            }
        }
    }
}

/// What happened in a room, one line for each event.
pub fn timeline(room: &Room) -> Vec<String> {
    timeline_with(room, Numbers::default())
}

/// The same with machines that decide by other numbers.
pub fn timeline_with(room: &Room, numbers: Numbers) -> Vec<String> {
    let mut profile = room.profile();
    profile.numbers = numbers;
    profile.logged = true;
    let run = catch_unwind(AssertUnwindSafe(|| Simulation::run(profile)));
    run.ok()
        .and_then(|outcome| outcome.watched)
        .map(|watched| watched.log)
        .unwrap_or_default()
}

fn judge(room: &Room, outcome: &Outcome) -> Verdict {
    let Some(watched) = &outcome.watched else {
        return Verdict::default();
    };
    let mut verdict = Verdict {
        copies: outcome.copies(),
        ended: outcome.ended,
        steps: outcome.steps,
        ..Verdict::default()
    };
    liveness(watched, &mut verdict);
    pace(outcome, watched, &mut verdict);
    copies(room, outcome, watched, &mut verdict);
    readers(watched, &mut verdict);
    verdict
}

fn breach(verdict: &mut Verdict, promise: Promise, how: String) {
    verdict.broken.push(Breach { promise, how });
}

fn liveness(watched: &Watched, verdict: &mut Verdict) {
    let stalls = watched.machines.iter().enumerate();
    let stalls = stalls.filter_map(|(place, one)| Some((one.stalled?, place)));
    let longest = stalls.max();
    let busy = watched.machines.iter().map(|one| one.actions_max).max();
    if watched.hangs {
        let how = longest.map_or_else(
            || format!("{} actions in a millisecond", busy.unwrap_or(0)),
            |((stalled, at), place)| format!("m{place} stalls {stalled:.1?} too long at {at:.1?}"),
        );
        breach(verdict, Promise::Hangs, how);
    } else if let Some(((stalled, at), place)) = longest {
        let how = format!("m{place} stalls {stalled:.1?} too long at {at:.1?}");
        breach(verdict, Promise::Liveness, how);
    }
}

fn pace(outcome: &Outcome, watched: &Watched, verdict: &mut Verdict) {
    let mut worst: Option<(f64, String)> = None;
    for (place, one) in watched.machines.iter().enumerate() {
        let Some(bound) = one.bound else {
            continue;
        };
        let (factor, more) = match one.part {
            1 => (1.05, Duration::from_secs(1)),
            2..=50 => (1.15, Duration::from_secs(2)),
            _ => (1.2, Duration::from_secs(3)),
        };
        let done = one.done.unwrap_or(outcome.ended);
        let took = done.saturating_sub(one.since);
        let ratio = done.as_secs_f64() / (one.since + bound).as_secs_f64().max(1e-6);
        verdict.pace = Some(verdict.pace.unwrap_or(0.0).max(ratio));
        let allowed = bound.mul_f64(factor) + more + one.round * ROUNDS;
        // who was not waited for to the end may still have kept the promise
        if took > allowed && (one.done.is_some() || !watched.hangs) {
            let beyond = took.as_secs_f64() / allowed.as_secs_f64().max(1e-6);
            let never = if one.done.is_none() { " and more" } else { "" };
            let how = format!(
                "m{place} took {took:.1?}{never} for {bound:.1?} after {:.1?}",
                one.since
            );
            if worst.as_ref().is_none_or(|it| it.0 < beyond) {
                worst = Some((beyond, how));
            }
        }
    }
    if let Some((_, how)) = worst {
        breach(verdict, Promise::Pace, how);
    }
}

fn copies(room: &Room, outcome: &Outcome, watched: &Watched, verdict: &mut Verdict) {
    let most = outcome.len / EXTRA_PARTS + room.piece_len * EXTRA_PIECES;
    // what is asked for before words of others have come
    let most = most.saturating_add(watched.crossed_bytes);
    let most = if watched.thin {
        most + outcome.len
    } else {
        most
    };
    if watched.extra_bytes > most {
        let of = |bytes: u64| {
            let millis = bytes.saturating_mul(1000) / outcome.len.max(1);
            Duration::from_millis(millis).as_secs_f64()
        };
        let how = format!(
            "{:.3} copies were read that somebody had, {:.3} in all",
            of(watched.extra_bytes),
            outcome.copies()
        );
        breach(verdict, Promise::Copies, how);
    }
}

fn readers(watched: &Watched, verdict: &mut Verdict) {
    let far = watched.far_too_many;
    if watched.forbidden > 0 {
        let how = format!(
            "{} bytes were asked for that must not be",
            watched.forbidden
        );
        breach(verdict, Promise::Readers, how);
    } else if watched.too_many > TOO_MANY || !far.is_zero() {
        let how = format!(
            "too many read for {:.1?}, two more for {far:.1?}",
            watched.too_many
        );
        breach(verdict, Promise::Readers, how);
    }
}
