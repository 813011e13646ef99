//! The threads that a command's work runs on.

use std::num::NonZero;

use swarmcopy::{Error, ErrorKind};

/// Cores for each thread that serves sockets. Reading shares, hashing and writing have threads of
/// their own; sockets alone keep few threads busy, and each thread more wakes the others for work
/// that one would have done by then: a fifth of the processor's time on a lab's network.
const CORES_PER_SOCKET_THREAD: usize = 4;
/// Most threads that serve sockets.
#[expect(
    non_upper_case_globals,
    reason = "limits are written as the nouns they are"
)]
const socket_threads_max: usize = 4;

/// Runs `work` on a runtime of its own. Threads that hang in the kernel are not waited for.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / CORES_PER_SOCKET_THREAD).clamp(1, socket_threads_max))
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
