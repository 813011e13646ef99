//! Runs a rehearsal: starts the machines, waits for the last, compares the copies.

use std::time::{Duration, Instant};

use swarmcopy::{Error, ErrorKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::compare::same;
use crate::counted::{self, Readers};
use crate::machine::{End, Machine};
use crate::rates::AIM;
use crate::stage::{Stage, disk};
use crate::{MACHINES_MAX, MachineProgress, Rehearsal, RehearsalOptions, RehearsedMachine};

/// Time for machines to end.
const WIND_UP: Duration = Duration::from_secs(10);
/// No rehearsal takes longer than this many times its bound, and a minute.
const PATIENCE: u32 = 20;

/// Rehearses. `look` hears how the machines do; copies lie in a temporary folder that is removed.
pub async fn rehearse(
    options: RehearsalOptions,
    look: mpsc::Sender<MachineProgress>,
) -> Result<Rehearsal, Error> {
    if options.machines == 0 || options.machines > MACHINES_MAX {
        let message = format!("cannot rehearse {} machines", options.machines);
        return Err(Error::new(ErrorKind::Usage, message)
            .with_hint(format!("1 to {MACHINES_MAX}, or --simulate")));
    }
    let folder = tempfile::Builder::new()
        .prefix("swarmcopy-rehearsal-")
        .tempdir();
    let folder = folder.map_err(|error| disk("make a temporary folder", &error))?;
    let stop = options.stop.child_token();
    let interrupted = || Error::new(ErrorKind::Interrupted, "interrupted");
    let set = tokio::select! {
        set = Stage::set(options, folder.path(), &stop) => set,
        () = stop.cancelled() => Err(interrupted()),
    };
    let result = match set {
        Ok(stage) => {
            stage.tell();
            let played = tokio::select! {
                played = play(&stage, look, &stop) => played,
                () = stage.options.stop.cancelled() => Err(interrupted()),
            };
            // a machine that hangs is left behind
            let _ = tokio::time::timeout(WIND_UP, stage.end_machines()).await;
            played
        }
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

async fn play(
    stage: &Stage,
    look: mpsc::Sender<MachineProgress>,
    stop: &CancellationToken,
) -> Result<Rehearsal, Error> {
    let cap = usize::try_from(stage.options.readers_max).unwrap_or(usize::MAX);
    let watching = CancellationToken::new();
    let readers = tokio::spawn(counted::watch(stage.meters.clone(), cap, watching.clone()));
    let patience = stage.bound.unwrap_or(AIM) * PATIENCE
        + stage.options.stagger * u32::from(stage.options.machines)
        + Duration::from_mins(1);
    let start = Instant::now();
    let machines = run_machines(stage, look, stop);
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
    let identical = compare(stage).await?;
    Ok(result(stage, (start, last), readers, identical, ends))
}

/// Starts the machines one after another, and stops them all when the last is complete.
async fn run_machines(
    stage: &Stage,
    look: mpsc::Sender<MachineProgress>,
    stop: &CancellationToken,
) -> Result<Vec<End>, Error> {
    let mut machines = Vec::new();
    for number in 0..stage.options.machines {
        if number > 0 {
            tokio::time::sleep(stage.options.stagger).await;
        }
        machines.push(Machine::start(stage, number, look.clone()).await?);
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

async fn compare(stage: &Stage) -> Result<bool, Error> {
    let name = stage.original.file_name().unwrap_or_default().to_owned();
    for number in 0..stage.options.machines {
        let copy = stage.machine_folder(number).join(&name);
        let original = stage.original.clone();
        let compared = tokio::task::spawn_blocking(move || same(&original, &copy)).await;
        let compared =
            compared.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))?;
        if !compared.map_err(|error| disk("compare a copy", &error))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn result(
    stage: &Stage,
    (start, last): (Instant, Instant),
    readers: Readers,
    identical: bool,
    ends: Vec<End>,
) -> Rehearsal {
    let machine = |end: End| RehearsedMachine {
        started: end.started_at.saturating_duration_since(start),
        took: end.took,
        report: end.report,
        came: end.came,
    };
    Rehearsal {
        bytes: stage.bytes,
        pieces: stage.pieces,
        elapsed: last.duration_since(start),
        bound: stage.bound,
        origin_bytes: stage.meters.iter().map(|meter| meter.bytes()).sum(),
        readers_peak: readers.peak,
        readers_over_cap: readers.over_cap,
        identical,
        per_machine: ends.into_iter().map(machine).collect(),
    }
}
