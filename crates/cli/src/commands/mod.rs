//! One module per command: turns its flags into a call of the facade and tells the result.

mod dry_run;
mod firewall;
mod found;
mod get;
mod make;
mod rehearse;
mod running;
mod runtime;
mod seed;
mod service;
mod show;
mod signals;
mod simulate;
mod tracker;
mod verify;

use swarmcopy::Error;

use crate::args::Command;
use crate::host::Host;
use crate::notify;
use crate::output;

/// Runs a command; gives its exit code.
pub(crate) fn run(command: Command) -> Result<u8, Error> {
    run_for(command, &Host::of(notify::from_environment()))
}

/// Runs a command that `host` watches over. No thread of this program may have been started before.
fn run_for(command: Command, host: &Host) -> Result<u8, Error> {
    if command.background()
        && let Err(error) = swarmcopy_sys::priority::background()
    {
        output::note(&format!("warning: cannot go to the background: {error}"));
    }
    match command {
        Command::Make(args) => make::run(&args),
        Command::Get(args) => get::run(&args, host),
        Command::Seed(args) => seed::run(&args, host),
        Command::Verify(args) => verify::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Tracker(args) => tracker::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Service(args) => service::run(args, run_for),
        Command::Firewall(args) => firewall::run(&args),
    }
}
