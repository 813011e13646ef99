//! What an embedder can set, for a session and for one copy.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use swarmcopy_address::{ShownAll, debug_shown};
use swarmcopy_sources::Network;

use crate::Hours;

/// Who reads the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OriginMode {
    /// At most `readers_max` machines of the swarm at a time, one copy in all.
    #[default]
    Protect,
    /// Every machine.
    Fast,
    /// Nobody.
    Never,
}

impl OriginMode {
    /// The one that spares the origin more.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Protect, _) | (_, Self::Protect) => Self::Protect,
            (Self::Fast, Self::Fast) => Self::Fast,
        }
    }
}

/// What a machine does that knows of others but reaches none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolated {
    /// Waits.
    Wait,
    /// Reads the origin slowly (5 MB/s).
    #[default]
    Trickle,
    /// Reads the origin.
    Read,
}

impl Isolated {
    /// The one that spares the origin more.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Wait, _) | (_, Self::Wait) => Self::Wait,
            (Self::Trickle, _) | (_, Self::Trickle) => Self::Trickle,
            (Self::Read, Self::Read) => Self::Read,
        }
    }
}

/// How a machine is connected. While one by cable is known, the others wait 10 s before they ask
/// for a slot: what passes through them passes through the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum MachineClass {
    /// By cable.
    #[default]
    Wired,
    /// By radio.
    Wifi,
    /// From afar, through a tunnel.
    Vpn,
    /// Paid by the byte.
    Metered,
    /// On battery.
    Battery,
}

impl MachineClass {
    /// The one that leaves the origin to others sooner.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Whether lock files on the share count the machines that read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GuardUse {
    /// Where there are lock files and their locks prove to work.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// Whom this machine tells how it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StatusUse {
    /// Whoever looks on at the room: to know the content is to be let in.
    #[default]
    Room,
    /// Nobody.
    Nobody,
}

/// A recording of what the scheduler is told and decides, to be played again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The file; when it is full, further ones follow: `FILE.2` and on, at most eight of 32 MiB.
    pub path: PathBuf,
    /// Whether it may tell names.
    pub names: RecordNames,
}

/// Whether names, addresses and groups stand in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordNames {
    /// Others stand for them.
    #[default]
    Hidden,
    /// As they are.
    Kept,
}

/// Whether links are encrypted, for other clients that want it: machines of ours speak plainly with each other,
/// and what is copied is known to be right in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Encryption {
    /// Where the peer wants it.
    #[default]
    Accept,
    /// Where the peer can do it.
    Prefer,
    /// Never.
    Off,
}

impl From<Encryption> for swarmcopy_swarm::Encryption {
    fn from(encryption: Encryption) -> Self {
        match encryption {
            Encryption::Accept => Self::Accept,
            Encryption::Prefer => Self::Prefer,
            Encryption::Off => Self::Off,
        }
    }
}

/// Settings of a [`Session`](crate::Session).
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as on the command line"
)]
pub struct Config {
    /// Where to listen for peers; `None` = the first free port of 6881-6889, then any.
    pub listen: Option<SocketAddr>,
    /// Whether to find peers by local discovery (BEP 14).
    pub lsd: bool,
    /// Whether to exchange peers (BEP 11).
    pub pex: bool,
    /// Whether to find peers by the distributed hash table (BEP 5): never for private torrents. Needs the feature `dht`.
    pub dht: bool,
    /// Nodes to enter the table at, as `HOST:PORT`; without any the well-known ones.
    pub dht_nodes: Vec<String>,
    /// Whether links are encrypted, for other clients that want it. Without the feature `encryption` none is.
    pub encryption: Encryption,
    /// Most bytes a second to take from all sources.
    pub limit_down: Option<u64>,
    /// Most bytes a second to give to peers.
    pub limit_up: Option<u64>,
    /// Seed of random choices; `None` = from the system.
    pub seed: Option<u64>,
    /// Whether this session only looks on at rooms, and copies nothing: machines wait for nobody on its account.
    pub looks_on: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: None,
            lsd: true,
            pex: true,
            dht: false,
            dht_nodes: Vec::new(),
            encryption: Encryption::Accept,
            limit_down: None,
            limit_up: None,
            seed: None,
            looks_on: false,
        }
    }
}

