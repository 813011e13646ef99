#![doc = include_str!("../README.md")]
//! Peer links, listener, dialer, trackers, local discovery and uploads of a BitTorrent swarm.
//!
//! A [`Swarm`] is one content among its peers. It finds them by trackers, local announcements,
//! other peers and by name, keeps a [`PeerLink`] to each, and tells its owner what happens by
//! [`SwarmEvent`]s. It decides nothing about pieces: its owner says whom to ask for what (a link is
//! a [`swarmcopy_sources::PieceSource`]), whom to serve, and which pieces are verified.
//!
//! What must stay true: every queue, wait and memory that a peer can cause has a limit with a name;
//! no event is left out; a control message never waits behind more than the block that has begun.
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use swarmcopy_layout::{Layout, RelPath, Span};
//! use swarmcopy_swarm::{BlockReader, Listener, Swarm, SwarmConfig, SwarmEvent};
//! use tokio::sync::mpsc;
//! use tokio_util::sync::CancellationToken;
//!
//! #[derive(Debug)]
//! struct Zeros;
//!
//! #[async_trait::async_trait]
//! impl BlockReader for Zeros {
//!     async fn read(&self, span: Span) -> std::io::Result<Vec<Bytes>> {
//!         Ok(vec![Bytes::from(vec![0; usize::try_from(span.len()).unwrap_or(0)])])
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let layout = Layout::builder(16_384).file(RelPath::parse("zeros")?, 100_000).build()?;
//! let (layout, cancel) = (Arc::new(layout), CancellationToken::new());
//! let listener = Listener::bind(Some("127.0.0.1:0".parse()?), &cancel)?;
//!
//! let mut one = SwarmConfig::new([1; 20], *b"-SC0100-aaaaaaaaaaaa", layout.clone());
//! one.listener = Some(listener.clone());
//! let (send, _told) = mpsc::channel(64);
//! let one = Swarm::start(one, Arc::new(Zeros), send, &cancel);
//!
//! let mut two = SwarmConfig::new([1; 20], *b"-SC0100-bbbbbbbbbbbb", layout);
//! two.peers = vec![listener.local_addr().into()];
//! let (send, mut told) = mpsc::channel(64);
//! let two = Swarm::start(two, Arc::new(Zeros), send, &cancel);
//!
//! while let Some(event) = told.recv().await {
//!     if let SwarmEvent::LinkUp { link, client, .. } = event {
//!         assert!(client.starts_with("swarmcopy"));
//!         link.interested();
//!         break;
//!     }
//! }
//! two.shutdown().await;
//! one.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address_book;
mod blocks;
mod call_back;
mod chance;
#[cfg(feature = "encryption")]
mod cipher;
mod clock;
mod command;
mod common;
mod config;
mod dht;
mod discovery;
mod encryption;
mod error;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod handshake;
mod have_log;
mod hub;
mod ids;
mod inquiry;
mod limits;
mod link;
mod listener;
mod lsd;
mod metadata;
#[cfg(feature = "encryption")]
mod mse;
#[cfg(not(feature = "encryption"))]
mod no_cipher;
#[cfg(not(feature = "encryption"))]
mod no_mse;
mod onlooker;
mod swarm;
mod talk;
#[cfg(any(test, fuzzing))]
mod testing;
mod tokens;
mod trackers;
mod uplink;
mod wire;
mod witnesses;

#[cfg(not(feature = "encryption"))]
use no_mse as mse;

pub use blocks::BlockReader;
pub use config::{PeerName, SwarmConfig};
pub use dht::{Dht, DhtOptions};
pub use encryption::Encryption;
pub use error::{LinkEnd, SwarmError};
pub use event::{NamedAnswer, SwarmEvent, TrackerNote, tracker_name};
pub use have_log::{HaveCursor, HaveLog};
pub use hub::GONE_MAX;
pub use ids::SourceIds;
pub use inquiry::Inquiry;
pub use limits::{
    ADDRESSES_MAX, BLOCK_LEN_DEFAULT, BLOCK_LEN_MAX, CONNECTIONS_MAX, DIALS_MAX, HANDSHAKES_MAX,
    LANES_MAX, LINKS_MAX_DEFAULT, PEX_ADDRESSES_MAX, READ_AHEAD_ALL_LEN_MAX, READ_AHEAD_LEN_MAX,
    REQUESTS_MAX,
};
pub use link::{LinkStats, PeerLink};
pub use listener::Listener;
pub use lsd::{Lsd, LsdOptions};
pub use onlooker::{ONLOOKERS_MAX, Onlooker, Sighting, StatusBoard};
pub use swarm::{Swarm, SwarmStats, fetch_metadata};
