//! The messages themselves (BEP 3, 6, 10).
//!
//! What must stay true: encoding and decoding are inverse, and a payload is decoded only with the
//! length that its head announced.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{FrameHead, Limits, MessageId, WireError};

/// One message of the peer protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Nothing, said to keep the link open.
    KeepAlive,
    /// The speaker won't answer requests.
    Choke,
    /// The speaker will answer requests.
    Unchoke,
    /// The speaker wants something.
    Interested,
    /// The speaker wants nothing.
    NotInterested,
    /// The speaker has this piece.
    Have(u32),
    /// The pieces that the speaker has, highest bit first, exactly ceil(n / 8) bytes.
    Bitfield(Bytes),
    /// Asks for a block.
    Request {
        /// Piece.
        index: u32,
        /// Offset in the piece.
        begin: u32,
        /// Length of the block.
        len: u32,
    },
    /// A block.
    Piece {
        /// Piece.
        index: u32,
        /// Offset in the piece.
        begin: u32,
        /// The block's bytes.
        data: Bytes,
    },
    /// Takes a request back.
    Cancel {
        /// Piece.
        index: u32,
        /// Offset in the piece.
        begin: u32,
        /// Length of the block.
        len: u32,
    },
    /// UDP port of the speaker's DHT node (BEP 5).
    Port(u16),
    /// The speaker proposes this piece (BEP 6).
    Suggest(u32),
    /// The speaker has everything (BEP 6).
    HaveAll,
    /// The speaker has nothing (BEP 6).
    HaveNone,
    /// The speaker won't answer this request (BEP 6).
    Reject {
        /// Piece.
        index: u32,
        /// Offset in the piece.
        begin: u32,
        /// Length of the block.
        len: u32,
    },
    /// This piece is served even while choked (BEP 6).
    AllowedFast(u32),
    /// A message of the extension protocol (BEP 10).
    Extended {
        /// 0 for the handshake, else the number that the receiver gave to the extension.
        id: u8,
        /// What follows.
        payload: Bytes,
    },
}

impl Message {
    /// Decodes the payload that follows `head`; `None` for a message of unknown type.
    pub fn decode(
        head: &FrameHead,
        payload: Bytes,
        limits: &Limits,
    ) -> Result<Option<Self>, WireError> {
        let id = match *head {
            FrameHead::KeepAlive => return Ok(Some(Self::KeepAlive)),
            FrameHead::Skip { .. } => return Ok(None),
            FrameHead::Block { .. } => MessageId::Piece,
            FrameHead::Message { id, .. } => id,
        };
        if u32::try_from(payload.len()) != Ok(head.payload_len()) {
            return Err(WireError::Payload {
                id: id.byte(),
                len: payload.len(),
            });
        }
        match *head {
            FrameHead::Block { index, begin, .. } => Ok(Some(Self::Piece {
                index,
                begin,
                data: payload,
            })),
            _ => Self::decode_payload(id, payload, limits).map(Some),
        }
    }

    fn decode_payload(
        id: MessageId,
        mut payload: Bytes,
        limits: &Limits,
    ) -> Result<Self, WireError> {
        let byte = id.byte();
        let short = WireError::Payload {
            id: byte,
            len: payload.len(),
        };
        let mut next_u32 = || payload.try_get_u32().map_err(|_| short.clone());
        Ok(match id {
            MessageId::Choke => Self::Choke,
            MessageId::Unchoke => Self::Unchoke,
            MessageId::Interested => Self::Interested,
            MessageId::NotInterested => Self::NotInterested,
            MessageId::HaveAll => Self::HaveAll,
            MessageId::HaveNone => Self::HaveNone,
            MessageId::Have => Self::Have(limits.check_piece(byte, next_u32()?)?),
            MessageId::Suggest => Self::Suggest(limits.check_piece(byte, next_u32()?)?),
            MessageId::AllowedFast => Self::AllowedFast(limits.check_piece(byte, next_u32()?)?),
            MessageId::Request | MessageId::Cancel | MessageId::Reject => {
                let index = limits.check_piece(byte, next_u32()?)?;
                let begin = next_u32()?;
                let len = limits.check_block(byte, next_u32()?)?;
                match id {
                    MessageId::Request => Self::Request { index, begin, len },
                    MessageId::Cancel => Self::Cancel { index, begin, len },
                    _ => Self::Reject { index, begin, len },
                }
            }
            MessageId::Port => Self::Port(payload.try_get_u16().map_err(|_| short)?),
            MessageId::Bitfield => {
                if let Some(pieces) = limits.pieces {
                    check_bitfield(&payload, pieces)?;
                }
                Self::Bitfield(payload)
            }
            MessageId::Extended => {
                let id = payload.try_get_u8().map_err(|_| short)?;
                Self::Extended { id, payload }
            }
            // a block's head is longer and was handled by the caller
            MessageId::Piece => return Err(short),
        })
    }

