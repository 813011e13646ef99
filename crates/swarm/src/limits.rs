//! The limits that hold for all swarms, and the times that peers have.

use std::time::Duration;

/// Links of one swarm unless told otherwise.
pub const LINKS_MAX_DEFAULT: usize = 60;
/// Connections that are being made at a time.
pub const DIALS_MAX: usize = 16;
/// Requests that a peer may have open here (our `reqq`). Some clients ask only twice a second,
/// so that this sets their rate: 500 would be 8 MB/s.
pub const REQUESTS_MAX: usize = 2000;
/// Longest block that is agreed on unless told otherwise: it costs a quarter of what four short
/// ones do, and keeps a message behind it waiting for 50 ms on a line of 10 Mbit/s.
pub const BLOCK_LEN_DEFAULT: u32 = 64 * 1024;
/// Most bytes that are read at once for uploading.
pub const READ_AHEAD_LEN_MAX: u64 = 1024 * 1024;
/// Bytes that all links of a swarm together read ahead for uploading, about.
pub const READ_AHEAD_ALL_LEN_MAX: u64 = 32 * 1024 * 1024;
/// Longest block that is agreed on with machines of ours.
pub const BLOCK_LEN_MAX: u32 = 256 * 1024;
/// Addresses that one swarm remembers.
pub const ADDRESSES_MAX: usize = 2000;
/// Addresses taken from one message of a peer (BEP 11).
pub const PEX_ADDRESSES_MAX: usize = 50;
/// Connections to one machine of ours, the link itself among them.
pub const CONNECTIONS_MAX: usize = 8;
/// Connections beside those of the links that a swarm has in all.
pub const LANES_MAX: usize = 64;
/// Handshakes that may be under way at a listener.
pub const HANDSHAKES_MAX: usize = 256;

/// Time for the first 68 bytes of a link.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time for a connection to come about.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Time that a peer has for its extension handshake before it is used without.
pub(crate) const HELLO_TIME: Duration = Duration::from_secs(2);
