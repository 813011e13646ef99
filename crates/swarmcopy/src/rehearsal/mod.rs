//! A roll-out rehearsed on this one computer: an origin and N machines with real sockets and files.
//!
//! Each machine is a full session with an address of its own (127.0.0.x). Rates are limited, copies
//! are compared byte by byte at the end, and the origin's bytes and readers are counted where they
//! leave it. Nothing leaves the computer: machines find each other by a tracker on the loopback.

mod compare;
mod counted;
mod machine;
mod mirror;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use swarmcopy_sources::Limiter;
use swarmcopy_tracker::{TrackerOptions, TrackerServer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::make::{MakeOptions, make};
use crate::{Error, ErrorKind, Progress, Report};
use counted::{Meter, Readers};
use machine::Machine;

/// Most machines of a rehearsal on one computer.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
pub const machines_max: u16 = 200;
/// The time that the default rates aim at.
const AIM: Duration = Duration::from_secs(10);
/// No rehearsal takes longer than this many times its bound, and a minute.
const PATIENCE: u32 = 20;

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
        }
    }
}

/// A look at one machine of a rehearsal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MachineProgress {
    /// Which, from 0.
    pub machine: usize,
    /// How it does.
    pub progress: Progress,
}

/// How one machine of a rehearsal fared.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RehearsedMachine {
    /// When it started, since the start of the first.
    pub started: Duration,
    /// From its own start until it was complete.
    pub took: Duration,
    /// Its report.
    pub report: Report,
}

/// How a rehearsal went.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rehearsal {
    /// Bytes of the content.
    pub bytes: u64,
    /// Its pieces.
    pub pieces: u32,
    /// From the first start until the last machine was complete.
    pub elapsed: Duration,
    /// The least time in which it can be done at these rates, if they are limited.
    pub bound: Option<Duration>,
    /// Bytes that left the origin.
    pub origin_bytes: u64,
    /// Most machines that read the origin at a time, sampled every 100 ms.
    pub readers_peak: usize,
    /// How long more than `readers_max` read.
    pub readers_over_cap: Duration,
    /// Whether all copies are the same as the original, byte by byte.
    pub identical: bool,
    /// Each machine, in the order in which they started.
    pub per_machine: Vec<RehearsedMachine>,
}

impl Rehearsal {
    /// How long machines had a request open at the origin, summed over all machines.
    pub fn origin_reader(&self) -> Duration {
        self.per_machine
            .iter()
            .map(|machine| machine.report.origin_reader)
            .sum()
    }

    /// How often each decision about the origin was taken, on all machines together.
    pub fn reasons(&self) -> BTreeMap<&'static str, u64> {
        let mut sum = BTreeMap::new();
        for (reason, count) in self
            .per_machine
            .iter()
            .flat_map(|machine| &machine.report.reasons)
        {
            *sum.entry(*reason).or_default() += count;
        }
        sum
    }

    /// How many copies the origin sent.
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "a ratio for people: 52 bits are plenty"
    )]
    pub fn origin_copies(&self) -> f64 {
        if self.bytes == 0 {
            0.0
        } else {
            self.origin_bytes as f64 / self.bytes as f64
        }
    }
}

/// Rehearses. `look` hears how the machines do; copies lie in a temporary folder that is removed.
pub async fn rehearse(
    options: RehearsalOptions,
    look: mpsc::Sender<MachineProgress>,
) -> Result<Rehearsal, Error> {
    if options.machines == 0 || options.machines > machines_max {
        let message = format!("cannot rehearse {} machines", options.machines);
        return Err(Error::new(ErrorKind::Usage, message)
            .with_hint(format!("1 to {machines_max}, or --simulate")));
    }
    let folder = tempfile::Builder::new()
        .prefix("swarmcopy-rehearsal-")
        .tempdir();
    let folder = folder.map_err(|error| disk("make a temporary folder", &error))?;
    let stop = CancellationToken::new();
    let result = Stage::set(options, folder.path(), &stop).await;
    let result = match result {
        Ok(stage) => stage.play(look, &stop).await,
        Err(error) => Err(error),
    };
    stop.cancel();
    // copies can be large: removed on a thread that may block
    let removed = tokio::task::spawn_blocking(move || folder.close()).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%error, "the temporary folder was not removed");
    }
    result
}

fn disk(what: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Disk, format!("cannot {what}: {error}"))
}

/// Everything that stands before the machines start.
#[derive(Debug)]
struct Stage {
    options: RehearsalOptions,
    original: PathBuf,
    torrent: Vec<u8>,
    bytes: u64,
    pieces: u32,
    tracker: String,
    mirror: Option<String>,
    origin_limit: Arc<Limiter>,
    link_rate: Option<u64>,
    bound: Option<Duration>,
    meters: Vec<Arc<Meter>>,
    folder: PathBuf,
}

