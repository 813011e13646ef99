//! The files of one fetch, several of them asked for at once where they are small.
//!
//! A small file costs a server's delay and next to no time on the wire, so one connection at a time would
//! mostly wait. What must stay true: a fetch of large files keeps to one connection; small ones use further
//! connections only while nobody else wants them; a server that is overwhelmed gets half as many.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use swarmcopy_layout::{FileEntry, FileSlice, Span};

use super::reader::{Filled, MirrorReader};
use super::sequence::{Stream, Version};
use super::slots::Slot;
use crate::error::FirstLack;
use crate::{Blame, SourceError, SpanSink};

/// Most connections of one fetch.
const LANES_MAX: u32 = 16;
/// Longest file that counts as small.
const SMALL_LEN: u64 = 256 * 1024;

/// Successes that allow one more after troubles.
const SUCCESSES: u32 = 8;
/// Connections that come late within this time have one cause.
const CAUSE_TIME: Duration = Duration::from_secs(2);

/// How many connections a fetch of small files may use: fewer after troubles, one more after some successes.
#[derive(Debug)]
pub(super) struct Lanes(Mutex<State>);

#[derive(Debug)]
struct State {
    /// In parts of `SUCCESSES`.
    parts: u32,
    overrun_at: Option<Instant>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self(Mutex::new(State {
            parts: LANES_MAX * SUCCESSES,
            overrun_at: None,
        }))
    }
}

impl Lanes {
    fn allowed(&self) -> u32 {
        self.state().parts / SUCCESSES
    }

    /// Learns from how a fetch ended.
    fn note(&self, end: &Result<(), SourceError>) {
        let mut state = self.state();
        state.parts = match end.as_ref().map_err(SourceError::blame) {
            Ok(()) => (state.parts + 1).min(LANES_MAX * SUCCESSES),
            Err(Blame::Busy { .. } | Blame::Broken) => (state.parts / 2).max(SUCCESSES),
            Err(_) => return,
        };
    }

    /// A connection came so late that the server's system must have dropped the first try: too many were made
    /// at once for a server that closes them after each answer, as several fetches may run.
    pub(super) fn overrun(&self, now: Instant) {
        let mut state = self.state();
        let known = |at| now.saturating_duration_since(at) < CAUSE_TIME;
        if !state.overrun_at.is_some_and(known) {
            state.overrun_at = Some(now);
            state.parts = (state.parts / 4).max(SUCCESSES);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MirrorReader {
    /// Takes the files of `span`, the first over a connection that it waits for.
    pub(super) async fn fetch_files(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let mut lack = FirstLack::default();
        let end = self.run_lanes(span, sink, &mut lack).await;
        self.mirror.slots.lanes().note(&end);
        end?;
        lack.into_result()
    }

    /// Takes one file after the other over each connection, and more connections as they become free.
    async fn run_lanes(
        &self,
        span: Span,
        sink: &SpanSink,
        lack: &mut FirstLack,
    ) -> Result<(), SourceError> {
        let mirror = &self.mirror;
        let mut slices = mirror.layout.slices(span).peekable();
        let mut lanes = FuturesUnordered::new();
        let mut free = None;
        loop {
            while let Some(slice) = slices.peek().copied() {
                let Some(file) = mirror.layout.file(slice.file) else {
                    slices.next();
                    continue;
                };
                self.gate.check()?;
                if file.attributes().pad {
                    sink.put_zeros(slice.span);
                    slices.next();
                    continue;
                }
                let most = usize::try_from(mirror.slots.lanes().allowed()).unwrap_or(1);
                if lanes.len() >= most {
                    break;
                }
                if mirror.sequences.find(slice.file).is_some() {
                    if !lanes.is_empty() {
                        break;
                    }
                    // whoever reads such a file on needs a connection, perhaps the only one
                    drop(free.take());
                } else if lanes.is_empty() && free.is_none() {
                    free = Some(self.slot().await?);
                } else if free.is_none() && is_small(slice, file) {
                    free = mirror.slots.try_take();
                }
                if !lanes.is_empty() && free.is_none() {
                    break;
                }
                slices.next();
                lanes.push(self.take_file(free.take(), slice, file, sink));
            }
            // a connection without a file is for others
            drop(free.take());
            let Some((slot, end)) = lanes.next().await else {
                return Ok(());
            };
            lack.note(end)?;
            free = slot;
        }
    }

    /// Takes a file over `slot`, or from its one answer where there is no slot. Gives the slot back, unless a
    /// file's one answer came over it.
    async fn take_file(
        &self,
        slot: Option<Slot>,
        slice: FileSlice,
        file: &FileEntry,
        sink: &SpanSink,
    ) -> (Option<Slot>, Result<(), SourceError>) {
        let mut whole = None;
        if let Some(mut slot) = slot {
            match self.fill(&mut slot, slice, file, sink).await {
                Ok(Filled::Full) => return (Some(slot), Ok(())),
                Ok(Filled::Whole(response)) => whole = Some((slot, response)),
                Err(error) => return (Some(slot), Err(error)),
            }
        }
        let sequence = self.mirror.sequences.enter(slice.file);
        if let Some((slot, response)) = whole {
            let version = Version::of(response.headers());
            sequence.adopt(Stream::new(slot, response, file.span().start()), &version);
        }
        (None, self.take_turns(&sequence, slice, file, sink).await)
    }
}

/// Whether a file is asked for whole, and mostly waited for.
fn is_small(slice: FileSlice, file: &FileEntry) -> bool {
    file.span() == slice.span && slice.span.len() <= SMALL_LEN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_overwhelmed_gets_half_as_many_and_more_later() {
        let lanes = Lanes::default();
        let busy = Err(SourceError::Busy {
            name: "m".to_owned(),
            what: "later".to_owned(),
            retry_after: None,
        });
        for left in [8, 4, 2, 1, 1] {
            lanes.note(&busy);
            assert_eq!(lanes.allowed(), left);
        }
        lanes.note(&Err(SourceError::CalledOff));
        for _ in 0..SUCCESSES {
            assert_eq!(lanes.allowed(), 1);
            lanes.note(&Ok(()));
        }
        assert_eq!(lanes.allowed(), 2);
    }

    #[test]
    fn connections_that_come_late_together_count_once() {
        let (lanes, now) = (Lanes::default(), Instant::now());
        for (after_ms, left) in [(0, 4), (10, 4), (1900, 4), (2100, 1), (9000, 1)] {
            lanes.overrun(now + Duration::from_millis(after_ms));
            assert_eq!(lanes.allowed(), left, "after {after_ms} ms");
        }
    }
}
