//! Lengths and numbers of the peer protocol.

/// Length of one block on the wire unless a larger one was negotiated: 16 KiB.
pub const BLOCK_LEN: u32 = 16 * 1024;

/// Most pieces that one content may have.
pub const PIECES_MAX: u32 = 2 * 1024 * 1024;