impl Stage {
    async fn set(
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
        let made = tokio::task::spawn_blocking(move || make(&making, &|_| {})).await;
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
            let server = mirror::Mirror {
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
            bound: rates.bound(u64::from(options.machines), made.bytes),
            meters,
            folder: folder.to_owned(),
            options,
        })
    }

    async fn play(
        self,
        look: mpsc::Sender<MachineProgress>,
        stop: &CancellationToken,
    ) -> Result<Rehearsal, Error> {
        let cap = usize::try_from(self.options.readers_max).unwrap_or(usize::MAX);
        let watching = CancellationToken::new();
        let readers = tokio::spawn(counted::watch(self.meters.clone(), cap, watching.clone()));
        let patience = self.bound.unwrap_or(AIM) * PATIENCE
            + self.options.stagger * u32::from(self.options.machines)
            + Duration::from_mins(1);
        let start = Instant::now();
        let machines = self.run_machines(look, stop);
        let ran = tokio::time::timeout(patience, machines)
            .await
            .unwrap_or_else(|_| {
                let message = "the machines did not finish in time";
                Err(Error::new(ErrorKind::Incomplete, message))
            });
        watching.cancel();
        let readers = readers.await.unwrap_or_default();
        let ends = ran?;
        let last = ends
            .iter()
            .map(|end| end.completed_at)
            .max()
            .unwrap_or(start);
        let identical = self.compare().await?;
        Ok(self.result((start, last), readers, identical, ends))
    }

    /// Starts the machines one after another, and stops them all when the last is complete.
    async fn run_machines(
        &self,
        look: mpsc::Sender<MachineProgress>,
        stop: &CancellationToken,
    ) -> Result<Vec<machine::End>, Error> {
        let mut machines = Vec::new();
        for number in 0..self.options.machines {
            if number > 0 {
                tokio::time::sleep(self.options.stagger).await;
            }
            machines.push(Machine::start(self, number, look.clone()).await?);
        }
        let mut completed = Vec::new();
        for machine in &machines {
            completed.push(machine.complete().await?);
        }
        let mut ends = Vec::new();
        for (machine, completed) in machines.into_iter().zip(completed) {
            ends.push(machine.end(completed).await?);
        }
        stop.cancel();
        Ok(ends)
    }

    async fn compare(&self) -> Result<bool, Error> {
        let name = self.original.file_name().unwrap_or_default().to_owned();
        for number in 0..self.options.machines {
            let copy = self.machine_folder(number).join(&name);
            let original = self.original.clone();
            let same = tokio::task::spawn_blocking(move || compare::same(&original, &copy)).await;
            let same = same.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))?;
            if !same.map_err(|error| disk("compare a copy", &error))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn machine_folder(&self, number: u16) -> PathBuf {
        self.folder.join(format!("machine-{number}"))
    }

    fn result(
        &self,
        (start, last): (Instant, Instant),
        readers: Readers,
        identical: bool,
        ends: Vec<machine::End>,
    ) -> Rehearsal {
        let machine = |end: machine::End| RehearsedMachine {
            started: end.started_at.saturating_duration_since(start),
            took: end.took,
            report: end.report,
        };
        Rehearsal {
            bytes: self.bytes,
            pieces: self.pieces,
            elapsed: last.duration_since(start),
            bound: self.bound,
            origin_bytes: self.meters.iter().map(|meter| meter.bytes()).sum(),
            readers_peak: readers.peak,
            readers_over_cap: readers.over_cap,
            identical,
            per_machine: ends.into_iter().map(machine).collect(),
        }
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

/// Rates in bytes a second; `None` = unlimited.
#[derive(Debug, Clone, Copy)]
struct Rates {
    origin: Option<u64>,
    link: Option<u64>,
}

impl Rates {
    fn of(options: &RehearsalOptions, bytes: u64) -> Self {
        let auto = (bytes / AIM.as_secs()).max(64 * 1024);
        let rate = |rate: RehearsalRate| match rate {
            RehearsalRate::Auto => Some(auto),
            RehearsalRate::Unlimited => None,
            RehearsalRate::Limited(rate) => Some(rate.max(1)),
        };
        Self {
            origin: rate(options.origin_rate),
            link: rate(options.link_rate),
        }
    }

    /// max(F / u_s, F / d_min, N F / (u_s + sum u_i)), after Kumar and Ross (2006).
    fn bound(self, machines: u64, bytes: u64) -> Option<Duration> {
        let (origin, link) = (self.origin?, self.link?);
        let micros =
            |bytes: u64, rate: u64| u128::from(bytes) * 1_000_000 / u128::from(rate.max(1));
        let together = origin.saturating_add(link.saturating_mul(machines));
        let bound = micros(bytes, origin)
            .max(micros(bytes, link))
            .max(micros(bytes.saturating_mul(machines), together));
        Some(Duration::from_micros(
            u64::try_from(bound).unwrap_or(u64::MAX),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_slowest_of_three() {
        let bound = |origin, link, machines| {
            Rates {
                origin: Some(origin),
                link: Some(link),
            }
            .bound(machines, 1000)
            .unwrap()
            .as_secs()
        };
        assert_eq!(bound(100, 100, 4), 10); // the origin sends one copy
        assert_eq!(bound(500, 100, 4), 10); // each machine takes one copy
        assert_eq!(bound(1000, 1, 1000), 1000);
        assert_eq!(bound(1000, 1000, 1), 1);
        let open = Rates {
            origin: None,
            link: Some(1),
        };
        assert_eq!(open.bound(1, 1), None);
    }
}
