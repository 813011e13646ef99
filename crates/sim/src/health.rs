//! How origins fail: silence, refusals, broken connections, answers that are none, pieces they lack.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, Span};
use swarmcopy_scheduler::Outcome;

use crate::agenda::Coming;
use crate::link::Way;
use crate::profile::Health;
use crate::world::World;

/// An origin that breaks off does so this long after it was asked.
const BREAKS_AFTER: Duration = Duration::from_millis(30);

impl World {
    /// An origin takes requests in another way from now on.
    pub(crate) fn set_health(&mut self, origin: usize, health: Health) {
        let Some(old) = self.healths.get_mut(origin) else {
            return;
        };
        *old = health;
        self.log(None, || format!("origin {origin} is {health:?}"));
        let machine = self.room() + origin;
        let usual = self.machines[machine].spec.up_rate;
        let up = &mut self.machines[machine].up;
        up.rate = match health {
            Health::Slow(rate) => rate.max(1),
            _ => usual,
        };
        up.stopped = matches!(health, Health::Silent | Health::Refusing);
        if matches!(health, Health::Refusing | Health::Resetting) {
            self.break_off(machine);
        }
        self.send(machine);
    }

    /// All that an origin serves breaks off.
    fn break_off(&mut self, machine: usize) {
        let readers = 0..self.room();
        let ways: Vec<Way> = readers.flat_map(|it| self.streams(it)).collect();
        for way in ways {
            let far = self.links[way.link()].end(way.other());
            if far.machine != machine {
                continue;
            }
            for key in far.serving.iter().copied().collect::<Vec<u32>>() {
                self.put_fate(key, Duration::ZERO, Outcome::Broken);
            }
        }
    }

    /// The asker of a job will hear of its end.
    fn put_fate(&mut self, key: u32, after: Duration, outcome: Outcome) {
        let Some(asker) = self.jobs.get(key).map(|job| job.asker) else {
            return;
        };
        let at = self.now + after + self.way_latency(asker);
        if let Some(job) = self.jobs.get_mut(key) {
            job.fate = Some((at, outcome));
            self.agenda.put(at, Coming::Fate(key));
        }
    }

    /// A job ends as its origin said.
    pub(crate) fn meet_fate(&mut self, key: u32) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        if let Some((_, outcome)) = job.fate.take_if(|(at, _)| *at <= now) {
            self.end_job(key, outcome);
            self.retire(key);
        }
    }

    /// Whether the origin at this end does not serve a request that has come.
    pub(crate) fn refuses(&mut self, way: Way, key: u32) -> bool {
        let link = &self.links[way.link()];
        let origin = link.end(way).machine - self.room();
        let reader = link.end(way.other()).machine;
        let Some(span) = self.jobs.get(key).map(|job| job.span) else {
            return true;
        };
        let reached = self.machines[reader].spec.reaches >> origin.min(31) & 1 == 1;
        let health = self.healths.get(origin).copied().unwrap_or_default();
        let outcome = match health {
            _ if !reached => None,
            Health::Refusing | Health::Nonsense => Some(Outcome::Broken),
            Health::Missing => Some(Outcome::Lacks(span)),
            Health::Busy(retry_after_ms) => Some(Outcome::Busy { retry_after_ms }),
            Health::Resetting => {
                self.put_fate(key, BREAKS_AFTER, Outcome::Broken);
                return false;
            }
            Health::Well | Health::Silent | Health::Slow(_) => {
                let Some(lacked) = self.first_lacked(origin, span) else {
                    return false;
                };
                Some(Outcome::Lacks(lacked))
            }
        };
        if let Some(job) = self.jobs.get_mut(key) {
            job.served = true;
        }
        if let Some(outcome) = outcome {
            self.put_fate(key, Duration::ZERO, outcome);
        }
        true
    }

    /// Whether an origin lacks a piece.
    pub(crate) fn is_lacked(&self, origin: usize, piece: PieceIndex) -> bool {
        let spec = self.profile.origins.get(origin);
        let every = spec.map_or(0, |spec| spec.lacks_every);
        every > 0 && piece.value() % every == every - 1
    }

    /// The first piece of a span that an origin lacks.
    fn first_lacked(&self, origin: usize, span: Span) -> Option<Span> {
        let mut pieces = self.layout.pieces_of(span);
        let lacked = pieces.find(|piece| self.is_lacked(origin, *piece))?;
        Some(self.layout.piece_span(lacked))
    }
}
