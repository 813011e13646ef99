//! What one event costs the scheduler: 100,000 pieces of 1 MiB, 200 peers and an origin.
//!
//! The machine copies at 1.25 GB/s of virtual time from neighbours as fast as it. The figures are
//! the time per event, polling the actions included; what happens between the measured events does
//! not count.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant as WallInstant};

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use swarmcopy_layout::{BLOCK_LEN, Layout, PieceIndex, PieceSet, RelPath, Span, Spans};
use swarmcopy_scheduler::origin::OriginConfig;
use swarmcopy_scheduler::{
    Action, Config, Discovery, Event, Has, Hello, Instant, JobId, NodeId, OriginKind, OriginTag,
    Outcome, Scheduler, SourceId, SourceInfo,
};

const PIECES: u32 = 100_000;
const PIECE_LEN: u64 = 1 << 20;
const PEERS: u32 = 200;
/// Bytes that come in a microsecond.
const RATE: u64 = 1250;
/// Pieces that are copied before anything is measured, so that rates are known.
const WARM_PIECES: u32 = 1000;
/// No copy of these takes longer.
const DEADLINE: Instant = Instant::from_micros(3_600_000_000);

/// What the neighbours have at the start.
#[derive(Clone, Copy)]
enum Neighbours {
    /// Nothing.
    Empty,
    /// Each another half.
    Half,
}

/// A fetch that the scheduler asked for.
struct Job {
    id: JobId,
    /// What has not come.
    rest: Span,
}

/// A scheduler and all that it talks to.
struct Room {
    scheduler: Scheduler,
    layout: Arc<Layout>,
    now: Instant,
    /// The oldest first.
    jobs: VecDeque<Job>,
    /// Bytes of each piece that have come.
    filled: Vec<u64>,
    /// Pieces whose last byte came.
    full: Vec<PieceIndex>,
    /// How many pieces every neighbour has told of.
    told: u32,
}

impl Room {
    fn new(neighbours: Neighbours) -> Self {
        let layout = Layout::builder(PIECE_LEN)
            .file(
                RelPath::parse("content").unwrap(),
                PIECE_LEN * u64::from(PIECES),
            )
            .build();
        let layout = Arc::new(layout.unwrap());
        let scheduler = Scheduler::new(
            Config::new(OriginConfig::new(NodeId([9; 8]), [1; 32])),
            Arc::clone(&layout),
            PieceSet::full(PIECES),
            PieceSet::empty(PIECES),
            (Instant::ZERO, 1),
        );
        let mut room = Self {
            scheduler,
            layout,
            now: Instant::from_micros(1),
            jobs: VecDeque::new(),
            filled: vec![0; usize::try_from(PIECES).unwrap()],
            full: Vec::new(),
            told: 0,
        };
        room.furnish(neighbours);
        room
    }

    fn furnish(&mut self, neighbours: Neighbours) {
        let bits_len = usize::try_from(PIECES.div_ceil(8)).unwrap();
        let bits = swarmcopy_benches::noise(bits_len * usize::try_from(PEERS).unwrap());
        for (peer, bits) in (0..PEERS).zip(bits.chunks(bits_len)) {
            let source = SourceId(peer);
            let node = NodeId(u64::from(peer + 1).to_be_bytes());
            let hello = Some(Hello {
                node,
                ..Hello::default()
            });
            self.handle(Event::SourceUp {
                source,
                info: SourceInfo::Peer { hello },
            });
            if let Neighbours::Half = neighbours {
                let has = Has::Set(PieceSet::from_bitfield(PIECES, bits).unwrap());
                self.handle(Event::SourceHas { source, has });
            }
            self.handle(Event::Unchoked { source });
        }
        let (kind, tag) = (OriginKind::Share, OriginTag::of("smb://server/share"));
        let info = SourceInfo::Origin {
            kind,
            tag,
            streams_max: 8,
        };
        self.handle(Event::SourceUp {
            source: SourceId(PEERS),
            info,
        });
        self.handle(Event::Discovery(Discovery::Named));
    }

    /// Tells the scheduler of an event and takes what it wants done.
    fn handle(&mut self, event: Event) {
        self.scheduler.handle(self.now, event);
        self.take_actions();
    }

