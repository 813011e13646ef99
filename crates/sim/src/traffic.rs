//! How bytes move: uplinks send quanta in turn, downlinks take them one after another.

use std::time::Duration;

use swarmcopy_layout::{BLOCK_LEN, PieceIndex, Span, Spans};
use swarmcopy_scheduler::spread::uplink::Uplink as Order;
use swarmcopy_scheduler::{Event, Instant, Outcome};

use crate::agenda::{Coming, Word};
use crate::link::{QUANTUM, Way, backlog, micros_for, window};
use crate::machine::Brain;
use crate::outcome::Readers;
use crate::profile::Role;
use crate::world::World;

/// A job's bytes are told at least this often.
const PROGRESS: (u64, Duration) = (1 << 20, Duration::from_millis(50));

impl World {
    /// A job waits at this end to be served.
    pub(crate) fn serve(&mut self, way: Way, job: u32) {
        self.line_up(way, job);
        if self.is_origin(self.links[way.link()].end(way).machine) {
            self.count_reader(way, Readers::opened);
            self.answer(way, self.now, 1);
        }
        self.take_turn(way);
    }

    /// Puts a job among those that this end serves.
    fn line_up(&mut self, way: Way, key: u32) {
        let start = self.jobs.get(key).map(|job| job.span.start());
        let piece = start.and_then(|start| self.layout.piece_at(start));
        let end = self.links[way.link()].end_mut(way);
        let order = &mut self.machines[end.machine].up.order;
        if let Some(piece) = piece {
            end.serving.put(order, piece, key);
        }
    }

    /// The server is done with a job, one way or the other.
    fn served(&mut self, way: Way, key: u32) {
        if self.is_origin(self.links[way.link()].end(way).machine) {
            self.count_reader(way, Readers::closed);
        }
        if let Some(job) = self.jobs.get_mut(key) {
            job.served = true;
        }
        self.retire(key);
    }

    /// Forgets all that this end has to send.
    pub(crate) fn drop_serving(&mut self, way: Way) {
        let end = self.links[way.link()].end_mut(way);
        let serving: Vec<u32> = end.serving.drain().collect();
        for key in serving {
            self.served(way, key);
        }
        self.give_back(way);
    }

    /// The server at this end hears that a job is not wanted any more.
    pub(crate) fn withdraw(&mut self, way: Way, key: u32) {
        let serving = &mut self.links[way.link()].end_mut(way).serving;
        if serving.remove(|other| *other == key).is_some() {
            self.served(way, key);
            self.give_back(way);
        }
        if let Some(job) = self.jobs.get_mut(key) {
            job.withdrawn = false;
        }
        self.retire(key);
    }

    pub(crate) fn retire(&mut self, key: u32) {
        if self.jobs.get(key).is_some_and(super::link::Job::is_over) {
            self.jobs.take(key);
        }
    }

    /// An end with something to send gets in line.
    pub(crate) fn take_turn(&mut self, way: Way) {
        self.get_in_line(way);
        self.send(self.links[way.link()].end(way).machine);
    }

    fn get_in_line(&mut self, way: Way) {
        let end = self.links[way.link()].end(way);
        let machine = end.machine;
        if end.in_turn || end.serving.is_empty() || !self.sends(machine) || self.is_held(way) {
            return;
        }
        self.links[way.link()].end_mut(way).in_turn = true;
        self.machines[machine].up.turns.push_back(way);
    }

    /// Whether a machine of ours serves this end now; others serve all ends at the same time.
    fn has_turn(&mut self, way: Way) -> bool {
        let end = self.links[way.link()].end(way);
        let (machine, source) = (end.machine, end.source);
        let urgency = end.serving.urgency(std::iter::empty());
        !self.is_own(machine)
            || self.ask_order(machine, |now, order| order.want(now, source, urgency))
    }

