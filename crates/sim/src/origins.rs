//! The origins: connections to them, the time of their answers, limits of what is read, wrong bytes.
//!
//! A machine has as many connections to an origin as it asks for bytes at a time. Each has its own turns in
//! the origin's uplink, as TCP would have it, and asks for one file after another.

use std::time::Duration;

use swarmcopy_layout::{PieceIndex, Span};
use swarmcopy_scheduler::{Event, Instant, OriginPermit, OriginTag, SourceId};

use crate::agenda::Coming;
use crate::link::{End, Link, Way, micros_for};
use crate::machine::Brain;
use crate::outcome::Readers;
use crate::profile::Role;
use crate::world::{World, way};

/// Connections that an origin takes from one machine.
pub(crate) const STREAMS_MAX: u32 = 32;
/// Files that one fetch asks for at a time if they are no longer than this many bytes, as in the tool.
const LANES_MAX: u32 = 16;
const SMALL_LEN: u64 = 256 << 10;

/// An origin's name in the swarm.
pub(crate) fn tag(origin: usize) -> OriginTag {
    OriginTag([u8::try_from(origin + 1).unwrap_or(u8::MAX); 8])
}

/// The number under which each machine knows an origin.
pub(crate) fn source_of(origin: usize) -> SourceId {
    SourceId(u32::try_from(origin).unwrap_or(u32::MAX))
}

impl World {
    /// How many machines there are, the origins apart; origins have the places behind them.
    pub(crate) fn room(&self) -> usize {
        self.profile.machines.len()
    }

    pub(crate) fn is_origin(&self, machine: usize) -> bool {
        machine >= self.room()
    }

    /// The origin that each machine knows by this number.
    pub(crate) fn origin_at(&self, source: SourceId) -> Option<usize> {
        let place = usize::try_from(source.0).ok()?;
        (place < self.profile.origins.len()).then_some(place)
    }

    /// A machine's end of the link to the peer that it knows by this number; peers come behind the origins.
    pub(crate) fn way(&self, machine: usize, peer: SourceId) -> Option<Way> {
        let number = usize::try_from(peer.0).ok()?;
        let place = number.checked_sub(self.profile.origins.len())?;
        self.machines[machine].ways.get(place).copied()
    }

    /// The number of a machine's next peer.
    pub(crate) fn next_source(&self, machine: usize) -> SourceId {
        source_of(self.profile.origins.len() + self.machines[machine].ways.len())
    }

    /// A connection to this origin with nothing on it, a new one if there is none.
    pub(crate) fn stream(&mut self, machine: usize, origin: usize) -> Way {
        let is_idle = |way: Way| {
            let link = &self.links[way.link()];
            link.end(way).asked.is_empty() && link.end(way.other()).serving.is_empty()
        };
        let streams = self.machines[machine].reading.streams.iter();
        let mut idle = streams.filter(|(to, way)| *to == origin && is_idle(*way));
        if let Some((_, way)) = idle.next() {
            return *way;
        }
        let near = End::new(machine, source_of(origin), false);
        let far = End::new(self.room() + origin, SourceId(0), true);
        let new = way(self.links.push(Link::new(near, far)), 0);
        self.machines[machine].reading.streams.push((origin, new));
        new
    }

    /// All that a machine has a link to.
    pub(crate) fn ways(&self, machine: usize) -> impl Iterator<Item = Way> {
        let one = &self.machines[machine];
        let streams = one.reading.streams.iter().map(|(_, way)| *way);
        one.ways.iter().copied().chain(streams)
    }

    /// A machine's connections to origins.
    pub(crate) fn streams(&self, machine: usize) -> impl Iterator<Item = Way> {
        let streams = self.machines[machine].reading.streams.iter();
        streams.map(|(_, way)| *way)
    }

    /// Whether a machine may read this origin now; a user asks nobody.
    pub(crate) fn is_permitted(&self, machine: usize, source: SourceId) -> bool {
        let one = &self.machines[machine];
        let permit = one.reading.permits.get(&source);
        matches!(one.brain, Brain::User { .. }) || permit.is_some_and(OriginPermit::is_live)
    }

    /// Whether an origin has to wait before it sends more from this end.
    pub(crate) fn is_held(&mut self, way: Way) -> bool {
        let link = &self.links[way.link()];
        let end = link.end(way);
        if !self.is_origin(end.machine) || end.ready_at > self.now {
            return end.ready_at > self.now;
        }
        let limited_until = self.machines[link.end(way.other()).machine].reading.next_at;
        let held = limited_until > self.now;
        if held {
            self.hold(way, limited_until);
        }
        held
    }

    fn hold(&mut self, way: Way, until: Instant) {
        self.links[way.link()].end_mut(way).ready_at = until;
        self.agenda.put(until, Coming::Turn(way));
    }

    /// Holds an end back for as long as its origin takes to answer one of `lanes` requests.
    pub(crate) fn answer(&mut self, way: Way, after: Instant, lanes: u32) {
        let origin = self.links[way.link()].end(way).machine - self.room();
        let spec = self.profile.origins.get(origin);
        let answer = spec.map_or(Duration::ZERO, |spec| spec.answer / lanes);
        if !answer.is_zero() {
            self.hold(way, after + answer);
        }
    }

