//! What a running copy tells, and what it tells at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Facts about a copy that are known when it starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Started {
    /// The content's name.
    pub name: String,
    /// Its info-hash (BEP 3), if it has one.
    pub info_hash: Option<[u8; 20]>,
    /// Its info-hash of BEP 52, if it has one.
    pub info_hash_v2: Option<[u8; 32]>,
    /// Bytes of all wanted files.
    pub bytes: u64,
    /// Pieces in all.
    pub pieces: u32,
    /// Files in all, pads left out.
    pub files: usize,
    /// Where peers reach this machine.
    pub listen: SocketAddr,
    /// The seed of the scheduler's random choices.
    pub seed: u64,
}

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Hashing what lies at the target already.
    Checking,
    /// Fetching pieces.
    Copying,
    /// Every wanted piece is verified and on disk; serving others.
    Serving,
    /// Told to pause: it holds nothing until it is told to go on.
    Paused,
    /// Over.
    Ended,
}

/// What kind of source brought bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SourceKind {
    /// A share.
    Share,
    /// A mirror.
    Mirror,
    /// A peer.
    Peer,
    /// An older local copy.
    Reuse,
    /// A tracker: it brings no bytes, but addresses of peers.
    Tracker,
    /// Discovery on the local network: the same.
    Discovery,
}

impl SourceKind {
    /// As in the JSON lines: `share`, `mirror`, `peer`, `reuse`, `tracker`, `discovery`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Mirror => "mirror",
            Self::Peer => "peer",
            Self::Reuse => "reuse",
            Self::Tracker => "tracker",
            Self::Discovery => "discovery",
        }
    }
}

/// How a source stands, by its last answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SourceState {
    /// It was not asked yet, or has not answered yet.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It can't be reached, breaks off, or says nothing.
    Down,
    /// It answers, and asks to be left alone for a while.
    Busy,
    /// It answers, and does not have what was asked for.
    Lacks,
    /// It answers, and lets this machine not have it.
    Refused,
}

impl SourceState {
    /// As in the JSON lines: `unknown`, `up`, `down`, `busy`, `lacks`, `refused`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
            Self::Busy => "busy",
            Self::Lacks => "lacks",
            Self::Refused => "refused",
        }
    }

    /// Whether something is wrong with it.
    pub const fn is_trouble(self) -> bool {
        !matches!(self, Self::Unknown | Self::Up)
    }
}

/// What lock files on the share are worth as a count of its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum GuardState {
    /// There are none.
    #[default]
    None,
    /// They are not to be used.
    Off,
    /// There are some, but their locks do not work; the swarm's own table counts alone.
    Unavailable,
    /// They count the readers on this machine; nothing proves that others are counted, too.
    Local,
    /// The server keeps them: they count the readers on all machines.
    Server,
}

impl GuardState {
    /// As in the JSON lines: `none`, `off`, `unavailable`, `local`, `server`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Off => "off",
            Self::Unavailable => "unavailable",
            Self::Local => "local",
            Self::Server => "server",
        }
    }
}

/// How one source does.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SourceProgress {
    /// Its kind.
    pub kind: SourceKind,
    /// Its name: a path, a URL without credentials, an address.
    pub name: String,
    /// Bytes a second, lately.
    pub rate: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Fetches under way.
    pub streams: u32,
    /// How it stands.
    pub state: SourceState,
    /// Its last answer in words, where it is in trouble.
    pub why: Option<String>,
    /// When it is tried again, where that is known.
    pub next_try: Option<Duration>,
}

impl SourceProgress {
    /// A source that was not asked yet.
    pub fn new(kind: SourceKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            rate: 0,
            bytes: 0,
            streams: 0,
            state: SourceState::Unknown,
            why: None,
            next_try: None,
        }
    }
}

