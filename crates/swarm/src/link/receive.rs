//! The receiving half: heads from a reused buffer, payloads straight to where they belong.
//!
//! Inside a block the task is woken for some milliseconds' worth of bytes at once: being woken for
//! each packet costs more than all that is done with its bytes.
//!
//! What must stay true: nothing is allocated by a length that the peer claims, and a wait that is
//! dropped has lost no byte.

use std::io::{self, IoSliceMut, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use socket2::SockRef;
use swarmcopy_bt_wire::peer::{FrameHead, Limits};
use swarmcopy_layout::Span;
use swarmcopy_sys::net::set_receive_lowat;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::{Instant, timeout};

use super::Shared;
use crate::LinkEnd;
use crate::common::count;
use crate::wire::{Cipher, WireRead};

/// Bytes that are read along at most.
const BUFFER_LEN: usize = 256 * 1024;
/// Steps in which a long message's memory grows.
const GROWTH: usize = 64 * 1024;
/// Inside a block the task is woken about this often at the peer's rate.
const WAKE_EVERY: Duration = Duration::from_millis(40);
/// Most bytes that are waited for at once.
const LOWAT_MAX: usize = 128 * 1024;
/// Fewer bytes than this are not worth a system call.
const LOWAT_MIN: usize = 4 * 1024;
/// A message waits so long at most to be read together with the bytes of a block.
const HEAD_WAIT: Duration = Duration::from_millis(20);
/// A peer that became slow is looked at this often, so that what it sends is heard.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The socket's reading half with what was read along.
#[derive(Debug)]
pub(crate) struct Receive {
    half: OwnedReadHalf,
    cipher: Option<Cipher>,
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes since the task last let others run.
    since_yield: usize,
    /// What the socket waits for before it wakes the task.
    lowat: usize,
    /// Milliseconds of the link's life at which bytes last came here.
    pulse: Arc<AtomicU64>,
}

impl Receive {
    pub(crate) fn new(read: WireRead, shared: Arc<Shared>) -> Self {
        let mut buffer = vec![0; BUFFER_LEN];
        let end = read.ahead.len().min(BUFFER_LEN);
        let known = buffer.iter_mut().zip(&read.ahead);
        known.for_each(|(to, from)| *to = *from);
        Self {
            half: read.half,
            cipher: read.cipher,
            shared,
            buffer,
            start: 0,
            end,
            since_yield: 0,
            lowat: 1,
            pulse: Arc::default(),
        }
    }

    /// The same, telling when bytes came.
    pub(crate) fn with_pulse(mut self, pulse: Arc<AtomicU64>) -> Self {
        self.pulse = pulse;
        self
    }

    /// The head of the next message. May be dropped at any await.
    pub(crate) async fn head(&mut self, limits: &Limits) -> Result<FrameHead, LinkEnd> {
        loop {
            if let Some((head, used)) = FrameHead::parse(self.buffered(), limits)? {
                self.start = self.start.saturating_add(used);
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    /// The next `len` bytes as a message's payload.
    pub(crate) async fn payload(&mut self, len: u32) -> Result<Bytes, LinkEnd> {
        let mut missing = usize::try_from(len).unwrap_or(usize::MAX);
        let mut payload = BytesMut::with_capacity(missing.min(GROWTH));
        loop {
            let part = self.take(missing);
            payload.extend_from_slice(part);
            missing = missing.saturating_sub(part.len());
            if missing == 0 {
                return Ok(payload.freeze());
            }
            self.fill().await?;
        }
    }

    /// Throws the next `len` bytes away.
    pub(crate) async fn skip(&mut self, len: u64) -> Result<(), LinkEnd> {
        let mut missing = usize::try_from(len).unwrap_or(usize::MAX);
        loop {
            missing = missing.saturating_sub(self.take(missing).len());
            if missing == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Reads a block to where its job wants it.
    pub(crate) async fn block(&mut self, index: u32, begin: u32, len: u32) -> Result<(), LinkEnd> {
        let shared = Arc::clone(&self.shared);
        let arrival = shared.state().download.arrive(index, begin, len);
        let Some(arrival) = arrival else {
            return self.waste(u64::from(len)).await;
        };
        let mut rest = arrival.block.span;
        while !rest.is_empty() {
            let Some(mut chunk) = arrival.sink.reserve(rest) else {
                self.waste(rest.len()).await?;
                break;
            };
            let span = chunk.span();
            self.waste(span.start().saturating_sub(rest.start()))
                .await?;
            self.read_into(chunk.as_mut_slice()).await?;
            chunk.commit();
            count(&shared.bytes_down, span.len());
            count(&shared.common.totals.bytes_down, span.len());
            rest = Span::between(span.end(), rest.end());
        }
        let mut state = shared.state();
        state.download.settle(&arrival, Instant::now());
        if state.download.wants_requests() {
            drop(state);
            shared.writer.notify_one();
        }
        Ok(())
    }

    /// Throws bytes of blocks away, and counts them.
    async fn waste(&mut self, len: u64) -> Result<(), LinkEnd> {
        count(&self.shared.wasted, len);
        count(&self.shared.common.totals.wasted, len);
        self.skip(len).await
    }

    /// Fills `slice` with the next bytes: what was read along first, the rest from the socket
    /// directly.
    async fn read_into(&mut self, slice: &mut [u8]) -> Result<(), LinkEnd> {
        let known = self.take(slice.len());
        let mut at = known.len();
        if let Some(to) = slice.get_mut(..at) {
            to.copy_from_slice(known);
        }
        while let Some(rest) = slice.get_mut(at..).filter(|rest| !rest.is_empty()) {
            // the buffer is empty here, so all of it can take what lies behind the payload
            let wanted = rest.len();
            let mut slices = [IoSliceMut::new(rest), IoSliceMut::new(&mut self.buffer)];
            let got = read_some(self.half.as_ref(), &mut slices)?;
            open(&mut self.cipher, &mut slices, got.bytes);
            at = at.saturating_add(got.bytes.min(wanted));
            (self.start, self.end) = (0, got.bytes.saturating_sub(wanted));
            if got.bytes > 0 {
                self.heard(got.bytes).await;
            }
            if got.drained && got.bytes < wanted {
                self.wait_for(wanted.saturating_sub(got.bytes)).await?;
            }
        }
        Ok(())
    }

    /// Whether everything that was read is used.
    pub(crate) fn is_empty(&self) -> bool {
        self.buffered().is_empty()
    }

    fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// At most `max` bytes of what was read along.
    fn take(&mut self, max: usize) -> &[u8] {
        let from = self.start;
        self.start = from.saturating_add(max).min(self.end);
        self.buffer.get(from..self.start).unwrap_or_default()
    }

    /// Reads more behind what was read along.
    async fn fill(&mut self) -> Result<(), LinkEnd> {
        if self.start > 0 {
            // at most a head is left over here, so moving it costs nothing
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end.saturating_sub(self.start));
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            let mut slices = [IoSliceMut::new(room)];
            let got = read_some(self.half.as_ref(), &mut slices)?;
            open(&mut self.cipher, &mut slices, got.bytes);
            if got.bytes > 0 {
                self.end = self.end.saturating_add(got.bytes);
                self.heard(got.bytes).await;
                return Ok(());
            }
            if got.drained {
                self.wait_for_head().await?;
            }
        }
    }

    /// Waits until the socket has more of the `wanted` bytes that come next whatever happens.
    async fn wait_for(&mut self, wanted: usize) -> Result<(), LinkEnd> {
        let soon = self.comes_within(WAKE_EVERY);
        // a little more than is worth waking for is waited for to its end
        let lowat = if wanted / 2 < soon { wanted } else { soon };
        self.wait(lowat, LOOK_EVERY).await
    }

    /// Waits until the socket has the next message. While blocks are owed that is one of them, most
    /// likely: so other messages may wait a moment for what comes behind them.
    async fn wait_for_head(&mut self) -> Result<(), LinkEnd> {
        let owed = self.shared.state().download.next_len();
        let owed = usize::try_from(owed).unwrap_or(usize::MAX);
        let lowat = owed.min(self.comes_within(HEAD_WAIT));
        self.wait(lowat, HEAD_WAIT).await
    }

    /// Waits for `lowat` bytes, or until `limit` for what there is then.
    async fn wait(&mut self, lowat: usize, limit: Duration) -> Result<(), LinkEnd> {
        let lowat = lowat.min(LOWAT_MAX);
        if lowat >= LOWAT_MIN {
            self.set_lowat(lowat);
            if let Ok(readable) = timeout(limit, self.half.readable()).await {
                return Ok(readable?);
            }
        }
        self.set_lowat(1);
        Ok(self.half.readable().await?)
    }

    /// How many bytes the peer sends in `time` at its rate.
    fn comes_within(&self, time: Duration) -> usize {
        let rate = self.shared.state().download.rate(Instant::now());
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        usize::try_from(rate.saturating_mul(millis) / 1000).unwrap_or(usize::MAX)
    }

    /// Tells the socket for how much to wake the task.
    fn set_lowat(&mut self, lowat: usize) {
        if self.lowat != lowat {
            // it only saves work
            let _ = set_receive_lowat(self.half.as_ref(), u32::try_from(lowat).unwrap_or(1));
            self.lowat = lowat;
        }
    }

    /// Notes that bytes came, and lets the writer run now and then: requests must go out while a
    /// fast peer's bytes never cease.
    async fn heard(&mut self, bytes: usize) {
        let now = Instant::now();
        self.shared.heard(now);
        self.pulse.store(self.shared.age_ms(now), Ordering::Relaxed);
        self.since_yield = self.since_yield.saturating_add(bytes);
        if self.since_yield >= BUFFER_LEN {
            self.since_yield = 0;
            tokio::task::yield_now().await;
        }
    }
}

/// Takes what was read out of its cipher, if it is in one.
fn open(cipher: &mut Option<Cipher>, slices: &mut [IoSliceMut<'_>], mut len: usize) {
    let Some(cipher) = cipher else { return };
    for slice in slices {
        let here = len.min(slice.len());
        if let Some(sealed) = slice.get_mut(..here) {
            cipher.apply(sealed);
        }
        len = len.saturating_sub(here);
    }
}

/// What one look at the socket brought.
#[derive(Debug, Clone, Copy)]
struct Got {
    bytes: usize,
    /// The socket had no more.
    drained: bool,
}

/// Reads what is there. A read that does not fill the slices has drained the socket: the runtime is
/// told so within the same attempt, which spares the read that would come back empty-handed.
fn read_some(stream: &TcpStream, slices: &mut [IoSliceMut<'_>]) -> Result<Got, LinkEnd> {
    let room: usize = slices.iter().map(|slice| slice.len()).sum();
    let mut bytes = 0;
    let tried = stream.try_io(Interest::READABLE, || {
        let socket = SockRef::from(stream);
        match (&*socket).read_vectored(slices)? {
            0 => Ok(()),
            read => {
                bytes = read;
                if read < room {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            }
        }
    });
    match tried {
        Ok(()) if bytes == 0 => Err(LinkEnd::ByPeer),
        Ok(()) => Ok(Got {
            bytes,
            drained: false,
        }),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => Ok(Got {
                bytes,
                drained: true,
            }),
            io::ErrorKind::Interrupted => Ok(Got {
                bytes,
                drained: false,
            }),
            kind => Err(LinkEnd::Io(kind)),
        },
    }
}
