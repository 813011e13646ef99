//! One module per command: turns its flags into a call of the facade and tells the result.

mod get;
mod make;
mod rehearse;
mod running;
mod seed;
mod show;
mod signals;
mod simulate;
mod tracker;
mod verify;

use std::future::Future;
use std::num::NonZero;
use std::time::Duration;

use swarmcopy::{Config, Content, CopyOptions, Error, ErrorKind, Session};

use crate::args::Command;
use crate::output;
use crate::what::What;

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
fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
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

/// How long peers are asked what a magnet link means, where nothing is copied.
const MAGNET_TIME: Duration = Duration::from_mins(1);
/// Notes that are shown one by one.
const NOTES_SHOWN: usize = 20;

/// Finds out what `what` names, for commands that copy nothing.
fn find(what: &What) -> Result<Content, Error> {
    block_on(async {
        let mut config = Config::default();
        // only a magnet link, which an address may lead to, makes us talk to peers
        let ip = match what.path() {
            Some(_) => [127, 0, 0, 1],
            None => [0, 0, 0, 0],
        };
        config.listen = Some((ip, 0).into());
        config.lsd = matches!(what.0, swarmcopy::What::Magnet(_));
        let session = Session::builder().config(config).build().await?;
        let mut options = CopyOptions::new(".");
        options.timeout = Some(MAGNET_TIME);
        options.netrc = crate::netrc::find();
        let content = session.find(&what.0, &options).await;
        session.shutdown().await;
        content.inspect(tell_notes)
    })
}

/// Tells what of a metalink was not taken.
fn tell_notes(content: &Content) {
    let notes = content.notes();
    for note in notes.iter().take(NOTES_SHOWN) {
        output::note(&format!("warning: {note}"));
    }
    if let Some(more) = notes
        .len()
        .checked_sub(NOTES_SHOWN)
        .filter(|more| *more > 0)
    {
        output::note(&format!("warning: and {more} more entries"));
    }
}

/// The error that a copy without some of the files ends with, however well it went.
fn tell_left_out(content: &Content) -> Option<Error> {
    let left_out = content.left_out();
    let first = left_out.first()?;
    let count = crate::format::count(u64::try_from(left_out.len()).unwrap_or(u64::MAX), "file");
    for entry in left_out.iter().take(NOTES_SHOWN) {
        output::note(&format!("warning: left out: {entry}"));
    }
    let message = format!("{count} of the metalink left out: {first}");
    Some(Error::new(ErrorKind::Incomplete, message).with_hint("all other files are complete"))
}
