//! Work that changes hands: an idle peer takes over what another would bring much later.
//!
//! What is on its way already comes in vain, so it must pay. The bar is lower for the last pieces, for which all
//! else waits. What must stay true: work taken over is called off first, and given to the other when its
//! end was told.

use std::time::Duration;

use swarmcopy_layout::BLOCK_LEN;

use crate::ledger::Job;
use crate::plan::{QUEUE, SPAN_BYTES};
use crate::scheduler::Scheduler;
use crate::source::{Flow, Source};
use crate::{Instant, JobId, SourceId};

/// Work is taken over only where it would end so many times sooner, and by at least this: what is on
/// its way already comes in vain. Less is what fetches wait for their turn where uplinks are full:
/// with a quarter of a second a real room of eight took a twentieth of its bytes in vain.
pub(crate) const STEAL_TIMES: u32 = 4;
pub(crate) const STEAL_GAIN: Duration = Duration::from_secs(1);
/// The same for the last pieces, a hundredth of all: little can come in vain, and all others are done.
const END_TIMES: u32 = 2;
const END_GAIN: Duration = Duration::from_millis(100);
const END_PARTS: u32 = 100;
/// A fetch of which nothing came may be moved after so many times what it takes at full speed, and not
/// before this.
const QUEUED_TIMES: u32 = 4;
const QUEUED_MIN: Duration = Duration::from_millis(500);
/// What it must gain doubles with each time that it changed hands, up to so many.
const MOVES_COUNTED: u32 = 6;
/// Work to take over is looked for at most this often: it means a look at each job.
pub(crate) const TAKE_OVER_EVERY: Duration = Duration::from_millis(20);

impl Scheduler {
    /// Whether it is time to look for work to take over again.
    pub(crate) fn may_take_over(&self, now: Instant) -> bool {
        self.took_over_at == Instant::ZERO || now.since(self.took_over_at) >= TAKE_OVER_EVERY
    }

    /// Calls off the fetch of another peer that this idle one would end much sooner; what it leaves
    /// goes to this one.
    pub(crate) fn take_over(&mut self, now: Instant, id: SourceId) {
        let Some(source) = self.sources.get(&id) else {
            return;
        };
        // two that never answer would take the same work over from each other for ever
        let Some(peer) = source.peer().filter(|peer| peer.serving) else {
            return;
        };
        self.took_over_at = now;
        let mut slowest: Option<(Duration, JobId)> = None;
        for (job_id, job) in self.ledger.jobs() {
            let whole = self.layout.piece_at(job.span.start());
            let fits = job.source != id && !job.cancelled;
            if !fits || !whole.is_some_and(|piece| peer.has.contains(piece)) {
                continue;
            }
            let Some(other) = self.sources.get(&job.source) else {
                continue;
            };
            // the last block is most likely on its way, while anything comes
            let silent = now.since(other.flow.active.max(job.started)) >= QUEUED_MIN;
            if job.left() <= u64::from(BLOCK_LEN) && !silent {
                continue;
            }
            // what an origin reads is called off only where none of it has to be read again
            let mut pieces = self.layout.pieces_of(job.span);
            if other.origin().is_some() && !pieces.all(|piece| peer.has.contains(piece)) {
                continue;
            }
            let left = left_of(now, &other.flow, job);
            if self.gains(now, job, (left, &other.flow), &source.flow)
                && slowest.is_none_or(|(most, _)| left > most)
            {
                slowest = Some((left, job_id));
            }
        }
        if let Some((_, job)) = slowest {
            self.thefts.insert(job, id);
            self.cancel(job);
        }
    }

    /// Whether a fetch that would end in the time `left` would end much sooner elsewhere.
    fn gains(
        &self,
        now: Instant,
        job: &Job,
        (left, other): (Duration, &Flow),
        mine: &Flow,
    ) -> bool {
        let time = mine.time_for(job.left()).unwrap_or(QUEUE) + mine.way();
        let waited = now.since(job.started).saturating_sub(other.way());
        // however wrong all this is, work that changes hands again and again comes to rest
        let again = 1 << job.moves.min(MOVES_COUNTED);
        if job.delivered == 0 && waited > self.too_long(job.span.len()) * again {
            left.max(waited) > time
        } else if self.is_end_game() {
            left > time * END_TIMES + END_GAIN * again
        } else {
            left > time * STEAL_TIMES + STEAL_GAIN * again
        }
    }

    /// Whether only the last pieces are missing.
    pub(crate) fn is_end_game(&self) -> bool {
        self.left > 0 && self.left.saturating_mul(END_PARTS) <= self.layout.pieces()
    }

    /// How long a fetch may stand in a queue before it is moved at no loss: many times what all
    /// sources together need for so many bytes.
    fn too_long(&self, bytes: u64) -> Duration {
        let at_full_speed = bytes.saturating_mul(1_000_000) / self.best_rate.max(1);
        (Duration::from_micros(at_full_speed) * QUEUED_TIMES).max(QUEUED_MIN)
    }

    /// Gives what a job left to the peer for which it was called off.
    pub(crate) fn hand_over(&mut self, now: Instant, id: JobId, job: &Job) {
        let Some(thief) = self.thefts.remove(&id) else {
            return;
        };
        if self
            .sources
            .get(&thief)
            .is_some_and(|it| it.origin().is_some())
        {
            self.fill_origin(now, thief);
            return;
        }
        let ready = self.sources.get(&thief).and_then(Source::peer);
        let ready = ready.is_some_and(|peer| peer.may_be_asked(now));
        let piece = self.layout.piece_at(job.span.start());
        let Some(piece) = piece.filter(|_| ready) else {
            return;
        };
        // a piece of which nothing came is open again
        self.ledger.begin(piece);
        if let Some(run) = self.ledger.free_run(piece) {
            let moved = self.fetch(now, thief, run.head(SPAN_BYTES.1));
            self.ledger.moved(moved, job.moves + 1);
        }
    }
}

/// When a source would have brought a job and what lies before it, or how long it has brought nothing though it
/// could.
fn left_of(now: Instant, flow: &Flow, job: &Job) -> Duration {
    let queued = flow.in_flight.max(job.left());
    let left = flow.time_for(queued).unwrap_or_default();
    left.max(now.since(flow.active).saturating_sub(flow.way()))
}
