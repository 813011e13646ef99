//! Trackers: HTTP announce and scrape (BEP 3, 7, 23, 24, 48) and UDP (BEP 15), both directions.
//!
//! What must stay true: a reply is at most 1 MiB and yields at most 2000 peers, whatever it says;
//! a tracker's refusal is an error with the tracker's own words.

mod query;
mod reply;
mod scrape;
#[cfg(test)]
mod tests;
mod udp;

use std::net::SocketAddr;

use thiserror::Error;

pub use query::{AnnounceRequest, Event, PeerForm};
pub use reply::AnnounceReply;
pub use scrape::{ScrapeEntry, ScrapeReply, parse_scrape_query, scrape_url};
pub use udp::{Family, UdpReply, UdpRequest};

/// Longest reply that is read.
pub const REPLY_LEN_MAX: usize = 1024 * 1024;
/// Most peers taken from one reply.
pub const PEERS_MAX: usize = 2000;
/// Longest text (failure reason, warning) that is kept, in bytes.
pub const TEXT_LEN_MAX: usize = 512;
/// Most info-hashes in one scrape.
pub const SCRAPE_MAX: usize = 74;

/// Says why a tracker's message can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrackerError {
    /// The tracker refused, in its own words.
    #[error("tracker refused: {0}")]
    Refused(String),
    /// The reply is not bencode.
    #[error("cannot read tracker reply: {0}")]
    Bencode(#[from] crate::bencode::BencodeError),
    /// A field is missing or malformed.
    #[error("cannot read tracker message: bad {0}")]
    Field(&'static str),
}

/// A peer as a tracker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackerPeer {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its peer id, which compact replies leave out.
    pub id: Option<[u8; 20]>,
}

impl TrackerPeer {
    /// A peer, with its id if known.
    pub fn new(addr: SocketAddr, id: Option<[u8; 20]>) -> Self {
        Self { addr, id }
    }
}

/// Cuts text from outside to [`TEXT_LEN_MAX`] bytes on one line.
fn clean_text(bytes: &[u8]) -> String {
    crate::text::one_line(bytes, TEXT_LEN_MAX)
}
