//! A copy under way: a handle to look at it and to steer it.
//!
//! What must stay true: handles may be cloned and dropped at will, the copy goes on; whoever waits for its end gets it,
//! however it ended.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use swarmcopy_address::Shown;
use swarmcopy_sources::RangeSource;
use swarmcopy_swarm::PeerName;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::content::Content;
use crate::errors::OptionError;
use crate::event::{Events, Told};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::report::{Progress, Report, Started};
use crate::{ContentId, Error, ErrorKind, OriginMode, check};

/// Why a copy does not run.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The session copies or serves this content already: this copy.
    #[error("{} is copied or served already", .0.name())]
    Running(Copy),
    /// The session was shut down.
    #[error("the session was shut down")]
    ShutDown,
    /// The copy is over: it can't go on.
    #[error("the copy is over")]
    Over,
    /// The copy has no use for what was named.
    #[error("{0}")]
    NoUse(NoUse),
    /// An option can't be right.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// It could not begin: nobody to copy from, the disk, a folder that is not there.
    #[error(transparent)]
    Start(#[from] Error),
}

impl From<AddError> for Error {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Option(error) => error.into(),
            AddError::Start(error) => error,
            other => Self::new(ErrorKind::Failed, other.to_string()).with_cause(other),
        }
    }
}

/// Why a copy has no use for somebody to copy from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoUse {
    /// It serves what is there and copies nothing.
    #[error("what is served is copied from nobody: no mirror and no origin is read")]
    Serves,
    /// Its options or its torrent say that origins are never read.
    #[error("origins are never read: its options or its torrent say so")]
    Never,
    /// A metalink gives hashes of whole files alone: no piece of a peer could be verified.
    #[error("its metalink has no hashes of pieces: it takes part in no swarm")]
    NoSwarm,
}

/// What a handle asks of its copy.
#[derive(Debug)]
pub(crate) enum Order {
    Pause(oneshot::Sender<()>),
    Resume(oneshot::Sender<Result<(), AddError>>),
    Select(Vec<String>, oneshot::Sender<Result<(), AddError>>),
    Add(Way, oneshot::Sender<Result<(), AddError>>),
}

/// Somebody to copy from, named while the copy runs.
#[derive(Clone)]
pub(crate) enum Way {
    Peer(PeerName),
    Mirror(String),
    Range(Arc<dyn RangeSource>),
}

impl Way {
    /// Whether a copy of this content can use it.
    pub(crate) fn check(&self, content: &Content) -> Result<(), NoUse> {
        let is_peer = matches!(self, Self::Peer(_));
        if is_peer && content.has_whole_files() {
            Err(NoUse::NoSwarm)
        } else if !is_peer && content.is_seed() {
            Err(NoUse::Serves)
        } else if !is_peer && Policy::of(content).mode == OriginMode::Never {
            Err(NoUse::Never)
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => f.debug_tuple("Peer").field(peer).finish(),
            Self::Mirror(url) => f.debug_tuple("Mirror").field(&Shown(url)).finish(),
            Self::Range(source) => f.debug_tuple("Range").field(source).finish(),
        }
    }
}

/// What all handles of a copy share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) id: ContentId,
    pub(crate) started: watch::Receiver<Started>,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) complete: watch::Receiver<Option<Duration>>,
    pub(crate) ended: watch::Receiver<Option<Outcome>>,
    pub(crate) told: Told,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) stop: CancellationToken,
}

/// A copy under way, or over. Handles may be cloned; dropping them never stops the copy: [`stop`](Self::stop) does, and
/// [`stop_on_drop`](Self::stop_on_drop) makes a handle that does so when it is dropped.
#[derive(Debug, Clone)]
pub struct Copy {
    shared: Arc<Shared>,
}

impl Copy {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The name of the content in its swarm.
    pub fn id(&self) -> ContentId {
        self.shared.id
    }

    /// The content's name: the file or folder that it becomes.
    pub fn name(&self) -> String {
        self.shared.started.borrow().name.clone()
    }

    /// What is known from the start; choosing other files changes it.
    pub fn started(&self) -> Started {
        self.shared.started.borrow().clone()
    }

    /// How the copy does: the last look at it, at most 250 ms old. Cheap, never waits.
    pub fn status(&self) -> Progress {
        self.shared.progress.borrow().clone()
    }

    /// The looks at the copy from now on, about four a second, for a task of its own.
    pub fn looks(&self) -> Looks {
        Looks(self.shared.progress.clone())
    }

    /// What happens to the copy: from the start for the first that asks, from now on for others. A listener that lags
    /// behind by more than 4096 events misses some, and is told how many.
    pub fn events(&self) -> Events {
        self.shared.told.listen()
    }

    /// Stops to fetch and to serve until [`resume`](Self::resume), and waits until the state is saved. Nothing is held
    /// in the meantime: no slot, no file, no link. A copy that is over or paused stays so. May be dropped at any await:
    /// the copy pauses all the same.
    pub async fn pause(&self) {
        let (reply, done) = oneshot::channel();
        if self.shared.orders.send(Order::Pause(reply)).await.is_ok() {
            // without an answer it is over
            let _ = done.await;
        }
    }

