//! Slot messages of strangers and what else happens to a scheduler, one after another; and what must hold whatever that is.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use swarmcopy_layout::{Layout, PieceSet, RelPath, Span, Spans};

use crate::origin::{
    Claim, Hours, Isolated, MESSAGE_ITEMS_MAX, NodeBytes, OriginConfig, SlotMessage, SlotRecord,
};
use crate::{
    Action, Config, Discovery, Down, Event, Has, Hello, Instant, JobId, NodeId, OriginKind,
    OriginTag, Outcome, Scheduler, SourceId, SourceInfo,
};

/// Words of a script that are played.
const WORDS_MAX: usize = 200;
const PIECES: u32 = 40;
const PIECE_LEN: u64 = 64 << 10;
const ORIGIN: SourceId = SourceId(0);
/// Actions that follow one event at most.
const ACTIONS_MAX: usize = 2000;
/// Virtual time in which an origin that serves brings all, once nobody disturbs.
const HEALED_WITHIN: Duration = Duration::from_secs(300);

#[derive(Debug, Arbitrary)]
struct Record {
    slot: u8,
    term: u64,
    holder: u8,
    heartbeat: u64,
    flags: u32,
    goodput: u64,
    extent: u32,
    extents: u32,
    origin_bytes: u64,
}

#[derive(Debug, Arbitrary)]
struct Said {
    group: Option<String>,
    readers: u32,
    node: u8,
    bits: u8,
    goodput: u64,
    waits: u64,
    capacity: u64,
    offers: u64,
    records: Vec<Record>,
    claims: Vec<(u32, u32, u32)>,
    bad: Vec<(u8, u32)>,
    bytes: Vec<(u8, u64)>,
}

#[derive(Debug, Arbitrary)]
enum Word {
    Up {
        peer: u8,
        node: Option<u8>,
        starving: bool,
    },
    Has {
        peer: u8,
        pieces: u64,
    },
    HasAll(u8),
    Unchoke(u8),
    Choke(u8),
    Interested(u8),
    Uploaded {
        peer: u8,
        piece: u8,
        bytes: u32,
    },
    Down {
        peer: u8,
        how: u8,
    },
    Dead(u8),
    Say {
        peer: u8,
        said: Box<Said>,
    },
    /// The payload of a slot message as it came.
    Raw {
        peer: u8,
        payload: Vec<u8>,
    },
    Wait(u16),
    Finish(u8),
    Break(u8),
    Discovery(u8),
    Hours(bool),
}

fn node(which: u8) -> NodeId {
    NodeId([which % 6; 8])
}

fn message(said: &Said) -> SlotMessage {
    let bit = |at: u8| said.bits >> at & 1 == 1;
    let record = |it: &Record| SlotRecord {
        slot: (it.slot % 5).into(),
        term: it.term,
        holder: node(it.holder),
        heartbeat: it.heartbeat,
        flags: it.flags,
        goodput: it.goodput,
        extent: it.extent,
        extents: it.extents,
        origin_bytes: it.origin_bytes,
    };
    let tag = |which: u8| OriginTag([which % 3; 8]);
    SlotMessage {
        group: said.group.clone().unwrap_or_default(),
        readers_max: said.readers,
        node: node(said.node),
        starving: bit(0),
        yields: bit(1),
        slow: bit(2),
        link_goodput: said.goodput,
        waits: said.waits,
        capacity: said.capacity,
        offers: said.offers,
        room: bit(3),
        records: said.records.iter().map(record).collect(),
        claims: said
            .claims
            .iter()
            .map(|&(slot, first, count)| Claim { slot, first, count })
            .collect(),
        bad: said
            .bad
            .iter()
            .map(|&(which, piece)| (tag(which), piece))
            .collect(),
        bytes: said
            .bytes
            .iter()
            .map(|&(of, bytes)| NodeBytes {
                node: node(of),
                bytes,
            })
            .collect(),
    }
}

/// A scheduler, and a world that does what it says.
struct Bench {
    scheduler: Scheduler,
    layout: Arc<Layout>,
    now: Instant,
    jobs: Vec<(JobId, SourceId, Span)>,
    here: Spans,
    up: Vec<SourceId>,
}