    fn take_actions(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            match action {
                Action::Fetch { job, span, .. } => self.jobs.push_back(Job {
                    id: job,
                    rest: span,
                }),
                Action::Cancel { job } => self.call_off(job),
                other => drop(black_box(other)),
            }
        }
    }

    fn call_off(&mut self, id: JobId) {
        let Some(at) = self.jobs.iter().position(|job| job.id == id) else {
            return;
        };
        let job = self.jobs.remove(at).unwrap();
        let (outcome, missing) = (Outcome::Cancelled, Spans::of(job.rest));
        self.scheduler.handle(
            self.now,
            Event::JobEnd {
                job: id,
                outcome,
                bytes: 0,
                missing,
            },
        );
    }

    /// Counts bytes that came.
    fn fill(&mut self, span: Span) {
        for piece in self.layout.pieces_of(span) {
            let whole = self.layout.piece_span(piece);
            let filled = &mut self.filled[usize::try_from(piece.value()).unwrap()];
            *filled += whole.intersection(span).len();
            if *filled == whole.len() {
                self.full.push(piece);
            }
        }
    }

    fn pass(&mut self, bytes: u64) {
        self.now = self.now + Duration::from_micros(bytes / RATE);
    }

    /// Lets the time-outs happen that are due; if nothing is under way, waits for the next.
    fn keep_time(&mut self) {
        let Some(due) = self.scheduler.poll_timeout() else {
            return;
        };
        if self.jobs.is_empty() {
            self.now = self.now.max(due);
            assert!(self.now < DEADLINE, "nothing is asked for");
        }
        if due <= self.now {
            self.scheduler.handle_timeout(self.now);
            self.take_actions();
        }
    }

    /// Ends the oldest fetch and verifies what it filled; returns how many events that took.
    fn end_oldest(&mut self) -> u64 {
        let mut events = 0;
        if let Some(Job { id, rest }) = self.jobs.pop_front() {
            self.pass(rest.len());
            self.fill(rest);
            let (outcome, missing) = (Outcome::Done, Spans::new());
            self.handle(Event::JobEnd {
                job: id,
                outcome,
                bytes: rest.len(),
                missing,
            });
            events += 1;
        }
        while let Some(piece) = self.full.pop() {
            self.handle(Event::PieceOk { piece });
            events += 1;
        }
        self.keep_time();
        events
    }

    /// Brings one block of each fetch under way; returns how many events that took.
    fn progress_all(&mut self) -> u64 {
        let block_len = u64::from(BLOCK_LEN);
        let under_way = self.jobs.len();
        for at in 0..under_way {
            // some may be called off on the way
            let Some(job) = self.jobs.get_mut(at) else {
                break;
            };
            let came = job.rest.head(block_len);
            job.rest = job.rest.after(block_len);
            let event = Event::Progress {
                job: job.id,
                bytes: came.len(),
            };
            self.fill(came);
            self.pass(block_len);
            self.handle(event);
        }
        u64::try_from(under_way).unwrap()
    }

    /// Ends the fetches of which all bytes came.
    fn end_delivered(&mut self) {
        while let Some(at) = self.jobs.iter().position(|job| job.rest.is_empty()) {
            let job = self.jobs.remove(at).unwrap();
            self.jobs.push_front(job);
            self.end_oldest();
        }
        self.keep_time();
    }

    /// Every neighbour has one more piece; returns how many events that took.
    fn tell_of_next(&mut self) -> u64 {
        // neither in order nor all over the place twice: 7919 is prime
        let place = u64::from(self.told) * 7919 % u64::from(PIECES);
        let piece = self.layout.piece(u32::try_from(place).unwrap()).unwrap();
        self.told += 1;
        for peer in 0..PEERS {
            let (source, has) = (SourceId(peer), Has::Piece(piece));
            self.pass(PIECE_LEN / u64::from(PEERS));
            self.handle(Event::SourceHas { source, has });
        }
        u64::from(PEERS)
    }

    /// Copies until so many pieces are here.
    fn copy_to(&mut self, pieces: u32) {
        while self.scheduler.have().len() < pieces && !self.jobs.is_empty() {
            self.end_oldest();
        }
    }

    fn warm(neighbours: Neighbours) -> Self {
        let mut room = Self::new(neighbours);
        while room.told < WARM_PIECES {
            room.tell_of_next();
            room.copy_to(room.told);
        }
        let copied = room.scheduler.have().len();
        assert!(
            copied > WARM_PIECES / 2,
            "{copied} pieces: it hardly copies"
        );
        room
    }

    /// Whether there is nothing left to measure.
    fn is_over(&self) -> bool {
        self.scheduler.is_complete() || self.told == PIECES
    }
}

/// Measures `act`, which says how many events it was, and lets `between` happen uncounted.
fn per_event(
    bencher: &mut Bencher<'_>,
    neighbours: Neighbours,
    act: impl Fn(&mut Room) -> u64,
    between: impl Fn(&mut Room),
) {
    let mut room = Room::warm(neighbours);
    bencher.iter_custom(|rounds| {
        let (mut events, mut took) = (0, Duration::ZERO);
        while events < rounds {
            if room.is_over() {
                room = Room::warm(neighbours);
            }
            let start = WallInstant::now();
            events += act(&mut room);
            took += start.elapsed();
            between(&mut room);
        }
        // an act is many events: more than asked for were measured
        let nanos = took.as_nanos() * u128::from(rounds) / u128::from(events);
        Duration::from_nanos(u64::try_from(nanos).unwrap())
    });
}

fn events(criterion: &mut Criterion) {
    let mut group = swarmcopy_benches::group(criterion, "scheduler/per_event");
    group.bench_function("source_has_piece", |bencher| {
        let copy = |room: &mut Room| room.copy_to(room.told);
        per_event(bencher, Neighbours::Empty, Room::tell_of_next, copy);
    });
    group.bench_function("progress", |bencher| {
        let act = Room::progress_all;
        per_event(bencher, Neighbours::Half, act, Room::end_delivered);
    });
    group.bench_function("job_end_and_piece_ok", |bencher| {
        let act = |room: &mut Room| (0..100).map(|_| room.end_oldest()).sum();
        per_event(bencher, Neighbours::Half, act, |_| ());
    });
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
