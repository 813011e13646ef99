//! `completions` and `man`: what a system needs to help with commands and flags.

use clap::CommandFactory as _;
use swarmcopy::{Error, ErrorKind};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::{exit, format, output};

/// Writes the completions of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "swarmcopy", &mut script);
    String::from_utf8_lossy(&script)
        .lines()
        .for_each(output::script);
    exit::DONE
}

/// Writes a page for each command.
pub(super) fn pages(args: &ManArgs) -> Result<u8, Error> {
    let shown = args.dir.display();
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Disk, format!("cannot write to {shown}: {error}"))
    };
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.dir).map_err(failed)?;
    let all = Cli::command().get_subcommands().count().saturating_add(1);
    let all = format::count(u64::try_from(all).unwrap_or(u64::MAX), "page");
    output::line(&format!("{all} in {shown}: man -l {shown}/swarmcopy.1"));
    Ok(exit::DONE)
}
