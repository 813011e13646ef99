//! Our own top-level key `swarmcopy`: where shares lie and how to treat them, and what besides bytes
//! belongs to a copy.
//!
//! What must stay true: the key lies outside `info`, so it never changes the info-hash; unknown
//! entries are ignored, so that older programs read newer torrents.

use swarmcopy_address::{ShownAll, debug_shown};

use super::error::MetainfoError;
use super::file::File;
use super::tree::Tree;
use super::urls::{read_mirrors, read_texts};
use crate::bencode::{Item, Kind, Value};

/// Most readers of an origin that a torrent may allow.
const SLOTS_MAX: u32 = 64;

/// What a torrent tells swarmcopy alone.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Own {
    /// Folders where the content lies.
    pub shares: Vec<String>,
    /// Mirrors that stock clients aren't told of, so that the cap on readers holds for them.
    pub mirrors: Vec<String>,
    /// How many machines may read the origin at a time (1 to 64).
    pub slots: Option<u32>,
    /// How the origin is to be treated.
    pub policy: Policy,
    /// Times, flags, folders and links.
    pub tree: Option<Tree>,
}

debug_shown!(Own {
    slots, policy, tree;
    shares: ShownAll(shares),
    mirrors: ShownAll(mirrors),
});

impl Own {
    /// Nothing is told, so the key can be left out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the key; a table that does not fit `files` is an error, everything else is advice.
    pub(super) fn read(
        value: Option<Value<'_>>,
        folder: bool,
        files: &[File],
    ) -> Result<Self, MetainfoError> {
        let find = |key: &[u8]| value.and_then(|value| value.find(key));
        let slots = find(b"slots").and_then(|slots| slots.as_uint::<u32>());
        Ok(Self {
            shares: read_texts(find(b"shares")),
            mirrors: read_mirrors(find(b"mirrors"), folder),
            slots: slots.filter(|slots| (1..=SLOTS_MAX).contains(slots)),
            policy: find(b"policy")
                .map(|policy| Policy::read(&policy))
                .unwrap_or_default(),
            tree: find(b"tree")
                .map(|tree| Tree::read(&tree, files))
                .transpose()?,
        })
    }

    pub(super) fn item(&self) -> Item {
        let texts = |texts: &[String]| {
            (!texts.is_empty()).then(|| Item::list(texts.iter().map(String::as_str)))
        };
        let policy = Some(self.policy.item()).filter(|item| *item != Item::dict());
        Item::dict()
            .with_some("shares", texts(&self.shares))
            .with_some("mirrors", texts(&self.mirrors))
            .with_some("slots", self.slots)
            .with_some("policy", policy)
            .with_some("tree", self.tree.as_ref().map(Tree::item))
    }
}

/// The policy as written: texts that the caller has to understand. An integer is given as its
/// decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Policy {
    /// Machines of one group share a table of readers.
    pub group: Option<String>,
    /// `protect`, `fast` or `never`.
    pub mode: Option<String>,
    /// Budget of all readers together.
    pub rate: Option<String>,
    /// When the origin may be read, such as `18:00-06:00`.
    pub hours: Vec<String>,
    /// What a machine without peers does: `wait`, `trickle` or `read`.
    pub isolated: Option<String>,
    /// Class of the machines that name none, such as `wired`; a stricter one that they name holds.
    pub class: Option<String>,
}

impl Policy {
    fn read(value: &Value<'_>) -> Self {
        let text = |key: &[u8]| {
            let value = value.find(key)?;
            match value.kind() {
                Kind::Int => value.as_int().map(|int| int.to_string()),
                _ => value.as_str().map(str::to_owned),
            }
        };
        Self {
            group: text(b"group"),
            mode: text(b"mode"),
            rate: text(b"rate"),
            hours: read_texts(value.find(b"hours")),
            isolated: text(b"isolated"),
            class: text(b"class"),
        }
    }

    fn item(&self) -> Item {
        let hours =
            (!self.hours.is_empty()).then(|| Item::list(self.hours.iter().map(String::as_str)));
        Item::dict()
            .with_some("group", self.group.as_deref())
            .with_some("mode", self.mode.as_deref())
            .with_some("rate", self.rate.as_deref())
            .with_some("hours", hours)
            .with_some("isolated", self.isolated.as_deref())
            .with_some("class", self.class.as_deref())
    }
}
