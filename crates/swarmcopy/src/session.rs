//! A session: what all copies of one process share, and the copies that run in it.
//!
//! One listener, one local discovery, one pair of rate limits; each copy has an engine of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use swarmcopy_sources::Limiter;
use swarmcopy_swarm::Listener;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::{Clock, Outlets};
use crate::inner::Inner;
use crate::report::Explanation;
use crate::start::{self, Prepared};
use crate::{Config, Content, Error, ErrorKind, Progress, Report, Started};

/// Explanations that a slow listener may lag behind before it misses some.
const EXPLANATIONS_MAX: usize = 4096;

/// What all copies of one process share.
#[derive(Debug, Clone)]
pub struct Session {
    pub(crate) inner: Arc<Inner>,
}

/// Builds a [`Session`].
#[derive(Debug, Default)]
pub struct SessionBuilder {
    config: Config,
}

impl SessionBuilder {
    /// Sets everything at once.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Opens the listener and local discovery. Must be called in a tokio runtime.
    pub async fn build(self) -> Result<Session, Error> {
        // thousands of files and links: the soft limit of many systems is 1024
        if let Err(error) = swarmcopy_sys::limits::raise_open_files() {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
        let quit = CancellationToken::new();
        let listener =
            Listener::bind_with(self.config.listen, self.config.encryption.into(), &quit).map_err(
                |error| {
                    Error::new(ErrorKind::Failed, error.to_string())
                        .with_hint("choose another address with --listen")
                },
            )?;
        let dht = if self.config.dht {
            Some(start::dht(&self.config, &listener).await?)
        } else {
            None
        };
        let (lsd, lsd_failure) = match self.config.lsd.then(|| start::lsd(&listener, &quit)) {
            Some(Ok(lsd)) => (Some(lsd), None),
            Some(Err(why)) => (None, Some(why)),
            None => (None, None),
        };
        let mut rng = fastrand::Rng::with_seed(swarmcopy_sys::random::seed());
        let mut peer_id = *b"-SC0100-............";
        peer_id
            .iter_mut()
            .skip(8)
            .for_each(|byte| *byte = rng.u8(..));
        Ok(Session {
            inner: Arc::new(Inner {
                limit_down: Arc::new(Limiter::new(self.config.limit_down)),
                limit_up: Arc::new(Limiter::new(self.config.limit_up)),
                config: self.config,
                listener,
                lsd,
                lsd_failure,
                dht,
                peer_id,
                stop: CancellationToken::new(),
                quit,
                tasks: TaskTracker::new(),
            }),
        })
    }
}

impl Session {
    /// Starts to build a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Starts a copy. It runs by itself; what is returned lets you watch and stop it.
    pub async fn add(&self, content: Content) -> Result<RunningCopy, Error> {
        let clock = Clock::start();
        let prepared = Prepared::open(Arc::clone(&self.inner), content).await?;
        let started = prepared.started(&self.inner);
        let (progress_in, progress) = watch::channel(Progress::new(started.bytes));
        let (complete_in, complete) = watch::channel(None);
        let (ended_in, ended) = watch::channel(None);
        let (explain, explained) = broadcast::channel(EXPLANATIONS_MAX);
        let stop = self.inner.stop.child_token();
        let outlets = Outlets {
            progress: progress_in,
            complete: complete_in,
            explain: explain.clone(),
            stop: stop.clone(),
        };
        self.inner.tasks.spawn(async move {
            let result = prepared.run(clock, outlets).await;
            ended_in.send_replace(Some(result));
        });
        Ok(RunningCopy {
            started,
            progress,
            complete,
            ended,
            explain,
            explained: Mutex::new(Some(explained)),
            stop,
        })
    }

    /// Stops all copies and waits until their state is saved. A copy's own result is not lost.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.quit.cancel();
    }
}

/// A copy under way. Dropping it doesn't stop the copy: [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct RunningCopy {
    started: Started,
    progress: watch::Receiver<Progress>,
    complete: watch::Receiver<Option<Duration>>,
    ended: watch::Receiver<Option<Result<Report, Error>>>,
    explain: broadcast::Sender<Explanation>,
    /// For the first that listens: what was told from the start.
    explained: Mutex<Option<broadcast::Receiver<Explanation>>>,
    stop: CancellationToken,
}

impl RunningCopy {
    /// What is known from the start.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// The next look at the copy, about four a second; `None` when it is over. May be dropped at
    /// any await.
    pub async fn progress(&mut self) -> Option<Progress> {
        next_look(&mut self.progress).await
    }

    /// The looks at the copy from now on, for a task of its own.
    pub fn looks(&self) -> Looks {
        Looks(self.progress.clone())
    }

    /// Waits until every wanted piece is verified and on disk: how long that took. Serving may go
    /// on. May be dropped at any await.
    pub async fn complete(&self) -> Result<Duration, Error> {
        let mut complete = self.complete.clone();
        if let Ok(Some(elapsed)) = complete.wait_for(Option::is_some).await.map(|value| *value) {
            return Ok(elapsed);
        }
        self.finished().await.map(|report| report.elapsed)
    }

    /// Waits for the end: complete and served long enough, failed, or stopped. May be dropped at
    /// any await.
    pub async fn finished(&self) -> Result<Report, Error> {
        let mut ended = self.ended.clone();
        let ended = ended
            .wait_for(Option::is_some)
            .await
            .map(|value| value.clone());
        let gone = Error::new(ErrorKind::Failed, "the copy ended without a word");
        ended.ok().flatten().unwrap_or(Err(gone))
    }

    /// The decisions of the scheduler with their reasons: from the start for the first that asks,
    /// from now on for others.
    pub fn explanations(&self) -> Explanations {
        let explained = self.explained.lock();
        let first = explained.unwrap_or_else(PoisonError::into_inner).take();
        Explanations(first.unwrap_or_else(|| self.explain.subscribe()))
    }

    /// Ends the copy: what is verified is kept, so that it can go on later. A copy that was not
    /// complete ends with [`ErrorKind::Interrupted`].
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

async fn next_look(progress: &mut watch::Receiver<Progress>) -> Option<Progress> {
    progress.changed().await.ok()?;
    Some(progress.borrow_and_update().clone())
}

/// Looks at a copy.
#[derive(Debug)]
pub struct Looks(watch::Receiver<Progress>);

impl Looks {
    /// The next look; `None` when the copy is over. May be dropped at any await.
    pub async fn next(&mut self) -> Option<Progress> {
        next_look(&mut self.0).await
    }
}

/// Listens to the scheduler's decisions.
#[derive(Debug)]
pub struct Explanations(broadcast::Receiver<Explanation>);

impl Explanations {
    /// The next decision; `None` when the copy is over. One that listens too slowly misses some.
    pub async fn next(&mut self) -> Option<Explanation> {
        loop {
            match self.0.recv().await {
                Ok(explanation) => return Some(explanation),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
