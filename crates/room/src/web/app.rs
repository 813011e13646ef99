//! What every request has at hand.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::shared::SharedRoom;
use crate::seen::Key;

#[derive(Clone)]
pub(super) struct App {
    pub(super) room: SharedRoom,
    pub(super) details: mpsc::Sender<Key>,
    pub(super) live: Arc<Semaphore>,
    pub(super) registry: Arc<Registry>,
    /// Tells this run of the server from others, whose versions mean nothing here.
    pub(super) instance: u64,
    pub(super) stop: CancellationToken,
}
