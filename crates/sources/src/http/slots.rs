//! The connections to a mirror: one per slot and server, kept between fetches.
//!
//! A slot keeps the connection to the mirror and those to where its redirects lead. What must stay true: no
//! more connections to a server are open than there are slots, the slot used last is used first, and a
//! connection whose answer was not read to its end is closed before another is made in its place.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Response};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::error::LinkError;
use super::guard::Guard;
use super::lanes::Lanes;
use super::link::{Dialer, Link};
use super::options::{MirrorOptions, Ownership};
use super::target::Target;

/// Most servers that a slot keeps a connection to.
const LINKS_MAX: usize = 3;
/// A connection that takes as long was asked for twice: systems ask again after a second.
const LATE: Duration = Duration::from_secs(1);
/// Most slots that anybody may ask for.
const STREAMS_MAX: u32 = 1024;

/// The slots of one mirror.
pub(super) struct Slots {
    free: Arc<Semaphore>,
    /// How many wait for one.
    waiting: AtomicU32,
    idle: Mutex<Vec<Vec<Link>>>,
    dialer: Dialer,
    /// How many slots there are.
    count: AtomicU32,
    lanes: Lanes,
    fastest_dial_ms: AtomicU64,
}

/// One slot while it is in use; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    /// The connection that is asked over, or was asked last.
    link: Option<Link>,
    use_of_link: Use,
    /// Connections that wait, each to another server; the last used first.
    waiting: Vec<Link>,
    slots: Arc<Slots>,
    _free: OwnedSemaphorePermit,
}

/// Somebody who waits for a slot.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a Slots);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a link waits for a request or an answer is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Idle,
    Answering,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// No connection.
    Unreachable(LinkError),
    /// The connection broke before the answer.
    Reset(LinkError),
    /// The server said nothing for the idle time.
    Silent,
}

/// Why a body goes no further.
#[derive(Debug)]
pub(super) enum NoFrame {
    /// It is at its end.
    End,
    /// The connection broke.
    Reset(LinkError),
    /// Nothing came for the idle time.
    Silent,
}

impl Slots {
    pub(super) fn new(target: &Target, options: &MirrorOptions) -> Arc<Self> {
        let guard = Guard::new(target.host(), options);
        let slots = Self {
            free: Arc::new(Semaphore::new(0)),
            waiting: AtomicU32::new(0),
            idle: Mutex::default(),
            dialer: Dialer::new(guard, options),
            count: AtomicU32::new(0),
            lanes: Lanes::default(),
            fastest_dial_ms: AtomicU64::new(u64::MAX),
        };
        slots.grow(options);
        Arc::new(slots)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Finds out where a server is that came in by others, and takes more slots if that allows them.
    pub(super) async fn find_home(&self, target: &Target, options: &MirrorOptions) {
        if options.ownership == Ownership::Others && !self.dialer.is_proxied(target.base()) {
            let patience = options.connect_timeout;
            // a name that can't be looked up now counts as public
            let _ = tokio::time::timeout(patience, self.guard().find_home()).await;
            self.grow(options);
        }
    }

    /// Makes as many slots as the mirror's ownership allows.
    fn grow(&self, options: &MirrorOptions) {
        let alone = options.ownership == Ownership::Others && !self.guard().home_is_private();
        let streams = if alone {
            1
        } else {
            options.streams_max.clamp(1, STREAMS_MAX)
        };
        let before = self.count.fetch_max(streams, Ordering::Relaxed);
        let more = usize::try_from(streams.saturating_sub(before)).unwrap_or(0);
        self.free.add_permits(more);
    }

    /// The rule for redirects.
    pub(super) fn guard(&self) -> &Guard {
        self.dialer.guard()
    }

    /// Waits for a free slot. May be dropped while it waits.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Slot, String> {
        let free = Arc::clone(&self.free).acquire_owned().await;
        Ok(self.slot(free.map_err(|error| error.to_string())?))
    }

    /// Takes a slot if one is free and nobody waits for it.
    pub(super) fn try_take(self: &Arc<Self>) -> Option<Slot> {
        let free = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(self.slot(free))
    }

