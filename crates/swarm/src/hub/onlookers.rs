//! Onlookers at a machine: answered beside the links, never counted among them.
//!
//! What must stay true: an onlooker's address counts as nobody's while it is there, and is forgotten behind it,
//! so that nobody waits for a machine that is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Hub;
use crate::link::Direction;
use crate::onlooker::{self, onlookers_max};
use crate::wire::Wire;

/// Pause between two messages to onlookers about others.
const TELL_EVERY: Duration = Duration::from_secs(3);

/// Those that are there.
#[derive(Debug)]
pub(super) struct Onlookers {
    /// Each ends with the address that we have dialled, if we did.
    serving: JoinSet<Option<SocketAddr>>,
    others: watch::Sender<Option<Bytes>>,
    told_at: Instant,
}

impl Onlookers {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            serving: JoinSet::new(),
            others: watch::Sender::new(None),
            told_at: now,
        }
    }

    /// One has gone: the address that we had dialled. Waits for ever while there is none. May be dropped.
    pub(super) async fn gone(&mut self) -> Option<SocketAddr> {
        match self.serving.join_next().await {
            Some(gone) => gone.ok().flatten(),
            None => std::future::pending().await,
        }
    }
}

impl Hub {
    /// An onlooker is at the other end of this connection.
    pub(super) fn handle_onlooker(&mut self, wire: Wire, addr: SocketAddr, direction: Direction) {
        let dialled = (direction == Direction::Outgoing).then_some(addr);
        let board = self.common.status.clone();
        let board = board.filter(|_| self.onlookers.serving.len() < onlookers_max);
        let Some(board) = board else {
            self.forget_onlooker(dialled);
            return;
        };
        if let Some(addr) = dialled {
            self.book.is_ourselves(addr);
        }
        if self.onlookers.serving.is_empty() {
            self.renew_others();
        }
        let others = self.onlookers.others.subscribe();
        let common = Arc::clone(&self.common);
        let cancel = self.common.cancel.clone();
        let serving = onlooker::serve(common, board, (wire, addr, direction), others);
        self.onlookers.serving.spawn(async move {
            let end = cancel.run_until_cancelled(serving).await;
            tracing::debug!(%addr, ?end, "onlooker gone");
            dialled
        });
    }

    pub(super) fn forget_onlooker(&mut self, dialled: Option<SocketAddr>) {
        if let Some(addr) = dialled {
            self.book.forget(addr);
            self.count();
        }
    }

    /// Tells onlookers now and then whom else there is.
    pub(super) fn tell_onlookers(&mut self) {
        let now = Instant::now();
        let due = now.saturating_duration_since(self.onlookers.told_at) >= TELL_EVERY;
        if due && !self.onlookers.serving.is_empty() {
            self.onlookers.told_at = now;
            self.renew_others();
        }
    }

    fn renew_others(&self) {
        let others = self.some_others().map(|pex| Bytes::from(pex.encode()));
        self.onlookers.others.send_if_modified(|old| {
            let new = *old != others;
            *old = others;
            new
        });
    }
}
