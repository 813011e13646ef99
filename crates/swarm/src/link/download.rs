//! The asking side of a link: jobs, requests that are open, and what to ask for next.
//!
//! No I/O. What must stay true: a block is open for one job at most, a job is answered exactly
//! once, and no more requests are open than the peer takes.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use swarmcopy_layout::{PieceIndex, Span};
use swarmcopy_scheduler::Instant as Moment;
use swarmcopy_scheduler::spread::depth::Depth;
use swarmcopy_sources::SpanSink;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::block::{Block, Cutter};
use super::lacking::Lacking;

/// Blocks that were taken back and may still be answered, at most.
const WITHDRAWN_MAX: usize = 4096;
/// Most requests that are handed to the writer at once.
const BATCH_MAX: usize = 256;

/// Why a job ended without all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobFailure {
    /// The peer serves us no more for now.
    Choked,
    /// The peer refused a block.
    Rejected,
    /// The peer has this piece no more.
    Lacks(Span),
    /// The link is gone.
    LinkGone,
}

/// The number of a job on its link.
pub(crate) type JobNumber = u64;

#[derive(Debug)]
struct Job {
    number: JobNumber,
    sink: SpanSink,
    /// What has not been asked for yet.
    rest: Span,
    /// How many of its blocks are asked for and have not come.
    open: usize,
    reply: oneshot::Sender<Result<(), JobFailure>>,
}

#[derive(Debug)]
struct Open {
    block: Block,
    job: JobNumber,
    asked: Instant,
}

/// A block that comes now: where it goes and what it means for its job.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) block: Block,
    pub(crate) sink: SpanSink,
    job: JobNumber,
    asked: Instant,
}

/// The state of asking.
#[derive(Debug)]
pub(crate) struct Download {
    cutter: Cutter,
    jobs: VecDeque<Job>,
    next_job: JobNumber,
    open: VecDeque<Open>,
    /// Taken back, and not answered yet (BEP 6 promises an answer to each).
    withdrawn: VecDeque<Block>,
    /// Taken back, and the peer does not know yet.
    cancels: Vec<Block>,
    phase: Phase,
    fast: bool,
    depth: Depth,
    /// When the link began.
    start: Instant,
    /// The shortest time in which the peer has answered.
    round_trip: Option<Duration>,
    /// When the block was asked for that was asked for last of those that came.
    newest_come: Option<Instant>,
    lacking: Lacking,
}

/// Whether the peer can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It does not let us.
    Choked,
    /// It lets us.
    Open,
    /// The link is gone.
    Gone,
}

impl Download {
    pub(crate) fn new(cutter: Cutter, fast: bool, now: Instant) -> Self {
        Self {
            cutter,
            jobs: VecDeque::new(),
            next_job: 0,
            open: VecDeque::new(),
            withdrawn: VecDeque::new(),
            cancels: Vec::new(),
            phase: Phase::Choked,
            fast,
            depth: Depth::new(Moment::ZERO),
            start: now,
            round_trip: None,
            newest_come: None,
            lacking: Lacking::default(),
        }
    }

    /// Takes what the peer said of itself: how many requests it keeps, how long blocks may be.
    pub(crate) fn agree(&mut self, requests_max: Option<usize>, block_len: u32) {
        self.cutter.set_block_len(block_len);
        self.depth.agree(requests_max, self.cutter.block_len());
    }

    /// Adds a job behind the others.
    pub(crate) fn add(
        &mut self,
        span: Span,
        sink: SpanSink,
        reply: oneshot::Sender<Result<(), JobFailure>>,
    ) -> Option<JobNumber> {
        let refused = match self.phase {
            Phase::Gone => Some(JobFailure::LinkGone),
            Phase::Choked => Some(JobFailure::Choked),
            Phase::Open => {
                let lack = self.lacking.find_in(span, &self.cutter);
                lack.map(JobFailure::Lacks)
            }
        };
        if let Some(failure) = refused {
            // the receiver waits in the same call, so the answer can't be lost
            let _ = reply.send(Err(failure));
            return None;
        }
        let number = self.next_job;
        self.next_job = self.next_job.wrapping_add(1);
        self.jobs.push_back(Job {
            number,
            sink,
            rest: span,
            open: 0,
            reply,
        });
        Some(number)
    }

    /// Ends a job by our own wish; its open blocks are taken back.
    pub(crate) fn withdraw(&mut self, number: JobNumber) {
        self.jobs.retain(|job| job.number != number);
        self.take_back(number);
    }

