//! Peer links, listener, dialer, trackers, local discovery and uploads of a BitTorrent swarm.

mod address_book;
mod blocks;
mod common;
mod config;
mod discovery;
mod error;
mod event;
mod handshake;
mod have_log;
mod hub;
mod ids;
mod link;
mod listener;
mod lsd;
mod swarm;
pub mod tracker_server;
mod trackers;

pub use blocks::BlockReader;
pub use config::{
    PeerName, SwarmConfig, addresses_max, block_len_max, dials_max, handshakes_max,
    links_max_default, pex_addresses_max, read_ahead_len_max, requests_default, requests_max,
    requests_min, slot_messages_max,
};
pub use error::{LinkEnd, SwarmError};
pub use event::{SwarmEvent, TrackerNote};
pub use have_log::{HaveCursor, HaveLog};
pub use ids::SourceIds;
pub use link::{LinkStats, PeerLink};
pub use listener::Listener;
pub use lsd::{Lsd, LsdOptions};
pub use swarm::{Swarm, SwarmStats};
