#![doc = include_str!("../README.md")]
//! A small BitTorrent tracker for a site, over HTTP and UDP at one address.
//!
//! A [`TrackerServer`] takes announces and scrapes of any client (BEP 3, 7, 15, 23, 41, 48), of both
//! families of addresses, and keeps what it knows in memory, and in a file if it is given one. A
//! [`Tracker`] is the same without sockets.
//!
//! What must stay true: a client can make it neither remember more than its limits nor wait longer
//! than its deadlines, and one address can't take what others need.
//!
//! ```
//! use std::io::{Read, Write};
//! use swarmcopy_tracker::{CancellationToken, TrackerOptions, TrackerServer};
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # let _inside = runtime.enter();
//! let server = TrackerServer::bind("127.0.0.1:0".parse()?, TrackerOptions::default())?;
//! let addr = server.local_addr();
//! tokio::spawn(async move { server.serve(CancellationToken::new()).await });
//!
//! let hash = "%ab".repeat(20);
//! let query = format!("info_hash={hash}&peer_id=-XX0000-abcdefghijkl&port=6881&left=5&compact=1");
//! let mut client = std::net::TcpStream::connect(addr)?;
//! write!(client, "GET /announce?{query} HTTP/1.1\r\nHost: site\r\n\r\n")?;
//! let mut reply = String::new();
//! client.read_to_string(&mut reply)?;
//! assert!(reply.contains("8:intervali120e"), "{reply}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod connection;
mod http;
mod options;
mod server;
mod state;
mod table;
mod torrent;
mod tracker;
mod udp;

pub use options::TrackerOptions;
pub use server::{StartError, TrackerServer};
/// What ends a server, as tokio-util has it.
pub use tokio_util::sync::CancellationToken;
pub use tracker::{Tracker, TrackerStats};
