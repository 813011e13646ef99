//! Trackers: HTTP announce and scrape (BEP 3, 7, 23, 24, 48) and UDP (BEP 15), both directions.
//!
//! What must stay true: a reply is at most 1 MiB and yields at most 2000 peers, whatever it says;
//! a tracker's refusal is an error with the tracker's own words.

mod error;
mod limits;
mod peer;
mod query;
mod reply;
mod scrape;
#[cfg(all(test, feature = "url"))]
mod tests;
mod udp;
#[cfg(feature = "url")]
mod url_data;

pub use error::TrackerError;
pub use limits::{PEERS_MAX, REPLY_LEN_MAX, SCRAPE_MAX, TEXT_LEN_MAX};
pub use peer::TrackerPeer;
pub use query::{AnnounceRequest, Event, PeerForm};
pub use reply::AnnounceReply;
#[cfg(feature = "url")]
pub use scrape::scrape_url;
pub use scrape::{ScrapeEntry, ScrapeReply, parse_scrape_query};
pub use udp::{Family, UdpReply, UdpRequest};
#[cfg(feature = "url")]
pub use url_data::url_data;
