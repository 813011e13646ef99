//! The control connections to a server, kept between fetches.
//!
//! What must stay true: no more of them are open than there are slots, and a connection whose state is in
//! doubt is closed instead of being kept.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::ClientConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::session::Session;
use crate::http::guard::Guard;
use crate::http::target::Target;
use crate::{MirrorOptions, Ownership};

/// Most connections to an FTP server: many allow few from one address.
pub const FTP_STREAMS_MAX: u32 = 8;

/// Logins at a time: servers that take seconds for one often take them one after the other, and the
/// last of eight would wait longer than anybody's patience.
const LOGINS_MAX: usize = 2;

/// The slots of one server.
pub(super) struct Sessions {
    free: Arc<Semaphore>,
    /// How many wait for a slot.
    waiting: AtomicU32,
    count: AtomicU32,
    idle: Mutex<Vec<Session>>,
    guard: Guard,
    tls: Result<Arc<ClientConfig>, String>,
    logging_in: Semaphore,
}

/// One slot while it is in use; given back when dropped.
pub(super) struct Slot {
    /// The connection; taken out while its state is in doubt.
    pub(super) session: Option<Session>,
    sessions: Arc<Sessions>,
    _free: OwnedSemaphorePermit,
}

/// Somebody who waits for a slot.
pub(super) struct Waiting<'a>(&'a Sessions);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sessions {
    pub(super) fn new(target: &Target, options: &MirrorOptions) -> Self {
        let tls = options.trust.config().map(|config| {
            // what is good for HTTP makes some FTP servers refuse
            let mut config = ClientConfig::clone(&config);
            config.alpn_protocols.clear();
            Arc::new(config)
        });
        let sessions = Self {
            free: Arc::new(Semaphore::new(0)),
            waiting: AtomicU32::new(0),
            count: AtomicU32::new(0),
            idle: Mutex::default(),
            guard: Guard::new(target.host(), options),
            tls,
            logging_in: Semaphore::new(LOGINS_MAX),
        };
        sessions.grow(options);
        sessions
    }

    /// How many slots there are.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// What TLS is to be made with.
    pub(super) fn tls(&self) -> &Result<Arc<ClientConfig>, String> {
        &self.tls
    }

    /// Where the server's name may lead.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Waits for a turn to log in.
    pub(super) async fn turn_to_log_in(&self) -> Option<SemaphorePermit<'_>> {
        self.logging_in.acquire().await.ok()
    }

    /// Finds out where a server of others is, and takes more slots if that allows them.
    pub(super) async fn find_home(&self, options: &MirrorOptions) {
        if options.ownership == Ownership::Others {
            let patience = options.connect_timeout;
            // a name that can't be looked up now counts as public
            let _ = tokio::time::timeout(patience, self.guard.find_home()).await;
            self.grow(options);
        }
    }

    /// Makes as many slots as the server's ownership allows.
    fn grow(&self, options: &MirrorOptions) {
        let alone = options.ownership == Ownership::Others && !self.guard.home_is_private();
        let most = if alone { 1 } else { FTP_STREAMS_MAX };
        let streams = options.streams_max.clamp(1, most);
        let before = self.count.fetch_max(streams, Ordering::Relaxed);
        let more = usize::try_from(streams.saturating_sub(before)).unwrap_or(0);
        self.free.add_permits(more);
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
            session: self.idle().pop(),
            sessions: Arc::clone(self),
            _free: free,
        }
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close_idle(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} free)", self.free.available_permits())
    }
}

impl Slot {
    /// Whether somebody waits for a slot of this server.
    pub(super) fn is_wanted(&self) -> bool {
        self.sessions.waiting.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.sessions.idle().push(session);
        }
    }
}