    /// Goes on after [`pause`](Self::pause), from what is verified. A copy that runs goes on anyway.
    ///
    /// # Errors
    /// [`AddError::Over`] if the copy is over, else what a new copy would fail with; then it stays paused.
    pub async fn resume(&self) -> Result<(), AddError> {
        self.ask(Order::Resume).await
    }

    /// Copies the files that match one of these patterns from now on, all where there is none. What is there stays. A
    /// copy that runs begins anew with what it has; one that is paused stays so.
    ///
    /// # Errors
    /// [`AddError::Option`] naming a pattern that can't be read, [`AddError::Start`] one that matches nothing: then
    /// the former choice holds. [`AddError::Over`] if the copy is over.
    pub async fn select(
        &self,
        patterns: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<(), AddError> {
        let patterns: Vec<String> = patterns.into_iter().map(Into::into).collect();
        check::patterns(&patterns)?;
        self.ask(|reply| Order::Select(patterns, reply)).await
    }

    /// Adds a peer to connect to, as `HOST:PORT`; it is tried until it answers.
    ///
    /// # Errors
    /// [`AddError::Option`] if that is no address, [`AddError::NoUse`] if the copy takes part in no swarm,
    /// [`AddError::Over`] if it is over.
    pub async fn add_peer(&self, addr: &str) -> Result<(), AddError> {
        let peer = check::peer(addr)?;
        self.ask(|reply| Order::Add(Way::Peer(peer), reply)).await
    }

    /// Adds a mirror (BEP 19): the address of an HTTP or FTP server that holds the content.
    ///
    /// # Errors
    /// [`AddError::Option`] if that is no address of such a server, [`AddError::NoUse`] if the copy reads no origins,
    /// [`AddError::Over`] if it is over.
    pub async fn add_mirror(&self, url: &str) -> Result<(), AddError> {
        check::mirror(url)?;
        let way = Way::Mirror(url.to_owned());
        self.ask(|reply| Order::Add(way, reply)).await
    }

    /// Adds an origin of the embedder's own.
    ///
    /// # Errors
    /// [`AddError::NoUse`] if the copy reads no origins, [`AddError::Over`] if it is over.
    pub async fn add_origin(&self, source: Arc<dyn RangeSource>) -> Result<(), AddError> {
        self.ask(|reply| Order::Add(Way::Range(source), reply))
            .await
    }

    /// Waits until every wanted piece is verified and on disk: how long that took. Serving may go on. May be dropped
    /// at any await.
    ///
    /// # Errors
    /// Why the copy ended without that.
    pub async fn complete(&self) -> Result<Duration, Error> {
        let mut complete = self.shared.complete.clone();
        if let Ok(Some(elapsed)) = complete.wait_for(Option::is_some).await.map(|value| *value) {
            return Ok(elapsed);
        }
        let report = self.finished().await.into_result()?;
        Ok(report.elapsed)
    }

    /// Waits for the end: complete and served long enough, failed, or stopped. May be dropped at any await.
    pub async fn finished(&self) -> Outcome {
        let mut ended = self.shared.ended.clone();
        let ended = ended
            .wait_for(Option::is_some)
            .await
            .map(|value| value.clone());
        ended.ok().flatten().unwrap_or_else(|| {
            let gone = Error::new(ErrorKind::Failed, "the copy ended without a word");
            Outcome::of(Report::default(), gone)
        })
    }

    /// Ends the copy and waits for that: what is verified is kept, so that it can go on later. A copy that was not
    /// complete ends with [`ErrorKind::Interrupted`]. May be dropped at any await: the copy ends all the same.
    pub async fn stop(&self) -> Outcome {
        self.cancel();
        self.finished().await
    }

    /// Asks the copy to end as [`stop`](Self::stop) does, and does not wait.
    pub fn cancel(&self) {
        self.shared.stop.cancel();
    }

    /// A handle that stops the copy when it is dropped.
    pub fn stop_on_drop(self) -> StopOnDrop {
        StopOnDrop(self)
    }

    async fn ask(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<(), AddError>>) -> Order,
    ) -> Result<(), AddError> {
        let (reply, done) = oneshot::channel();
        self.order(order(reply)).await?;
        done.await.unwrap_or(Err(AddError::Over))
    }

    async fn order(&self, order: Order) -> Result<(), AddError> {
        let sent = self.shared.orders.send(order).await;
        sent.map_err(|_| AddError::Over)
    }
}

/// A handle that stops its copy when it is dropped.
#[derive(Debug)]
pub struct StopOnDrop(Copy);

impl Deref for StopOnDrop {
    type Target = Copy;

    fn deref(&self) -> &Copy {
        &self.0
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Looks at a copy.
#[derive(Debug)]
pub struct Looks(watch::Receiver<Progress>);

impl Looks {
    /// The next look; `None` when the copy is over. May be dropped at any await.
    pub async fn next(&mut self) -> Option<Progress> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}
