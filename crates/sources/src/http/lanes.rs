//! The files of one fetch, several of them asked for at once where they are small.
//!
//! A small file costs a server's delay and next to no time on the wire, so one connection at a time would
//! mostly wait. What must stay true: a fetch of large files keeps to one connection; small ones use further
//! connections only while nobody else wants them; a server that is overwhelmed gets half as many.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use swarmcopy_layout::{FileSlice, Span};

use super::reader::MirrorReader;
use super::slots::Slot;
use crate::error::FirstLack;
use crate::{Blame, SourceError, SpanSink};

/// Most connections of one fetch.
const LANES_MAX: u32 = 16;
/// Longest file that counts as small.
const SMALL_LEN: u64 = 256 * 1024;

/// How many connections a fetch of small files may use: fewer after troubles, one more after each success.
#[derive(Debug)]
pub(super) struct Lanes(AtomicU32);

impl Default for Lanes {
    fn default() -> Self {
        Self(AtomicU32::new(LANES_MAX))
    }
}

impl Lanes {
    fn allowed(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Learns from how a fetch ended.
    fn note(&self, end: &Result<(), SourceError>) {
        let change = |lanes: u32| match end.as_ref().map_err(SourceError::blame) {
            Ok(()) => Some((lanes + 1).min(LANES_MAX)),
            Err(Blame::Busy { .. } | Blame::Broken) => Some((lanes / 2).max(1)),
            Err(_) => None,
        };
        // fails only where nothing is to change
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

/// The files that no lane has taken yet, and what was lacked so far.
struct Work<I> {
    slices: I,
    lack: FirstLack,
}

impl MirrorReader {
    /// Takes the files of `span`, the first lane over a connection that it waits for.
    pub(super) async fn fetch_files(&self, span: Span, sink: &SpanSink) -> Result<(), SourceError> {
        let mirror = &self.mirror;
        let taken = mirror.slots.take().await;
        let first = taken.map_err(|what| self.broken(what))?;
        let work = Mutex::new(Work {
            slices: mirror.layout.slices(span),
            lack: FirstLack::default(),
        });
        let mut lanes = FuturesUnordered::new();
        lanes.push(self.run_lane(first, &work, sink));
        for _ in 1..self.lanes_for(span) {
            let Some(slot) = mirror.slots.try_take() else {
                break;
            };
            lanes.push(self.run_lane(slot, &work, sink));
        }
        let mut end = Ok(());
        while let Some(lane_end) = lanes.next().await {
            end = lane_end;
            if end.is_err() {
                break;
            }
        }
        drop(lanes);
        mirror.lanes.note(&end);
        end?;
        let lack = work.into_inner().unwrap_or_else(PoisonError::into_inner);
        lack.lack.into_result()
    }

    /// How many lanes pay: one for each small file, as many as are allowed.
    fn lanes_for(&self, span: Span) -> usize {
        let allowed = usize::try_from(self.mirror.lanes.allowed()).unwrap_or(1);
        let layout = &self.mirror.layout;
        let is_small = |slice: &FileSlice| {
            let file = layout.file(slice.file);
            file.is_some_and(|file| {
                !file.attributes().pad && file.span() == slice.span && slice.span.len() <= SMALL_LEN
            })
        };
        layout.slices(span).filter(is_small).take(allowed).count()
    }

    /// Takes one file after the other over one connection.
    async fn run_lane<I: Iterator<Item = FileSlice>>(
        &self,
        mut slot: Slot<'_>,
        work: &Mutex<Work<I>>,
        sink: &SpanSink,
    ) -> Result<(), SourceError> {
        loop {
            let Some(slice) = locked(work).slices.next() else {
                return Ok(());
            };
            let Some(file) = self.mirror.layout.file(slice.file) else {
                continue;
            };
            self.gate.check()?;
            if file.attributes().pad {
                sink.put_zeros(slice.span);
                continue;
            }
            let filled = self.fill(&mut slot, slice, file, sink).await;
            locked(work).lack.note(filled)?;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        lanes.note(&Ok(()));
        assert_eq!(lanes.allowed(), 2);
    }
}
