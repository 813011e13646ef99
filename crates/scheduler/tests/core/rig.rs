//! A scheduler on a bench: events by hand, the actions kept, jobs ended as the test wants.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet, RelPath, Span, Spans};
use swarmcopy_scheduler::origin::{Mode, OriginConfig};
use swarmcopy_scheduler::{
    Action, Config, Discovery, Event, Has, Hello, Instant, JobId, NodeId, OriginKind, OriginPermit,
    OriginTag, Outcome, Scheduler, SourceId, SourceInfo,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const ORIGIN: SourceId = SourceId(0);

/// A scheduler and all that it did.
pub(crate) struct Rig {
    pub(crate) scheduler: Scheduler,
    pub(crate) layout: Arc<Layout>,
    pub(crate) fetched: Vec<Span>,
    pub(crate) log: Vec<String>,
    now: Instant,
    running: Vec<(JobId, SourceId, Span)>,
    /// Bytes of each running job that were told already.
    told: Vec<(JobId, u64)>,
    cancelled: BTreeSet<JobId>,
    here: Spans,
    wanted: PieceSet,
    /// Peers that can be asked.
    open: BTreeSet<SourceId>,
    permits: BTreeMap<SourceId, OriginPermit>,
    origins: BTreeSet<SourceId>,
    completed: bool,
    /// How often the origin was opened.
    pub(crate) opened: usize,
    actions: Vec<Action>,
}

impl Rig {
    pub(crate) fn new(pieces: u32, piece_len: u64, mode: Mode) -> Self {
        let sets = (PieceSet::full(pieces), PieceSet::empty(pieces));
        Self::with(pieces, piece_len, mode, sets)
    }

    pub(crate) fn with(
        pieces: u32,
        piece_len: u64,
        mode: Mode,
        sets: (PieceSet, PieceSet),
    ) -> Self {
        let file = RelPath::parse("f").unwrap();
        let builder = Layout::builder(piece_len).file(file, piece_len * u64::from(pieces));
        let layout = Arc::new(builder.build().unwrap());
        let mut policy = OriginConfig::new(NodeId([9; 8]), [1; 32]);
        policy.mode = mode;
        let (wanted, have) = sets;
        let wanted_here = wanted.clone();
        let start = (Instant::ZERO, 42);
        let scheduler = Scheduler::new(
            Config::new(policy),
            Arc::clone(&layout),
            wanted,
            have,
            start,
        );
        let mut rig = Self {
            scheduler,
            layout,
            fetched: Vec::new(),
            log: Vec::new(),
            now: Instant::ZERO,
            running: Vec::new(),
            told: Vec::new(),
            cancelled: BTreeSet::new(),
            here: Spans::new(),
            wanted: wanted_here,
            open: BTreeSet::new(),
            permits: BTreeMap::new(),
            origins: BTreeSet::new(),
            completed: false,
            opened: 0,
            actions: Vec::new(),
        };
        rig.collect();
        rig
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    pub(crate) fn tell(&mut self, event: Event) {
        match &event {
            Event::Unchoked { source } => drop(self.open.insert(*source)),
            Event::Choked { source } | Event::SourceDown { source, .. } => {
                self.open.remove(source);
            }
            _ => {}
        }
        self.scheduler.handle(self.now, event);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            self.log.push(format!("{} {action:?}", self.now.micros()));
            match &action {
                Action::Fetch { job, source, span } => {
                    self.may_fetch(*source, *span);
                    for (.., other) in &self.running {
                        assert!(
                            other.intersection(*span).is_empty(),
                            "two jobs bring {span}"
                        );
                    }
                    let twice = self
                        .here
                        .iter()
                        .any(|run| !run.intersection(*span).is_empty());
                    assert!(!twice, "{span} is here");
                    self.fetched.push(*span);
                    self.running.push((*job, *source, *span));
                }
                Action::Cancel { job } => {
                    self.cancelled.insert(*job);
                }
                Action::Complete => {
                    assert!(
                        !std::mem::replace(&mut self.completed, true),
                        "complete is told once"
                    );
                }
                _ => {}
            }
            if let Action::OpenOrigin { permit } = action {
                self.opened += 1;
                self.permits.insert(permit.origin(), permit);
            } else {
                self.actions.push(action);
            }
        }
    }

    /// What is asked is wanted, missing, and asked of somebody who may be asked.
    fn may_fetch(&self, source: SourceId, span: Span) {
        assert!(!span.is_empty(), "an empty fetch");
        for piece in self.layout.pieces_of(span) {
            assert!(self.wanted.contains(piece), "{piece:?} is not wanted");
            assert!(!self.scheduler.have().contains(piece), "{piece:?} is here");
        }
        if self.origins.contains(&source) {
            let live = self.permits.get(&source).is_some_and(OriginPermit::is_live);
            assert!(live, "the origin is asked without a permit");
        } else {
            assert!(
                self.open.contains(&source),
                "{source:?} does not let us ask"
            );
        }
    }

    /// Lets time pass, with all that is due on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.calls_in(time);
    }

    /// The same; how often something was due.
    pub(crate) fn calls_in(&mut self, time: Duration) -> u32 {
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
        calls
    }

    /// A stock client that chokes us.
    pub(crate) fn peer(&mut self, source: SourceId, has: Has) {
        let info = SourceInfo::Peer { hello: None };
        self.tell(Event::SourceUp { source, info });
        self.tell(Event::SourceHas { source, has });
    }

    /// A stock client that lets us ask.
    pub(crate) fn serving_peer(&mut self, source: SourceId, has: Has) {
        self.peer(source, has);
        self.tell(Event::Unchoked { source });
    }

    /// A machine of ours that chokes us.
    pub(crate) fn own_peer(&mut self, source: SourceId, node: u8, has: Has) {
        let hello = Hello {
            node: NodeId([node; 8]),
            ..Hello::default()
        };
        let info = SourceInfo::Peer { hello: Some(hello) };
        self.tell(Event::SourceUp { source, info });
        self.tell(Event::SourceHas { source, has });
    }

    pub(crate) fn origin(&mut self) {
        self.origin_at(ORIGIN);
    }

    pub(crate) fn origin_at(&mut self, source: SourceId) {
        self.origins.insert(source);
        let info = SourceInfo::Origin {
            kind: OriginKind::Mirror,
            tag: OriginTag(u64::from(source.0).to_be_bytes()),
            streams_max: 4,
        };
        self.tell(Event::SourceUp { source, info });
    }

    /// The origins whose permits hold.
    pub(crate) fn open_origins(&self) -> Vec<SourceId> {
        let open = self.permits.iter().filter(|(_, permit)| permit.is_live());
        open.map(|(source, _)| *source).collect()
    }

    /// The jobs of one source bring so many more bytes, as far as they can.
    pub(crate) fn progress_of(&mut self, source: SourceId, bytes: u64) {
        for (job, from, span) in self.running.clone() {
            let told: u64 = self
                .told
                .iter()
                .filter(|(id, _)| *id == job)
                .map(|(_, told)| told)
                .sum();
            if from == source && told + bytes < span.len() {
                self.told.push((job, bytes));
                self.tell(Event::Progress { job, bytes });
            }
        }
    }

    /// Ends the jobs of one source; `Done` brings all bytes, anything else what was told.
    pub(crate) fn end_of(&mut self, source: SourceId, outcome: Outcome) {
        for (job, from, span) in self.running.clone() {
            let told: u64 = self
                .told
                .iter()
                .filter(|(id, _)| *id == job)
                .map(|(_, told)| told)
                .sum();
            let came = if outcome == Outcome::Done {
                span
            } else {
                span.head(told)
            };
            if from == source {
                self.end(job, outcome, came);
            }
        }
    }

    /// Pieces that are whole prove right.
    pub(crate) fn verify_whole(&mut self) {
        for piece in self.whole() {
            self.tell(Event::PieceOk { piece });
        }
    }

    pub(crate) fn alone(&mut self) {
        self.tell(Event::Discovery(Discovery::Off));
    }

    /// The jobs under way.
    pub(crate) fn jobs(&self) -> &[(JobId, SourceId, Span)] {
        &self.running
    }

    /// Pieces of which bytes are here or on their way, not verified.
    pub(crate) fn touched(&self) -> BTreeSet<u32> {
        let spans = self
            .running
            .iter()
            .map(|(.., span)| *span)
            .chain(self.here.iter());
        let pieces = spans.flat_map(|span| self.layout.pieces_of(span));
        let have = self.scheduler.have();
        pieces
            .filter(|piece| !have.contains(*piece))
            .map(|piece| piece.value())
            .collect()
    }

    /// Ends a job; `came` of it is here.
    pub(crate) fn end(&mut self, job: JobId, outcome: Outcome, came: Span) {
        let Some(at) = self.running.iter().position(|(id, ..)| *id == job) else {
            return;
        };
        let (.., span) = self.running.remove(at);
        self.cancelled.remove(&job);
        let told: u64 = self
            .told
            .iter()
            .filter(|(id, _)| *id == job)
            .map(|(_, told)| told)
            .sum();
        self.here.insert(came);
        let mut missing = Spans::of(span);
        missing.remove(came);
        let bytes = came.len().saturating_sub(told);
        self.tell(Event::JobEnd {
            job,
            outcome,
            bytes,
            missing,
        });
    }

    /// Ends all jobs in the same way; `Done` brings all bytes, anything else none.
    pub(crate) fn end_all(&mut self, outcome: Outcome) {
        let running = self.running.clone();
        for (job, _, span) in running {
            let told: u64 = self
                .told
                .iter()
                .filter(|(id, _)| *id == job)
                .map(|(_, told)| told)
                .sum();
            let came = if outcome == Outcome::Done {
                span
            } else {
                span.head(told)
            };
            self.end(job, outcome, came);
        }
    }

    /// Ends the jobs that were called off; what they brought stays.
    pub(crate) fn end_cancelled(&mut self) {
        for job in self.cancelled.clone() {
            let told: u64 = self
                .told
                .iter()
                .filter(|(id, _)| *id == job)
                .map(|(_, told)| told)
                .sum();
            let span = self
                .running
                .iter()
                .find(|(id, ..)| *id == job)
                .map(|(.., span)| *span);
            if let Some(span) = span {
                self.end(job, Outcome::Cancelled, span.head(told));
            }
        }
    }

    /// Each job brings so many more bytes, as far as it can.
    pub(crate) fn progress_all(&mut self, bytes: u64) {
        for (job, _, span) in self.running.clone() {
            let told: u64 = self
                .told
                .iter()
                .filter(|(id, _)| *id == job)
                .map(|(_, told)| told)
                .sum();
            if told + bytes < span.len() {
                self.told.push((job, bytes));
                self.tell(Event::Progress { job, bytes });
            }
        }
    }

    /// The pieces whose bytes are all here and not verified.
    pub(crate) fn whole(&self) -> Vec<PieceIndex> {
        let touched = self.touched();
        let pieces = touched.iter().filter_map(|index| self.layout.piece(*index));
        pieces
            .filter(|piece| self.here.covers(self.layout.piece_span(*piece)))
            .collect()
    }

    /// The bytes of a piece are thrown away.
    pub(crate) fn lose(&mut self, piece: PieceIndex) {
        self.here.remove(self.layout.piece_span(piece));
    }

    /// The jobs that were called off and have not ended.
    pub(crate) fn called_off(&self) -> &BTreeSet<JobId> {
        &self.cancelled
    }

    /// Brings and verifies everything.
    pub(crate) fn finish(&mut self) {
        for _ in 0..10_000 {
            if self.scheduler.is_complete() {
                return;
            }
            self.pass(Duration::from_millis(10));
            self.end_all(Outcome::Done);
            for piece in self.whole() {
                self.tell(Event::PieceOk { piece });
            }
        }
        panic!("it does not end");
    }

    pub(crate) fn did(&self, what: impl Fn(&Action) -> bool) -> bool {
        self.actions.iter().any(what)
    }

    /// What the first action tells that tells anything.
    pub(crate) fn find<T>(&self, what: impl Fn(&Action) -> Option<T>) -> Option<T> {
        self.actions.iter().find_map(what)
    }

    /// What all actions tell that tell anything.
    pub(crate) fn all<T>(&self, what: impl Fn(&Action) -> Option<T>) -> Vec<T> {
        self.actions.iter().filter_map(what).collect()
    }

    pub(crate) fn count(&self, what: impl Fn(&Action) -> bool) -> usize {
        self.actions.iter().filter(|action| what(action)).count()
    }

    /// Forgets the actions so far.
    pub(crate) fn forget(&mut self) {
        self.actions.clear();
    }
}
