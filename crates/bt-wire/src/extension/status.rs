//! How a machine does (`sc_status`): an onlooker asks, a machine of ours answers.
//!
//! What must stay true: an answer never exceeds [`STATUS_LEN_MAX`] bytes, whatever its words are; every
//! text that comes is cut to its limit and stands on one line, and no list is longer than its limit.

use super::ExtensionError;
use crate::bencode::{self, Item, Kind, Limits, Value};
use crate::text;

/// What the peer id of an onlooker begins with: it takes nothing, gives nothing and counts for nothing.
pub const ONLOOKER_PREFIX: &[u8; 8] = b"-SCLOOK-";
/// Longest message of either kind.
pub const STATUS_LEN_MAX: usize = 1024;
/// Longest short text: a name, a version, a code.
pub const STATUS_NAME_LEN_MAX: usize = 48;
/// Longest sentence.
pub const STATUS_WORDS_LEN_MAX: usize = 160;
/// Most slots that are named.
pub const STATUS_SLOTS_MAX: usize = 16;
/// Most sources in an answer about sources.
pub const STATUS_SOURCES_MAX: usize = 8;
/// Most decisions in an answer about decisions.
pub const STATUS_DECISIONS_MAX: usize = 12;

/// What an onlooker wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusQuestion {
    /// How the machine does.
    Machine,
    /// What its sources are.
    Sources,
    /// What it decided about origins.
    Decisions,
}

/// One message of `sc_status`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusMessage {
    /// A question.
    Ask(StatusQuestion),
    /// How the machine does.
    Machine(Box<MachineStatus>),
    /// Its sources, those that bring most first.
    Sources(Vec<SourceStatus>),
    /// What it decided most often.
    Decisions(Vec<DecisionStatus>),
}

/// How a machine does. Sizes are in bytes, times in milliseconds; texts hold no path and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MachineStatus {
    /// What the machine is called.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// Its operating system and processor.
    pub system: String,
    /// Random number of this run of its program.
    pub node: [u8; 8],
    /// `checking`, `copying`, `serving` or `ended`.
    pub phase: String,
    /// Since the copy began.
    pub elapsed_ms: u64,
    /// Bytes of all wanted files.
    pub bytes: u64,
    /// Those that are verified.
    pub verified: u64,
    /// Verified bytes a second, lately.
    pub rate: u64,
    /// Bytes from shares.
    pub from_share: u64,
    /// Bytes from mirrors.
    pub from_mirror: u64,
    /// Bytes from peers.
    pub from_peers: u64,
    /// Bytes that were there already.
    pub reused: u64,
    /// Bytes given to peers.
    pub uploaded: u64,
    /// Bytes that came twice or were wrong.
    pub wasted: u64,
    /// Pieces that were wrong.
    pub bad_pieces: u64,
    /// Connected peers.
    pub peers: u32,
    /// Slots of the origin that it holds.
    pub slots: Vec<u32>,
    /// Most readers of the origin that its policy allows.
    pub readers_max: u32,
    /// Its group.
    pub group: String,
    /// How it is connected.
    pub class: String,
    /// Why nothing moves, as a code; empty while something moves.
    pub wait: String,
    /// The same in words.
    pub wait_words: String,
    /// For how long nothing of use has come.
    pub wait_ms: u64,
    /// The last error.
    pub error: String,
    /// Free bytes on its disk, if known.
    pub free: Option<u64>,
    /// Bytes that origins have sent to the whole room, as far as it heard.
    pub room_origin_bytes: u64,
}

/// One source of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SourceStatus {
    /// `share`, `mirror`, `peer`, `reuse`, `tracker` or `discovery`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// How it stands.
    pub state: String,
    /// Why, where it is in trouble.
    pub why: String,
    /// Bytes a second, lately.
    pub rate: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// How often something was decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DecisionStatus {
    /// The code of the reason.
    pub code: String,
    /// How often.
    pub count: u64,
}

