//! The writer: an owned value that can only be written in canonical form.
//!
//! What must stay true: dictionaries are sorted by construction, so equal items give equal bytes.

use std::collections::BTreeMap;

/// An owned bencoded value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A 64-bit integer.
    Int(i64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Item>),
    /// A dictionary, sorted by key.
    Dict(BTreeMap<Vec<u8>, Item>),
    /// A value that is bencoded already and copied as it stands, such as the `info` dictionary
    /// whose hash is known. The caller answers for its form.
    Encoded(Vec<u8>),
}

impl Item {
    /// An empty dictionary, to be filled with [`Item::with`].
    pub fn dict() -> Self {
        Self::Dict(BTreeMap::new())
    }

    /// Adds an entry to a dictionary; any other kind is returned unchanged.
    #[must_use]
    pub fn with(mut self, key: impl AsRef<[u8]>, value: impl Into<Item>) -> Self {
        if let Self::Dict(entries) = &mut self {
            entries.insert(key.as_ref().to_vec(), value.into());
        }
        self
    }

    /// Adds an entry to a dictionary if there is a value for it.
    #[must_use]
    pub fn with_some(self, key: impl AsRef<[u8]>, value: Option<impl Into<Item>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Makes a list.
    pub fn list<T: Into<Item>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// Writes the value to the end of `out`. Recurses as deep as the item is nested.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(int) => {
                out.push(b'i');
                out.extend_from_slice(int.to_string().as_bytes());
                out.push(b'e');
            }
            Self::Bytes(bytes) => encode_bytes(bytes, out),
            Self::List(items) => {
                out.push(b'l');
                for item in items {
                    item.encode_into(out);
                }
                out.push(b'e');
            }
            Self::Dict(entries) => {
                out.push(b'd');
                for (key, value) in entries {
                    encode_bytes(key, out);
                    value.encode_into(out);
                }
                out.push(b'e');
            }
            Self::Encoded(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Writes the value into a new buffer.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
}

impl From<i64> for Item {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<u32> for Item {
    fn from(int: u32) -> Self {
        Self::Int(i64::from(int))
    }
}

impl From<u64> for Item {
    /// Values above `i64::MAX` can't be written and become `i64::MAX`.
    fn from(int: u64) -> Self {
        Self::Int(i64::try_from(int).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

impl From<String> for Item {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}

impl From<&[u8]> for Item {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Item {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Item {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}
