//! Slot gossip (`sc_slots`): who reads the origin, what is being read, what was found bad.
//!
//! What must stay true: a message never exceeds [`SLOTS_LEN_MAX`] bytes; what doesn't fit goes into
//! further messages by [`SlotsMessage::into_parts`], never lost in silence.

use super::ExtensionError;
use crate::bencode::{self, Item, Kind, Limits, Value};

/// Longest message.
pub const SLOTS_LEN_MAX: usize = 1024;
/// Most slot records in one message.
pub const RECORDS_MAX: usize = 64;
/// Most claims, most bad marks and most counts in one message.
pub const MARKS_MAX: usize = 64;
/// Longest name of a group.
pub const GROUP_LEN_MAX: usize = 64;

/// One register of the slot table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotRecord {
    /// Number of the slot.
    pub slot: u32,
    /// How often the slot has changed hands.
    pub term: u64,
    /// Node that holds it; zeros when released.
    pub holder: [u8; 8],
    /// Counts up while the holder lives.
    pub heartbeat: u64,
    /// Bits whose meaning the slot table defines.
    pub flags: u32,
    /// Bytes per second that the holder gets from the origin by this slot.
    pub goodput_bytes: u64,
    /// Extent being read.
    pub extent: u32,
    /// How many extents, if they were taken from another slot.
    pub extents: u32,
    /// Bytes that the holder has read from the origin so far.
    pub origin_bytes: u64,
}

/// What a holder is about to read or reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// Slot under which it reads.
    pub slot: u32,
    /// First piece.
    pub first: u32,
    /// How many pieces.
    pub count: u32,
}

/// What a node has read from the origin so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeBytes {
    /// Node.
    pub node: [u8; 8],
    /// Bytes in all.
    pub bytes: u64,
}

/// A piece that an origin has wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadMark {
    /// Tag of the origin.
    pub origin_tag: [u8; 8],
    /// Piece.
    pub piece: u32,
}

/// One message of slot gossip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "words of the protocol, each of which is said or not"
)]
pub struct SlotsMessage {
    /// Group whose table this is.
    pub group: String,
    /// How many slots the speaker's table has.
    pub readers_max: u32,
    /// The speaker's node.
    pub node: [u8; 8],
    /// The speaker lacks pieces and gets none.
    pub starving: bool,
    /// Others should read the origin instead of the speaker.
    pub yields: bool,
    /// The hearer brings the speaker too little, though enough is asked of it.
    pub slow: bool,
    /// Most bytes a second that the speaker was seen to take in; 0 = unknown.
    pub link_goodput_bytes: u64,
    /// Bytes a second that the speaker takes in, if it could take more than is read of origins; else 0.
    pub waits_bytes: u64,
    /// Most bytes a second that the speaker can take in, as seen while it read; 0 = unknown.
    pub capacity_bytes: u64,
    /// Bit i: the hearer should claim slot i, which the speaker gives back.
    pub offers: u64,
    /// The speaker's uplink has room: what it has may be taken out of turn.
    pub room: bool,
    /// Records that changed, or all.
    pub records: Vec<SlotRecord>,
    /// What is being read.
    pub claims: Vec<Claim>,
    /// What was found bad.
    pub bad: Vec<BadMark>,
    /// What nodes have read.
    pub bytes: Vec<NodeBytes>,
}

