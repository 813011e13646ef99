//! The flags of `doctor`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::values;
use crate::what::What;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy doctor
  swarmcopy doctor //server/share/CS5.torrent --to C:\\cache
  looks at what a copy would need; exit code 1 if something stops it";

/// What to look at.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// What is to be copied: its shares, trackers and room are looked at, too
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<What>,
    /// The folder to copy into [default: this one]
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// A folder that holds the content
    #[arg(long, value_name = "LOCATION", requires = "what", value_parser = values::share())]
    pub(crate) share: Vec<PathBuf>,
    /// A tracker to find other machines by
    #[arg(long, value_name = "URL", requires = "what", value_parser = values::tracker)]
    pub(crate) tracker: Vec<String>,
    /// Where a copy would listen [default: the first free port of 6881-6889]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Print findings as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
