//! How a mirror is to be read.

use std::sync::Arc;
use std::time::Duration;

use super::mirror_streams_max;
use super::netrc::Netrc;
use super::trust::Trust;
use crate::Limiter;

/// Settings of a mirror; clones share what is costly to make (the trusted certificates).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MirrorOptions {
    /// Most connections at once.
    pub streams_max: u32,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long the server may send nothing at all.
    pub idle_timeout: Duration,
    /// Whether a public server may redirect to a private address or this machine.
    pub private_redirects: bool,
    /// The proxy's URL; `None` takes the environment's word (`http_proxy`, `no_proxy` and so on), except
    /// for servers on this machine.
    pub proxy: Option<String>,
    /// Whose certificates count.
    pub trust: Trust,
    /// Logins by host, used where the URL holds none.
    pub netrc: Option<Arc<Netrc>>,
    /// Limits on its rate: all of them hold.
    pub limits: Vec<Arc<Limiter>>,
}

impl Default for MirrorOptions {
    fn default() -> Self {
        Self {
            streams_max: mirror_streams_max,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(20),
            private_redirects: false,
            proxy: None,
            trust: Trust::platform(),
            netrc: None,
            limits: Vec::new(),
        }
    }
}
