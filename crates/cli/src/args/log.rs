//! The flags of a log, of all commands that run for long.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where to, and how much.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Write what happens to FILE; at 10 MiB it becomes FILE.1 and a new one begins, and FILE.5 is the oldest kept. On
    /// Windows, `eventlog` is the event log
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// How much of it [default: info]
    #[arg(long, value_name = "LEVEL", requires = "log", value_enum)]
    pub(crate) log_level: Option<LevelArg>,
}

/// How much is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    /// What failed
    Error,
    /// And what is wrong
    Warn,
    /// And what changed
    Info,
    /// And each decision
    Debug,
    /// And everything else
    Trace,
}
