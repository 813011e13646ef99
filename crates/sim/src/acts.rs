//! What schedulers want done, and what machines hear of each other.

use std::time::Duration;

use swarmcopy_layout::{PieceSet, Span};
use swarmcopy_scheduler::origin::SlotMessage;
use swarmcopy_scheduler::{Action, Down, Event, Has, Instant, JobId, LockWord, Outcome, SourceId};

use crate::agenda::{Coming, Word};
use crate::faults::LINGER_LOOK;
use crate::link::{Job, Way};
use crate::machine::Brain;
use crate::profile::Stay;
use crate::world::World;

/// A machine takes in the HAVEs of its neighbours together, after this time; any other word makes
/// it take them in at once, so that nothing is heard out of order.
const HAVES_EVERY: Duration = Duration::from_millis(3);

impl World {
    /// Does what a machine's scheduler wants.
    pub(crate) fn act(&mut self, machine: usize, action: Action) {
        let at = u64::try_from(machine).unwrap_or(u64::MAX) << 8;
        match action {
            Action::Fetch { job, source, span } => {
                self.note([at | 1, u64::from(source.0), span.start()]);
                self.fetch(machine, job, source, span);
            }
            Action::Cancel { job } => {
                self.note([at | 2, job.0, 0]);
                self.cancel(machine, job);
            }
            Action::OpenOrigin { permit } => {
                self.note([at | 3, permit.epoch(), 0]);
                let permits = &mut self.machines[machine].reading.permits;
                permits.insert(permit.origin(), permit);
            }
            Action::CloseOrigin { .. } => {
                self.note([at | 4, 0, 0]);
            }
            Action::LimitOrigins { rate_bytes } => {
                self.machines[machine].reading.limit = rate_bytes;
            }
            Action::Suggest { source, piece } => {
                self.say(machine, source, Word::Suggest(piece.value()));
            }
            Action::Interested { source } => self.say(machine, source, Word::Interested),
            Action::NotInterested { source } => self.say(machine, source, Word::NotInterested),
            Action::Unchoke { source } => {
                if let Some(way) = self.way(machine, source) {
                    self.links[way.link()].end_mut(way).lets = true;
                }
                if !self.machines[machine].chokes {
                    self.set_serves(machine, source, true);
                    self.say(machine, source, Word::Unchoke);
                }
            }
            Action::Choke { source } => {
                if let Some(way) = self.way(machine, source) {
                    self.links[way.link()].end_mut(way).lets = false;
                }
                self.set_serves(machine, source, false);
                self.say(machine, source, Word::Choke);
            }
            Action::SendSlots { source, message } => {
                self.note([at | 5, u64::from(source.0), 0]);
                self.send_slots(machine, source, message);
            }
            Action::Guard { slot, take } if take => {
                self.tell(
                    machine,
                    Event::Guard {
                        slot,
                        lock: LockWord::Held,
                    },
                );
            }
            Action::Ban { source, .. } => {
                self.note([at | 6, u64::from(source.0), 0]);
                self.tally.honest_banned += u64::from(!self.is_liar(machine, source));
                if let Some(way) = self.way(machine, source) {
                    self.link_down(way.link(), Down::Closed);
                }
            }
            Action::Complete => self.complete(machine),
            Action::Explain { reason, source, .. } => {
                *self.tally.reasons.entry(reason).or_default() += 1;
                self.log_reason(machine, reason, source);
            }
            _ => {}
        }
    }

    fn complete(&mut self, machine: usize) {
        self.note([7, u64::try_from(machine).unwrap_or(u64::MAX), 0]);
        let one = &mut self.machines[machine];
        let stay = one.spec.stay;
        let told_before = one.done_at.replace(self.now).is_some();
        assert!(
            !told_before,
            "complete is told once (seed {})",
            self.profile.seed
        );
        self.waiting -= 1;
        if stay != Stay::Always {
            self.agenda
                .put(self.now + LINGER_LOOK, Coming::Linger(machine));
        }
        self.watch_done(machine);
    }

    /// Sends a slot message: where promises are watched, by the payloads of the tool's links.
    pub(crate) fn send_slots(&mut self, machine: usize, source: SourceId, message: SlotMessage) {
        if self.watch.is_none() {
            let letter = self.letters.insert(message);
            return self.say(machine, source, Word::Slots(letter));
        }
        for payload in message.to_payloads() {
            // what the other end can't read is lost, as over a real link
            if let Some(message) = SlotMessage::from_payload(&payload) {
                let letter = self.letters.insert(message);
                self.say(machine, source, Word::Slots(letter));
            }
        }
    }

    /// Sends a word to a neighbour.
    pub(crate) fn say(&mut self, machine: usize, source: SourceId, word: Word) {
        let Some(way) = self.way(machine, source) else {
            return;
        };
        if self.links[way.link()].up {
            let at = self.heard_at(way);
            self.agenda.put(at, Coming::Word(way.other(), word));
        } else if let Word::Slots(letter) = word {
            self.letters.take(letter);
        }
    }

    pub(crate) fn set_serves(&mut self, machine: usize, source: SourceId, serves: bool) {
        if let Some(way) = self.way(machine, source) {
            self.links[way.link()].end_mut(way).serves = serves;
            if !serves {
                self.drop_serving(way);
            }
        }
    }

    fn fetch(&mut self, machine: usize, id: JobId, source: SourceId, span: Span) {
        let origin = self.origin_at(source);
        let pieces = self.layout.pieces_of(span);
        self.machines[machine].asks(pieces, origin);
        let Some(origin) = origin else {
            if let Some(way) = self.way(machine, source) {
                self.ask(id, way, span);
            }
            return;
        };
        assert!(
            self.is_permitted(machine, source),
            "an origin is asked with a permit (seed {})",
            self.profile.seed
        );
        self.count_again(machine, source, span);
        self.count_extra(machine, span);
        let way = self.stream(machine, origin);
        self.ask(id, way, span);
    }

