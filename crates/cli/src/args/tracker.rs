//! The flags of `tracker`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::log::LogArgs;
use super::values;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy tracker --state /var/lib/tracker.state
  then: swarmcopy make CS5 --tracker http://thishost:6969/announce";

/// Where to listen and how often clients ask.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrackerArgs {
    /// Where to listen, for HTTP and UDP; may be given several times [default: port 6969 of all
    /// addresses, IPv4 and IPv6]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) listen: Vec<SocketAddr>,
    /// How often clients are told to ask
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = values::duration)]
    pub(crate) interval: Duration,
    /// Keep what clients announced in FILE, so that a restart forgets nobody
    ///
    /// FILE is read at the start, and written every interval and at the end. Without it clients announce
    /// themselves anew after a restart, within one interval.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Serve measurements for Prometheus over HTTP, as /metrics
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) metrics: Option<SocketAddr>,
    /// The log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
