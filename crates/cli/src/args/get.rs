//! The flags of `get`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use swarmcopy::{Hours, Network};

use super::encryption::EncryptionArg;
use super::log::LogArgs;
use super::status::StatusArg;
use super::values::{self, Rate};
use crate::what::What;

const EXAMPLES: &str = "\
EXAMPLE
  swarmcopy get //server/share/CS5.torrent --to C:\\cache --stay
  takes the share it lies on by itself; --stay serves others until it is stopped";

/// What to copy, from where and how.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct GetArgs {
    /// The path or http(s) address of a .torrent or a metalink, or a magnet: link; an address of
    /// a file, if its server tells a hash of it
    #[arg(value_name = "WHAT")]
    pub(crate) what: What,
    /// The folder to copy into: the content lands in DIR/NAME
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// A folder that holds the content: the one that contains NAME, or NAME itself
    #[arg(long, value_name = "LOCATION", value_parser = values::share())]
    pub(crate) share: Vec<PathBuf>,
    /// A web or FTP server that holds the content
    #[arg(long, value_name = "URL", value_parser = values::mirror)]
    pub(crate) mirror: Vec<String>,
    /// Countries whose mirrors are preferred among those of equal priority, the nearest first: de,nl
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = values::country)]
    pub(crate) location: Vec<String>,
    /// Certificates (PEM) of mirrors to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_certificate: Option<PathBuf>,
    /// Logins of mirrors [default: $NETRC, else .netrc (Windows: _netrc) in the home folder, if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) netrc: Option<PathBuf>,
    /// Follow redirects of public mirrors to private addresses
    #[arg(long)]
    pub(crate) private_redirects: bool,
    /// Let a fetched .torrent or metalink name folders to open, and one from the internet private addresses
    #[arg(long)]
    pub(crate) trust_document: bool,
    /// Another machine to connect to
    #[arg(long, value_name = "HOST:PORT", value_parser = values::peer)]
    pub(crate) peer: Vec<String>,
    /// A tracker to find other machines by
    #[arg(long, value_name = "URL", value_parser = values::tracker)]
    pub(crate) tracker: Vec<String>,
    /// An older or partial local copy, used piece by piece where the hashes fit
    #[arg(long, value_name = "DIR")]
    pub(crate) reuse: Vec<PathBuf>,
    /// Copy only the files that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) select: Vec<String>,
    /// Who reads share and mirrors: a few machines for all, every machine, or this one never
    /// [default: protect]
    #[arg(long, value_enum)]
    pub(crate) origin: Option<OriginArg>,
    /// Most machines of the whole swarm that read share and mirrors at a time; the smallest number
    /// that any machine was told wins [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) origin_readers: Option<u32>,
    /// Most bytes a second that the whole swarm reads from share and mirrors
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(crate) origin_rate: Option<Rate>,
    /// What to do when others are known but none can be reached [default: trickle]
    #[arg(long, value_enum)]
    pub(crate) isolated: Option<IsolatedArg>,
    /// Machines with the same group share the places at the origin
    #[arg(long, value_name = "NAME", value_parser = values::group)]
    pub(crate) group: Option<String>,
    /// How this machine is connected: those by cable go first at share and mirrors [default: metered where the
    /// system says that the line is, else wired]
    #[arg(long, value_enum)]
    pub(crate) class: Option<ClassArg>,
    /// When share and mirrors may be read, by the clock of this machine [default: always]
    #[arg(long, value_name = "HH:MM-HH:MM")]
    pub(crate) hours: Vec<Hours>,
    /// Whether the lock files of the share count its readers [default: auto]
    #[arg(long, value_enum)]
    pub(crate) guard: Option<GuardArg>,
    /// A file of rules for share and mirrors (TOML); the stricter of file and flags holds
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Where to listen for other machines [default: the first free port of 6881-6889, then any]
    #[arg(long, value_name = "ADDR:PORT", value_parser = values::listen)]
    pub(crate) listen: Option<SocketAddr>,
    /// Don't look for other machines on the local network
    #[arg(long)]
    pub(crate) no_lsd: bool,
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
    /// Look for other machines in the distributed hash table too; never for private torrents
    #[arg(long)]
    pub(crate) dht: bool,
    /// A node to enter the table at [default: the well-known ones]
    #[arg(long, value_name = "HOST:PORT", requires = "dht", value_parser = values::peer)]
    pub(crate) dht_node: Vec<String>,
    /// Most bytes a second to take
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(crate) limit_down: Option<Rate>,
    /// Most bytes a second to give
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub(crate) limit_up: Option<Rate>,
    /// Machines, mirrors and shares for which neither limit holds: lan (private, link-local and
    /// loopback addresses, mounted shares) or a subnet
    #[arg(long, value_name = "lan|SUBNET")]
    pub(crate) no_limit: Vec<Network>,
    /// Copy the bytes of files alone: no times, modes, flags, empty folders and links
    #[arg(long)]
    pub(crate) plain: bool,
    /// Give files and folders the access lists (POSIX.1e) and extended attributes (user.*) that the torrent tells,
    /// and take others away
    #[arg(long, conflicts_with = "plain")]
    pub(crate) acl: bool,
    /// Remove what does not belong to the tree, once it is complete: DIR/NAME becomes exact
    #[arg(long)]
    pub(crate) delete_extra: bool,
    /// Say what would be fetched, replaced and removed, and copy nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Let runs of zeros be holes, where the disk has holes, instead of reserving the space of each file
    #[arg(long)]
    pub(crate) sparse: bool,
    /// Read and hash everything that lies at DIR/NAME, though it was verified before and its times say that
    /// nothing was done to it since
    #[arg(long)]
    pub(crate) check: bool,
    /// Fail where another process copies or serves another version at DIR/NAME, instead of asking it to end
    #[arg(long)]
    pub(crate) no_replace: bool,
    /// Keep the content under a temporary name until it is complete; then it takes the place of what is at
    /// DIR/NAME at once
    #[arg(long)]
    pub(crate) staged: bool,
    /// Serve others that long after completion, 0 = not at all
    /// [default: while one still needs something, at most 60s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) seed_for: Option<Duration>,
    /// Serve others after completion until stopped
    #[arg(long, conflicts_with = "seed_for")]
    pub(crate) stay: bool,
    /// Give up when no byte was verified for that long [default: never]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Give up after that long in all [default: never]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) deadline: Option<Duration>,
    /// Leave processor and disk to others: copy with what nobody else wants
    #[arg(long)]
    pub(crate) background: bool,
    /// Whom this machine tells how it does: everybody who looks on at the room with `swarmcopy room`, or nobody
    #[arg(long, value_enum, default_value_t = StatusArg::Room)]
    pub(crate) status: StatusArg,
    /// What this machine calls itself there, at most 48 bytes [default: the name of the computer]
    #[arg(long, value_name = "NAME", value_parser = values::machine_name)]
    pub(crate) machine_name: Option<String>,
    /// Time between two lines of progress [default: 5s, with --json two a second; idle: a minute]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) every: Option<Duration>,
    /// The log.
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Say of each decision about share and mirrors why it was taken
    #[arg(long)]
    pub(crate) explain: bool,
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
}

/// Who reads the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OriginArg {
    /// A few machines, one copy for all
    Protect,
    /// Every machine
    Fast,
    /// This machine never does
    Never,
}

/// What an isolated machine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolatedArg {
    /// Wait
    Wait,
    /// Read share and mirrors slowly (5 MB/s)
    Trickle,
    /// Read share and mirrors
    Read,
}

/// How a machine is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassArg {
    /// By cable
    Wired,
    /// By radio
    Wifi,
    /// Through a tunnel
    Vpn,
    /// Paid by the byte
    Metered,
    /// On battery
    Battery,
}

/// Whether lock files count the readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GuardArg {
    /// Where there are lock files
    Auto,
    /// Never
    Off,
}