    /// Says that a slot is waited for, for as long as the result lives.
    pub(super) fn want(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    fn slot(self: &Arc<Self>, free: OwnedSemaphorePermit) -> Slot {
        Slot {
            link: None,
            use_of_link: Use::Idle,
            waiting: self.idle().pop().unwrap_or_default(),
            slots: Arc::clone(self),
            _free: free,
        }
    }

    /// Learns how long it took to make a connection.
    fn note_dial(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let fastest = self.fastest_dial_ms.fetch_min(millis, Ordering::Relaxed);
        if time >= LATE && millis / 8 > fastest {
            self.lanes.overrun(Instant::now());
        }
    }

    /// How many connections small files may have at a time.
    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Vec<Link>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slots({} free)", self.free.available_permits())
    }
}

impl Slot {
    /// Whether somebody waits for a slot of this mirror.
    pub(super) fn is_wanted(&self) -> bool {
        self.slots.waiting.load(Ordering::SeqCst) > 0
    }

    /// Asks for `url`. A kept connection that the server has closed meanwhile is replaced once.
    pub(super) async fn get(
        &mut self,
        url: &Url,
        headers: &HeaderMap,
        patience: Duration,
    ) -> Result<Response<Incoming>, NoAnswer> {
        if let Some(mut link) = self.reusable(url) {
            match get(&mut link, url, headers, patience).await {
                Err(NoAnswer::Reset(_)) => {}
                answered => return self.answering(link, answered),
            }
        }
        let began = Instant::now();
        let dialled = self.slots.dialer.dial(url).await;
        self.slots.note_dial(began.elapsed());
        let took = began.elapsed();
        let mut link = dialled.map_err(|error| {
            tracing::debug!(%error, ?took, "not connected");
            NoAnswer::Unreachable(error)
        })?;
        tracing::debug!(?took, "connected");
        let answered = get(&mut link, url, headers, patience).await;
        self.answering(link, answered)
    }

    /// The next part of the body of the last answer.
    pub(super) async fn frame(
        &mut self,
        body: &mut Incoming,
        patience: Duration,
    ) -> Result<Bytes, NoFrame> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
            match tokio::time::timeout(patience, frame).await {
                Ok(Some(Ok(frame))) => {
                    // trailers say nothing that matters
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(bytes);
                    }
                }
                Ok(Some(Err(error))) => return Err(NoFrame::Reset(error.into())),
                Ok(None) => {
                    self.use_of_link = Use::Idle;
                    return Err(NoFrame::End);
                }
                Err(_) => return Err(NoFrame::Silent),
            }
        }
    }

    /// A kept connection to the server of `url`, if one stands.
    fn reusable(&mut self, url: &Url) -> Option<Link> {
        self.put_aside();
        let at = self.waiting.iter().position(|link| link.fits(url))?;
        Some(self.waiting.remove(at))
    }

    /// Lets the connection wait if its last answer was read to its end; closes it otherwise.
    fn put_aside(&mut self) {
        if let Some(link) = self.link.take().filter(|_| self.use_of_link == Use::Idle) {
            self.waiting.truncate(LINKS_MAX - 1);
            self.waiting.insert(0, link);
        }
    }

    fn answering(
        &mut self,
        link: Link,
        answered: Result<Response<Incoming>, NoAnswer>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        if answered.is_ok() {
            self.link = Some(link);
            self.use_of_link = Use::Answering;
        }
        answered
    }
}

async fn get(
    link: &mut Link,
    url: &Url,
    headers: &HeaderMap,
    patience: Duration,
) -> Result<Response<Incoming>, NoAnswer> {
    match tokio::time::timeout(patience, link.get(url, headers.clone())).await {
        Ok(answered) => answered.map_err(NoAnswer::Reset),
        Err(_) => Err(NoAnswer::Silent),
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.put_aside();
        self.waiting.retain(Link::is_open);
        if !self.waiting.is_empty() {
            let links = std::mem::take(&mut self.waiting);
            self.slots.idle().push(links);
        }
    }
}
