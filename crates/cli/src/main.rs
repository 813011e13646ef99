//! The `swarmcopy` command: flags in, one call of the facade, results out.
//!
//! What must stay true: every exit code is one of `exit`, and all text goes through `output`.

mod args;
mod commands;
mod exit;
mod format;
mod host;
mod netrc;
mod not_built;
mod notify;
mod output;
mod page;
mod policy;
mod render;
mod rollout;
mod what;
mod words;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::args::Cli;
use crate::exit::Style;

/// Large buffers come and go: the allocator of the C library gives them back to the system and
/// faults them in again each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(|| output::Log)
            .init();
    }
    let code = match Cli::try_parse() {
        Ok(cli) => {
            let style = Style::of(cli.command.json());
            commands::run(cli.command).unwrap_or_else(|error| exit::fail(&error, style))
        }
        Err(error) => usage(&error),
    };
    ExitCode::from(code)
}

/// Prints help, the version or what was wrong with the command line.
fn usage(error: &clap::Error) -> u8 {
    let _nobody_reads = error.print();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return exit::DONE;
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let usage = swarmcopy::ErrorKind::Usage;
        exit::fail_json(&swarmcopy::Error::new(usage, message));
    }
    exit::USAGE
}
