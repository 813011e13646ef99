//! A session: what all copies of one process share, and the copies that run in it.
//!
//! One listener, one local discovery, one pair of rate limits; each copy has an engine of its own.

use std::sync::Arc;
use std::time::Duration;

use swarmcopy_piece_store::Tenure;
use swarmcopy_sources::Limiter;
use swarmcopy_swarm::Listener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::copy::{AddError, Shared};
use crate::discovery::Discovery;
use crate::engine::{Clock, Outlets};
use crate::errors::{BuildError, OptionError};
use crate::event::events;
use crate::inner::Inner;
use crate::registry::{NoPlace, Registry};
use crate::running::Running;
use crate::start::{self, Prepared};
use crate::{Config, Content, ContentId, Copy, CopyOptions, Limits, Progress, check};

/// Orders of handles that may wait for a copy.
const ORDERS_MAX: usize = 64;

/// What all copies of one process share. Clones are the same session; dropping them all stops nothing:
/// [`shutdown`](Self::shutdown) does.
#[derive(Debug, Clone)]
pub struct Session {
    pub(crate) inner: Arc<Inner>,
}

/// Builds a [`Session`].
#[derive(Debug, Default)]
pub struct SessionBuilder {
    config: Config,
    discoveries: Vec<Arc<dyn Discovery>>,
}

impl SessionBuilder {
    /// Sets everything at once.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets where to listen for peers; by default the first free port of 6881-6889, then any.
    #[must_use]
    pub fn listen(mut self, addr: std::net::SocketAddr) -> Self {
        self.config.listen = Some(addr);
        self
    }

    /// Sets whether peers are found by local discovery (BEP 14); they are unless told otherwise.
    #[must_use]
    pub fn lsd(mut self, lsd: bool) -> Self {
        self.config.lsd = lsd;
        self
    }

    /// Adds a way to find peers of the embedder's own: it is asked for each copy whose content is not private.
    #[must_use]
    pub fn discovery(mut self, discovery: Arc<dyn Discovery>) -> Self {
        self.discoveries.push(discovery);
        self
    }

