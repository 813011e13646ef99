//! The flags of `room`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::log::LogArgs;
use super::values;
use crate::what::What;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy room CS5.torrent
  swarmcopy room CS5.torrent --once --csv > room.csv
  looks on at the machines that copy CS5, and takes no part in it";

/// Which room, and how to show it.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct RoomArgs {
    /// The path or http(s) address of a .torrent or a metalink, or a magnet: link
    #[arg(value_name = "WHAT")]
    pub(crate) what: What,
    /// Where to serve the page; behind another address than 127.0.0.1 everybody there may read it
    /// [default: 127.0.0.1:6880, or any free port]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// The machines that ought to be there: their names, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// Look for some seconds, print what was seen, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// How long --once looks at most [default: 15s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) within: Option<Duration>,
    /// Time between two lines of JSON [default: 5s]
    #[arg(long, value_name = "DURATION", requires = "json", value_parser = values::duration)]
    pub(crate) every: Option<Duration>,
    /// The log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Print the room as lines of JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print the room as a table of comma separated values, and end
    #[arg(long)]
    pub(crate) csv: bool,
    /// Another machine to look at
    #[arg(long, value_name = "HOST:PORT", value_parser = values::peer)]
    pub(crate) peer: Vec<String>,
    /// A tracker to find machines by
    #[arg(long, value_name = "URL", value_parser = values::tracker)]
    pub(crate) tracker: Vec<String>,
    /// Where machines that can't be dialled reach this one [default: any free port]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) meet: Option<SocketAddr>,
    /// Don't look for machines on the local network
    #[arg(long)]
    pub(crate) no_lsd: bool,
    /// Don't ask machines for the addresses of others
    #[arg(long)]
    pub(crate) no_pex: bool,
    /// Look for machines in the distributed hash table too; never for private torrents
    #[arg(long)]
    pub(crate) dht: bool,
    /// A node to enter the table at [default: the well-known ones]
    #[arg(long, value_name = "HOST:PORT", requires = "dht", value_parser = values::peer)]
    pub(crate) dht_node: Vec<String>,
}
