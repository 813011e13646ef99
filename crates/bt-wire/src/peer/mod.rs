//! The peer protocol (BEP 3, 6, 10): handshake, messages and the allowed-fast set.
//!
//! What must stay true: a message's length is judged by its type before any payload is read, and a
//! decoded message never names a piece that the content lacks.

mod fast;
mod frame;
mod handshake;
mod limits;
mod message;
#[cfg(test)]
mod tests;

pub use fast::allowed_fast_set;
pub use frame::{FrameHead, Limits, MessageId, WireError};
pub use handshake::{Handshake, Reserved, peer_id};
pub use limits::{BLOCK_LEN, PIECES_MAX};
pub use message::{Message, check_bitfield, encode_piece_header};
