//! The files of one fetch, several of them asked for at once where they are small.
//!
//! A small file costs a server's delay and next to no time on the wire, so one connection at a time would
//! mostly wait. What must stay true: a fetch of large files keeps to one connection; small ones use further
//! connections only while nobody else wants them.

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use swarmcopy_layout::{FileEntry, FileSlice, Span};

use super::coming::Coming;
use super::reader::{Filled, MirrorReader};
use super::slots::Slot;
use super::turns::version_of;
use crate::error::FirstLack;
use crate::whole::{Stream, take_turns};
use crate::{SourceError, SpanSink};

/// Longest file that counts as small.
const SMALL_LEN: u64 = 256 * 1024;

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
            let version = version_of(response.headers());
            let stream = Stream::new(Coming::new(slot, response), file.span().start());
            sequence.adopt(stream, &version);
        }
        let end = take_turns(self, &sequence, (slice, file), sink).await;
        (None, end)
    }
}

/// Whether a file is asked for whole, and mostly waited for.
fn is_small(slice: FileSlice, file: &FileEntry) -> bool {
    file.span() == slice.span && slice.span.len() <= SMALL_LEN
}
