//! The connections to a mirror: one HTTP client per slot, each with one connection.
//!
//! What must stay true: no more clients are made than there are slots, and the one used last is used
//! first, so that few connections serve few fetches.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, Proxy};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::options::MirrorOptions;
use super::reach::Guard;
use super::target::Target;
use super::trust::Trust;

/// What this program calls itself.
const USER_AGENT: &str = concat!("swarmcopy/", env!("CARGO_PKG_VERSION"));

/// The slots of one mirror.
pub(super) struct Slots {
    free: Semaphore,
    clients: Mutex<Vec<Client>>,
    guard: Guard,
    connect_timeout: Duration,
    proxy: Option<String>,
    trust: Trust,
}

/// One slot while it is in use; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    client: Client,
    slots: &'a Slots,
    _free: SemaphorePermit<'a>,
}

impl Slots {
    pub(super) fn new(target: &Target, options: &MirrorOptions) -> Self {
        let streams = usize::try_from(options.streams_max.max(1)).unwrap_or(1);
        Self {
            free: Semaphore::new(streams.min(Semaphore::MAX_PERMITS)),
            clients: Mutex::default(),
            guard: Guard::new(target.host(), options.private_redirects),
            connect_timeout: options.connect_timeout,
            proxy: options.proxy.clone(),
            trust: options.trust.clone(),
        }
    }

    /// The rule for redirects.
    pub(super) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Waits for a free slot.
    pub(super) async fn take(&self) -> Result<Slot<'_>, String> {
        let free = self
            .free
            .acquire()
            .await
            .map_err(|error| error.to_string())?;
        let used = self
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let client = used.map_or_else(|| self.make(), Ok)?;
        Ok(Slot {
            client,
            slots: self,
            _free: free,
        })
    }

    fn make(&self) -> Result<Client, String> {
        let builder = Client::builder()
            .tls_backend_preconfigured(self.trust.config()?)
            .user_agent(USER_AGENT)
            .http1_only()
            .pool_max_idle_per_host(1)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .dns_resolver(self.guard.clone());
        let proxy = self.proxy.as_deref().map(Proxy::all).transpose();
        let builder = match proxy.map_err(|_| "the proxy's address is no URL".to_owned())? {
            Some(proxy) => builder.proxy(proxy),
            None if self.guard.home_is_loopback() => builder.no_proxy(),
            None => builder,
        };
        builder.build().map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slots({} free)", self.free.available_permits())
    }
}

impl Slot<'_> {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut clients = self
            .slots
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        clients.push(self.client.clone());
    }
}