impl StatusMessage {
    /// Reads a message.
    ///
    /// # Errors
    /// If it is too long, no dictionary, or says nothing that is known.
    pub fn parse(payload: &[u8]) -> Result<Self, ExtensionError> {
        let document = bencode::parse(payload, &Limits::message(STATUS_LEN_MAX))?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(ExtensionError::Field("status"));
        }
        if let Some(question) = root.find(b"q") {
            let question = question.as_uint::<u32>().and_then(StatusQuestion::of);
            return question
                .map(Self::Ask)
                .ok_or(ExtensionError::Field("question"));
        }
        if let Some(sources) = root.find(b"sources") {
            let read = read_list(&sources, STATUS_SOURCES_MAX, SourceStatus::read);
            return read
                .map(Self::Sources)
                .ok_or(ExtensionError::Field("sources"));
        }
        if let Some(decisions) = root.find(b"decisions") {
            let read = read_list(&decisions, STATUS_DECISIONS_MAX, DecisionStatus::read);
            return read
                .map(Self::Decisions)
                .ok_or(ExtensionError::Field("decisions"));
        }
        let machine = root.find(b"m").ok_or(ExtensionError::Field("status"))?;
        let machine = MachineStatus::read(&machine).ok_or(ExtensionError::Field("machine"))?;
        Ok(Self::Machine(Box::new(machine)))
    }

    /// Writes the message. Texts are cut to their limits, and lists until the whole fits.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ask(question) => Item::dict().with("q", question.number()).encode(),
            Self::Machine(machine) => machine.encode(),
            Self::Sources(sources) => {
                encode_list("sources", STATUS_SOURCES_MAX, sources, SourceStatus::item)
            }
            Self::Decisions(decisions) => {
                let max = STATUS_DECISIONS_MAX;
                encode_list("decisions", max, decisions, DecisionStatus::item)
            }
        }
    }
}

impl StatusQuestion {
    fn of(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Machine,
            2 => Self::Sources,
            3 => Self::Decisions,
            _ => return None,
        })
    }

    fn number(self) -> u32 {
        match self {
            Self::Machine => 1,
            Self::Sources => 2,
            Self::Decisions => 3,
        }
    }
}

impl MachineStatus {
    fn read(value: &Value<'_>) -> Option<Self> {
        let name = |key: &str| read_text(value, key, STATUS_NAME_LEN_MAX);
        let words = |key: &str| read_text(value, key, STATUS_WORDS_LEN_MAX);
        let number = |key: &str| {
            value
                .find(key.as_bytes())
                .and_then(|it| it.as_uint::<u64>())
        };
        let count = |key: &str| number(key).unwrap_or_default();
        let small = |key: &str| u32::try_from(count(key)).unwrap_or(u32::MAX);
        let slots = match value.find(b"slots") {
            Some(slots) => read_list(&slots, STATUS_SLOTS_MAX, read_slot)?,
            None => Vec::new(),
        };
        Some(Self {
            name: name("name")?,
            version: name("v")?,
            system: name("sys")?,
            node: value.find(b"node")?.as_array()?,
            phase: name("phase")?,
            elapsed_ms: count("ms"),
            bytes: number("bytes")?,
            verified: number("have")?,
            rate: count("rate"),
            from_share: count("share"),
            from_mirror: count("mirror"),
            from_peers: count("peer"),
            reused: count("reuse"),
            uploaded: count("up"),
            wasted: count("waste"),
            bad_pieces: count("bad"),
            peers: small("peers"),
            slots,
            readers_max: small("k"),
            group: words("group").unwrap_or_default(),
            class: name("class").unwrap_or_default(),
            wait: name("wait").unwrap_or_default(),
            wait_words: words("why").unwrap_or_default(),
            wait_ms: count("since"),
            error: words("err").unwrap_or_default(),
            free: number("free"),
            room_origin_bytes: count("room"),
        })
    }

    fn encode(&self) -> Vec<u8> {
        // with every text and every number at its longest, texts are cut further
        let mut words_len_max = STATUS_WORDS_LEN_MAX;
        loop {
            let bytes = Item::dict().with("m", self.item(words_len_max)).encode();
            if bytes.len() <= STATUS_LEN_MAX || words_len_max == 0 {
                return bytes;
            }
            words_len_max /= 2;
        }
    }

