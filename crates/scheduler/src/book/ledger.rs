//! The book of what is being fetched: jobs, and the pieces they fill.
//!
//! A piece is *open* (nobody fetches it), *partial* (some job does, or some of its bytes are here)
//! or verified. Bytes of a partial piece that no job brings and that are not here are *free*.
//! The bytes of all partial pieces are the credit that backpressure counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_layout::{Layout, PieceIndex, PieceSet, Span, Spans};

use crate::{Instant, JobId, SourceId};

/// One fetch under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    source: SourceId,
    span: Span,
    delivered: u64,
    started: Instant,
    /// When its first bytes were told.
    first_at: Option<Instant>,
    cancelled: bool,
    /// How often its work was taken over from others.
    moves: u32,
}

impl Job {
    /// Who was asked.
    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// What for.
    pub(crate) fn span(&self) -> Span {
        self.span
    }

    /// Bytes that it brought.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// When it was given to its source.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// How long its first bytes took, or would have taken if they came now.
    pub(crate) fn latency(&self, now: Instant) -> Duration {
        self.first_at.unwrap_or(now).since(self.started)
    }

    /// Whether it was called off.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// How often its work was taken over from others.
    pub(crate) fn moves(&self) -> u32 {
        self.moves
    }

    /// Bytes that it still has to bring.
    pub(crate) fn left(&self) -> u64 {
        self.span.len().saturating_sub(self.delivered)
    }
}

#[derive(Debug, Default)]
struct Partial {
    free: Spans,
    jobs: Vec<JobId>,
    /// It was begun for an origin.
    of_origin: bool,
}

/// Jobs and partial pieces of one content.
#[derive(Debug)]
pub(crate) struct Ledger {
    layout: Arc<Layout>,
    /// Pieces that no new job may begin: verified, partial or unwanted.
    closed: PieceSet,
    /// Pieces that wait for their turn.
    held: PieceSet,
    /// Both.
    shut: PieceSet,
    partials: BTreeMap<PieceIndex, Partial>,
    loose: BTreeSet<PieceIndex>,
    /// Wanted pieces that are not verified and of which some byte is neither here nor on its way.
    missing: PieceSet,
    jobs: BTreeMap<JobId, Job>,
    next_job: u64,
    outstanding: u64,
    /// Of these, what was begun for origins.
    outstanding_of_origins: u64,
}

impl Ledger {
    /// A book with nothing under way; `closed` pieces are never begun.
    pub(crate) fn new(layout: Arc<Layout>, closed: PieceSet) -> Self {
        let mut missing = PieceSet::full(layout.pieces());
        missing.subtract(&closed);
        Self {
            missing,
            layout,
            held: PieceSet::empty(closed.capacity()),
            shut: closed.clone(),
            closed,
            partials: BTreeMap::new(),
            loose: BTreeSet::new(),
            jobs: BTreeMap::new(),
            next_job: 0,
            outstanding: 0,
            outstanding_of_origins: 0,
        }
    }

    /// Bytes of all partial pieces.
    pub(crate) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Bytes of the partial pieces that were not begun for an origin.
    pub(crate) fn outstanding_of_others(&self) -> u64 {
        self.outstanding.saturating_sub(self.outstanding_of_origins)
    }

    /// Pieces that no new job may begin.
    pub(crate) fn closed(&self) -> &PieceSet {
        &self.closed
    }

    /// Pieces that no new job may begin, or should not yet.
    pub(crate) fn shut(&self) -> &PieceSet {
        &self.shut
    }

    /// The piece waits for its turn.
    pub(crate) fn hold(&mut self, piece: PieceIndex) {
        self.held.insert(piece);
        self.shut.insert(piece);
    }

    /// It waits no more; whether it did.
    pub(crate) fn release(&mut self, piece: PieceIndex) -> bool {
        let held = self.held.remove(piece);
        if !self.closed.contains(piece) {
            self.shut.remove(piece);
        }
        held
    }

    /// Wanted pieces that are not verified and of which some byte is neither here nor on its way.
    pub(crate) fn missing(&self) -> &PieceSet {
        &self.missing
    }

    /// Partial pieces with free bytes.
    pub(crate) fn loose(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.loose.iter().copied()
    }

    /// Bytes of the pieces of which some were begun and are free.
    pub(crate) fn loose_len(&self) -> u64 {
        let len = |piece| self.layout.piece_span(piece).len();
        self.loose().map(len).sum()
    }

