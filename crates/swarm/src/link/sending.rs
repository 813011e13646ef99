//! Bytes on their way out of one connection, and word of what was sent.
//!
//! What must stay true: the owner hears of every byte of a block that was written, soon even where
//! the socket is stuck.

use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use socket2::SockRef;
use swarmcopy_layout::PieceIndex;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::allowance::Allowance;
use super::core::{Sharing, State};
use super::outbox::{Outbox, SLICES_MAX};
use crate::common::count;
use crate::uplink::Place;
use crate::wire::{Cipher, WireWrite};
use crate::{LinkEnd, SwarmEvent};

/// Uploads are told at least this often.
const TELL_EVERY: u64 = 1024 * 1024;
/// How long the owner waits for word of an upload that has come to a halt.
const TELL_WITHIN: Duration = Duration::from_millis(50);
/// Bytes written before others may run.
const YIELD_EVERY: usize = 1024 * 1024;

/// Bytes that one of several connections takes ahead, so that none is left with what another could
/// bring sooner.
const SHARED_LEN_MAX: u64 = 128 * 1024;

/// Bytes that are put into a cipher at once.
const SEALED_MAX: usize = 32 * 1024;

/// What came of a wish to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something is written.
    Wrote,
    /// There was nothing to write.
    Idle,
    /// The socket takes nothing now.
    Full,
}

/// The writing half of a connection with what waits to be written.
#[derive(Debug)]
pub(crate) struct Sending {
    shared: Arc<Shared>,
    half: OwnedWriteHalf,
    cipher: Option<Cipher>,
    /// Bytes in the cipher that the socket has not taken.
    sealed: BytesMut,
    pub(crate) outbox: Outbox,
    /// Sent and not told yet, by piece.
    sent: Vec<(PieceIndex, u64)>,
    sent_len: u64,
    /// Bytes since the task last let others run.
    since_yield: usize,
}

impl Sending {
    pub(crate) fn new(shared: Arc<Shared>, write: WireWrite) -> Self {
        Self {
            shared,
            half: write.half,
            cipher: write.cipher,
            sealed: BytesMut::new(),
            outbox: Outbox::default(),
            sent: Vec::new(),
            sent_len: 0,
            since_yield: 0,
        }
    }

    /// Writes once what the socket takes.
    pub(crate) async fn step(&mut self) -> Result<Step, LinkEnd> {
        let idle = self.outbox.is_empty() && self.sealed.is_empty();
        if self.sent_len >= TELL_EVERY || idle {
            self.tell_sent().await;
        }
        if idle {
            return Ok(Step::Idle);
        }
        match self.write() {
            Ok(bytes) => self.since_yield = self.since_yield.saturating_add(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Step::Full),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        if self.since_yield >= YIELD_EVERY {
            self.since_yield = 0;
            tokio::task::yield_now().await;
        }
        Ok(Step::Wrote)
    }

    /// Waits for room in the socket; meanwhile the owner hears what was sent. May be dropped.
    pub(crate) async fn writable(&mut self) -> Result<(), LinkEnd> {
        loop {
            match timeout(TELL_WITHIN, self.half.writable()).await {
                Ok(result) => return Ok(result?),
                Err(_) if self.sent.is_empty() => return Ok(self.half.writable().await?),
                Err(_) => self.tell_sent().await,
            }
        }
    }

    fn write(&mut self) -> io::Result<usize> {
        let bytes = if let Some(cipher) = &mut self.cipher {
            // what is in the cipher can't be taken back, so it counts as sent
            let bytes = seal(cipher, &self.outbox, &mut self.sealed);
            self.note_sent(bytes);
            let written = write_some(self.half.as_ref(), &[IoSlice::new(&self.sealed)])?;
            self.sealed.advance(written);
            written
        } else {
            let mut slices = Vec::with_capacity(SLICES_MAX);
            self.outbox.slices(&mut slices);
            let bytes = write_some(self.half.as_ref(), &slices)?;
            drop(slices);
            self.note_sent(bytes);
            bytes
        };
        self.shared.state().last_said = Instant::now();
        Ok(bytes)
    }

    /// So many bytes of the outbox are on their way.
    fn note_sent(&mut self, bytes: usize) {
        let (sent, mut sent_len) = (&mut self.sent, 0u64);
        self.outbox.advance(bytes, |piece, bytes| {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            sent_len = sent_len.saturating_add(bytes);
            match sent.last_mut() {
                Some((last, sum)) if *last == piece => *sum = sum.saturating_add(bytes),
                _ => sent.push((piece, bytes)),
            }
        });
        self.sent_len = self.sent_len.saturating_add(sent_len);
        count(&self.shared.bytes_up, sent_len);
        count(&self.shared.common.totals.bytes_up, sent_len);
    }

    /// Tells the owner what was sent. May be dropped: what is not told then is told later.
    async fn tell_sent(&mut self) {
        while let Some((piece, bytes)) = self.sent.last().copied() {
            let event = SwarmEvent::Uploaded {
                id: self.shared.id,
                piece,
                bytes,
            };
            // an owner that listens no more ends the link by its other half
            let _ = self.shared.common.events.send(event).await;
            self.sent.pop();
        }
        self.sent_len = 0;
    }
}

/// Puts what waits into the cipher, unless enough is there; how many bytes that were.
fn seal(cipher: &mut Cipher, outbox: &Outbox, sealed: &mut BytesMut) -> usize {
    if !sealed.is_empty() {
        return 0;
    }
    let mut slices = Vec::with_capacity(SLICES_MAX);
    outbox.slices(&mut slices);
    for slice in slices {
        let room = SEALED_MAX.saturating_sub(sealed.len());
        sealed.extend_from_slice(slice.get(..room).unwrap_or(&slice));
    }
    cipher.apply(sealed);
    sealed.len()
}

/// Writes what the socket takes. A write that is cut short has filled the socket: the runtime is told
/// so within the same attempt, which spares the write that would be refused.
fn write_some(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let all: usize = slices.iter().map(|slice| slice.len()).sum();
    let mut bytes = 0;
    let tried = stream.try_io(Interest::WRITABLE, || {
        bytes = (&*SockRef::from(stream)).write_vectored(slices)?;
        if bytes < all {
            Err(io::ErrorKind::WouldBlock.into())
        } else {
            Ok(())
        }
    });
    match tried {
        Err(error) if bytes == 0 => Err(error),
        _ => Ok(bytes),
    }
}

/// Moves blocks that are ready and allowed to the outbox, in this link's turn. Where the link has
/// several connections, none takes many ahead.
pub(crate) fn take_frames(
    state: &mut State,
    (serving, place): (&mut Allowance, &Place),
    outbox: &mut Outbox,
    sharing: Sharing,
) {
    while outbox.has_room()
        && (sharing == Sharing::Alone || outbox.frames_len() < SHARED_LEN_MAX)
        && let Some(len) = state.upload.next_ready()
        && place.want(state.upload.urgency())
        && serving.want(len)
        && let Some(frame) = state.upload.take_ready()
    {
        serving.spend(len);
        place.spend(len);
        outbox.frames.push_back(frame);
    }
    if state.upload.len() == 0 {
        place.give_back();
    }
}