    /// Sets the limits of the line; [`Session::set_limits`] changes them later.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limit_down = limits.down;
        self.config.limit_up = limits.up;
        self
    }

    /// Opens the listener and local discovery.
    ///
    /// # Errors
    /// [`BuildError::NoRuntime`] outside of a tokio runtime, [`BuildError::Option`] for what can't be right,
    /// [`BuildError::Listen`] where the address is taken.
    pub async fn build(self) -> Result<Session, BuildError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(BuildError::NoRuntime);
        }
        check::config(&self.config)?;
        // thousands of files and links: the soft limit of many systems is 1024
        if let Err(error) = swarmcopy_sys::limits::raise_open_files() {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
        let quit = CancellationToken::new();
        let addr = self.config.listen;
        let listener =
            Listener::bind_with(addr, self.config.encryption.into(), &quit).map_err(|error| {
                BuildError::Listen {
                    addr,
                    cause: error.into(),
                }
            })?;
        let dht = if self.config.dht {
            let started = start::dht(&self.config, &listener).await;
            Some(started.map_err(BuildError::Dht)?)
        } else {
            None
        };
        let (lsd, lsd_failure) = match self
            .config
            .lsd
            .then(|| start::lsd(&self.config, &listener, &quit))
        {
            Some(Ok(lsd)) => (Some(lsd), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        Ok(Session {
            inner: Arc::new(Inner {
                limit_down: Arc::new(Limiter::new(self.config.limit_down)),
                limit_up: Arc::new(Limiter::new(self.config.limit_up)),
                config: self.config,
                discoveries: self.discoveries,
                listener,
                lsd,
                lsd_failure,
                dht,
                peer_id: peer_id(),
                stop: CancellationToken::new(),
                quit,
                tasks: TaskTracker::new(),
                copies: Registry::new(),
            }),
        })
    }
}

fn peer_id() -> [u8; 20] {
    let mut rng = fastrand::Rng::with_seed(swarmcopy_sys::random::seed());
    let mut peer_id = *b"-SC0200-............";
    let random = peer_id.iter_mut().skip(8);
    random.for_each(|byte| *byte = rng.u8(..));
    peer_id
}

impl Session {
    /// Starts to build a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Starts a copy of `content`, or serves it if it says so. It runs by itself; what is returned lets you watch and
    /// steer it. What happens is told by `tracing` in its span `copy`, a child of the span in which this is called. May be
    /// dropped at any await: then nothing runs.
    ///
    /// # Errors
    /// [`AddError::Running`] with the copy of this content that runs already, [`AddError::Option`] for an option that
    /// can't be right, [`AddError::ShutDown`] after [`shutdown`](Self::shutdown), else why it could not begin.
    pub async fn add(&self, content: Content, options: CopyOptions) -> Result<Copy, AddError> {
        check::options(&options)?;
        let content = content.with_options(options);
        check::options(&content.options)?;
        let id = content.id();
        let place = self.inner.copies.place(id).await;
        let place = place.map_err(|why| match why {
            NoPlace::Running(copy) => AddError::Running(copy),
            NoPlace::Closed => AddError::ShutDown,
        })?;
        let clock = Clock::start();
        let span = tracing::info_span!("copy", %id);
        let prepared = Prepared::open(Arc::clone(&self.inner), content.clone());
        let prepared = prepared.instrument(span.clone()).await?;
        let started = prepared.started();
        let (progress_in, progress) = watch::channel(Progress::new(started.bytes));
        let (complete_in, complete) = watch::channel(None);
        let (ended_in, ended) = watch::channel(None);
        let (started_in, started) = watch::channel(started);
        let (orders_in, orders) = mpsc::channel(ORDERS_MAX);
        let (teller, told) = events();
        let stop = self.inner.stop.child_token();
        let copy = Copy::new(Shared {
            id,
            started,
            progress,
            complete,
            ended,
            told,
            orders: orders_in,
            stop: stop.clone(),
        });
        let running = Running {
            session: Arc::clone(&self.inner),
            content,
            clock,
            outlets: Outlets {
                progress: progress_in,
                complete: complete_in,
                events: teller,
                stop,
            },
            started: started_in,
            orders,
            past: None,
            tenure: Tenure::default(),
        };
        if !place.fill(copy.clone()) {
            return Err(AddError::ShutDown);
        }
        let session = Arc::clone(&self.inner);
        let run = async move {
            let outcome = Box::pin(running.run(prepared)).await;
            session.copies.remove(id);
            ended_in.send_replace(Some(outcome));
        };
        self.inner.tasks.spawn(run.instrument(span));
        Ok(copy)
    }

    /// The copies that run or are paused.
    pub fn copies(&self) -> Vec<Copy> {
        self.inner.copies.running()
    }

    /// The copy of this content, if one runs or is paused.
    pub fn get(&self, id: ContentId) -> Option<Copy> {
        self.inner.copies.get(id)
    }

    /// Changes the limits of the line, for copies that run too.
    ///
    /// # Errors
    /// A limit of no bytes a second; then nothing changes.
    pub fn set_limits(&self, limits: Limits) -> Result<(), OptionError> {
        check::rate(limits.down)?;
        check::rate(limits.up)?;
        self.inner.limit_down.set_rate(limits.down);
        self.inner.limit_up.set_rate(limits.up);
        Ok(())
    }

    /// Stops all copies and waits until their state is saved, at most for `grace`; what takes longer ends by itself.
    /// Each copy still tells its outcome. Nothing can be added any more.
    pub async fn shutdown(self, grace: Duration) {
        self.inner.copies.close();
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(grace, self.inner.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("copies take longer to end than they were given");
        }
        self.inner.quit.cancel();
    }
}
