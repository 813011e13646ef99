//! What stands before the machines of a rehearsal start: torrent, tracker, mirror and limits.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use swarmcopy::{Error, ErrorKind, MakeOptions, Session, make};
use swarmcopy_sources::Limiter;
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio_util::sync::CancellationToken;

use crate::counted::Meter;
use crate::mirror::Mirror;
use crate::rates::Rates;
use crate::{RehearsalOptions, RehearsalOrigin, Staged};

/// Time for each machine to end in order.
const GRACE: Duration = Duration::from_secs(5);

/// Everything that stands before the machines start.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) options: RehearsalOptions,
    pub(crate) original: PathBuf,
    pub(crate) torrent: Vec<u8>,
    pub(crate) bytes: u64,
    pub(crate) pieces: u32,
    pub(crate) tracker: String,
    pub(crate) mirror: Option<String>,
    pub(crate) origin_limit: Arc<Limiter>,
    pub(crate) link_rate: Option<u64>,
    pub(crate) bound: Option<Duration>,
    pub(crate) meters: Vec<Arc<Meter>>,
    pub(crate) folder: PathBuf,
    /// Of the machines that were started.
    sessions: Mutex<Vec<Session>>,
}

impl Stage {
    /// Makes the torrent, and starts the tracker and the mirror.
    pub(crate) async fn set(
        options: RehearsalOptions,
        folder: &Path,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let original = std::path::absolute(&options.path)
            .and_then(|path| path.canonicalize())
            .map_err(|error| {
                let path = options.path.display();
                Error::new(ErrorKind::Failed, format!("cannot open {path}: {error}"))
            })?;
        let mut making = MakeOptions::new(&original);
        making.torrent = Some(folder.join("rehearsal.torrent"));
        let hashing = options.hashing.clone();
        let tell = move |progress| {
            // whoever listens may be slow or gone: the next word comes soon
            let _ = hashing.as_ref().map(|hears| hears.try_send(progress));
        };
        let made = tokio::task::spawn_blocking(move || make(&making, &tell)).await;
        let made = made.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))??;
        let torrent =
            std::fs::read(&made.torrent).map_err(|error| disk("read the torrent", &error))?;
        let rates = Rates::of(&options, made.bytes);
        let origin_limit = Arc::new(Limiter::new(rates.origin));
        let meters: Vec<_> = (0..options.machines)
            .map(|_| Arc::new(Meter::default()))
            .collect();
        let tracker = start_tracker(stop)?;
        let mut mirror = None;
        if options.origin != RehearsalOrigin::Share {
            let server = Mirror {
                root: original.parent().unwrap_or(&original).to_owned(),
                limit: Arc::clone(&origin_limit),
                meters: meters.clone(),
            };
            let addr = server.serve(stop.clone()).await;
            let addr = addr.map_err(|error| {
                Error::new(
                    ErrorKind::Failed,
                    format!("cannot start the mirror: {error}"),
                )
            })?;
            mirror = Some(format!("http://{addr}"));
        }
        Ok(Self {
            original,
            torrent,
            bytes: made.bytes,
            pieces: made.pieces,
            tracker,
            mirror,
            origin_limit,
            link_rate: rates.link,
            bound: rates.bound(u64::from(options.machines), made.bytes, options.stagger),
            meters,
            folder: folder.to_owned(),
            sessions: Mutex::default(),
            options,
        })
    }

    /// Tells who wants to look on where the room is.
    pub(crate) fn tell(&self) {
        if let Some(staged) = &self.options.staged {
            // who does not listen looks on at nothing
            let _ = staged.try_send(Staged {
                torrent: self.torrent.clone(),
                tracker: self.tracker.clone(),
            });
        }
    }

    /// Remembers a machine that was started.
    pub(crate) fn note_session(&self, session: &Session) {
        let sessions = self.sessions.lock();
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        sessions.push(session.clone());
    }

    /// Ends all machines: nobody writes a copy any more.
    pub(crate) async fn end_machines(&self) {
        let sessions = self.sessions.lock();
        let sessions = std::mem::take(&mut *sessions.unwrap_or_else(PoisonError::into_inner));
        let ends = sessions.into_iter().map(|one| one.shutdown(GRACE));
        join_all(ends).await;
    }

    /// Where machine `number` keeps its copy.
    pub(crate) fn machine_folder(&self, number: u16) -> PathBuf {
        self.folder.join(format!("machine-{number}"))
    }
}

fn start_tracker(stop: &CancellationToken) -> Result<String, Error> {
    let mut options = TrackerOptions::default();
    options.interval = Duration::from_secs(30);
    let addr = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = TrackerServer::bind(addr, options).map_err(|error| {
        Error::new(
            ErrorKind::Failed,
            format!("cannot start the tracker: {error}"),
        )
    })?;
    let url = format!("http://{}/announce", server.local_addr());
    let stop = stop.clone();
    tokio::spawn(async move { server.serve(stop).await });
    Ok(url)
}

/// The local disk refused.
pub(crate) fn disk(what: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Disk, format!("cannot {what}: {error}"))
}