/// A look at a running copy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Progress {
    /// Since the start.
    pub elapsed: Duration,
    /// What it is doing.
    pub phase: Phase,
    /// Verified bytes of wanted files; in `Checking`, bytes looked at.
    pub verified: u64,
    /// Bytes of all wanted files.
    pub bytes: u64,
    /// Verified bytes a second, lately.
    pub rate: u64,
    /// Connected peers.
    pub peers: u32,
    /// Sources that brought bytes, are connected, or were named; trackers and local discovery among them.
    pub sources: Vec<SourceProgress>,
    /// Bytes given to peers.
    pub uploaded: u64,
    /// Slots of the origin held.
    pub slots: Vec<u32>,
    /// What the share's lock files are worth.
    pub guard: GuardState,
    /// A sentence on why nothing moves, if nothing moves.
    pub waiting_for: Option<String>,
    /// The same as a code, such as `hours` or `no-source`.
    pub waiting_code: Option<&'static str>,
    /// Since the last bytes of use; zero while nothing is missing.
    pub quiet: Duration,
    /// Bytes that came, by the kind of their source.
    pub brought: BTreeMap<SourceKind, u64>,
    /// Bytes of verified pieces, by the kind of the source that was last asked for bytes of them.
    pub verified_by: BTreeMap<SourceKind, u64>,
    /// Machines that hold a slot of the origin, as far as this one knows.
    pub readers: u32,
    /// Bytes that came twice or were wrong.
    pub wasted: u64,
    /// Pieces whose bytes were wrong.
    pub bad_pieces: u64,
    /// Bytes that all machines of the swarm read from shares and mirrors, as far as this one heard.
    pub swarm_origin_bytes: u64,
    /// How often each origin decision was taken, by reason code.
    pub reasons: BTreeMap<&'static str, u64>,
    /// Of a copy that is only served, once all of it was hashed: what is wrong, file by file. Pieces with wrong
    /// bytes are not served.
    pub damaged: Vec<String>,
}

impl Progress {
    /// Bytes that sources of this kind brought.
    pub fn brought(&self, kind: SourceKind) -> u64 {
        self.brought.get(&kind).copied().unwrap_or(0)
    }

    /// Bytes of verified pieces that a source of this kind was last asked for.
    pub fn verified_from(&self, kind: SourceKind) -> u64 {
        self.verified_by.get(&kind).copied().unwrap_or(0)
    }

    /// Bytes a second that sources of this kind bring, lately.
    pub fn rate_of(&self, kind: SourceKind) -> u64 {
        let of_kind = self.sources.iter().filter(|source| source.kind == kind);
        of_kind.map(|source| source.rate).sum()
    }

    /// A copy of that many bytes that has just begun.
    pub fn new(bytes: u64) -> Self {
        Self {
            elapsed: Duration::ZERO,
            phase: Phase::Checking,
            verified: 0,
            bytes,
            rate: 0,
            peers: 0,
            sources: Vec::new(),
            uploaded: 0,
            slots: Vec::new(),
            guard: GuardState::None,
            waiting_for: None,
            waiting_code: None,
            quiet: Duration::ZERO,
            brought: BTreeMap::new(),
            verified_by: BTreeMap::new(),
            readers: 0,
            wasted: 0,
            bad_pieces: 0,
            swarm_origin_bytes: 0,
            reasons: BTreeMap::new(),
            damaged: Vec::new(),
        }
    }
}

/// A piece that was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Which.
    pub piece: u32,
    /// Since the start of the copy.
    pub at: Duration,
    /// The kind of the source that was last asked for bytes of it.
    pub kind: SourceKind,
}