    /// The first free run of a partial piece.
    pub(crate) fn free_run(&self, piece: PieceIndex) -> Option<Span> {
        self.partials.get(&piece)?.free.first()
    }

    /// Those of which this is true.
    pub(crate) fn jobs_where(&self, wanted: impl Fn(&Job) -> bool) -> Vec<JobId> {
        let jobs = self.jobs().filter(|(_, job)| wanted(job));
        jobs.map(|(id, _)| id).collect()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The job with this number.
    pub(crate) fn job(&self, job: JobId) -> Option<&Job> {
        self.jobs.get(&job)
    }

    /// All jobs.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = (JobId, &Job)> {
        self.jobs.iter().map(|(id, job)| (*id, job))
    }

    /// Marks a job as called off; tells whether it was not yet.
    pub(crate) fn cancel(&mut self, job: JobId) -> bool {
        self.jobs
            .get_mut(&job)
            .is_some_and(|job| !std::mem::replace(&mut job.cancelled, true))
    }

    /// The work of a job was taken over from others so many times.
    pub(crate) fn moved(&mut self, job: JobId, moves: u32) {
        if let Some(job) = self.jobs.get_mut(&job) {
            job.moves = moves;
        }
    }

    /// Begins the open piece: its bytes are free.
    pub(crate) fn begin(&mut self, piece: PieceIndex) {
        if self.closed.insert(piece) {
            self.shut.insert(piece);
            let span = self.layout.piece_span(piece);
            self.outstanding += span.len();
            self.partials.insert(
                piece,
                Partial {
                    free: Spans::of(span),
                    jobs: Vec::new(),
                    of_origin: false,
                },
            );
            self.loose.insert(piece);
        }
    }

    /// Begins all open pieces of a run of whole pieces; the bytes of it that are free.
    pub(crate) fn begin_run(&mut self, span: Span) -> Spans {
        let mut free = Spans::of(span);
        for piece in self.layout.pieces_of(span) {
            let is_new = !self.closed.contains(piece);
            self.begin(piece);
            if let Some(partial) = self.partials.get_mut(&piece) {
                if is_new {
                    partial.of_origin = true;
                    self.outstanding_of_origins += self.layout.piece_span(piece).len();
                }
                let whole = self.layout.piece_span(piece);
                partial
                    .free
                    .gaps(whole)
                    .iter()
                    .for_each(|gap| free.remove(gap));
            }
        }
        free
    }

    /// Gives the bytes of `span` to a job of `source`; its pieces must have been begun.
    pub(crate) fn assign(&mut self, now: Instant, source: SourceId, span: Span) -> JobId {
        let id = JobId(self.next_job);
        self.next_job += 1;
        let job = Job {
            source,
            span,
            delivered: 0,
            started: now,
            first_at: None,
            cancelled: false,
            moves: 0,
        };
        self.jobs.insert(id, job);
        for piece in self.layout.pieces_of(span) {
            if let Some(partial) = self.partials.get_mut(&piece) {
                partial.free.remove(span);
                partial.jobs.push(id);
                if partial.free.is_empty() {
                    self.loose.remove(&piece);
                    self.missing.remove(piece);
                }
            }
        }
        id
    }

    /// Counts bytes that a job brought; the job, if it is under way.
    pub(crate) fn progress(&mut self, now: Instant, job: JobId, bytes: u64) -> Option<Job> {
        let job = self.jobs.get_mut(&job)?;
        job.delivered = job.delivered.saturating_add(bytes);
        if bytes > 0 {
            job.first_at.get_or_insert(now);
        }
        Some(*job)
    }

    /// Takes a job out; what it left missing is free again. A piece of which nothing is here and
    /// nothing on its way is open again. Gives the job back, and whether bytes became free.
    pub(crate) fn end(&mut self, id: JobId, missing: &Spans) -> Option<Job> {
        let job = self.jobs.remove(&id)?;
        for piece in self.layout.pieces_of(job.span) {
            let span = self.layout.piece_span(piece);
            let Some(partial) = self.partials.get_mut(&piece) else {
                continue;
            };
            let Some(at) = partial.jobs.iter().position(|job| *job == id) else {
                continue;
            };
            partial.jobs.swap_remove(at);
            for run in missing.iter() {
                partial
                    .free
                    .insert(run.intersection(span).intersection(job.span));
            }
            // what another job has in hand is on its way
            for other in partial.jobs.iter().filter_map(|other| self.jobs.get(other)) {
                partial.free.remove(other.span);
            }
            if partial.free.is_empty() {
                continue;
            }
            if partial.jobs.is_empty() && partial.free.len() == span.len() {
                self.reopen(piece);
            } else {
                self.loose.insert(piece);
                self.missing.insert(piece);
            }
        }
        Some(job)
    }

