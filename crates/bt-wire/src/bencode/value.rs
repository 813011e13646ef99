//! The reader's result: a document and borrowed views of its values.
//!
//! What must stay true: nodes stand in the order of the input, a container's node is followed by
//! its children, and `next` is the index after the whole subtree, so a sibling is one step away.

use super::int::parse_int;
use super::item::Item;

/// The four kinds of bencoded values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit integer.
    Int,
    /// A byte string.
    Bytes,
    /// A list.
    List,
    /// A dictionary.
    Dict,
}

/// One value: its place in the input and the index after its subtree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) next: u32,
    pub(super) head: u8,
    pub(super) kind: Kind,
}

/// A parsed input that owns the node table and borrows the bytes.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    bytes: &'a [u8],
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    pub(super) fn new(bytes: &'a [u8], nodes: Vec<Node>) -> Self {
        Self { bytes, nodes }
    }

    /// Returns the outermost value.
    pub fn root(&self) -> Value<'_> {
        Value {
            bytes: self.bytes,
            nodes: &self.nodes,
            at: 0,
        }
    }

    /// Number of values, keys included.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

/// A borrowed value of a [`Document`].
#[derive(Clone, Copy)]
pub struct Value<'d> {
    bytes: &'d [u8],
    nodes: &'d [Node],
    at: usize,
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({:?}, {} bytes)", self.kind(), self.raw().len())
    }
}

impl<'d> Value<'d> {
    /// Which kind of value this is.
    pub fn kind(&self) -> Kind {
        self.node().map_or(Kind::Bytes, |node| node.kind)
    }

    /// The value's own bytes in the input, as the info-hash needs them.
    pub fn raw(&self) -> &'d [u8] {
        self.node()
            .and_then(|node| self.slice(node.start, 0, node.end))
            .unwrap_or_default()
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        let node = self.node().filter(|node| node.kind == Kind::Int)?;
        parse_int(
            self.slice(node.start, node.head, node.end)?
                .strip_suffix(b"e")?,
        )
    }

    /// The integer, if it is one and fits `T` (an unsigned type refuses negative ones).
    pub fn as_uint<T: TryFrom<i64>>(&self) -> Option<T> {
        self.as_int().and_then(|int| T::try_from(int).ok())
    }

    /// The byte string, if it is one.
    pub fn as_bytes(&self) -> Option<&'d [u8]> {
        let node = self.node().filter(|node| node.kind == Kind::Bytes)?;
        self.slice(node.start, node.head, node.end)
    }

    /// The byte string as an array of exactly `N` bytes.
    pub fn as_array<const N: usize>(&self) -> Option<[u8; N]> {
        self.as_bytes()?.try_into().ok()
    }

    /// The byte string as text, if it is valid UTF-8.
    pub fn as_str(&self) -> Option<&'d str> {
        std::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<List<'d>> {
        self.children(Kind::List).map(|(next, end)| List {
            parent: *self,
            next,
            end,
        })
    }

    /// The entries in the order of the input, if it is a dictionary.
    pub fn as_dict(&self) -> Option<Dict<'d>> {
        self.children(Kind::Dict).map(|(next, end)| Dict {
            parent: *self,
            next,
            end,
        })
    }

    /// The value of the first entry with this key, if this is a dictionary that has it. Takes time
    /// in proportion to the dictionary: iterate over large ones instead.
    pub fn find(&self, key: &[u8]) -> Option<Value<'d>> {
        self.as_dict()?
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Copies the value into an owned [`Item`] (the later of equal keys is kept).
    pub fn to_item(&self) -> Item {
        // recursion is safe: the reader has refused anything nested deeper than its limit
        match self.kind() {
            Kind::Int => Item::Int(self.as_int().unwrap_or_default()),
            Kind::Bytes => Item::Bytes(self.as_bytes().unwrap_or_default().to_vec()),
            Kind::List => Item::List(
                self.as_list()
                    .into_iter()
                    .flatten()
                    .map(|v| v.to_item())
                    .collect(),
            ),
            Kind::Dict => Item::Dict(
                self.as_dict()
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.to_vec(), v.to_item()))
                    .collect(),
            ),
        }
    }

    fn node(&self) -> Option<Node> {
        self.nodes.get(self.at).copied()
    }

    fn slice(&self, start: u32, head: u8, end: u32) -> Option<&'d [u8]> {
        let start = usize::try_from(start)
            .ok()?
            .checked_add(usize::from(head))?;
        self.bytes.get(start..usize::try_from(end).ok()?)
    }

    fn children(&self, kind: Kind) -> Option<(usize, usize)> {
        let node = self.node().filter(|node| node.kind == kind)?;
        Some((self.at.checked_add(1)?, usize::try_from(node.next).ok()?))
    }

    fn sibling(self, next: &mut usize, end: usize) -> Option<Value<'d>> {
        if *next >= end {
            return None;
        }
        let value = Value { at: *next, ..self };
        *next = usize::try_from(value.node()?.next).ok()?;
        Some(value)
    }
}

/// Iterates over the elements of a list.
#[derive(Debug, Clone)]
pub struct List<'d> {
    parent: Value<'d>,
    next: usize,
    end: usize,
}

impl<'d> Iterator for List<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        self.parent.sibling(&mut self.next, self.end)
    }
}

/// Iterates over the entries of a dictionary in the order of the input.
#[derive(Debug, Clone)]
pub struct Dict<'d> {
    parent: Value<'d>,
    next: usize,
    end: usize,
}

impl<'d> Iterator for Dict<'d> {
    type Item = (&'d [u8], Value<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.parent.sibling(&mut self.next, self.end)?.as_bytes()?;
        let value = self.parent.sibling(&mut self.next, self.end)?;
        Some((key, value))
    }
}
