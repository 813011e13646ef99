//! The threads that a command's work runs on.

use std::num::NonZero;
use std::sync::mpsc::channel;

use swarmcopy::{Error, ErrorKind};

/// Cores for each thread that serves sockets. Reading shares, hashing and writing have threads of
/// their own; sockets alone keep few threads busy, and each thread more wakes the others for work
/// that one would have done by then: a fifth of the processor's time on a lab's network.
const CORES_PER_SOCKET_THREAD: usize = 4;
/// Most threads that serve sockets.
const SOCKET_THREADS_MAX: usize = 4;

/// Threads that are started at once to see whether the system lets us: the runtime can't tell, it panics.
const THREADS_PROBED: usize = 8;

/// Whether the system gives this process some threads at a time.
fn probe_threads() -> std::io::Result<()> {
    std::thread::scope(|scope| {
        let mut probes = Vec::with_capacity(THREADS_PROBED);
        for _ in 0..THREADS_PROBED {
            let (ready, go) = channel::<()>();
            // each waits until its sender goes, so that all stand at the same time
            let probe = std::thread::Builder::new().spawn_scoped(scope, move || go.recv().is_ok());
            probes.push((ready, probe?));
        }
        Ok(())
    })
}

/// Runs `work` on a runtime of its own. Threads that hang in the kernel are not waited for.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    probe_threads().map_err(|error| {
        let message = format!("cannot start a thread: {error}");
        Error::new(ErrorKind::Failed, message).with_hint("raise the limits of memory and processes")
    })?;
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / CORES_PER_SOCKET_THREAD).clamp(1, SOCKET_THREADS_MAX))
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