impl SlotsMessage {
    /// Reads a message; one malformed entry spoils the whole, because it comes from our own kind.
    pub fn parse(payload: &[u8]) -> Result<Self, ExtensionError> {
        let document = bencode::parse(payload, &Limits::message(SLOTS_LEN_MAX))?;
        let root = document.root();
        if root.kind() != Kind::Dict {
            return Err(ExtensionError::Field("slots"));
        }
        let group = root.find(b"g").map_or(Some(""), |group| group.as_str());
        let group = group.filter(|group| group.len() <= GROUP_LEN_MAX);
        let number = |key: &[u8]| root.find(key).and_then(|value| value.as_uint::<u32>());
        let long = |key: &[u8]| {
            let value = root.find(key).and_then(|value| value.as_uint::<u64>());
            value.unwrap_or_default()
        };
        Ok(Self {
            readers_max: number(b"k").unwrap_or_default(),
            node: root
                .find(b"n")
                .and_then(|node| node.as_array())
                .unwrap_or_default(),
            starving: number(b"w").is_some_and(|word| word != 0),
            yields: number(b"d").is_some_and(|word| word != 0),
            slow: number(b"t").is_some_and(|word| word != 0),
            link_goodput_bytes: long(b"l"),
            room: number(b"r").is_some_and(|word| word != 0),
            waits_bytes: long(b"h"),
            capacity_bytes: long(b"f"),
            offers: long(b"o"),
            group: group.ok_or(ExtensionError::Field("group"))?.to_owned(),
            records: read_list(&root, b"s", RECORDS_MAX, read_record)
                .ok_or(ExtensionError::Field("slot record"))?,
            claims: read_list(&root, b"c", MARKS_MAX, read_claim)
                .ok_or(ExtensionError::Field("claim"))?,
            bad: read_list(&root, b"b", MARKS_MAX, read_mark)
                .ok_or(ExtensionError::Field("bad mark"))?,
            bytes: read_list(&root, b"y", MARKS_MAX, read_bytes)
                .ok_or(ExtensionError::Field("node bytes"))?,
        })
    }

    /// Writes the message; `None` if it exceeds a limit (then use
    /// [`SlotsMessage::into_parts`]).
    pub fn encode(&self) -> Option<Vec<u8>> {
        let fits = self.group.len() <= GROUP_LEN_MAX
            && self.records.len() <= RECORDS_MAX
            && self.claims.len() <= MARKS_MAX
            && self.bad.len() <= MARKS_MAX
            && self.bytes.len() <= MARKS_MAX;
        let bytes = fits.then(|| self.item().encode())?;
        (bytes.len() <= SLOTS_LEN_MAX).then_some(bytes)
    }

    /// Writes everything in as many messages as it takes, at least one, with at most `items_max` entries of a
    /// kind in each, because the listener takes no more; the speaker's own words stand in each. A group's name
    /// is cut to its limit.
    pub fn into_parts(mut self, items_max: usize) -> Vec<Vec<u8>> {
        let items_max = items_max.max(1);
        self.group
            .truncate(self.group.floor_char_boundary(GROUP_LEN_MAX));
        // nearly every message is one: only others are put together entry by entry
        if self.longest_list() <= items_max
            && let Some(whole) = self.encode()
        {
            return vec![whole];
        }
        let mut parts = Vec::new();
        loop {
            let mut part = Self {
                group: self.group.clone(),
                ..Self::default()
            };
            (part.readers_max, part.node, part.starving) =
                (self.readers_max, self.node, self.starving);
            (part.yields, part.slow) = (self.yields, self.slow);
            part.link_goodput_bytes = self.link_goodput_bytes;
            (part.waits_bytes, part.capacity_bytes) = (self.waits_bytes, self.capacity_bytes);
            (part.offers, part.room) = (self.offers, self.room);
            move_fitting(&mut self.records, &mut part, items_max, |part| {
                &mut part.records
            });
            move_fitting(&mut self.claims, &mut part, items_max, |part| {
                &mut part.claims
            });
            move_fitting(&mut self.bad, &mut part, items_max, |part| &mut part.bad);
            move_fitting(&mut self.bytes, &mut part, items_max, |part| {
                &mut part.bytes
            });
            parts.extend(part.encode());
            // each entry is far shorter than a message, so every part takes some
            if self.is_bare() {
                return parts;
            }
        }
    }

    fn longest_list(&self) -> usize {
        let own = self.records.len().max(self.claims.len());
        own.max(self.bad.len()).max(self.bytes.len())
    }

    fn is_bare(&self) -> bool {
        self.records.is_empty()
            && self.claims.is_empty()
            && self.bad.is_empty()
            && self.bytes.is_empty()
    }

