//! The flags of `tracker`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::values;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy tracker --listen 0.0.0.0:6969
  then: swarmcopy make CS5 --tracker http://thishost:6969/announce";

/// Where to listen and how often clients ask.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrackerArgs {
    /// Where to listen, for HTTP and UDP
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:6969", value_parser = values::listen)]
    pub(crate) listen: SocketAddr,
    /// How often clients are told to ask
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = values::duration)]
    pub(crate) interval: Duration,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