    /// An end without anything to send leaves its place to others.
    fn give_back(&mut self, way: Way) {
        let end = self.links[way.link()].end(way);
        let (machine, source) = (end.machine, end.source);
        if end.serving.is_empty() && self.is_own(machine) {
            self.ask_order(machine, |now, order| order.give_back(now, source));
            self.send(machine);
        }
    }

    fn is_own(&self, machine: usize) -> bool {
        !self.is_origin(machine) && self.machines[machine].spec.role == Role::Own
    }

    /// Asks the uplink of a machine of ours; ends whose turn has come get in line.
    fn ask_order<T>(&mut self, machine: usize, ask: impl FnOnce(Instant, &mut Order) -> T) -> T {
        let answer = ask(self.now, &mut self.machines[machine].up.order);
        while let Some(source) = self.machines[machine].up.order.poll_turn() {
            if let Some(way) = self.way(machine, source) {
                self.get_in_line(way);
            }
        }
        let up = &mut self.machines[machine].up;
        if let (Some(at), None) = (up.order.poll_timeout(), up.order_due) {
            up.order_due = Some(at);
            self.agenda.put(at.max(self.now), Coming::TurnsEnd(machine));
        }
        answer
    }

    /// Turns of a machine's uplink may have lasted too long.
    pub(crate) fn turns_end(&mut self, machine: usize) {
        self.machines[machine].up.order_due = None;
        self.ask_order(machine, |now, order| order.handle_timeout(now));
        self.send(machine);
    }

    fn sends(&self, machine: usize) -> bool {
        !matches!(
            self.machines[machine].brain,
            Brain::Mute | Brain::Claimer(_) | Brain::Absent | Brain::User { .. }
        )
    }

    /// Starts the next quantum of an idle uplink.
    pub(crate) fn send(&mut self, machine: usize) {
        while self.machines[machine].up.sending.is_none() && !self.machines[machine].up.stopped {
            let Some(way) = self.machines[machine].up.turns.pop_front() else {
                return;
            };
            self.links[way.link()].end_mut(way).in_turn = false;
            if self.may_send(way)
                && self.has_turn(way)
                && let Some((key, bytes)) = self.next_quantum(way)
            {
                self.start(way, key, bytes);
            }
        }
    }

    /// Whether the window of the link is open.
    fn may_send(&self, way: Way) -> bool {
        let link = &self.links[way.link()];
        let on_way = link.end(way).on_way;
        let receiver = &self.machines[link.end(way.other()).machine];
        let latency = self.way_latency(way);
        let behind = receiver.backlog >= backlog(receiver.spec.down_rate, latency);
        let window = window(self.machines[link.end(way).machine].up.rate, latency);
        link.up && (on_way == 0 || on_way < window && !behind)
    }

    /// The next bytes to send from this end; drops jobs that have ended.
    fn next_quantum(&mut self, way: Way) -> Option<(u32, u64)> {
        loop {
            let end = self.links[way.link()].end(way);
            let key = end.serving.front().copied()?;
            let machine = end.machine;
            if self.is_revoked(way, key) {
                self.links[way.link()].end_mut(way).serving.pop();
                self.served(way, key);
                continue;
            }
            // as much as two milliseconds take, in whole blocks
            let block = u64::from(BLOCK_LEN);
            let rate = self.machines[machine].up.rate;
            let most = (rate / 500 / block * block).clamp(block, QUANTUM);
            let job = self.jobs.get(key)?;
            let left = if self.is_origin(machine) {
                self.to_file_end(job.span, job.sent)
            } else {
                job.span.len() - job.sent
            };
            return Some((key, left.min(most)));
        }
    }

