//! One module per command: turns its flags into a call of the facade and tells the result.

mod beside;
mod doctor;
mod dry_run;
mod firewall;
mod found;
mod get;
mod make;
mod manual;
#[cfg(test)]
pub(crate) mod reach;
mod rehearse;
mod rehearsed_page;
mod replay;
mod room;
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
use crate::{log, notify, output};

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
    // what is logged last is written when this is dropped; a service logs what it runs
    let log = match &command {
        Command::Service(_) => None,
        other => log::start(other.log())?,
    };
    let done = act(command, host);
    if log.is_some() {
        log::end(&done);
    }
    done
}

fn act(command: Command, host: &Host) -> Result<u8, Error> {
    match command {
        Command::Make(args) => make::run(&args),
        Command::Get(args) => get::run(&args, host),
        Command::Seed(args) => seed::run(&args, host),
        Command::Verify(args) => verify::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Tracker(args) => tracker::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Completions(args) => Ok(manual::completions(&args)),
        Command::Man(args) => manual::pages(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Room(args) => room::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Service(args) => service::run(args, run_for),
        Command::Firewall(args) => firewall::run(&args),
    }
}