    fn item(&self, words_len_max: usize) -> Item {
        let name = |text: &str| cut(text, STATUS_NAME_LEN_MAX.min(words_len_max)).to_owned();
        let words = |text: &str| cut(text, words_len_max).to_owned();
        let said = |text: &str| Some(words(text)).filter(|text| !text.is_empty());
        let count = |count: u64| (count > 0).then_some(count);
        let slots = self.slots.iter().take(STATUS_SLOTS_MAX).copied();
        let slots = (!self.slots.is_empty()).then(|| Item::list(slots));
        Item::dict()
            .with("name", name(&self.name))
            .with("v", name(&self.version))
            .with("sys", name(&self.system))
            .with("node", self.node)
            .with("phase", name(&self.phase))
            .with_some("ms", count(self.elapsed_ms))
            .with("bytes", self.bytes)
            .with("have", self.verified)
            .with_some("rate", count(self.rate))
            .with_some("share", count(self.from_share))
            .with_some("mirror", count(self.from_mirror))
            .with_some("peer", count(self.from_peers))
            .with_some("reuse", count(self.reused))
            .with_some("up", count(self.uploaded))
            .with_some("waste", count(self.wasted))
            .with_some("bad", count(self.bad_pieces))
            .with_some("peers", count(self.peers.into()))
            .with_some("slots", slots)
            .with_some("k", count(self.readers_max.into()))
            .with_some("group", said(&self.group))
            .with_some("class", said(&self.class))
            .with_some("wait", said(&self.wait))
            .with_some("why", said(&self.wait_words))
            .with_some("since", count(self.wait_ms))
            .with_some("err", said(&self.error))
            .with_some("free", self.free)
            .with_some("room", count(self.room_origin_bytes))
    }
}

impl SourceStatus {
    fn read(value: &Value<'_>) -> Option<Self> {
        let name = |key: &str| read_text(value, key, STATUS_NAME_LEN_MAX);
        let words = |key: &str| read_text(value, key, STATUS_WORDS_LEN_MAX);
        let count = |key: &str| value.find(key.as_bytes()).and_then(|it| it.as_uint());
        Some(Self {
            kind: name("kind")?,
            name: words("name")?,
            state: name("state")?,
            why: words("why").unwrap_or_default(),
            rate: count("rate").unwrap_or_default(),
            bytes: count("bytes").unwrap_or_default(),
        })
    }

    fn item(&self) -> Item {
        let words = |text: &str| cut(text, STATUS_WORDS_LEN_MAX).to_owned();
        let why = Some(words(&self.why)).filter(|why| !why.is_empty());
        Item::dict()
            .with("kind", cut(&self.kind, STATUS_NAME_LEN_MAX))
            .with("name", words(&self.name))
            .with("state", cut(&self.state, STATUS_NAME_LEN_MAX))
            .with_some("why", why)
            .with("rate", self.rate)
            .with("bytes", self.bytes)
    }
}

impl DecisionStatus {
    fn read(value: &Value<'_>) -> Option<Self> {
        Some(Self {
            code: read_text(value, "code", STATUS_NAME_LEN_MAX)?,
            count: value.find(b"n")?.as_uint()?,
        })
    }

    fn item(&self) -> Item {
        Item::dict()
            .with("code", cut(&self.code, STATUS_NAME_LEN_MAX))
            .with("n", self.count)
    }
}

fn cut(text: &str, len_max: usize) -> &str {
    text.get(..text.floor_char_boundary(len_max))
        .unwrap_or(text)
}

fn read_slot(value: &Value<'_>) -> Option<u32> {
    value.as_uint()
}

fn read_text(value: &Value<'_>, key: &str, len_max: usize) -> Option<String> {
    let bytes = value.find(key.as_bytes())?.as_bytes()?;
    Some(text::one_line(bytes, len_max))
}

/// The entries of a list; none of them if one is malformed or there are too many.
fn read_list<T>(
    value: &Value<'_>,
    max: usize,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let entries = value.as_list()?.take(max.saturating_add(1));
    let entries: Vec<T> = entries.map(|v| read(&v)).collect::<Option<_>>()?;
    (entries.len() <= max).then_some(entries)
}

/// A list of as many entries from its front as fit into a message.
fn encode_list<T>(key: &str, max: usize, entries: &[T], item: fn(&T) -> Item) -> Vec<u8> {
    let mut len = entries.len().min(max);
    loop {
        let some = entries.iter().take(len).map(item).collect();
        let bytes = Item::dict().with(key, Item::List(some)).encode();
        if bytes.len() <= STATUS_LEN_MAX || len == 0 {
            return bytes;
        }
        len -= 1;
    }
}

#[cfg(test)]
mod tests;
