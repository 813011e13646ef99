//! How a mirror is to be read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::netrc::Netrc;
use super::trust::Trust;
use crate::Limiter;
use swarmcopy_address::{ShownAll, debug_shown};

/// Most connections to a mirror unless told otherwise.
pub const MIRROR_STREAMS_MAX: u32 = 32;
/// Most redirects in a row.
pub(super) const REDIRECTS_MAX: u32 = 10;

/// Whose server a mirror is, as far as this machine was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Ownership {
    /// The admin's own: named on the command line, in a policy or in a torrent's `url-list`. It gets as many
    /// connections as pay.
    #[default]
    Admin,
    /// Other people's: it came in by a metalink or a `Link` header. It gets one connection (RFC 6249
    /// section 7), unless its address is private or this machine's.
    Others,
}

/// Settings of a mirror; clones share what is costly to make (the trusted certificates).
#[derive(Clone)]
#[non_exhaustive]
pub struct MirrorOptions {
    /// Most connections at once, where the mirror's ownership allows more than one.
    pub streams_max: u32,
    /// Whose server it is.
    pub ownership: Ownership,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long the server may send nothing at all.
    pub idle_timeout: Duration,
    /// Whether a public server may redirect to a private address or this machine.
    pub private_redirects: bool,
    /// Whether the address comes from a document of somebody on the internet, and must not lead to a
    /// private address or this machine.
    pub public_only: bool,
    /// The proxy's URL; `None` takes the environment's word (`http_proxy`, `no_proxy` and so on), except
    /// for servers on this machine.
    pub proxy: Option<String>,
    /// Whose certificates count.
    pub trust: Trust,
    /// Logins by host, used where the URL holds none.
    pub netrc: Option<Arc<Netrc>>,
    /// Where what comes too early from a server that ignores ranges is kept; `None` for the system's folder of
    /// temporary files.
    pub spool_folder: Option<PathBuf>,
    /// Limits on its rate: all of them hold.
    pub limits: Vec<Arc<Limiter>>,
}

debug_shown!(MirrorOptions {
    streams_max, ownership, connect_timeout, idle_timeout, private_redirects, public_only, trust, netrc,
    spool_folder, limits;
    proxy: ShownAll(proxy),
});

impl Default for MirrorOptions {
    fn default() -> Self {
        Self {
            streams_max: MIRROR_STREAMS_MAX,
            ownership: Ownership::Admin,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(20),
            private_redirects: false,
            public_only: false,
            proxy: None,
            trust: Trust::platform(),
            netrc: None,
            spool_folder: None,
            limits: Vec::new(),
        }
    }
}
