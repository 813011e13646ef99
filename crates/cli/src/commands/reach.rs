//! What command lines become, for tests: the options that reach the library.

use std::fmt::Debug;

use clap::Parser;

use super::{get, make, room, seed};
use crate::args::{Cli, Command};

/// The structs of options that a command line becomes: the name of each, and how it shows itself.
pub(crate) fn options_of(args: &[&str]) -> Vec<(&'static str, String)> {
    let parsed = Cli::try_parse_from([&["swarmcopy"], args].concat());
    match parsed
        .unwrap_or_else(|error| panic!("{args:?}: {error}"))
        .command
    {
        Command::Get(args) => vec![
            ("Config", show(&get::config(&args))),
            ("CopyOptions", show(&get::options(&args).unwrap())),
        ],
        Command::Seed(args) => vec![
            ("Config", show(&seed::config(&args))),
            ("CopyOptions", show(&seed::options(&args))),
        ],
        Command::Room(args) => vec![("Config", show(&room::config(&args)))],
        Command::Make(args) => vec![("MakeOptions", show(&make::options(&args)))],
        _ => panic!("nothing is known of what {args:?} becomes"),
    }
}

fn show(options: &impl Debug) -> String {
    format!("{options:#?}")
}