/// The limits of the line, in bytes a second; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Limits {
    /// What is taken from all sources together.
    pub down: Option<u64>,
    /// What is given to peers.
    pub up: Option<u64>,
}

impl Limits {
    /// No limit.
    pub const fn none() -> Self {
        Self {
            down: None,
            up: None,
        }
    }

    /// The same with that many bytes a second from all sources.
    #[must_use]
    pub const fn down(mut self, rate: u64) -> Self {
        self.down = Some(rate);
        self
    }

    /// The same with that many bytes a second to peers.
    #[must_use]
    pub const fn up(mut self, rate: u64) -> Self {
        self.up = Some(rate);
        self
    }
}

/// How long to serve after completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stay {
    /// While a connected peer still needs something, at most this long.
    WhileNeeded(Duration),
    /// This long.
    For(Duration),
    /// Until stopped.
    Always,
}

/// Longest name of a group, in bytes.
pub const GROUP_LEN_MAX: usize = swarmcopy_bt_wire::extension::GROUP_LEN_MAX;

/// Longest name that a machine calls itself, in bytes.
pub const MACHINE_NAME_LEN_MAX: usize = swarmcopy_bt_wire::extension::STATUS_NAME_LEN_MAX;

/// What to do about another process that holds the target with another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Replace {
    /// Ask it to end, and wait for that.
    #[default]
    Ask,
    /// Fail, and name it.
    Refuse,
}

/// Settings of one copy.
#[derive(Clone)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as on the command line"
)]
pub struct CopyOptions {
    /// Folder that the content lands in, as `into/NAME`.
    pub into: PathBuf,
    /// Shares: each the folder that contains NAME, or NAME itself.
    pub shares: Vec<PathBuf>,
    /// Mirrors (BEP 19), besides the torrent's own.
    pub mirrors: Vec<String>,
    /// Countries (ISO 3166, two letters) whose mirrors of a metalink come before others of equal priority,
    /// the nearest first.
    pub locations: Vec<String>,
    /// Certificates (PEM) that a mirror's may lead to, besides the system's.
    pub ca_certificate: Option<PathBuf>,
    /// Logins by host, in the form of `.netrc`, for mirrors whose URL holds none.
    pub netrc: Option<PathBuf>,
    /// Whether a public mirror may redirect to a private address or this machine.
    pub private_redirects: bool,
    /// Whether a document that was fetched may name folders, and one from the internet private addresses.
    pub trust_document: bool,
    /// Peers to connect to.
    pub peers: Vec<String>,
    /// Most peers to be connected to at a time; a machine beyond that is told so.
    pub connections: usize,
    /// Trackers, besides the torrent's own.
    pub trackers: Vec<String>,
    /// Older or partial local copies, used piece by piece where the hashes fit.
    pub reuse: Vec<PathBuf>,
    /// Patterns of files to copy; empty = all.
    pub select: Vec<String>,
    /// Who reads the origin.
    pub origin: OriginMode,
    /// Most machines of the swarm that read the origin at a time.
    pub readers_max: u32,
    /// Most bytes a second that this swarm takes from the origin.
    pub origin_rate: Option<u64>,
    /// What to do when others are known but can't be reached.
    pub isolated: Isolated,
    /// Machines with the same group share the slots; at most [`GROUP_LEN_MAX`] bytes.
    pub group: String,
    /// How this machine is connected.
    pub class: MachineClass,
    /// When origins may be read, by the local clock: what each party that has a say names (flags, a
    /// policy file). One part of each must hold the time; a party that names none agrees.
    pub hours: Vec<Vec<Hours>>,
    /// Whose bytes the limits of the session are not for: peers, mirrors and shares in these
    /// networks, as each party names them that has a say (flags, a policy file). An address must lie
    /// in one of each; a party that names none agrees. A share counts as part of the LAN.
    pub no_limit: Vec<Vec<Network>>,
    /// Whether lock files on the share count its readers.
    pub guard: GuardUse,
    /// The folder that the .torrent lies in, if it was a file: lock files are looked for there, too.
    pub torrent_folder: Option<PathBuf>,
    /// Copy the bytes of files alone: no times, modes, flags, empty folders and links.
    pub plain: bool,
    /// Set the access lists and the extended attributes of users (`user.*`) that the torrent tells, and take others
    /// away.
    pub acl: bool,
    /// Remove what does not belong to the tree, once it is complete; what stands in the place of something
    /// that belongs, at once.
    pub delete_extra: bool,
    /// Runs of zeros in files become holes, where the disk has holes.
    pub sparse: bool,
    /// A folder of this account for records of complete copies, by which unchanged ones are known without
    /// reading them; `None` = no records are kept.
    pub records: Option<PathBuf>,
    /// Hash everything that lies at the target, though it was verified before and is unchanged by its times.
    pub check: bool,
    /// What to do about a process that holds the target with another version.
    pub replace: Replace,
    /// Keep the tree under a temporary name until it is complete; then it takes the place of what is there,
    /// at once where the system can do that.
    pub staged: bool,
    /// How long to serve after completion.
    pub stay: Stay,
    /// Give up when no byte was verified for that long.
    pub timeout: Option<Duration>,
    /// Give up after that long in all.
    pub deadline: Option<Duration>,
    /// Give up when every share and mirror has refused this machine for that long, no peer is connected and none is
    /// named, nor a tracker. 30 s unless told otherwise.
    pub refused_for: Option<Duration>,
    /// Report when each piece arrived and where from; takes memory for each piece.
    pub keep_arrivals: bool,
    /// Whom this machine tells how it does.
    pub status: StatusUse,
    /// What it calls itself then; `None` = the name of the computer.
    pub machine_name: Option<String>,
    /// Where to record what is decided.
    pub record: Option<Record>,
}