    /// The piece is verified.
    pub(crate) fn verified(&mut self, piece: PieceIndex) {
        self.drop_partial(piece);
        self.closed.insert(piece);
        self.shut.insert(piece);
        self.missing.remove(piece);
    }

    /// The piece must be fetched again from nothing.
    pub(crate) fn reopen(&mut self, piece: PieceIndex) {
        self.drop_partial(piece);
        self.closed.remove(piece);
        if !self.held.contains(piece) {
            self.shut.remove(piece);
        }
        self.missing.insert(piece);
    }

    fn drop_partial(&mut self, piece: PieceIndex) {
        if let Some(partial) = self.partials.remove(&piece) {
            let len = self.layout.piece_span(piece).len();
            self.outstanding -= len;
            self.outstanding_of_origins -= if partial.of_origin { len } else { 0 };
        }
        self.loose.remove(&piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::RelPath;

    fn ledger() -> (Ledger, Arc<Layout>) {
        let path = RelPath::parse("x").unwrap();
        let layout = Arc::new(Layout::builder(100).file(path, 450).build().unwrap());
        (Ledger::new(Arc::clone(&layout), PieceSet::empty(5)), layout)
    }

    #[test]
    fn what_a_job_left_is_free_again() {
        let (mut ledger, layout) = ledger();
        let piece = layout.piece(1).unwrap();
        ledger.begin(piece);
        assert_eq!(ledger.outstanding(), 100);
        let job = ledger.assign(Instant::ZERO, SourceId(1), layout.piece_span(piece));
        assert!(ledger.loose().next().is_none());
        ledger.end(job, &Spans::of(Span::new(150, 50)));
        assert_eq!(ledger.free_run(piece), Some(Span::new(150, 50)));
        let job = ledger.assign(Instant::ZERO, SourceId(2), Span::new(150, 50));
        ledger.end(job, &Spans::new());
        assert!(ledger.closed().contains(piece) && ledger.loose().next().is_none());
        ledger.verified(piece);
        assert_eq!(ledger.outstanding(), 0);
        assert!(ledger.closed().contains(piece));
    }

    #[test]
    fn a_run_over_a_begun_piece_asks_for_the_rest_of_it() {
        let (mut ledger, layout) = ledger();
        ledger.begin(layout.piece(1).unwrap());
        ledger.assign(Instant::ZERO, SourceId(1), Span::new(130, 40));
        let runs: Vec<Span> = ledger.begin_run(Span::new(0, 300)).iter().collect();
        assert_eq!(runs, [Span::new(0, 130), Span::new(170, 130)]);
        assert_eq!(ledger.outstanding(), 300);
    }

    #[test]
    fn a_job_of_an_earlier_try_touches_nothing() {
        let (mut ledger, layout) = ledger();
        let pieces = [layout.piece(0).unwrap(), layout.piece(1).unwrap()];
        for piece in pieces {
            ledger.begin(piece);
        }
        let run = ledger.assign(Instant::ZERO, SourceId(1), Span::new(0, 200));
        ledger.reopen(pieces[0]);
        ledger.begin(pieces[0]);
        ledger.assign(Instant::ZERO, SourceId(2), Span::new(0, 100));
        ledger.end(run, &Spans::of(Span::new(0, 200)));
        assert_eq!(ledger.free_run(pieces[0]), None);
        assert!(!ledger.closed().contains(pieces[1]));
    }

    #[test]
    fn a_piece_of_which_nothing_came_is_open_again() {
        let (mut ledger, layout) = ledger();
        for index in [3, 4] {
            ledger.begin(layout.piece(index).unwrap());
        }
        let run = Span::new(300, 150);
        let job = ledger.assign(Instant::ZERO, SourceId(1), run);
        ledger.end(job, &Spans::of(run));
        assert_eq!(ledger.outstanding(), 0);
        assert!(ledger.closed().is_empty());
        assert!(ledger.end(job, &Spans::new()).is_none());
    }
}
