//! The threads that copies run on, and waiting for them.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::errors;

/// How soon Ctrl-C is heard.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The runtime of this process.
///
/// # Errors
/// The system gives no threads.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let built = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let built = builder.worker_threads(2).enable_all().build();
        built.map_err(|error| format!("cannot start threads: {error}"))
    });
    built.as_ref().map_err(|error| errors::failed(error))
}

/// Waits for `work` without the interpreter's lock; `None` if it takes longer than `within`.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt`.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    within: Option<Duration>,
    work: impl Future<Output = T> + Send,
) -> PyResult<Option<T>> {
    let runtime = runtime()?;
    let end = within.map(|within| Instant::now() + within);
    let mut work = Box::pin(work);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let turn = left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
        let done = py.detach(|| {
            runtime.block_on(async { tokio::time::timeout(turn, work.as_mut()).await.ok() })
        });
        py.check_signals()?;
        if done.is_some() || left.is_some_and(|left| left.is_zero()) {
            return Ok(done);
        }
    }
}

/// The same without a limit of time.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt`.
pub(crate) fn wait_long<T: Send>(
    py: Python<'_>,
    work: impl Future<Output = T> + Send,
) -> PyResult<T> {
    let mut work = Box::pin(work);
    loop {
        if let Some(done) = wait(py, Some(Duration::from_mins(1)), work.as_mut())? {
            return Ok(done);
        }
    }
}