impl Bench {
    fn new() -> Option<Self> {
        let file = RelPath::parse("f").ok()?;
        let layout = Layout::builder(PIECE_LEN).file(file, PIECE_LEN * u64::from(PIECES));
        let layout = Arc::new(layout.build().ok()?);
        let mut policy = OriginConfig::new(NodeId([9; 8]), [1; 32]);
        policy.isolated = Isolated::Read;
        let sets = (PieceSet::full(PIECES), PieceSet::empty(PIECES));
        let start = (Instant::ZERO, 42);
        let scheduler = Scheduler::new(
            Config::new(policy),
            Arc::clone(&layout),
            sets.0,
            sets.1,
            start,
        );
        let mut bench = Self {
            scheduler,
            layout,
            now: Instant::ZERO,
            jobs: Vec::new(),
            here: Spans::new(),
            up: Vec::new(),
        };
        let info = SourceInfo::Origin {
            kind: OriginKind::Mirror,
            tag: OriginTag([1; 8]),
            streams_max: 4,
        };
        bench.tell(Event::SourceUp {
            source: ORIGIN,
            info,
        });
        Some(bench)
    }

    fn tell(&mut self, event: Event) {
        self.scheduler.handle(self.now, event);
        self.collect();
    }

    fn collect(&mut self) {
        let mut cancelled = Vec::new();
        let mut actions = 0;
        while let Some(action) = self.scheduler.poll_action() {
            actions += 1;
            assert!(actions <= ACTIONS_MAX, "actions without end");
            match action {
                Action::Fetch { job, source, span } => {
                    assert!(!span.is_empty() && self.here.gaps(span).len() == span.len());
                    self.jobs.push((job, source, span));
                }
                Action::Cancel { job } => cancelled.push(job),
                Action::SendSlots { message, .. } => {
                    assert!(message.records.len() <= MESSAGE_ITEMS_MAX);
                }
                _ => {}
            }
        }
        for job in cancelled {
            self.end(job, Outcome::Cancelled);
        }
    }

    fn end(&mut self, job: JobId, outcome: Outcome) {
        let Some(at) = self.jobs.iter().position(|it| it.0 == job) else {
            return;
        };
        let (_, _, span) = self.jobs.remove(at);
        let done = outcome == Outcome::Done;
        let (bytes, missing) = match done {
            true => (span.len(), Spans::new()),
            false => (0, Spans::of(span)),
        };
        self.tell(Event::JobEnd {
            job,
            outcome,
            bytes,
            missing,
        });
        if done {
            self.here.insert(span);
            for piece in self.layout.pieces_of(span) {
                let whole = self.layout.piece_span(piece);
                if self.here.covers(whole) && !self.scheduler.have().contains(piece) {
                    self.tell(Event::PieceOk { piece });
                }
            }
        }
    }

    fn pick(&self, which: u8) -> Option<JobId> {
        let at = usize::from(which).checked_rem(self.jobs.len())?;
        self.jobs.get(at).map(|job| job.0)
    }