    fn item(&self) -> Item {
        let list = |items: Vec<Item>| (!items.is_empty()).then_some(Item::List(items));
        let link = (self.link_goodput_bytes > 0).then_some(self.link_goodput_bytes);
        Item::dict()
            .with_some("d", self.yields.then_some(1u32))
            .with_some("t", self.slow.then_some(1u32))
            .with_some("h", (self.waits_bytes > 0).then_some(self.waits_bytes))
            .with_some(
                "f",
                (self.capacity_bytes > 0).then_some(self.capacity_bytes),
            )
            .with_some("o", (self.offers > 0).then_some(self.offers))
            .with_some("r", self.room.then_some(1u32))
            .with("g", self.group.as_str())
            .with("k", self.readers_max)
            .with("n", self.node)
            .with("w", u32::from(self.starving))
            .with_some("l", link)
            .with_some("s", list(self.records.iter().map(record_item).collect()))
            .with_some("c", list(self.claims.iter().map(claim_item).collect()))
            .with_some("b", list(self.bad.iter().map(mark_item).collect()))
            .with_some("y", list(self.bytes.iter().map(bytes_item).collect()))
    }
}

/// Moves entries from the front of `from` into the message as long as it can be written, `max` at most.
fn move_fitting<T>(
    from: &mut Vec<T>,
    part: &mut SlotsMessage,
    max: usize,
    list: fn(&mut SlotsMessage) -> &mut Vec<T>,
) {
    let mut kept = Vec::new();
    for entry in from.drain(..) {
        list(part).push(entry);
        if (list(part).len() > max || part.encode().is_none())
            && let Some(entry) = list(part).pop()
        {
            kept.push(entry);
        }
    }
    *from = kept;
}

fn read_list<T>(
    root: &Value<'_>,
    key: &[u8],
    max: usize,
    read: fn(&Value<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(value) = root.find(key) else {
        return Some(Vec::new());
    };
    let entries: Vec<T> = value
        .as_list()?
        .take(max.saturating_add(1))
        .map(|v| read(&v))
        .collect::<Option<_>>()?;
    (entries.len() <= max).then_some(entries)
}

fn read_record(value: &Value<'_>) -> Option<SlotRecord> {
    let mut fields = value.as_list()?;
    let (slot, term) = (fields.next()?.as_uint()?, fields.next()?.as_uint()?);
    let holder = fields.next()?.as_array()?;
    let heartbeat = fields.next()?.as_uint()?;
    let flags = fields.next()?.as_uint()?;
    let goodput_bytes = fields.next()?.as_uint()?;
    // version 0.1 told its origin's latency here
    fields.next()?.as_uint::<u64>()?;
    Some(SlotRecord {
        slot,
        term,
        holder,
        heartbeat,
        flags,
        goodput_bytes,
        extent: fields.next()?.as_uint()?,
        origin_bytes: fields.next()?.as_uint()?,
        extents: fields.next().map_or(Some(1), |value| value.as_uint())?,
    })
}

fn record_item(record: &SlotRecord) -> Item {
    Item::List(vec![
        record.slot.into(),
        record.term.into(),
        record.holder.into(),
        record.heartbeat.into(),
        record.flags.into(),
        record.goodput_bytes.into(),
        0u64.into(),
        record.extent.into(),
        record.origin_bytes.into(),
        record.extents.into(),
    ])
}

fn read_claim(value: &Value<'_>) -> Option<Claim> {
    let mut fields = value.as_list()?;
    Some(Claim {
        slot: fields.next()?.as_uint()?,
        first: fields.next()?.as_uint()?,
        count: fields.next()?.as_uint()?,
    })
}

fn claim_item(claim: &Claim) -> Item {
    Item::list([claim.slot, claim.first, claim.count])
}

fn read_mark(value: &Value<'_>) -> Option<BadMark> {
    let mut fields = value.as_list()?;
    Some(BadMark {
        origin_tag: fields.next()?.as_array()?,
        piece: fields.next()?.as_uint()?,
    })
}

fn mark_item(mark: &BadMark) -> Item {
    Item::List(vec![mark.origin_tag.into(), mark.piece.into()])
}

fn read_bytes(value: &Value<'_>) -> Option<NodeBytes> {
    let mut fields = value.as_list()?;
    Some(NodeBytes {
        node: fields.next()?.as_array()?,
        bytes: fields.next()?.as_uint()?,
    })
}

fn bytes_item(bytes: &NodeBytes) -> Item {
    Item::List(vec![bytes.node.into(), bytes.bytes.into()])
}
