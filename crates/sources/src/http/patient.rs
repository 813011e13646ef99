//! A connection that is woken for many packets at once while a body comes.
//!
//! Being woken for each packet or two costs more than all that is done with its bytes. So while more
//! of a body is to come, the socket waits for some milliseconds' worth of it.
//!
//! What must stay true: nobody waits for bytes that the answer has not promised.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use swarmcopy_sys::net::set_receive_lowat;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

use super::error::LinkError;
use super::guard::Guard;

/// The task is woken about this often at the server's rate.
const WAKE_EVERY: Duration = Duration::from_millis(20);
/// Most bytes that are waited for at once.
const LOWAT_MAX: u64 = 128 * 1024;
/// Fewer bytes than this are not worth a system call.
const LOWAT_MIN: u64 = 8 * 1024;
/// Time over which the rate is taken.
const WINDOW: Duration = Duration::from_millis(100);

/// What an answer has promised, and what came of it; shared by a connection and who asks over it.
#[derive(Debug, Clone, Default)]
pub(super) struct Promise {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    until: AtomicU64,
}

impl Promise {
    /// How many bytes have come so far; to be asked before a request is sent.
    pub(super) fn mark(&self) -> u64 {
        self.counts.read.load(Ordering::Acquire)
    }

    /// The answer to the request that was sent at `mark` has a body of `len` bytes. Its head, and
    /// what encrypts it, come on top: so no byte is expected that does not come.
    pub(super) fn body(&self, mark: u64, len: u64) {
        self.counts
            .until
            .store(mark.saturating_add(len), Ordering::Release);
    }

    fn count(&self, bytes: u64) {
        self.counts.read.fetch_add(bytes, Ordering::AcqRel);
    }

    fn left(&self) -> u64 {
        let until = self.counts.until.load(Ordering::Acquire);
        until.saturating_sub(self.mark())
    }
}

/// Connects, and has the connection count for a promise.
#[derive(Debug, Clone)]
pub(super) struct PatientConnector {
    tcp: HttpConnector<Guard>,
    promise: Promise,
}

impl PatientConnector {
    pub(super) fn new(tcp: HttpConnector<Guard>, promise: Promise) -> Self {
        Self { tcp, promise }
    }
}

impl Service<Uri> for PatientConnector {
    type Response = TokioIo<PatientStream>;
    type Error = LinkError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LinkError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let (connecting, promise) = (self.tcp.call(target), self.promise.clone());
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            Ok(TokioIo::new(PatientStream::new(tcp, promise)))
        })
    }
}

/// A TCP connection that waits for many bytes where they are sure to come.
#[derive(Debug)]
pub(super) struct PatientStream {
    tcp: TcpStream,
    promise: Promise,
    rate: Rate,
    /// What the socket waits for before it wakes the task.
    lowat: u64,
}

impl PatientStream {
    fn new(tcp: TcpStream, promise: Promise) -> Self {
        Self {
            tcp,
            promise,
            rate: Rate::new(Instant::now()),
            lowat: 1,
        }
    }

    /// Tells the socket for how much to wake the task.
    fn set_lowat(&mut self) {
        let worth = self.rate.within(WAKE_EVERY).min(LOWAT_MAX);
        let worth = worth.min(self.promise.left());
        let lowat = if worth < LOWAT_MIN { 1 } else { worth };
        if lowat != self.lowat {
            // it only saves work
            let _ = set_receive_lowat(&self.tcp, u32::try_from(lowat).unwrap_or(1));
            self.lowat = lowat;
        }
    }
}

impl Connection for PatientStream {
    fn connected(&self) -> Connected {
        self.tcp.connected()
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(cx, buf);
        let bytes = buf.filled().len().saturating_sub(before);
        if read.is_pending() {
            this.set_lowat();
        } else if bytes > 0 {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            this.promise.count(bytes);
            this.rate.add(bytes, Instant::now());
        }
        read
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// Bytes a second over the last window that is over.
#[derive(Debug)]
struct Rate {
    since: Instant,
    bytes: u64,
    per_second: u64,
}

impl Rate {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            bytes: 0,
            per_second: 0,
        }
    }

    fn add(&mut self, bytes: u64, now: Instant) {
        self.bytes = self.bytes.saturating_add(bytes);
        let passed = now.saturating_duration_since(self.since);
        if passed >= WINDOW {
            let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
            self.per_second = self.bytes.saturating_mul(1_000_000) / micros.max(1);
            (self.since, self.bytes) = (now, 0);
        }
    }

    /// How many bytes come in `time` at this rate.
    fn within(&self, time: Duration) -> u64 {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.per_second.saturating_mul(micros) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_expected_that_is_not_promised() {
        let promise = Promise::default();
        promise.count(500);
        let mark = promise.mark();
        assert_eq!(promise.left(), 0);
        // the head came together with the first of the body
        promise.count(300);
        promise.body(mark, 1000);
        assert_eq!(promise.left(), 700);
        promise.count(900);
        assert_eq!(promise.left(), 0);
    }

    #[test]
    fn the_rate_is_that_of_the_last_window() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        rate.add(1_000_000, start);
        assert_eq!(rate.within(Duration::from_millis(20)), 0);
        rate.add(1_000_000, start + Duration::from_millis(200));
        assert_eq!(rate.within(Duration::from_millis(20)), 200_000);
        rate.add(0, start + Duration::from_secs(5));
        assert_eq!(rate.within(Duration::from_millis(20)), 0);
    }
}