    /// What to ask for now, of `budget` bytes at most. Skips bytes that a job's sink no longer
    /// lacks and ends jobs for which nothing is left.
    pub(crate) fn requests(&mut self, now: Instant, mut budget: u64) -> Vec<Block> {
        let mut batch = Vec::new();
        if self.phase != Phase::Open {
            return batch;
        }
        let room = self.depth.room(self.open.len(), self.withdrawn.len());
        let room = room.min(BATCH_MAX);
        let mut at = 0;
        while batch.len() < room
            && budget >= self.cutter.block_len()
            && let Some(job) = self.jobs.get_mut(at)
        {
            match next_block(&self.cutter, job) {
                Some(block) => {
                    job.open = job.open.saturating_add(1);
                    budget = budget.saturating_sub(block.span.len());
                    self.open.push_back(Open {
                        block,
                        job: job.number,
                        asked: now,
                    });
                    batch.push(block);
                }
                None if job.open == 0 => self.finish(at),
                None => at = at.saturating_add(1),
            }
        }
        batch
    }

    /// Whether asking now is worth a write.
    pub(crate) fn wants_requests(&self) -> bool {
        let mut jobs = self.jobs.iter();
        self.phase == Phase::Open
            && jobs.any(|job| !job.rest.is_empty() || job.open == 0)
            && self.depth.is_worth_asking(self.open.len())
    }

    /// The blocks to take back on the wire.
    pub(crate) fn cancels(&mut self) -> Vec<Block> {
        std::mem::take(&mut self.cancels)
    }

    /// The head of a block has come: where it goes, or `None` if nobody waits for it.
    pub(crate) fn arrive(&mut self, index: u32, begin: u32, len: u32) -> Option<Arrival> {
        let Some(at) = self
            .open
            .iter()
            .position(|open| open.block.is(index, begin, len))
        else {
            self.forget_withdrawn(index, begin, len);
            return None;
        };
        let open = self.open.remove(at)?;
        let sink = self
            .jobs
            .iter()
            .find(|job| job.number == open.job)?
            .sink
            .clone();
        let Open { block, job, asked } = open;
        Some(Arrival {
            block,
            sink,
            job,
            asked,
        })
    }

    /// A block is where it belongs.
    pub(crate) fn settle(&mut self, arrival: &Arrival, now: Instant) {
        let (open, len) = (self.open.len(), arrival.block.span.len());
        self.depth.came(self.moment(now), len, open);
        self.note_round_trip(now.saturating_duration_since(arrival.asked));
        self.newest_come = self.newest_come.max(Some(arrival.asked));
        let Some(at) = self.jobs.iter().position(|job| job.number == arrival.job) else {
            return;
        };
        if let Some(job) = self.jobs.get_mut(at) {
            job.open = job.open.saturating_sub(1);
            if job.open == 0 && job.rest.is_empty() {
                self.finish(at);
            }
        }
    }

    /// The peer has answered in this time.
    pub(crate) fn note_round_trip(&mut self, time: Duration) {
        self.round_trip = Some(self.round_trip.map_or(time, |least| least.min(time)));
    }

    /// The shortest time in which the peer has answered.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// Whether the peer has as much to answer as it takes: what is slow then is the peer or the
    /// way from it.
    pub(crate) fn is_full(&self) -> bool {
        self.phase == Phase::Open && self.depth.is_full(self.open.len())
    }

    /// Whether a block that was asked for this long after another has come before it. The other is lost, or on a
    /// way that hardly moves, or the peer likes another order: whoever asks must know of such a way.
    pub(crate) fn is_overtaken(&self, by: Duration) -> bool {
        let oldest = self.open.front().map(|open| open.asked + by);
        oldest.is_some_and(|oldest| self.newest_come >= Some(oldest))
    }

    /// Blocks were lost on the way, nobody knows which: the jobs that wait for any end.
    pub(crate) fn lose(&mut self) {
        let waiting = self.jobs.iter().filter(|job| job.open > 0);
        let waiting: Vec<_> = waiting.map(|job| job.number).collect();
        for number in waiting {
            self.take_back(number);
            self.fail(number, JobFailure::Rejected);
        }
    }

    /// The peer lets us ask.
    pub(crate) fn unchoke(&mut self) {
        self.phase = Phase::Open;
    }

    /// The peer lets us ask no more: all jobs end.
    pub(crate) fn choke(&mut self) {
        self.phase = Phase::Choked;
        let open = std::mem::take(&mut self.open);
        if self.fast {
            for open in open {
                self.remember_withdrawn(open.block);
            }
        }
        self.fail_all(JobFailure::Choked);
    }