    /// Asks for these bytes over a link.
    pub(crate) fn ask(&mut self, id: JobId, way: Way, span: Span) {
        let key = self.jobs.insert(Job::new(id, way, span, self.now));
        let link = &mut self.links[way.link()];
        link.end_mut(way).asked.push(key);
        if link.up {
            let at = self.heard_at(way);
            self.agenda
                .put(at, Coming::Word(way.other(), Word::Request(key)));
        } else {
            if let Some(job) = self.jobs.get_mut(key) {
                job.served = true;
            }
            self.end_job(key, Outcome::Broken);
        }
    }

    fn cancel(&mut self, machine: usize, id: JobId) {
        let ways = self.ways(machine);
        let asked = ways.flat_map(|way| &self.links[way.link()].end(way).asked);
        let found = asked
            .copied()
            .find(|key| self.jobs.get(*key).is_some_and(|job| job.id == id));
        if let Some(key) = found {
            self.end_job(key, Outcome::Cancelled);
        }
    }

    /// A word arrives at this end.
    pub(crate) fn hear(&mut self, way: Way, word: Word) {
        self.take_haves(self.links[way.link()].end(way).machine);
        let link = &self.links[way.link()];
        let end = link.end(way);
        let (machine, source, up) = (end.machine, end.source, link.up);
        let sender = link.end(way.other()).machine;
        match word {
            Word::Request(key) => self.asked(way, key),
            Word::Withdraw(key) => self.withdraw(way, key),
            Word::Slots(letter) => {
                if let Some(message) = self.letters.take(letter).filter(|_| up) {
                    if let Brain::Claimer(claimer) = &mut self.machines[machine].brain {
                        claimer.hear(&message);
                    }
                    self.tell(machine, Event::Slots { source, message });
                }
            }
            _ if !up => {}
            Word::Bitfield => {
                let set: PieceSet = self.machines[sender].says(self.layout.pieces());
                let has = if set.is_full() {
                    Has::All
                } else {
                    Has::Set(set)
                };
                self.tell(machine, Event::SourceHas { source, has });
            }
            Word::Unchoke => self.tell(machine, Event::Unchoked { source }),
            Word::Choke => {
                let asked = self.links[way.link()].end(way).asked.clone();
                for key in asked {
                    self.end_job(
                        key,
                        Outcome::Busy {
                            retry_after_ms: None,
                        },
                    );
                    self.tell_job_end(key);
                }
                self.tell(machine, Event::Choked { source });
            }
            Word::Suggest(index) => {
                if let Some(piece) = self.layout.piece(index) {
                    self.tell(machine, Event::Suggested { source, piece });
                }
            }
            Word::Interested => self.tell(machine, Event::Interested { source }),
            Word::NotInterested => self.tell(machine, Event::NotInterested { source }),
        }
    }

    /// A request arrives at this end.
    fn asked(&mut self, way: Way, key: u32) {
        let end = self.links[way.link()].end(way);
        let machine = end.machine;
        let takes = self.links[way.link()].up && end.serves;
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        if !takes || job.ended.is_some() {
            job.served = true;
            self.retire(key);
            return;
        }
        let span = job.span;
        if self.is_origin(machine) && self.refuses(way, key) {
            return;
        }
        if let Some(scheduler) = self.machines[machine].scheduler() {
            let mut pieces = self.layout.pieces_of(span);
            let seed = self.profile.seed;
            assert!(
                pieces.all(|piece| scheduler.have().contains(piece)),
                "only what is there is asked for (seed {seed})"
            );
        }
        self.serve(way, key);
    }

    /// All neighbours hear that a machine has a piece, each a moment later.
    pub(crate) fn tell_have(&mut self, machine: usize, index: u32) {
        for at in 0..self.machines[machine].neighbours.len() {
            let Some(other) = self.machines[machine].neighbours.get(at).copied() else {
                continue;
            };
            let comes = self.now + self.detour(machine, other.machine);
            let heard = &mut self.machines[other.machine].heard;
            heard.push((other.source, index, comes));
            if comes > self.now {
                self.haves_later(other.machine, comes);
            } else if heard.len() == 1 {
                let at = comes + HAVES_EVERY;
                self.agenda.put(at, Coming::Haves(other.machine));
            }
        }
    }

    /// A machine will take in what comes at this time, if it does not take in anything else before.
    fn haves_later(&mut self, machine: usize, comes: Instant) {
        let due = &mut self.machines[machine].haves_due;
        if due.is_none() {
            let at = comes + HAVES_EVERY;
            *due = Some(at);
            self.agenda.put(at, Coming::Haves(machine));
        }
    }

    /// A machine takes in what its neighbours have lately said to have.
    pub(crate) fn take_haves(&mut self, machine: usize) {
        let now = self.now;
        let mut heard = std::mem::take(&mut self.machines[machine].heard);
        let mut later = Vec::new();
        for (source, index, at) in heard.drain(..) {
            if at > now {
                later.push((source, index, at));
                continue;
            }
            let way = self.way(machine, source);
            let up = way.is_some_and(|way| self.links[way.link()].up);
            if let Some(piece) = self.layout.piece(index).filter(|_| up) {
                let has = Has::Piece(piece);
                self.tell(machine, Event::SourceHas { source, has });
            }
        }
        let one = &mut self.machines[machine];
        one.haves_due = one.haves_due.filter(|at| *at > now);
        if let Some(first) = later.iter().map(|(_, _, at)| *at).min() {
            self.haves_later(machine, first);
            heard = later;
        }
        self.machines[machine].heard = heard;
    }
}
