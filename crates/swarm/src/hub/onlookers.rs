//! Onlookers at a machine: answered beside the links, never counted among them.
//!
//! What must stay true: an onlooker's address counts as nobody's while it is there, and is forgotten behind it,
//! so that nobody waits for a machine that is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use swarmcopy_bt_wire::extension::Pex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::StatusBoard;
use crate::common::Common;
use crate::link::Direction;
use crate::onlooker::{self, ONLOOKERS_MAX};
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

    /// Whether one more finds room.
    pub(super) fn has_room(&self) -> bool {
        self.serving.len() < ONLOOKERS_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.serving.is_empty()
    }

    /// Serves one at the other end of this connection.
    pub(super) fn serve(
        &mut self,
        common: &Arc<Common>,
        board: Arc<StatusBoard>,
        (wire, addr, direction): (Wire, SocketAddr, Direction),
    ) {
        let others = self.others.subscribe();
        let cancel = common.cancel.clone();
        let serving = onlooker::serve(Arc::clone(common), board, (wire, addr, direction), others);
        self.serving.spawn(async move {
            let end = cancel.run_until_cancelled(serving).await;
            tracing::debug!(%addr, ?end, "onlooker gone");
            (direction == Direction::Outgoing).then_some(addr)
        });
    }

    /// Whether it is time to tell them whom else there is.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.told_at) >= TELL_EVERY;
        let due = due && !self.is_empty();
        if due {
            self.told_at = now;
        }
        due
    }

    /// Tells them whom else there is, if that is new.
    pub(super) fn tell(&self, others: Option<&Pex>) {
        let others = others.map(|pex| Bytes::from(pex.encode()));
        self.others.send_if_modified(|old| {
            let new = *old != others;
            *old = others;
            new
        });
    }
}
