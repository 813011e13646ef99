//! The limits that hold for all swarms, and the times that peers have.

use std::time::Duration;

/// Writes limits the way they are read: as the nouns they are.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $value:expr;)*) => {$(
        $(#[$doc])*
        #[expect(non_upper_case_globals, reason = "limits are written as the nouns they are")]
        pub const $name: $kind = $value;
    )*};
}

limits! {
    /// Links of one swarm unless told otherwise.
    links_max_default: usize = 60;
    /// Connections that are being made at a time.
    dials_max: usize = 16;
    /// Requests that a peer may have open here (our `reqq`). Some clients ask only twice a second,
    /// so that this sets their rate: 500 would be 8 MB/s.
    requests_max: usize = 2000;
    /// Longest block that is agreed on unless told otherwise: it costs a quarter of what four short
    /// ones do, and keeps a message behind it waiting for 50 ms on a line of 10 Mbit/s.
    block_len_default: u32 = 64 * 1024;
    /// Most bytes that are read at once for uploading.
    read_ahead_len_max: u64 = 1024 * 1024;
    /// Bytes that all links of a swarm together read ahead for uploading, about.
    read_ahead_all_len_max: u64 = 32 * 1024 * 1024;
    /// Longest block that is agreed on with machines of ours.
    block_len_max: u32 = 256 * 1024;
    /// Addresses that one swarm remembers.
    addresses_max: usize = 2000;
    /// Addresses taken from one message of a peer (BEP 11).
    pex_addresses_max: usize = 50;
    /// Connections to one machine of ours, the link itself among them.
    connections_max: usize = 8;
    /// Connections beside those of the links that a swarm has in all.
    lanes_max: usize = 64;
    /// Handshakes that may be under way at a listener.
    handshakes_max: usize = 256;
}

/// Time for the first 68 bytes of a link.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time for a connection to come about.
pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Time that a peer has for its extension handshake before it is used without.
pub(crate) const HELLO_TIME: Duration = Duration::from_secs(2);
