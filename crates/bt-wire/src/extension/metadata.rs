//! Metadata exchange (BEP 9): the `info` dictionary in blocks of 16 KiB.
//!
//! What must stay true: a data message carries at most one block, and its raw bytes follow the
//! dictionary without a copy.

use bytes::Bytes;

use super::ExtensionError;
use crate::bencode::{self, Item, Limits};
use crate::metainfo::METADATA_LEN_MAX;

/// Length of every block of metadata but the last.
pub const METADATA_BLOCK_LEN: usize = 16 * 1024;
/// Longest dictionary before the raw bytes.
const HEAD_LEN_MAX: usize = 1024;

/// One message of the metadata exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataMessage {
    /// Asks for a block.
    Request {
        /// Number of the block.
        block: u32,
    },
    /// A block.
    Data {
        /// Number of the block.
        block: u32,
        /// Length of the whole metadata.
        total_len: u32,
        /// The block's bytes.
        data: Bytes,
    },
    /// The speaker hasn't the metadata.
    Reject {
        /// Number of the block.
        block: u32,
    },
}

impl MetadataMessage {
    /// Reads a message; `None` for a kind that BEP 9 doesn't name.
    pub fn parse(payload: &Bytes) -> Result<Option<Self>, ExtensionError> {
        let limits = Limits::message(HEAD_LEN_MAX + METADATA_BLOCK_LEN);
        let (document, used) = bencode::parse_prefix(payload, &limits)?;
        let root = document.root();
        let number = |key: &[u8], name| {
            let value = root.find(key).and_then(|value| value.as_uint::<u32>());
            value.ok_or(ExtensionError::Field(name))
        };
        let block = number(b"piece", "piece")?;
        let blocks = METADATA_LEN_MAX / METADATA_BLOCK_LEN;
        if usize::try_from(block).map_or(true, |block| block >= blocks) {
            return Err(ExtensionError::Field("piece"));
        }
        let data = payload.slice(used..);
        match number(b"msg_type", "msg_type")? {
            0 => Ok(Some(Self::Request { block })),
            1 => {
                let total_len = number(b"total_size", "total_size")?;
                if data.is_empty() || data.len() > METADATA_BLOCK_LEN {
                    return Err(ExtensionError::Field("data"));
                }
                Ok(Some(Self::Data {
                    block,
                    total_len,
                    data,
                }))
            }
            2 => Ok(Some(Self::Reject { block })),
            _ => Ok(None),
        }
    }

    /// Writes the message.
    pub fn encode(&self) -> Vec<u8> {
        let head = |kind: u32, block: u32| Item::dict().with("msg_type", kind).with("piece", block);
        match self {
            Self::Request { block } => head(0, *block).encode(),
            Self::Data {
                block,
                total_len,
                data,
            } => {
                let mut out = head(1, *block).with("total_size", *total_len).encode();
                out.extend_from_slice(data);
                out
            }
            Self::Reject { block } => head(2, *block).encode(),
        }
    }
}
