//! Who watches over this process: systemd, Windows' service manager, or nobody.
//!
//! What must stay true: the watcher hears that work has begun, that it goes on, and that it ends; nothing that it
//! does not hear keeps the work from going on.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::interval;

/// Hears how the work goes.
pub(crate) trait Watcher: fmt::Debug + Send + Sync {
    /// The work has begun.
    fn ready(&self);
    /// It goes on.
    fn alive(&self) {}
    /// How often it must hear that.
    fn every(&self) -> Option<Duration> {
        None
    }
    /// A word on what is done, for people.
    fn status(&self, _words: &str) {}
    /// The work ends in order.
    fn stopping(&self);
}

/// The watcher, and its wish that the work ends.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    watcher: Option<Arc<dyn Watcher>>,
    stop: watch::Receiver<bool>,
}

impl Host {
    /// Nobody.
    pub(crate) fn nobody() -> Self {
        // who is gone never asks for the end
        let (_, stop) = watch::channel(false);
        let watcher = None;
        Self { watcher, stop }
    }

    /// A watcher that ends the work by a signal, if there is one.
    pub(crate) fn of(watcher: Option<Arc<dyn Watcher>>) -> Self {
        Self {
            watcher,
            ..Self::nobody()
        }
    }

    /// A watcher that says through `stop` when the work is to end.
    pub(crate) fn new(watcher: Arc<dyn Watcher>, stop: watch::Receiver<bool>) -> Self {
        let watcher = Some(watcher);
        Self { watcher, stop }
    }

    pub(crate) fn ready(&self) {
        self.watcher.iter().for_each(|watcher| watcher.ready());
    }

    pub(crate) fn status(&self, words: &str) {
        self.watcher
            .iter()
            .for_each(|watcher| watcher.status(words));
    }

    pub(crate) fn stopping(&self) {
        self.watcher.iter().for_each(|watcher| watcher.stopping());
    }

    /// Waits until the watcher wants the end. May be dropped at any await.
    pub(crate) async fn stopped(&mut self) {
        if self.stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does `work`, and tells the watcher that it goes on for as long as the task that does it is not stuck.
    pub(crate) async fn watched<T>(&self, work: impl Future<Output = T>) -> T {
        let Some((watcher, every)) = self
            .watcher
            .as_ref()
            .and_then(|watcher| Some((watcher, watcher.every()?)))
        else {
            return work.await;
        };
        let mut work = pin!(work);
        let mut beats = interval(every);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = beats.tick() => watcher.alive(),
            }
        }
    }
}
