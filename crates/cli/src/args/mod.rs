//! The command line as typed: one struct per command, parsed and checked by clap.
//!
//! What must stay true: a flag that is accepted does what its help says.

mod doctor;
mod encryption;
mod firewall;
mod get;
mod log;
mod make;
mod manual;
mod rehearse;
mod replay;
mod room;
mod seed;
mod service;
mod status;
mod tracker;
pub(crate) mod values;
mod verify;

pub(crate) use doctor::DoctorArgs;
pub(crate) use firewall::{FirewallAction, FirewallArgs};
pub(crate) use get::{ClassArg, GetArgs, GuardArg, IsolatedArg, OriginArg};
pub(crate) use log::{LevelArg, LogArgs};
pub(crate) use make::{FormatArg, LinksArg, MakeArgs, NamesArg, PieceLenArg};
pub(crate) use manual::{CompletionsArgs, ManArgs};
pub(crate) use rehearse::{OriginKindArg, RehearseArgs};
pub(crate) use replay::ReplayArgs;
pub(crate) use room::RoomArgs;
pub(crate) use seed::SeedArgs;
pub(crate) use service::{InstallArgs, NameArgs, RunArgs, ServiceAction, ServiceArgs};
pub(crate) use tracker::TrackerArgs;
pub(crate) use verify::{ShowArgs, VerifyArgs};

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
EXAMPLES
  swarmcopy make /srv/share/CS5                                  on the server, once
  swarmcopy get //server/share/CS5.torrent --to C:\\cache --stay  on each machine
  swarmcopy rehearse CS5 --machines 8                            first, on one computer

EXIT CODES
  0 done and verified          1 failed              2 usage
  3 not complete: time-out, or no source has the missing pieces
  4 the copy or the origin does not match            5 local disk
  130 interrupted; the same command resumes";

/// Copies large trees to many machines: each takes every piece from a share, mirrors or other
/// machines, whichever comes best, and hands it on
#[derive(Parser)]
#[command(name = "swarmcopy", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Hash a file or a tree and write its .torrent
    Make(Box<MakeArgs>),
    /// Copy a content to this machine
    Get(Box<GetArgs>),
    /// Serve a complete copy to others
    Seed(Box<SeedArgs>),
    /// Check a copy: damaged, missing and extra files
    Verify(Box<VerifyArgs>),
    /// Show what a .torrent, a metalink or a magnet link says
    Show(Box<ShowArgs>),
    /// Run a small tracker for a site
    Tracker(Box<TrackerArgs>),
    /// See the whole room that copies a content, on one page
    Room(Box<RoomArgs>),
    /// See what on this machine stops a copy, and what to do about it
    Doctor(Box<DoctorArgs>),
    /// Rehearse a roll-out on this one computer
    Rehearse(Box<RehearseArgs>),
    /// Run a get or a seed as a service of the system
    Service(ServiceArgs),
    /// Let other machines connect through this machine's firewall
    Firewall(FirewallArgs),
    /// Play again what --record wrote: what was decided, and whether it would be decided so again
    Replay(ReplayArgs),
    /// Write what a shell needs to complete commands and flags
    Completions(CompletionsArgs),
    /// Write the pages of the manual
    Man(ManArgs),
}

impl Command {
    /// What is to be logged.
    pub(crate) fn log(&self) -> Option<&LogArgs> {
        match self {
            Self::Get(args) => Some(&args.log),
            Self::Seed(args) => Some(&args.log),
            Self::Tracker(args) => Some(&args.log),
            Self::Room(args) => Some(&args.log),
            _ => None,
        }
    }

    /// Whether results go to stdout as JSON lines.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Make(args) => args.json,
            Self::Get(args) => args.json,
            Self::Seed(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Show(args) => args.json,
            Self::Tracker(args) => args.json,
            Self::Room(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Replay(args) => args.json,
            Self::Rehearse(args) => args.json,
            Self::Service(_) | Self::Firewall(_) | Self::Completions(_) | Self::Man(_) => false,
        }
    }
}

impl Command {
    /// Whether it is to leave processor and disk to others.
    pub(crate) fn background(&self) -> bool {
        match self {
            Self::Get(args) => args.background,
            Self::Seed(args) => args.background,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        use clap::CommandFactory;
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("EXAMPLE"), "{}", command.get_name());
        }
    }
}
