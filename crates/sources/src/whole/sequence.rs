//! A file of a server that sends it from its beginning alone: one answer, read to its end.
//!
//! Of the fetches that want bytes of such a file one leads: it reads the answer on. What comes and is not
//! its own goes into a spool, from which the others take what they wait for. Nobody reads ahead of what is
//! wanted. What must stay true: one answer of a file is open and one fetch leads at a time; a leader that
//! goes away, even in the middle of a frame, leaves all to the next; an answer that nobody reads is closed
//! soon after a connection is wanted for other files and none is free.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, Bytes};
use swarmcopy_layout::{FileIndex, Span, Spans};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::spool::Spool;

/// Most files that are remembered though nobody wants anything of them now.
const IDLE_FILES_MAX: usize = 8;
/// Most answers in a row that break off and bring nothing that had not come before.
const FRUITLESS_MAX: u32 = 8;

/// What an answer comes over.
pub(crate) trait Line {
    /// Whether somebody waits for its place at the server.
    fn is_wanted(&self) -> bool;
}

/// The files of one mirror that come as one answer each.
#[derive(Debug)]
pub(crate) struct Sequences<L: Line> {
    files: Mutex<BTreeMap<FileIndex, Arc<Sequence<L>>>>,
}

impl<L: Line> Default for Sequences<L> {
    fn default() -> Self {
        let files = Mutex::default();
        Self { files }
    }
}

impl<L: Line> Sequences<L> {
    /// The answer that a file comes by, if its server is known to ignore ranges.
    pub(crate) fn find(&self, file: FileIndex) -> Option<Arc<Sequence<L>>> {
        locked(&self.files).get(&file).cloned()
    }

    /// The same, made if there is none. Of too many the one that keeps least is forgotten.
    pub(crate) fn enter(&self, file: FileIndex) -> Arc<Sequence<L>> {
        let mut files = locked(&self.files);
        let idle = files.iter().filter(|(_, it)| Arc::strong_count(it) == 1);
        let (count, least) = idle.fold((0, None), |(count, least), (file, it)| {
            let kept = locked(&it.state).kept.len();
            (count + 1, least.into_iter().chain([(kept, *file)]).min())
        });
        if let Some((_, file)) = least.filter(|_| count >= IDLE_FILES_MAX) {
            files.remove(&file);
        }
        Arc::clone(files.entry(file).or_default())
    }

    /// Gives up what is kept of a file.
    pub(crate) fn forget(&self, file: FileIndex) {
        locked(&self.files).remove(&file);
    }

    /// Closes the answers that nobody reads.
    pub(crate) fn close_idle(&self) {
        for sequence in locked(&self.files).values() {
            locked(&sequence.state).close_idle();
        }
    }
}

/// One file's answer, and what is kept of it.
#[derive(Debug)]
pub(crate) struct Sequence<L: Line> {
    state: Mutex<State<L>>,
    moved: Notify,
}

impl<L: Line> Default for Sequence<L> {
    fn default() -> Self {
        let state = State {
            place: Place::Closed,
            spool: None,
            kept: Spans::default(),
            version: None,
            furthest: 0,
            fruitless: 0,
        };
        Self {
            state: Mutex::new(state),
            moved: Notify::new(),
        }
    }
}

#[derive(Debug)]
struct State<L> {
    place: Place<L>,
    /// Holds what is kept; `None` as long as that is nothing.
    spool: Option<Spool>,
    kept: Spans,
    version: Option<Version>,
    /// The offset behind the last byte that ever came.
    furthest: u64,
    fruitless: u32,
}

/// Where the open answer is.
#[derive(Debug)]
enum Place<L> {
    Closed,
    Here(Stream<L>),
    /// With the leader.
    Away,
}

/// What tells one version of a file from another, as far as the server does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<String>,
}

/// What a fetch is to do next.
#[derive(Debug)]
pub(crate) enum Turn<L: Line> {
    /// Take these bytes from the spool.
    Take(Span, Spool),
    /// Read the answer on.
    Lead(Lead<L>),
    /// Wait until the leader is further.
    Wait,
}