    /// How many files of this length a machine asks this end's origin for at a time in one fetch: several if
    /// they are small, as far as the connections suffice.
    fn lanes(&self, way: Way, len: u64) -> u32 {
        let end = self.links[way.link()].end(way.other());
        let streams = self.machines[end.machine].reading.streams.iter();
        let busy = streams.filter(|(_, way)| !self.links[way.link()].end(*way).asked.is_empty());
        let busy = u32::try_from(busy.count()).unwrap_or(u32::MAX);
        let most = if len <= SMALL_LEN { LANES_MAX } else { 1 };
        (STREAMS_MAX / busy.max(1)).clamp(1, most)
    }

    /// Counts a request of the machine at the other end; users don't count.
    pub(crate) fn count_reader(&mut self, way: Way, count: fn(&mut Readers, Instant, usize)) {
        let reader = self.links[way.link()].end(way.other()).machine;
        if self.machines[reader].spec.role != Role::User {
            count(&mut self.tally.readers, self.now, reader);
        }
    }

    /// An origin has begun to send bytes, which take until `sent_at`; `rest` is what is asked for behind them.
    pub(crate) fn origin_sends(&mut self, way: Way, bytes: u64, sent_at: Instant, rest: Span) {
        let reader = self.links[way.link()].end(way.other()).machine;
        let now = self.now;
        let one = &mut self.machines[reader];
        if one.spec.role != Role::User {
            self.tally.origin_bytes += bytes;
        }
        one.origin_bytes += bytes;
        self.watch_origin_bytes(reader, rest.start().saturating_sub(bytes), bytes);
        let one = &mut self.machines[reader];
        if let Some(limit) = one.reading.limit {
            let time = Duration::from_micros(micros_for(bytes, limit));
            one.reading.next_at = one.reading.next_at.max(now) + time;
        }
        let next = self.layout.slices(rest).next();
        if let Some(file) = next.filter(|slice| slice.offset == 0) {
            let lanes = self.lanes(way, file.span.len());
            self.answer(way, sent_at, lanes);
        }
    }

    /// Bytes until the next file begins behind the first `done` bytes of a span.
    pub(crate) fn to_file_end(&self, span: Span, done: u64) -> u64 {
        let rest = span.after(done);
        let first = self.layout.slices(rest).next();
        first.map_or(rest.len(), |slice| slice.span.len())
    }

    /// Remembers who brought bytes, where somebody has wrong ones.
    pub(crate) fn note_sender(&mut self, machine: usize, source: SourceId, span: Span) {
        let liars = self.profile.machines.iter().any(|it| it.role == Role::Liar);
        if liars || self.profile.origins.iter().any(|spec| spec.wrong_every > 0) {
            let reading = &mut self.machines[machine].reading;
            for piece in self.layout.pieces_of(span) {
                reading.senders.entry(piece).or_default().insert(source);
            }
        }
    }

    /// Whether a source of a machine has wrong bytes in a piece.
    pub(crate) fn brings_wrong(&self, machine: usize, source: SourceId, piece: PieceIndex) -> bool {
        self.has_wrong(source, piece) || self.is_liar(machine, source)
    }

    /// Whether an origin has wrong bytes in a piece.
    pub(crate) fn has_wrong(&self, source: SourceId, piece: PieceIndex) -> bool {
        let place = usize::try_from(source.0).unwrap_or(usize::MAX);
        let spec = self.profile.origins.get(place);
        let every = spec.map_or(0, |spec| spec.wrong_every);
        every > 0 && piece.value().is_multiple_of(every)
    }

    /// Whether a piece that is whole has wrong bytes; if so it is thrown away, and the scheduler hears of it.
    pub(crate) fn is_wrong(&mut self, machine: usize, piece: PieceIndex) -> bool {
        let senders = self.machines[machine].reading.senders.remove(&piece);
        let senders = senders.unwrap_or_default();
        let liars = senders
            .iter()
            .filter(|it| self.brings_wrong(machine, **it, piece));
        let liars: Vec<SourceId> = liars.copied().collect();
        if liars.is_empty() {
            return false;
        }
        let one = &mut self.machines[machine];
        one.reading
            .wrong
            .extend(liars.into_iter().map(|it| (it, piece)));
        let place = usize::try_from(piece.value()).unwrap_or(usize::MAX);
        if let Some(filled) = one.filled.get_mut(place) {
            self.tally.wasted_bytes += std::mem::take(filled);
        }
        let at = u64::try_from(machine).unwrap_or(u64::MAX);
        self.note([9, at, piece.value().into()]);
        let senders = senders.into_iter().collect();
        self.tell(machine, Event::PieceBad { piece, senders });
        true
    }

    /// The peers that brought wrong bytes of a piece that is right now.
    pub(crate) fn proven_liars(&self, machine: usize, piece: PieceIndex) -> Vec<SourceId> {
        let wrong = self.machines[machine].reading.wrong.iter();
        let liars = wrong.filter(|(source, of)| *of == piece && self.is_liar(machine, *source));
        liars.map(|(source, _)| *source).collect()
    }

    /// Whether a peer of a machine serves wrong bytes.
    pub(crate) fn is_liar(&self, machine: usize, source: SourceId) -> bool {
        self.way(machine, source).is_some_and(|way| {
            let server = self.links[way.link()].end(way.other()).machine;
            self.machines[server].spec.role == Role::Liar
        })
    }

    /// Counts pieces that are asked for once more where they were wrong.
    pub(crate) fn count_again(&mut self, machine: usize, source: SourceId, span: Span) {
        let wrong = &self.machines[machine].reading.wrong;
        let again = self.layout.pieces_of(span);
        let again = again
            .filter(|piece| wrong.contains(&(source, *piece)))
            .count();
        self.tally.asked_again += u64::try_from(again).unwrap_or(u64::MAX);
    }
}
