//! Local discovery (BEP 14).

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::SwarmError;
use crate::hub::Command;

/// How local discovery works.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LsdOptions {
    /// The address to send from and to listen on; by default the system chooses.
    pub ip: Option<IpAddr>,
}

/// Local discovery of a process, for all its contents.
#[derive(Debug)]
pub struct Lsd {}

impl Lsd {
    /// Opens the sockets. Must be called in a tokio runtime; stops when `cancel` is.
    pub fn start(_options: LsdOptions, _cancel: &CancellationToken) -> Result<Arc<Self>, SwarmError> {
        Ok(Arc::new(Self {}))
    }

    pub(crate) fn register(&self, _info_hash: [u8; 20], _port: u16, _swarm: mpsc::Sender<Command>) {}

    pub(crate) fn unregister(&self, _info_hash: &[u8; 20]) {}
}