    /// Lets time pass, with all that is due on the way.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut calls = 0;
        while let Some(due) = self.scheduler.poll_timeout().filter(|due| *due <= end) {
            self.now = due.max(self.now + Duration::from_micros(1));
            self.scheduler.handle_timeout(self.now);
            self.collect();
            calls += 1;
            assert!(calls < 100_000, "time-outs without end");
        }
        self.now = self.now.max(end);
    }

    fn down(&mut self, source: SourceId, how: Down) {
        if self.up.contains(&source) {
            self.up.retain(|it| *it != source);
            let jobs = self
                .jobs
                .iter()
                .filter(|job| job.1 == source)
                .map(|job| job.0);
            for job in jobs.collect::<Vec<_>>() {
                self.end(job, Outcome::Broken);
            }
            self.tell(Event::SourceDown { source, how });
            self.jobs.retain(|job| job.1 != source);
        }
    }

    fn play(&mut self, word: &Word) {
        let peer = |which: u8| SourceId(u32::from(which % 5) + 1);
        let is_up = |bench: &Self, which: u8| bench.up.contains(&peer(which));
        let piece = |which: u8| u32::from(which) % PIECES;
        match word {
            Word::Up {
                peer: which,
                node: of,
                starving,
            } if !is_up(self, *which) => {
                let source = peer(*which);
                let hello = of.map(|of| Hello {
                    node: node(of),
                    origins: vec![OriginTag([1; 8])],
                    readers_max: 3,
                    group: Some(String::new()),
                    starving: *starving,
                    ..Hello::default()
                });
                self.up.push(source);
                let info = SourceInfo::Peer { hello };
                self.tell(Event::SourceUp { source, info });
            }
            Word::Down { peer: which, how } => {
                let how = if how % 2 == 0 {
                    Down::Closed
                } else {
                    Down::Reset
                };
                self.down(peer(*which), how);
            }
            Word::Wait(ms) => self.pass(Duration::from_millis((*ms).into())),
            Word::Finish(which) => {
                self.pick(*which)
                    .into_iter()
                    .for_each(|job| self.end(job, Outcome::Done));
            }
            Word::Break(which) => {
                self.pick(*which)
                    .into_iter()
                    .for_each(|job| self.end(job, Outcome::Broken));
            }
            Word::Dead(of) => self.tell(Event::Dead { node: node(*of) }),
            Word::Discovery(which) => self.tell(Event::Discovery(match which % 4 {
                0 => Discovery::Off,
                1 => Discovery::Announced,
                2 => Discovery::Waiting,
                _ => Discovery::Nobody,
            })),
            Word::Hours(open) => {
                let hours = if *open { Hours::Open } else { Hours::Closed };
                self.tell(Event::Hours(hours));
            }
            Word::Up { .. } => {}
            Word::Has { peer: which, .. }
            | Word::HasAll(which)
            | Word::Unchoke(which)
            | Word::Choke(which)
            | Word::Interested(which)
            | Word::Uploaded { peer: which, .. }
            | Word::Say { peer: which, .. }
            | Word::Raw { peer: which, .. } => {
                if is_up(self, *which) {
                    self.hear(peer(*which), word, piece);
                }
            }
        }
    }

    /// A peer that is linked says or does something.
    fn hear(&mut self, source: SourceId, word: &Word, piece: impl Fn(u8) -> u32) {
        let event = match word {
            Word::Has { pieces, .. } => {
                let mut set = PieceSet::empty(PIECES);
                for index in (0..PIECES).filter(|index| pieces >> index & 1 == 1) {
                    if let Some(piece) = self.layout.piece(index) {
                        set.insert(piece);
                    }
                }
                Event::SourceHas {
                    source,
                    has: Has::Set(set),
                }
            }
            Word::HasAll(_) => Event::SourceHas {
                source,
                has: Has::All,
            },
            Word::Unchoke(_) => Event::Unchoked { source },
            Word::Choke(_) => Event::Choked { source },
            Word::Interested(_) => Event::Interested { source },
            Word::Uploaded {
                piece: at, bytes, ..
            } => {
                let Some(piece) = self.layout.piece(piece(*at)) else {
                    return;
                };
                Event::Uploaded {
                    source,
                    piece,
                    bytes: (*bytes).into(),
                }
            }
            Word::Say { said, .. } => {
                for payload in message(said).to_payloads() {
                    if let Some(message) = SlotMessage::from_payload(&payload) {
                        self.tell(Event::Slots { source, message });
                    }
                }
                return;
            }
            Word::Raw { payload, .. } => {
                let Some(message) = SlotMessage::from_payload(payload) else {
                    return;
                };
                Event::Slots { source, message }
            }
            _ => return,
        };
        self.tell(event);
    }

    /// Once all that disturbed is gone, the copy becomes complete from the origin.
    fn heals(&mut self) {
        for source in self.up.clone() {
            self.down(source, Down::Closed);
        }
        self.tell(Event::Hours(Hours::Open));
        self.tell(Event::Discovery(Discovery::Off));
        let end = self.now + HEALED_WITHIN;
        while !self.scheduler.is_complete() && self.now < end {
            while let Some((job, ..)) = self.jobs.first().copied() {
                self.end(job, Outcome::Done);
            }
            self.pass(Duration::from_millis(50));
        }
        let left = self.scheduler.outlook();
        assert!(
            self.scheduler.is_complete(),
            "an honest origin is not read: {left:?}"
        );
    }
}

/// Whatever is said of slots: no rule of the origin breaks, work and messages are bounded, and once that is over the copy
/// becomes complete.
pub fn slot_gossip(bytes: &[u8]) {
    let Ok(mut words) = Vec::<Word>::arbitrary_take_rest(Unstructured::new(bytes)) else {
        return;
    };
    words.truncate(WORDS_MAX);
    let Some(mut bench) = Bench::new() else {
        return;
    };
    for word in &words {
        bench.play(word);
    }
    bench.heals();
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn whatever_is_said_of_slots_the_copy_becomes_complete() {
        replay("slot_gossip", super::slot_gossip);
    }
}