    /// Writes the whole message, length prefix included.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::KeepAlive => out.put_u32(0),
            Self::Choke => put_head(out, MessageId::Choke, 0),
            Self::Unchoke => put_head(out, MessageId::Unchoke, 0),
            Self::Interested => put_head(out, MessageId::Interested, 0),
            Self::NotInterested => put_head(out, MessageId::NotInterested, 0),
            Self::HaveAll => put_head(out, MessageId::HaveAll, 0),
            Self::HaveNone => put_head(out, MessageId::HaveNone, 0),
            Self::Have(index) => put_index(out, MessageId::Have, *index),
            Self::Suggest(index) => put_index(out, MessageId::Suggest, *index),
            Self::AllowedFast(index) => put_index(out, MessageId::AllowedFast, *index),
            Self::Request { index, begin, len } => {
                put_block(out, MessageId::Request, [*index, *begin, *len]);
            }
            Self::Cancel { index, begin, len } => {
                put_block(out, MessageId::Cancel, [*index, *begin, *len]);
            }
            Self::Reject { index, begin, len } => {
                put_block(out, MessageId::Reject, [*index, *begin, *len]);
            }
            Self::Port(port) => {
                put_head(out, MessageId::Port, 2);
                out.put_u16(*port);
            }
            Self::Bitfield(bits) => {
                put_head(out, MessageId::Bitfield, bits.len());
                out.put_slice(bits);
            }
            Self::Piece { index, begin, data } => {
                put_head(out, MessageId::Piece, data.len().saturating_add(8));
                out.put_u32(*index);
                out.put_u32(*begin);
                out.put_slice(data);
            }
            Self::Extended { id, payload } => {
                put_head(out, MessageId::Extended, payload.len().saturating_add(1));
                out.put_u8(*id);
                out.put_slice(payload);
            }
        }
    }
}

/// Writes the 13 bytes before a block of `len` bytes, for callers that send the block from its own
/// buffer.
pub fn encode_piece_header(index: u32, begin: u32, len: u32) -> [u8; FrameHead::LEN_MAX] {
    let mut out = [0; FrameHead::LEN_MAX];
    let words = [len.saturating_add(9), index, begin].map(u32::to_be_bytes);
    let [[a, b, c, d], index, begin] = words;
    let head = [a, b, c, d, MessageId::Piece.byte()];
    for (to, from) in out.iter_mut().zip(head.iter().chain(&index).chain(&begin)) {
        *to = *from;
    }
    out
}

/// Checks that a bitfield has exactly ceil(pieces / 8) bytes and no bit set behind the last piece.
pub fn check_bitfield(bits: &[u8], pieces: u32) -> Result<(), WireError> {
    if u32::try_from(bits.len()) != Ok(pieces.div_ceil(8)) {
        return Err(WireError::Payload {
            id: MessageId::Bitfield.byte(),
            len: bits.len(),
        });
    }
    let spare = u8::MAX
        .checked_shr(pieces % 8)
        .filter(|_| !pieces.is_multiple_of(8));
    match (bits.last(), spare) {
        (Some(last), Some(mask)) if last & mask != 0 => Err(WireError::SpareBits),
        _ => Ok(()),
    }
}

fn put_head(out: &mut BytesMut, id: MessageId, len: usize) {
    // no message of ours comes near 4 GiB: pieces and metadata are capped far below
    out.put_u32(u32::try_from(len.saturating_add(1)).unwrap_or(u32::MAX));
    out.put_u8(id.byte());
}

fn put_index(out: &mut BytesMut, id: MessageId, index: u32) {
    put_head(out, id, 4);
    out.put_u32(index);
}

fn put_block(out: &mut BytesMut, id: MessageId, words: [u32; 3]) {
    put_head(out, id, 12);
    for word in words {
        out.put_u32(word);
    }
}