    /// The peer has a piece no more: the jobs that wait for it end.
    pub(crate) fn lacks(&mut self, piece: PieceIndex) {
        self.lacking.insert(piece);
        let span = self.cutter.span_of(piece);
        let waiting = self.open.iter().filter(|open| open.block.piece == piece);
        let mut jobs: BTreeSet<_> = waiting.map(|open| open.job).collect();
        let to_ask = self.jobs.iter();
        let to_ask = to_ask.filter(|job| !job.rest.intersection(span).is_empty());
        jobs.extend(to_ask.map(|job| job.number));
        for job in jobs {
            self.take_back(job);
            self.fail(job, JobFailure::Lacks(span));
        }
    }

    /// The peer has a piece.
    pub(crate) fn has(&mut self, piece: PieceIndex) {
        self.lacking.has(piece);
    }

    /// The peer refuses a block. False if it was never asked for it.
    pub(crate) fn reject(&mut self, index: u32, begin: u32, len: u32) -> bool {
        if self.forget_withdrawn(index, begin, len) {
            return true;
        }
        let Some(at) = self
            .open
            .iter()
            .position(|open| open.block.is(index, begin, len))
        else {
            return false;
        };
        if let Some(open) = self.open.remove(at) {
            self.take_back(open.job);
            self.fail(open.job, JobFailure::Rejected);
            if self.phase == Phase::Open && self.lacking.refuses(open.block.piece) {
                self.lacks(open.block.piece);
            }
        }
        true
    }

    /// The link ends: all jobs do, and no other begins.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Gone;
        self.open.clear();
        self.fail_all(JobFailure::LinkGone);
    }

    pub(crate) fn block_len(&self) -> u64 {
        self.cutter.block_len()
    }

    /// The length of the block that comes next, if the peer answers in order.
    pub(crate) fn next_len(&self) -> u64 {
        self.open.front().map_or(0, |open| open.block.span.len())
    }

    pub(crate) fn is_choked(&self) -> bool {
        self.phase != Phase::Open
    }

    pub(crate) fn rate(&mut self, now: Instant) -> u64 {
        self.depth.rate(self.moment(now))
    }

    pub(crate) fn open_len(&self) -> usize {
        self.open.len()
    }

    /// How long after the link's beginning it is.
    fn moment(&self, now: Instant) -> Moment {
        Moment::ZERO + now.saturating_duration_since(self.start)
    }

    /// Moves the open blocks of a job to those taken back.
    fn take_back(&mut self, number: JobNumber) {
        let mut taken = Vec::new();
        self.open.retain(|open| {
            if open.job == number {
                taken.push(open.block);
            }
            open.job != number
        });
        for block in taken {
            self.cancels.push(block);
            if self.fast {
                self.remember_withdrawn(block);
            }
        }
    }

    fn remember_withdrawn(&mut self, block: Block) {
        if self.withdrawn.len() >= WITHDRAWN_MAX {
            self.withdrawn.pop_front();
        }
        self.withdrawn.push_back(block);
    }

    fn forget_withdrawn(&mut self, index: u32, begin: u32, len: u32) -> bool {
        let at = self
            .withdrawn
            .iter()
            .position(|block| block.is(index, begin, len));
        at.and_then(|at| self.withdrawn.remove(at)).is_some()
    }

    fn finish(&mut self, at: usize) {
        if let Some(job) = self.jobs.remove(at) {
            // a fetch that was dropped does not listen any more
            let _ = job.reply.send(Ok(()));
        }
    }

    fn fail(&mut self, number: JobNumber, failure: JobFailure) {
        if let Some(at) = self.jobs.iter().position(|job| job.number == number)
            && let Some(job) = self.jobs.remove(at)
        {
            let _ = job.reply.send(Err(failure));
        }
    }

    fn fail_all(&mut self, failure: JobFailure) {
        for job in self.jobs.drain(..) {
            let _ = job.reply.send(Err(failure));
        }
    }
}

/// The next block of a job that its sink lacks; moves the job's rest behind it.
fn next_block(cutter: &Cutter, job: &mut Job) -> Option<Block> {
    while let Some(block) = cutter.first(job.rest) {
        job.rest = Span::between(block.span.end(), job.rest.end());
        // reserving is how a sink is asked; the memory goes back at once and is taken again when
        // the bytes are there, so that a faster source may bring them in between
        let Some(lacking) = job.sink.reserve(block.span).map(|chunk| chunk.span()) else {
            continue;
        };
        if lacking == block.span {
            return Some(block);
        }
        job.rest = Span::between(lacking.end(), job.rest.end());
        return cutter.first(lacking);
    }
    job.rest = Span::default();
    None
}

#[cfg(test)]
mod tests;
