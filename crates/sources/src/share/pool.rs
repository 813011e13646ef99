//! The threads that read a share.
//!
//! A read of a dead server hangs in the kernel and cannot be called off, so the threads are the share's
//! own: as many as fetches run, started when needed, gone after [`IDLE`] or when the share is let go of. A fetch that is dropped while its
//! read hangs abandons the thread. What must stay true: at most `ABANDONED_MAX` threads are abandoned at a
//! time, and after the first that hung a single fetch probes the share until some read answers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::handles::Handles;
use crate::SourceError;

/// Most threads of a share that hang and were given up.
pub(super) const ABANDONED_MAX: u32 = 8;
/// A read that brought nothing for so long when it is given up hangs.
const HANG: Duration = Duration::from_secs(1);
/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(30);

type Task = Box<dyn FnOnce(&mut Handles) + Send>;

/// The threads of one share.
pub(super) struct Pool {
    name: String,
    slots: Semaphore,
    streams_max: u32,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    threads: u32,
    idle: u32,
    abandoned: u32,
    stalled: bool,
    probing: bool,
    life: Life,
}

/// How long threads without work stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Life {
    /// For [`IDLE`].
    #[default]
    Reading,
    /// Not at all, for the share was let go of; their files are closed with them.
    Resting,
    /// Not at all, whatever still waits.
    Closed,
}

/// One part of a fetch as its thread and its waiter share it.
#[derive(Debug)]
pub(super) struct Ticket {
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    phase: Phase,
    beat: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Running,
    Abandoned,
    Done,
}

/// Leave to run one fetch's parts, one after the other.
pub(super) struct Admission<'a> {
    pool: &'a Pool,
    probe: bool,
    _slot: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(name: String, streams_max: u32) -> Arc<Self> {
        let slots = Semaphore::new(usize::try_from(streams_max).unwrap_or(1));
        Arc::new(Self {
            name,
            slots,
            streams_max,
            shared: Arc::default(),
        })
    }

    /// Reads that hang and were given up.
    pub(super) fn abandoned(&self) -> u32 {
        self.shared.state().abandoned
    }

    /// Whether several fetches run.
    pub(super) fn is_shared(&self) -> bool {
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        self.streams_max.saturating_sub(free) > 1
    }

    /// Waits for a free stream; fails at once where the share hangs.
    pub(super) async fn admit(&self) -> Result<Admission<'_>, SourceError> {
        let slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| self.broken("closed"))?;
        let mut state = self.shared.state();
        if state.abandoned >= ABANDONED_MAX {
            return Err(self.broken(&format!("{} reads hang", state.abandoned)));
        }
        if state.stalled && state.probing {
            return Err(self.broken("it does not answer"));
        }
        let probe = state.stalled;
        state.probing |= probe;
        Ok(Admission {
            pool: self,
            probe,
            _slot: slot,
        })
    }

    fn broken(&self, what: &str) -> SourceError {
        SourceError::Broken {
            name: self.name.clone(),
            what: what.to_owned(),
        }
    }

    /// Ends the threads that have no work, so that no file of the share stays open.
    pub(super) fn rest(&self) {
        self.shared.state().life = Life::Resting;
        self.shared.work.notify_all();
    }

    fn start(&self, task: Task) -> Result<(), SourceError> {
        let mut state = self.shared.state();
        state.life = Life::Reading;
        state.queue.push_back(task);
        let waiting = u32::try_from(state.queue.len()).unwrap_or(u32::MAX);
        if state.idle < waiting {
            let shared = Arc::clone(&self.shared);
            let streams_max = self.streams_max;
            let name = format!("share-{}", state.threads);
            let thread = std::thread::Builder::new().name(name);
            if let Err(error) = thread.spawn(move || shared.serve(streams_max)) {
                state.queue.pop_back();
                return Err(self.broken(&format!("no thread to read it: {error}")));
            }
            state.threads += 1;
        }
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {} abandoned)", self.name, self.abandoned())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // threads are not waited for: one that hangs would hold up the whole program
        self.shared.state().life = Life::Closed;
        self.shared.work.notify_all();
    }
}

impl Admission<'_> {
    /// Runs `part` on a thread. When dropped before the answer, the thread is left to itself.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        part: impl FnOnce(&mut Handles, &Ticket) -> T + Send + 'static,
    ) -> Result<T, SourceError> {
        let (reply, answer) = oneshot::channel();
        let ticket = Arc::new(Ticket::new());
        let abandon = Abandon {
            shared: Arc::clone(&self.pool.shared),
            ticket: Arc::clone(&ticket),
        };
        let shared = Arc::clone(&self.pool.shared);
        self.pool.start(Box::new(move |handles| {
            if ticket.begin() {
                let result = part(handles, &ticket);
                shared.finish(&ticket);
                // nobody waits any more if the fetch was dropped
                let _ = reply.send(result);
            }
        }))?;
        let result = answer.await;
        drop(abandon);
        result.map_err(|_| self.pool.broken("a reading thread ended"))
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.pool.shared.state().probing = false;
        }
    }
}

impl Ticket {
    fn new() -> Self {
        Self {
            progress: Mutex::new(Progress {
                phase: Phase::Queued,
                beat: Instant::now(),
            }),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, unless nobody waits for it any more.
    fn begin(&self) -> bool {
        let mut progress = self.progress();
        let wanted = progress.phase == Phase::Queued;
        if wanted {
            *progress = Progress {
                phase: Phase::Running,
                beat: Instant::now(),
            };
        }
        wanted
    }

    /// Fails once nobody waits for it any more.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        match self.progress().phase {
            Phase::Abandoned => Err(SourceError::CalledOff),
            _ => Ok(()),
        }
    }

    /// Says that a read has answered.
    pub(super) fn beat(&self) {
        self.progress().beat = Instant::now();
    }
}

/// Gives a part up when its waiter goes away first.
struct Abandon {
    shared: Arc<Shared>,
    ticket: Arc<Ticket>,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let mut progress = self.ticket.progress();
        match progress.phase {
            Phase::Queued => progress.phase = Phase::Done,
            Phase::Running => {
                progress.phase = Phase::Abandoned;
                state.abandoned += 1;
                state.stalled |= progress.beat.elapsed() >= HANG;
            }
            Phase::Abandoned | Phase::Done => {}
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a part's thread has come back.
    fn finish(&self, ticket: &Ticket) {
        let mut state = self.state();
        let mut progress = ticket.progress();
        if progress.phase == Phase::Abandoned {
            state.abandoned = state.abandoned.saturating_sub(1);
        }
        progress.phase = Phase::Done;
        state.stalled = false;
    }

    /// A thread's life: take a task, run it, until there is none for long or the pool is gone.
    fn serve(&self, streams_max: u32) {
        let _end = ThreadEnd(self);
        let mut handles = Handles::new(streams_max);
        while let Some(task) = self.next(streams_max) {
            task(&mut handles);
        }
    }

    fn next(&self, streams_max: u32) -> Option<Task> {
        let mut state = self.state();
        loop {
            let spare = state.threads.saturating_sub(state.abandoned) > streams_max;
            if state.life == Life::Closed {
                return None;
            }
            if let Some(task) = state.queue.pop_front() {
                return Some(task);
            }
            if spare || state.life == Life::Resting {
                return None;
            }
            state.idle += 1;
            let (back, waited) = self
                .work
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                return None;
            }
        }
    }
}

/// Counts a thread out, however it ends.
struct ThreadEnd<'a>(&'a Shared);

impl Drop for ThreadEnd<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads = state.threads.saturating_sub(1);
    }
}