impl<L: Line> Sequence<L> {
    /// Becomes ready when something came or the leader went away after this call.
    pub(crate) fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }

    /// What whoever wants `span` is to do.
    pub(super) fn turn(self: &Arc<Self>, span: Span) -> Turn<L> {
        let mut state = locked(&self.state);
        let first = span.head(1);
        let run = state.kept.iter().find(|run| run.contains(first));
        if let (Some(run), Some(spool)) = (run, &state.spool) {
            return Turn::Take(run.intersection(span), spool.clone());
        }
        let stream = match std::mem::replace(&mut state.place, Place::Away) {
            Place::Away => return Turn::Wait,
            Place::Here(stream) => Some(stream),
            Place::Closed => None,
        };
        Turn::Lead(Lead {
            sequence: Arc::clone(self),
            stream: stream.filter(|stream| stream.at <= span.start()),
        })
    }

    /// The offset behind the last byte that ever came.
    pub(super) fn furthest(&self) -> u64 {
        locked(&self.state).furthest
    }

    /// Takes an answer that came to a question for a part, unless there is one already.
    pub(crate) fn adopt(&self, stream: Stream<L>, version: &Version) {
        let mut state = locked(&self.state);
        if matches!(state.place, Place::Closed) && state.is_same(version) {
            state.place = Place::Here(stream);
        }
    }

    /// Gives up bytes of the spool that were taken.
    pub(super) fn taken(&self, span: Span) {
        let mut state = locked(&self.state);
        state.kept.remove(span);
        if state.kept.is_empty() {
            state.spool = None;
        }
    }
}

impl<L> State<L> {
    /// Whether the file is the same as when it was first asked for.
    fn is_same(&mut self, version: &Version) -> bool {
        self.version.get_or_insert_with(|| version.clone()) == version
    }

    fn close_idle(&mut self) {
        if matches!(self.place, Place::Here(_)) {
            self.place = Place::Closed;
        }
    }
}

/// The right to read the answer on; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lead<L: Line> {
    sequence: Arc<Sequence<L>>,
    /// The open answer; `None` if it must be asked for.
    pub(super) stream: Option<Stream<L>>,
}

impl<L: Line> Lead<L> {
    /// The answer broke off; `false` if too many did before anything new came.
    pub(super) fn broke_off(&mut self) -> bool {
        self.stream = None;
        let mut state = locked(&self.sequence.state);
        state.fruitless += 1;
        state.fruitless <= FRUITLESS_MAX
    }

    /// Takes an answer that begins with the file's first byte; `false` if the file has changed.
    pub(crate) fn begin(&mut self, stream: Stream<L>, version: &Version) -> bool {
        let same = locked(&self.sequence.state).is_same(version);
        self.stream = Some(stream).filter(|_| same);
        same
    }

    /// What of `span` is not kept yet.
    pub(super) fn unkept(&self, span: Span) -> Spans {
        locked(&self.sequence.state).kept.gaps(span)
    }

    /// The spool, if something is kept.
    pub(super) fn spool(&self) -> Option<Spool> {
        locked(&self.sequence.state).spool.clone()
    }

    /// The bytes of `span` stand in `spool` now.
    pub(super) fn keep(&self, spool: &Spool, span: Span) {
        let mut state = locked(&self.sequence.state);
        state.spool = Some(spool.clone());
        state.kept.insert(span);
    }

    /// The next `len` bytes of the frame are dealt with.
    pub(super) fn advance(&mut self, len: usize) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        stream.advance(len);
        let mut state = locked(&self.sequence.state);
        if stream.at > state.furthest {
            state.furthest = stream.at;
            state.fruitless = 0;
        }
        drop(state);
        self.sequence.moved.notify_waiters();
    }
}

impl<L: Line> Drop for Lead<L> {
    fn drop(&mut self) {
        let mut state = locked(&self.sequence.state);
        // whoever wants a connection says so before it looks for idle ones: it sees this one, or is seen
        let stream = self.stream.take().filter(|it| !it.line.is_wanted());
        state.place = stream.map_or(Place::Closed, Place::Here);
        drop(state);
        self.sequence.moved.notify_waiters();
    }
}

/// An answer that is read from the file's beginning.
#[derive(Debug)]
pub(crate) struct Stream<L> {
    pub(crate) line: L,
    /// What came and is not dealt with yet.
    pub(super) frame: Bytes,
    /// Where in the content the frame begins.
    pub(super) at: u64,
}

impl<L> Stream<L> {
    /// An answer over `line`, whose first byte lies at `at` in the content.
    pub(crate) fn new(line: L, at: u64) -> Self {
        Self {
            line,
            frame: Bytes::new(),
            at,
        }
    }

    /// Where in the content the next bytes lie.
    #[cfg(feature = "ftp")]
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    fn advance(&mut self, len: usize) {
        self.frame.advance(len.min(self.frame.len()));
        self.at = self
            .at
            .saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