    /// At a piece's start the origin looks at the permit; without one the job ends there.
    fn is_revoked(&mut self, way: Way, key: u32) -> bool {
        if !self.is_origin(self.links[way.link()].end(way).machine) {
            return false;
        }
        let reader = self.links[way.link()].end(way.other());
        let (reader, source) = (reader.machine, reader.source);
        let Some(job) = self.jobs.get(key) else {
            return true;
        };
        let at = job.span.start() + job.sent;
        let live = self.is_permitted(reader, source);
        let boundary = at % self.layout.piece_len() == 0;
        if live || !boundary {
            return false;
        }
        self.end_job(key, Outcome::Cancelled);
        true
    }

    fn start(&mut self, way: Way, key: u32, bytes: u64) {
        let machine = self.links[way.link()].end(way).machine;
        let to = self.links[way.link()].end(way.other()).machine;
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        let (span, sent) = (job.span, job.sent);
        job.sent += bytes;
        job.quanta += 1;
        let whole = job.sent >= span.len();
        let time = Duration::from_micros(micros_for(bytes, self.machines[machine].up.rate));
        if self.is_origin(machine) {
            let rest = span.after(sent + bytes);
            self.origin_sends(way, bytes, self.now + time, rest);
        }
        let end = self.links[way.link()].end_mut(way);
        end.on_way += bytes;
        if whole {
            end.serving.pop();
            self.served(way, key);
            self.tell_uploaded(way, span);
        }
        self.machines[to].backlog += bytes;
        let up = &mut self.machines[machine].up;
        up.sending = Some((way, key, bytes));
        self.agenda.put(self.now + time, Coming::Sent(machine));
        if self.is_own(machine) {
            let source = self.links[way.link()].end(way).source;
            self.ask_order(machine, |now, order| order.spend(now, source, bytes));
            self.give_back(way);
        }
        self.take_turn(way);
    }

    fn tell_uploaded(&mut self, way: Way, span: Span) {
        let end = self.links[way.link()].end(way);
        let (machine, source) = (end.machine, end.source);
        if let Some(piece) = self
            .layout
            .piece_at(span.start())
            .filter(|_| !self.is_origin(machine))
        {
            let bytes = span.len();
            self.tell(
                machine,
                Event::Uploaded {
                    source,
                    piece,
                    bytes,
                },
            );
        }
    }

    /// An uplink has sent a quantum: it is on its way, and the next may go.
    pub(crate) fn sent(&mut self, machine: usize) {
        let Some((way, key, bytes)) = self.machines[machine].up.sending.take() else {
            return;
        };
        let to = self.links[way.link()].end(way.other()).machine;
        let arrives = self.now + self.way_latency(way);
        let receiver = &mut self.machines[to];
        let first = arrives.max(receiver.down_free);
        let time = Duration::from_micros(micros_for(bytes, receiver.spec.down_rate));
        receiver.down_free = first + time;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.agenda
            .put(receiver.down_free, Coming::Arrived(way, key, bytes));
        self.send(machine);
    }

    /// A quantum has arrived, sent from this end.
    pub(crate) fn arrived(&mut self, way: Way, key: u32, bytes: u64) {
        let link = &mut self.links[way.link()];
        let up = link.up;
        link.end_mut(way).on_way -= bytes;
        let taker = link.end(way.other());
        let (to, source) = (taker.machine, taker.source);
        // a machine that started again has none of what its former process was sent
        self.machines[to].backlog = self.machines[to].backlog.saturating_sub(bytes);
        let (now, origin) = (self.now, self.origin_at(source));
        self.machines[to].note_bytes(now, origin, bytes);
        if let Some(job) = self.jobs.get_mut(key) {
            job.quanta -= 1;
            if job.ended.is_some() || !up {
                self.tally.wasted_bytes += bytes;
            } else {
                let span = job.span.after(job.arrived).head(bytes);
                job.arrived += bytes;
                job.untold += bytes;
                let whole = job.arrived >= job.span.len();
                if whole {
                    job.ended = Some(Outcome::Done);
                }
                let tell = job.untold >= PROGRESS.0 || now.since(job.told_at) >= PROGRESS.1;
                self.note_sender(to, source, span);
                self.note_useful(to, source, span);
                self.fill(to, span);
                if whole {
                    self.tell_job_end(key);
                } else if tell {
                    self.tell_progress(to, key);
                }
            }
            self.retire(key);
        }
        self.take_turn(way);
    }