debug_shown!(CopyOptions {
    into, shares, locations, ca_certificate, netrc, private_redirects, trust_document, connections,
    reuse, select, origin, readers_max, origin_rate, isolated, group, class, hours, no_limit, guard,
    torrent_folder, plain, acl, delete_extra, sparse, records, check, replace, staged, stay, timeout,
    deadline, refused_for, keep_arrivals, status, machine_name, record;
    mirrors: ShownAll(mirrors),
    peers: ShownAll(peers),
    trackers: ShownAll(trackers),
});

impl CopyOptions {
    /// The defaults of a copy into `into`.
    pub fn new(into: impl Into<PathBuf>) -> Self {
        Self {
            into: into.into(),
            shares: Vec::new(),
            mirrors: Vec::new(),
            locations: Vec::new(),
            ca_certificate: None,
            netrc: None,
            private_redirects: false,
            trust_document: false,
            peers: Vec::new(),
            connections: swarmcopy_swarm::LINKS_MAX_DEFAULT,
            trackers: Vec::new(),
            reuse: Vec::new(),
            select: Vec::new(),
            origin: OriginMode::default(),
            readers_max: 3,
            origin_rate: None,
            isolated: Isolated::default(),
            group: String::new(),
            class: MachineClass::default(),
            hours: Vec::new(),
            no_limit: Vec::new(),
            guard: GuardUse::default(),
            torrent_folder: None,
            plain: false,
            acl: false,
            delete_extra: false,
            sparse: false,
            records: None,
            check: false,
            replace: Replace::default(),
            staged: false,
            stay: Stay::WhileNeeded(Duration::from_mins(1)),
            timeout: None,
            deadline: None,
            refused_for: Some(Duration::from_secs(30)),
            keep_arrivals: false,
            status: StatusUse::default(),
            machine_name: None,
            record: None,
        }
    }
}
