//! The flags of `service`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::values;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy service install --account \"NT AUTHORITY\\NetworkService\" -- get //server/share/CS5.torrent --to C:\\cache --stay
  swarmcopy service install --account swarmcopy -- seed /srv/CS5.torrent --from /srv
  swarmcopy service start
  LocalSystem and NetworkService read shares as the machine's account, and see no mapped drives: name \\\\server\\share";

/// What to do with a service.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ServiceAction,
}

/// What can be done with a service.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceAction {
    /// Make a service of a `get` or a `seed`, which starts with the system and again when it failed
    Install(InstallArgs),
    /// Stop the service and remove it
    Uninstall(NameArgs),
    /// Start the service
    Start(NameArgs),
    /// Stop the service in order
    Stop(NameArgs),
    /// Be the service: for the system to start
    #[command(hide = true)]
    Run(RunArgs),
}

/// What service is meant.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The name of the service
    #[arg(long, value_name = "NAME", default_value = "swarmcopy", value_parser = values::service)]
    pub(crate) name: String,
    /// The folder of its unit (systemd)
    #[arg(long, value_name = "DIR", default_value = "/etc/systemd/system", hide = cfg!(windows))]
    pub(crate) units: PathBuf,
}

/// What service to make.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// Which service.
    #[command(flatten)]
    pub(crate) service: NameArgs,
    /// The account that it runs as [default: root, on Windows LocalSystem]
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Read the account's password from stdin (Windows)
    #[arg(long, requires = "account")]
    pub(crate) password_stdin: bool,
    /// What it does: get or seed with its arguments. Relative paths are taken from the current folder
    #[arg(last = true, required = true, value_name = "get|seed ARGS")]
    pub(crate) work: Vec<OsString>,
}

/// What a service does.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The name of the service
    #[arg(long, value_name = "NAME", value_parser = values::service)]
    pub(crate) name: String,
    /// The folder to work in
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// What to do
    #[arg(last = true, required = true)]
    pub(crate) work: Vec<OsString>,
}
