//! The flags of `rehearse`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::values::{self, Rate};

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy rehearse crates --machines 4
  copies the folder crates to 4 machines that exist only here, and prints what came from where
  swarmcopy rehearse --simulate --machines 1000 --report room.html
  simulates a room of 1000 machines in about a minute, and draws what happened";

/// What to rehearse with and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RehearseArgs {
    /// The file or folder to copy
    pub(crate) path: Option<PathBuf>,
    /// How many machines copy it
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) machines: u16,
    /// Most bytes a second that the origin gives [default: the copy takes about 10 s at best]
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(crate) origin_rate: Option<Rate>,
    /// Most bytes a second of each machine, up and down [default: the copy takes about 10 s at best]
    #[arg(long, value_name = "RATE|max", value_parser = values::rate)]
    pub(crate) link_rate: Option<Rate>,
    /// What the origin is
    #[arg(long, value_enum, default_value = "share")]
    pub(crate) origin_kind: OriginKindArg,
    /// Time from the start of one machine to that of the next
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    pub(crate) stagger: Duration,
    /// Show the room on a page while it is rehearsed, as `swarmcopy room` does
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) watch: bool,
    /// Where to serve that page [default: 127.0.0.1:6880, or any free port]
    #[arg(long, value_name = "ADDR:PORT", requires = "watch", value_parser = values::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a page of plots that needs no network: rates, pieces, the origin's line
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Simulate in virtual time, without PATH: links of 1 Gbit/s, an origin ten times as fast
    #[arg(long)]
    pub(crate) simulate: bool,
    /// Bytes of the simulated content [default: 4GiB]
    #[arg(long, value_name = "SIZE", requires = "simulate", value_parser = values::size)]
    pub(crate) bytes: Option<u64>,
    /// Piece length of the simulated content [default: 4MiB]
    #[arg(long, value_name = "SIZE", requires = "simulate", value_parser = values::size)]
    pub(crate) piece_length: Option<u64>,
    /// Seed of the simulation's random choices: the same seed, the same outcome [default: 1]
    #[arg(long, value_name = "N", requires = "simulate")]
    pub(crate) seed: Option<u64>,
}

/// What the origin of a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OriginKindArg {
    /// A folder
    Share,
    /// A web server
    Mirror,
    /// Both, under one rate; simulated, half of it each
    Both,
}
