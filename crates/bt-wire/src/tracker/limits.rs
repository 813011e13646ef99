//! What a tracker's messages may hold at most.

/// Longest reply that is read.
pub const REPLY_LEN_MAX: usize = 1024 * 1024;
/// Most peers taken from one reply.
pub const PEERS_MAX: usize = 2000;
/// Longest text (failure reason, warning) that is kept, in bytes.
pub const TEXT_LEN_MAX: usize = 512;
/// Most info-hashes in one scrape.
pub const SCRAPE_MAX: usize = 74;

/// Cuts text from outside to [`TEXT_LEN_MAX`] bytes on one line.
pub(super) fn clean_text(bytes: &[u8]) -> String {
    crate::text::one_line(bytes, TEXT_LEN_MAX)
}
