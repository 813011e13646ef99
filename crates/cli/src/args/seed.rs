//! The flags of `seed`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use swarmcopy::Network;

use super::encryption::EncryptionArg;
use super::log::LogArgs;
use super::status::StatusArg;
use super::values::{self, Rate};
use crate::what::What;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy seed CS5.torrent --from /data --limit-up 400Mbit
  serves /data/CS5 until it is stopped";

/// What to serve, from where and how.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct SeedArgs {
    /// The path or http(s) address of a .torrent or a metalink, or a magnet: link
    #[arg(value_name = "WHAT")]
    pub(crate) what: What,
    /// The folder that contains NAME, or NAME itself; nothing in it is changed
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Where to listen for other machines [default: the first free port of 6881-6889, then any]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// A tracker to be found by
    #[arg(long, value_name = "URL", value_parser = values::tracker)]
    pub(crate) tracker: Vec<String>,
    /// Another machine to connect to
    #[arg(long, value_name = "HOST:PORT", value_parser = values::peer)]
    pub(crate) peer: Vec<String>,
    /// Most bytes a second to give
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(crate) limit_up: Option<Rate>,
    /// Machines for which the limit does not hold: lan (private, link-local and loopback addresses)
    /// or a subnet
    #[arg(long, value_name = "lan|SUBNET")]
    pub(crate) no_limit: Vec<Network>,
    /// Don't make this machine known on the local network
    #[arg(long)]
    pub(crate) no_lsd: bool,
    /// Make this machine known in the distributed hash table too; never for private torrents
    #[arg(long)]
    pub(crate) dht: bool,
    /// A node to enter the table at [default: the well-known ones]
    #[arg(long, value_name = "HOST:PORT", requires = "dht", value_parser = values::peer)]
    pub(crate) dht_node: Vec<String>,
    /// Don't exchange addresses with other machines
    #[arg(long)]
    pub(crate) no_pex: bool,
    /// Whether links with other people's clients are encrypted: where the peer wants it, where it can do it, or never
    #[arg(long, value_enum, default_value_t = EncryptionArg::Accept)]
    pub(crate) encryption: EncryptionArg,
    /// Most machines to be connected to at a time; one more is told that there is no room, unless another said
    /// nothing for long or its address has many places
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = values::connections)]
    pub(crate) connections: usize,
    /// Leave processor and disk to others: copy with what nobody else wants
    #[arg(long)]
    pub(crate) background: bool,
    /// Whom this machine tells how it does: everybody who looks on at the room with `swarmcopy room`, or nobody
    #[arg(long, value_enum, default_value_t = StatusArg::Room)]
    pub(crate) status: StatusArg,
    /// What this machine calls itself there, at most 48 bytes [default: the name of the computer]
    #[arg(long, value_name = "NAME", value_parser = values::machine_name)]
    pub(crate) machine_name: Option<String>,
    /// Record what is decided about the copy, to be played again with `swarmcopy replay`: FILE, and FILE.2 and on when
    /// it is full, at most 256 MiB. Names, addresses and groups are replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Let the recording tell names, addresses and groups
    #[arg(long, requires = "record")]
    pub(crate) with_names: bool,
    /// Serve measurements for Prometheus over HTTP, as /metrics
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Run COMMAND by the shell when the copy is complete, and when it fails; the environment tells what happened
    /// (SWARMCOPY_EVENT: complete or failed, SWARMCOPY_NAME, SWARMCOPY_SECONDS, SWARMCOPY_CODE, SWARMCOPY_MESSAGE)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) notify_command: Option<String>,
    /// Time between two lines of progress [default: 5s, with --json two a second; idle: a minute]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) every: Option<Duration>,
    /// The log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
