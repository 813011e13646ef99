//! The peer protocol (BEP 3, 6, 10): handshake, messages and the allowed-fast set.
//!
//! What must stay true: a message's length is judged by its type before any payload is read, and a
//! decoded message never names a piece that the content lacks.

mod fast;
mod frame;
mod handshake;
mod message;
#[cfg(test)]
mod tests;

pub use fast::allowed_fast_set;
pub use frame::{FrameHead, Limits, MessageId, WireError};
pub use handshake::{Handshake, Reserved, peer_id};
pub use message::{Message, check_bitfield, encode_piece_header};

/// Length of one block on the wire unless a larger one was negotiated: 16 KiB.
pub const BLOCK_LEN: u32 = 16 * 1024;

/// Most pieces that one content may have.
pub const PIECES_MAX: u32 = 2 * 1024 * 1024;
