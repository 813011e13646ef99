//! The `swarmcopy` command: flags in, one call of the facade, results out.
//!
//! What must stay true: every exit code is one of `exit`, and all text goes through `output`.

mod args;
mod commands;
#[cfg(test)]
mod effects;
mod event_log;
mod exit;
mod facts;
mod format;
mod host;
mod log;
mod netrc;
mod notify;
mod output;
mod page;
mod policy;
mod records;
mod render;
mod rollout;
mod what;
mod words;

use std::borrow::Cow;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use swarmcopy_sys::scarce::Ending;

use crate::args::Cli;
use crate::exit::Style;

/// Large buffers come and go: the allocator of the C library gives them back to the system and
/// faults them in again each time. Without memory the program ends as after any other failure.
#[global_allocator]
static ALLOCATOR: Ending<mimalloc::MiMalloc> = Ending {
    allocator: mimalloc::MiMalloc,
    code: exit::FAILED,
};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if facts::are_wanted(&args) {
        output::lines(&facts::lines());
        return ExitCode::from(exit::DONE);
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
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let _nobody_reads = error.print();
        return exit::DONE;
    }
    // an argument may have more than one line: what is secret in it is found in the whole
    let text = error.to_string();
    let text = output::without_secrets(&text);
    if matches!(text, Cow::Borrowed(_)) && text.lines().all(output::is_clean) {
        let _nobody_reads = error.print();
    } else {
        text.lines().for_each(output::note);
    }
    if std::env::args_os().any(|arg| arg == "--json") {
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let usage = swarmcopy::ErrorKind::Usage;
        exit::fail_json(&swarmcopy::Error::new(usage, message));
    }
    exit::USAGE
}
