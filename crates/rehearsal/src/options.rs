//! What is rehearsed: the file or folder, the machines, the origin and the rates.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use swarmcopy::MakeProgress;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Most machines of a rehearsal on one computer.
pub const MACHINES_MAX: u16 = 200;

/// What kind of origin is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RehearsalOrigin {
    /// A folder.
    #[default]
    Share,
    /// An HTTP server.
    Mirror,
    /// Both, under one rate.
    Both,
}

/// A rate of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RehearsalRate {
    /// So that the bound is about 10 s.
    #[default]
    Auto,
    /// As fast as this computer is.
    Unlimited,
    /// Bytes a second.
    Limited(u64),
}

/// What to rehearse.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RehearsalOptions {
    /// The file or folder to be rolled out.
    pub path: PathBuf,
    /// How many machines.
    pub machines: u16,
    /// What the origin is.
    pub origin: RehearsalOrigin,
    /// What the origin can send.
    pub origin_rate: RehearsalRate,
    /// What each machine can take, and can give.
    pub link_rate: RehearsalRate,
    /// Time from the start of one machine to that of the next.
    pub stagger: Duration,
    /// Most machines that read the origin at a time.
    pub readers_max: u32,
    /// Keep each machine's arrivals in its report.
    pub keep_arrivals: bool,
    /// Hears where the room is, once it stands, so that somebody can look on.
    pub staged: Option<mpsc::Sender<Staged>>,
    /// Hears where each machine listens, once it is started.
    pub started: Option<mpsc::Sender<SocketAddr>>,
    /// Hears how far the hashing is, as often as it listens.
    pub hashing: Option<mpsc::Sender<MakeProgress>>,
    /// Ends the rehearsal early, in order: machines first, then their folders are removed.
    pub stop: CancellationToken,
}

/// Where a rehearsed room is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Staged {
    /// The .torrent.
    pub torrent: Vec<u8>,
    /// The tracker by which its machines find each other.
    pub tracker: String,
}

impl RehearsalOptions {
    /// The defaults for `path`: 4 machines, a share, rates for about 10 s.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            machines: 4,
            origin: RehearsalOrigin::default(),
            origin_rate: RehearsalRate::default(),
            link_rate: RehearsalRate::default(),
            stagger: Duration::ZERO,
            readers_max: 3,
            keep_arrivals: false,
            staged: None,
            started: None,
            hashing: None,
            stop: CancellationToken::new(),
        }
    }
}
