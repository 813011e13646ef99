//! The head of a message: length, type and, for a block, its place.
//!
//! What must stay true: [`FrameHead::parse`] never asks for more than 13 bytes and has refused every
//! length that the type forbids, so the payload can be read straight to its destination.

use thiserror::Error;

use super::{BLOCK_LEN, PIECES_MAX};

/// Says what a peer sent that can't be; a link that hears it is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// The first bytes are no BitTorrent handshake.
    #[error("cannot read handshake: another protocol is spoken")]
    Protocol,
    /// A length that the message's type forbids.
    #[error("cannot accept message {id}: length {len} is not allowed")]
    Length {
        /// The message's type.
        id: u8,
        /// The length it claims, type byte included.
        len: u32,
    },
    /// A payload whose length is not the one its head announced.
    #[error("cannot decode message {id}: payload of {len} bytes does not fit its head")]
    Payload {
        /// The message's type.
        id: u8,
        /// The payload's length.
        len: usize,
    },
    /// A piece that the content lacks.
    #[error("cannot accept message {id}: no piece {index}")]
    Piece {
        /// The message's type.
        id: u8,
        /// The index named.
        index: u32,
    },
    /// An empty block or one longer than agreed.
    #[error("cannot accept message {id}: block of {len} bytes")]
    Block {
        /// The message's type.
        id: u8,
        /// The block's length.
        len: u32,
    },
    /// A bitfield with bits set behind the last piece.
    #[error("cannot accept bitfield: spare bits are set")]
    SpareBits,
}

/// What a link accepts at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Number of pieces of the content; `None` while the metadata is unknown (BEP 9).
    pub pieces: Option<u32>,
    /// Longest block in requests and pieces; 16 KiB unless the extension handshake said more.
    pub block_len_max: u32,
    /// Longest extended message, its own type byte included.
    pub extended_len_max: u32,
    /// Longest message of unknown type that is skipped.
    pub unknown_len_max: u32,
}

impl Limits {
    /// Limits for a content with this many pieces: 16 KiB blocks, extended messages up to 512 KiB,
    /// unknown messages up to 64 KiB.
    pub fn for_pieces(pieces: u32) -> Self {
        Self {
            pieces: Some(pieces),
            ..Self::without_metadata()
        }
    }

    /// Limits while the number of pieces isn't known.
    pub fn without_metadata() -> Self {
        Self {
            pieces: None,
            block_len_max: BLOCK_LEN,
            extended_len_max: 512 * 1024,
            unknown_len_max: 64 * 1024,
        }
    }

    /// The same limits with another longest block.
    #[must_use]
    pub fn with_block_len_max(self, block_len_max: u32) -> Self {
        Self {
            block_len_max,
            ..self
        }
    }

    pub(super) fn check_piece(&self, id: u8, index: u32) -> Result<u32, WireError> {
        if index < self.pieces.unwrap_or(PIECES_MAX) {
            Ok(index)
        } else {
            Err(WireError::Piece { id, index })
        }
    }

    pub(super) fn check_block(&self, id: u8, len: u32) -> Result<u32, WireError> {
        if (1..=self.block_len_max).contains(&len) {
            Ok(len)
        } else {
            Err(WireError::Block { id, len })
        }
    }

    fn bitfield_fits(&self, len: u32) -> bool {
        match self.pieces {
            Some(pieces) => len == pieces.div_ceil(8),
            None => len <= PIECES_MAX.div_ceil(8),
        }
    }
}

/// The types of messages that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are those of BEP 3, 6 and 10")]
pub enum MessageId {
    Choke,
    Unchoke,
    Interested,
    NotInterested,
    Have,
    Bitfield,
    Request,
    Piece,
    Cancel,
    Port,
    Suggest,
    HaveAll,
    HaveNone,
    Reject,
    AllowedFast,
    Extended,
}

