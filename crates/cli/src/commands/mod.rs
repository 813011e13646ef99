//! One module per command: turns its flags into a call of the facade and tells the result.

mod get;
mod make;
mod rehearse;
mod running;
mod seed;
mod show;
mod signals;
mod tracker;
mod verify;

use std::future::Future;

use swarmcopy::{Error, ErrorKind};

use crate::args::Command;

/// Runs a command; gives its exit code.
pub(crate) fn run(command: Command) -> Result<u8, Error> {
    match command {
        Command::Make(args) => make::run(&args),
        Command::Get(args) => get::run(&args),
        Command::Seed(args) => seed::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Tracker(args) => tracker::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
    }
}

/// Runs `work` on a runtime of its own. Threads that hang in the kernel are not waited for.
fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::new(ErrorKind::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}
