//! The extension handshake (BEP 10): which extensions a peer speaks, by which numbers.
//!
//! What must stay true: a number 0 means that an extension is off; what we don't know is ignored.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ExtensionError;
use super::slots::GROUP_LEN_MAX;
use crate::bencode::{self, Item, Kind, Limits, Value};
use crate::text;

/// Longest handshake that is read.
pub const HANDSHAKE_LEN_MAX: usize = 16 * 1024;
/// Most origin tags that are kept.
pub const TAGS_MAX: usize = 64;
/// Most extensions that are kept.
const EXTENSIONS_MAX: usize = 64;
/// Longest name, version or class that is kept.
const TEXT_LEN_MAX: usize = 128;

/// What a peer says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExtensionHandshake {
    /// `m`: name of an extension and the number that the speaker wants to receive it by. A later
    /// handshake that gives 0 turns the extension off.
    pub extensions: BTreeMap<String, u8>,
    /// `p`: the port that the speaker listens on.
    pub port: Option<u16>,
    /// `v`: name and version of the speaker's program.
    pub client: Option<String>,
    /// `reqq`: how many requests the speaker queues.
    pub requests_max: Option<u32>,
    /// `metadata_size`: length of the `info` dictionary (BEP 9).
    pub metadata_len: Option<u32>,
    /// `yourip`: the listener's address as the speaker sees it.
    pub your_ip: Option<IpAddr>,
    /// `sc`: what swarmcopy peers tell each other.
    pub own: Option<OwnHandshake>,
}

/// What swarmcopy peers tell each other in the key `sc`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OwnHandshake {
    /// Version of our own protocol.
    pub version: u32,
    /// Random number of this run of the program.
    pub node: [u8; 8],
    /// Tags of the origins that the speaker can reach, at most [`TAGS_MAX`].
    pub origin_tags: Vec<[u8; 8]>,
    /// How many readers of the origin the speaker's policy allows.
    pub readers_max: u32,
    /// Whose table of readers the speaker shares; empty for that of all who name none. `None` if it says
    /// nothing about it, or what no group is called.
    pub group: Option<String>,
    /// Class of the speaker's connection, such as `wired`.
    pub class: String,
    /// The speaker lacks pieces and gets none.
    pub starving: bool,
    /// Longest block that the speaker accepts in a request and wants to receive; 0 if it says
    /// nothing.
    pub block_len_max: u32,
    /// By this name instead of a peer id the listener may dial more connections to the speaker,
    /// which bring it blocks and nothing else; `None` if it may not.
    pub lane: Option<[u8; 20]>,
    /// The speaker has as many links as it takes and closes this one.
    pub full: bool,
}

impl ExtensionHandshake {
    /// Reads a handshake; malformed entries are left out.
    pub fn parse(payload: &[u8]) -> Result<Self, ExtensionError> {
        // some clients put bytes behind the dictionary
        let (document, _) = bencode::parse_prefix(payload, &Limits::message(HANDSHAKE_LEN_MAX))?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(ExtensionError::Field("handshake"));
        }
        let entry = |(name, id): (&[u8], Value<'_>)| {
            let name = std::str::from_utf8(name)
                .ok()
                .filter(|name| name.len() <= TEXT_LEN_MAX)?;
            Some((name.to_owned(), id.as_uint::<u8>()?))
        };
        let extensions = root
            .find(b"m")
            .and_then(|m| m.as_dict())
            .into_iter()
            .flatten();
        Ok(Self {
            extensions: extensions.filter_map(entry).take(EXTENSIONS_MAX).collect(),
            port: root
                .find(b"p")
                .and_then(|port| port.as_uint())
                .filter(|port| *port != 0),
            client: root.find(b"v").and_then(|client| text(&client)),
            requests_max: root.find(b"reqq").and_then(|reqq| reqq.as_uint()),
            metadata_len: root.find(b"metadata_size").and_then(|len| len.as_uint()),
            your_ip: root.find(b"yourip").and_then(|ip| read_ip(&ip)),
            own: root.find(b"sc").and_then(|own| OwnHandshake::read(&own)),
        })
    }

    /// Writes the handshake.
    pub fn encode(&self) -> Vec<u8> {
        let extensions = self
            .extensions
            .iter()
            .map(|(name, id)| (name.clone().into_bytes(), Item::from(u32::from(*id))));
        let your_ip = self.your_ip.map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        });
        Item::dict()
            .with("m", Item::Dict(extensions.collect()))
            .with_some("p", self.port.map(u32::from))
            .with_some("v", self.client.as_deref())
            .with_some("reqq", self.requests_max)
            .with_some("metadata_size", self.metadata_len)
            .with_some("yourip", your_ip)
            .with_some("sc", self.own.as_ref().map(OwnHandshake::item))
            .encode()
    }

    /// The number by which the speaker wants to receive an extension, if it is on.
    pub fn id_of(&self, extension: &str) -> Option<u8> {
        self.extensions
            .get(extension)
            .copied()
            .filter(|id| *id != 0)
    }
}

impl OwnHandshake {
    fn read(value: &Value<'_>) -> Option<Self> {
        let number = |key: &[u8]| {
            value
                .find(key)
                .and_then(|v| v.as_uint())
                .unwrap_or_default()
        };
        let tags = value
            .find(b"tags")
            .and_then(|tags| tags.as_list())
            .into_iter()
            .flatten();
        Some(Self {
            version: value.find(b"v")?.as_uint()?,
            node: value.find(b"node")?.as_array()?,
            origin_tags: tags
                .filter_map(|tag| tag.as_array())
                .take(TAGS_MAX)
                .collect(),
            readers_max: number(b"k"),
            group: value
                .find(b"group")
                .and_then(|group| group.as_str())
                .filter(|group| group.len() <= GROUP_LEN_MAX)
                .map(str::to_owned),
            class: value
                .find(b"class")
                .and_then(|class| text(&class))
                .unwrap_or_default(),
            starving: number(b"starving") != 0,
            block_len_max: number(b"block"),
            lane: value.find(b"lane").and_then(|name| name.as_array()),
            full: number(b"full") != 0,
        })
    }

    fn item(&self) -> Item {
        Item::dict()
            .with("v", self.version)
            .with("node", self.node)
            .with(
                "tags",
                Item::list(self.origin_tags.iter().take(TAGS_MAX).copied()),
            )
            .with("k", self.readers_max)
            .with_some("group", self.group.as_deref())
            .with("class", self.class.as_str())
            .with("starving", u32::from(self.starving))
            .with("block", self.block_len_max)
            .with_some("lane", self.lane)
            .with_some("full", self.full.then_some(1u32))
    }
}

fn text(value: &Value<'_>) -> Option<String> {
    Some(text::one_line(value.as_bytes()?, TEXT_LEN_MAX))
}

fn read_ip(value: &Value<'_>) -> Option<IpAddr> {
    let v4 = value.as_array::<4>().map(|ip| Ipv4Addr::from(ip).into());
    v4.or_else(|| value.as_array::<16>().map(|ip| Ipv6Addr::from(ip).into()))
}