impl MessageId {
    /// Finds the type of a byte on the wire.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Choke,
            1 => Self::Unchoke,
            2 => Self::Interested,
            3 => Self::NotInterested,
            4 => Self::Have,
            5 => Self::Bitfield,
            6 => Self::Request,
            7 => Self::Piece,
            8 => Self::Cancel,
            9 => Self::Port,
            13 => Self::Suggest,
            14 => Self::HaveAll,
            15 => Self::HaveNone,
            16 => Self::Reject,
            17 => Self::AllowedFast,
            20 => Self::Extended,
            _ => return None,
        })
    }

    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Self::Choke => 0,
            Self::Unchoke => 1,
            Self::Interested => 2,
            Self::NotInterested => 3,
            Self::Have => 4,
            Self::Bitfield => 5,
            Self::Request => 6,
            Self::Piece => 7,
            Self::Cancel => 8,
            Self::Port => 9,
            Self::Suggest => 13,
            Self::HaveAll => 14,
            Self::HaveNone => 15,
            Self::Reject => 16,
            Self::AllowedFast => 17,
            Self::Extended => 20,
        }
    }

    /// Whether a payload of this length (without the type byte) may follow.
    fn allows(self, len: u32, limits: &Limits) -> bool {
        match self {
            Self::Choke
            | Self::Unchoke
            | Self::Interested
            | Self::NotInterested
            | Self::HaveAll
            | Self::HaveNone => len == 0,
            Self::Have | Self::Suggest | Self::AllowedFast => len == 4,
            Self::Request | Self::Cancel | Self::Reject => len == 12,
            Self::Port => len == 2,
            Self::Bitfield => limits.bitfield_fits(len),
            Self::Piece => (9..=limits.block_len_max.saturating_add(8)).contains(&len),
            Self::Extended => (1..=limits.extended_len_max).contains(&len),
        }
    }
}

/// The head of one message; the payload that follows has [`FrameHead::payload_len`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameHead {
    /// An empty message that keeps the link open.
    KeepAlive,
    /// A block: `len` bytes of piece `index` from offset `begin` follow, nothing else.
    Block {
        /// Piece.
        index: u32,
        /// Offset in the piece.
        begin: u32,
        /// Bytes that follow.
        len: u32,
    },
    /// Any other known message.
    Message {
        /// Its type.
        id: MessageId,
        /// Bytes that follow.
        len: u32,
    },
    /// A message of unknown type whose bytes are to be thrown away.
    Skip {
        /// Its type.
        id: u8,
        /// Bytes that follow.
        len: u32,
    },
}

impl FrameHead {
    /// No head is longer than this.
    pub const LEN_MAX: usize = 13;

    /// Reads the head at the start of `bytes` and says how many bytes it took; `None` means that
    /// more are needed (never more than [`FrameHead::LEN_MAX`] in all).
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Option<(Self, usize)>, WireError> {
        let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let total = u32::from_be_bytes(*prefix);
        let Some(len) = total.checked_sub(1) else {
            return Ok(Some((Self::KeepAlive, 4)));
        };
        let Some((byte, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let Some(id) = MessageId::from_byte(*byte) else {
            return if len <= limits.unknown_len_max {
                Ok(Some((Self::Skip { id: *byte, len }, 5)))
            } else {
                Err(WireError::Length {
                    id: *byte,
                    len: total,
                })
            };
        };
        if !id.allows(len, limits) {
            return Err(WireError::Length {
                id: *byte,
                len: total,
            });
        }
        if id == MessageId::Piece {
            return Self::parse_block(rest, len, limits);
        }
        Ok(Some((Self::Message { id, len }, 5)))
    }

    /// Bytes that follow the head.
    pub fn payload_len(&self) -> u32 {
        match self {
            Self::KeepAlive => 0,
            Self::Block { len, .. } | Self::Message { len, .. } | Self::Skip { len, .. } => *len,
        }
    }

    fn parse_block(
        rest: &[u8],
        len: u32,
        limits: &Limits,
    ) -> Result<Option<(Self, usize)>, WireError> {
        let Some((index, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let Some(begin) = rest.first_chunk::<4>() else {
            return Ok(None);
        };
        let id = MessageId::Piece.byte();
        let head = Self::Block {
            index: limits.check_piece(id, u32::from_be_bytes(*index))?,
            begin: u32::from_be_bytes(*begin),
            len: len.saturating_sub(8),
        };
        Ok(Some((head, Self::LEN_MAX)))
    }
}
