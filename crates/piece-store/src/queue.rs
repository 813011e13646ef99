//! Filled pieces on their way to the workers.
//!
//! What must stay true: the bytes of all pieces between being filled and being written (or found
//! wrong) are counted; a piece is never left waiting while no worker is busy, nor for longer than
//! [`HOLD_MAX`] while one is.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::assembly::Filled;
use crate::verify::BATCH_PIECES_MAX;

/// Bytes that one worker takes at once: half of what is usually on the way, so that one can hash
/// while another writes.
const BATCH_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Bytes filled and not yet written before readers on own threads pause: enough to keep the workers
/// busy, and few enough to be still in the processor's cache when they are hashed and written.
const UNWRITTEN_BYTES_MAX: u64 = 24 * 1024 * 1024;
/// The same in pieces, where these are long: so many are hashed side by side with profit.
const UNWRITTEN_PIECES_MAX: u64 = 12;
/// Longest pause of such a reader.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(1);

/// A piece waits so long at most for a busy worker to take it together with others.
const HOLD_MAX: Duration = Duration::from_millis(10);

/// Filled pieces that wait for a worker. Their number is bounded by the assemblies: a piece is
/// filled only after it was handed out, and that is bounded in bytes.
#[derive(Debug)]
pub(crate) struct Queue {
    /// So many pieces at once are hashed side by side.
    side_by_side_min: usize,
    state: Mutex<State>,
    /// Pieces wait.
    filled: Condvar,
    /// Pieces were settled.
    room: Condvar,
    /// Nothing waits, nobody works.
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// With the time each was filled.
    waiting: VecDeque<(Instant, Filled)>,
    /// Of pieces that wait or are at work.
    unwritten_bytes: u64,
    at_work: usize,
    stop: bool,
}

impl Queue {
    pub(crate) fn new(side_by_side_min: usize) -> Self {
        Self {
            side_by_side_min,
            state: Mutex::default(),
            filled: Condvar::new(),
            room: Condvar::new(),
            idle: Condvar::new(),
        }
    }

    pub(crate) fn push(&self, filled: Filled) {
        let mut state = self.lock();
        state.unwritten_bytes = state.unwritten_bytes.saturating_add(filled.span.len());
        state.waiting.push_back((Instant::now(), filled));
        let waiting = state.waiting.len();
        // one worker watches the first that waits; more are woken only for a full hand
        let wake = state.at_work == 0 || waiting == 1 || waiting >= self.side_by_side_min;
        drop(state);
        if wake {
            self.filled.notify_one();
        }
    }

    /// Waits while more bytes are unwritten than it pays to run ahead of the disk, but not for long:
    /// whoever asks may be the one they wait for.
    pub(crate) fn wait_room(&self, piece_len: u64) {
        let most = UNWRITTEN_BYTES_MAX.max(piece_len.saturating_mul(UNWRITTEN_PIECES_MAX));
        let state = self.lock();
        if state.unwritten_bytes > most {
            let full = |state: &mut State| !state.stop && state.unwritten_bytes > most;
            drop(self.room.wait_timeout_while(state, ROOM_WAIT_MAX, full));
        }
    }

    /// Counts a piece out that is written or was wrong.
    pub(crate) fn settled(&self, len: u64) {
        let mut state = self.lock();
        state.unwritten_bytes = state.unwritten_bytes.saturating_sub(len);
        drop(state);
        self.room.notify_all();
    }

    /// Waits for pieces and takes what is there, up to a batch; `None` when it is over.
    ///
    /// A worker that is alone takes whatever there is. Beside another one it leaves a few pieces to
    /// that one: together they are hashed side by side, at a fraction of the processor's time.
    pub(crate) fn take(&self) -> Option<Vec<Filled>> {
        let mut state = self.lock();
        loop {
            let held = state.held(self.side_by_side_min);
            state = match held {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    let waited = self.filled.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.stop => return None,
                None => {
                    let waited = self.filled.wait(state);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        state.at_work += 1;
        Some(state.take_batch())
    }

    /// Ends what [`Queue::take`] began.
    pub(crate) fn done(&self) {
        let mut state = self.lock();
        state.at_work -= 1;
        if state.is_idle() {
            self.idle.notify_all();
        }
    }

    /// Waits until nothing is waiting or at work.
    pub(crate) fn wait_idle(&self) {
        let mut state = self.lock();
        while !state.is_idle() {
            state = self
                .idle
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the workers once nothing waits any more.
    pub(crate) fn stop(&self) {
        self.lock().stop = true;
        self.filled.notify_all();
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.at_work == 0 && self.waiting.is_empty()
    }

    /// How long the pieces that wait are to be left to a worker that is busy; `None` if none waits.
    fn held(&self, side_by_side_min: usize) -> Option<Duration> {
        let (filled, _) = self.waiting.front()?;
        let hold = self.at_work > 0 && self.waiting.len() < side_by_side_min && !self.stop;
        Some(if hold {
            HOLD_MAX.saturating_sub(filled.elapsed())
        } else {
            Duration::ZERO
        })
    }

    fn take_batch(&mut self) -> Vec<Filled> {
        let mut batch = Vec::new();
        let mut bytes: u64 = 0;
        while batch.len() < BATCH_PIECES_MAX
            && let Some((_, next)) = self.waiting.front()
        {
            bytes = bytes.saturating_add(next.span.len());
            if bytes > BATCH_BYTES_MAX && !batch.is_empty() {
                break;
            }
            batch.extend(self.waiting.pop_front().map(|(_, filled)| filled));
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarmcopy_layout::{Layout, RelPath};

    fn push(queue: &Queue, index: u32) {
        let path = RelPath::parse("f").unwrap();
        let layout = Layout::builder(10).file(path, 100).build().unwrap();
        let piece = layout.piece(index).unwrap();
        let span = layout.piece_span(piece);
        let (parts, senders) = (Vec::new(), Vec::new());
        queue.push(Filled {
            piece,
            span,
            parts,
            senders,
        });
    }

    fn held(queue: &Queue) -> Option<Duration> {
        queue.lock().held(queue.side_by_side_min)
    }

    #[test]
    fn a_few_pieces_are_left_to_a_busy_worker_for_a_moment() {
        let queue = Queue::new(3);
        assert_eq!(held(&queue), None);
        push(&queue, 0);
        assert_eq!(held(&queue), Some(Duration::ZERO));
        assert_eq!(queue.take().unwrap().len(), 1);
        push(&queue, 1);
        push(&queue, 2);
        assert!(held(&queue).unwrap() <= HOLD_MAX);
        // nobody else takes them, so the wait ends by itself
        assert_eq!(queue.take().unwrap().len(), 2);
    }

    #[test]
    fn a_full_hand_is_taken_beside_a_busy_worker() {
        let queue = Queue::new(3);
        push(&queue, 0);
        assert_eq!(queue.take().unwrap().len(), 1);
        (1..4).for_each(|index| push(&queue, index));
        assert_eq!(held(&queue), Some(Duration::ZERO));
    }

    #[test]
    fn unwritten_bytes_are_counted_until_they_are_settled() {
        let queue = Queue::new(1);
        (0..2).for_each(|index| push(&queue, index));
        assert_eq!(queue.take().unwrap().len(), 2);
        assert_eq!(queue.lock().unwritten_bytes, 20);
        queue.settled(20);
        queue.done();
        queue.wait_idle();
        assert_eq!(queue.lock().unwritten_bytes, 0);
    }
}