/// The end of a copy.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// Whether every wanted piece is verified and on disk.
    pub complete: bool,
    /// From start to completion (or to the end, if not complete).
    pub elapsed: Duration,
    /// Bytes of all wanted files.
    pub bytes: u64,
    /// Bytes that were there already.
    pub reused: u64,
    /// Bytes from shares.
    pub from_share: u64,
    /// Bytes from mirrors.
    pub from_mirror: u64,
    /// Bytes from peers.
    pub from_peers: u64,
    /// Bytes that this machine read from shares and mirrors, thrown away ones included.
    pub origin_bytes: u64,
    /// Bytes given to peers.
    pub uploaded: u64,
    /// Bytes that came twice or were wrong.
    pub wasted: u64,
    /// Pieces whose bytes were wrong.
    pub bad_pieces: u64,
    /// Time during which this machine read: at least one request to a share or mirror was open.
    /// Never longer than the copy took; summed over all machines it is the server's load.
    pub origin_reader: Duration,
    /// The slots of the origin that this machine held at some time.
    pub slots_held: Vec<u32>,
    /// Bytes that all machines of the swarm read from shares and mirrors, as far as this one heard:
    /// each that ever held a slot tells its own count.
    pub swarm_origin_bytes: u64,
    /// What the share's lock files were worth.
    pub guard: GuardState,
    /// How often each origin decision was taken, by reason code.
    pub reasons: BTreeMap<&'static str, u64>,
    /// What of times, modes, flags and links this system could not do: a sentence for each kind.
    pub undone: Vec<String>,
    /// How many files, folders and links were removed because they did not belong to the tree.
    pub removed: u64,
    /// Links that other machines made to this one.
    pub callers: u64,
    /// Links that this machine made to others.
    pub called: u64,
    /// Of a copy that was only served: what is wrong, file by file.
    pub damaged: Vec<String>,
    /// The pieces that came, in their order, if the options asked for it.
    pub arrivals: Vec<Arrival>,
}

/// Of so many links, one at least should have been made by the other side.
const CALLED_MIN: u64 = 4;

impl Report {
    /// Whether it looks as if something kept other machines from connecting to this one.
    pub fn is_shut_in(&self) -> bool {
        self.callers == 0 && self.called >= CALLED_MIN
    }

    /// How many copies shares and mirrors sent to the whole swarm, as far as this machine heard.
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "a ratio for people: 52 bits are plenty"
    )]
    pub fn swarm_copies(&self) -> f64 {
        if self.bytes == 0 {
            return 0.0;
        }
        self.swarm_origin_bytes as f64 / self.bytes as f64
    }
}

impl Report {
    /// The same with what engines did before that were told to pause.
    pub(crate) fn after(mut self, earlier: Option<Self>) -> Self {
        let Some(earlier) = earlier else {
            return self;
        };
        self.reused = earlier.reused;
        self.from_share += earlier.from_share;
        self.from_mirror += earlier.from_mirror;
        self.from_peers += earlier.from_peers;
        self.origin_bytes += earlier.origin_bytes;
        self.uploaded += earlier.uploaded;
        self.wasted += earlier.wasted;
        self.bad_pieces += earlier.bad_pieces;
        self.origin_reader += earlier.origin_reader;
        self.slots_held.extend(earlier.slots_held);
        self.slots_held.sort_unstable();
        self.slots_held.dedup();
        // each engine tells its own, and hears of the others'
        self.swarm_origin_bytes = self
            .swarm_origin_bytes
            .max(earlier.swarm_origin_bytes)
            .max(self.origin_bytes);
        for (reason, count) in earlier.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.removed += earlier.removed;
        self.arrivals.splice(0..0, earlier.arrivals);
        self
    }
}

/// Why something was decided.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Since the start.
    pub elapsed: Duration,
    /// The reason's code, such as `origin:slot-held`.
    pub reason: &'static str,
    /// The source it is about.
    pub source: Option<String>,
    /// The piece it is about.
    pub piece: Option<u32>,
    /// How many others with this reason and source were left out before it: one is told in a second.
    pub left_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_kind_is_that_of_all_its_sources() {
        let mut look = Progress::new(100);
        for (kind, rate) in [
            (SourceKind::Peer, 3),
            (SourceKind::Mirror, 10),
            (SourceKind::Peer, 4),
        ] {
            let mut source = SourceProgress::new(kind, "x");
            source.rate = rate;
            look.sources.push(source);
        }
        let rates = [SourceKind::Peer, SourceKind::Mirror, SourceKind::Share];
        assert_eq!(rates.map(|kind| look.rate_of(kind)), [7, 10, 0]);
    }
}