    fn tell_progress(&mut self, machine: usize, key: u32) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(key) else {
            return;
        };
        job.told_at = now;
        let bytes = std::mem::take(&mut job.untold);
        let event = Event::Progress { job: job.id, bytes };
        self.tell(machine, event);
    }

    /// Ends a job early; its scheduler hears of it in this moment, the server a little later.
    pub(crate) fn end_job(&mut self, key: u32, outcome: Outcome) {
        let Some(job) = self.jobs.get_mut(key).filter(|job| job.ended.is_none()) else {
            return;
        };
        job.ended = Some(outcome);
        job.withdrawn = true;
        let server = job.asker.other();
        self.agenda.put(self.now, Coming::JobEnd(key));
        let at = self.now + self.way_latency(server);
        self.agenda
            .put(at, Coming::Word(server, Word::Withdraw(key)));
    }

    /// A scheduler hears how its job ended.
    pub(crate) fn tell_job_end(&mut self, key: u32) {
        let Some(job) = self.jobs.get_mut(key).filter(|job| !job.end_told) else {
            return;
        };
        let Some(outcome) = job.ended else {
            return;
        };
        job.end_told = true;
        let missing = Spans::of(job.span.after(job.arrived));
        let bytes = std::mem::take(&mut job.untold);
        let (id, asker) = (job.id, job.asker);
        let end = self.links[asker.link()].end_mut(asker);
        end.asked.retain(|other| *other != key);
        let machine = end.machine;
        self.retire(key);
        self.has_read(machine);
        self.tell(
            machine,
            Event::JobEnd {
                job: id,
                outcome,
                bytes,
                missing,
            },
        );
    }

    /// Bytes are here; whole pieces are hashed.
    fn fill(&mut self, machine: usize, span: Span) {
        for piece in self.layout.pieces_of(span) {
            let whole = self.layout.piece_span(piece);
            let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
            let Some(filled) = self.machines[machine].filled.get_mut(place) else {
                continue;
            };
            *filled += whole.intersection(span).len();
            assert!(
                *filled <= whole.len(),
                "no byte is fetched twice (seed {}, machine {machine}, piece {})",
                self.profile.seed,
                piece.value()
            );
            if *filled == whole.len() {
                let time = Duration::from_micros(micros_for(whole.len(), self.profile.verify_rate));
                self.agenda
                    .put(self.now + time, Coming::Checked(machine, piece.value()));
            }
        }
    }

    /// A piece proved right: the machine knows at once, its neighbours a little later.
    pub(crate) fn checked(&mut self, machine: usize, index: u32) {
        if !self.machines[machine].is_alive() {
            return;
        }
        let Some(piece) = self.layout.piece(index) else {
            return;
        };
        if self.is_wrong(machine, piece) {
            return;
        }
        self.in_swarm(piece);
        self.machines[machine].note_arrival(self.now, index);
        self.tally.arrivals += 1;
        let at = self.later(machine);
        self.agenda.put(at, Coming::Have(machine, index));
        self.tell(machine, Event::PieceOk { piece });
        for source in self.proven_liars(machine, piece) {
            self.tell(machine, Event::Liar { source, piece });
        }
    }

    pub(crate) fn in_swarm(&mut self, piece: PieceIndex) {
        let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
        if let Some(known) = self.in_swarm.get_mut(place)
            && !std::mem::replace(known, true)
        {
            self.in_swarm_count += 1;
        }
    }

    /// When a word that the machine says now is heard by those that are near.
    fn later(&self, machine: usize) -> Instant {
        self.machines[machine].busy_until.max(self.now) + self.profile.latency
    }
}
