//! One module per command: turns its flags into a call of the facade and tells the result.

mod dry_run;
mod found;
mod get;
mod make;
mod rehearse;
mod running;
mod runtime;
mod seed;
mod show;
mod signals;
mod simulate;
mod tracker;
mod verify;

use swarmcopy::Error;

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
