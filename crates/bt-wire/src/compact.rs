//! Compact peer addresses (BEP 23 for IPv4, BEP 7 for IPv6): address and port without separators.
//!
//! What must stay true: a list is read in whole entries only, and never more than asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes of one IPv4 entry.
pub const V4_LEN: usize = 6;
/// Bytes of one IPv6 entry.
pub const V6_LEN: usize = 18;

/// Reads IPv4 entries, at most `max`; `None` if the length is no multiple of 6. Entries with port 0
/// are left out: nobody can be reached there.
pub fn parse_v4(bytes: &[u8], max: usize) -> Option<Vec<SocketAddr>> {
    split_v4(bytes, max).map(reachable)
}

/// Reads IPv6 entries, at most `max`; `None` if the length is no multiple of 18. Entries with port
/// 0 are left out.
pub fn parse_v6(bytes: &[u8], max: usize) -> Option<Vec<SocketAddr>> {
    split_v6(bytes, max).map(reachable)
}

/// Reads IPv4 entries with those of port 0, so that flags in another list stay beside them.
pub(crate) fn split_v4(bytes: &[u8], max: usize) -> Option<Vec<SocketAddr>> {
    let (chunks, rest) = bytes.as_chunks::<V4_LEN>();
    rest.is_empty().then(|| {
        chunks
            .iter()
            .take(max)
            .map(|entry| read_v4(*entry))
            .collect()
    })
}

/// Reads IPv6 entries with those of port 0.
pub(crate) fn split_v6(bytes: &[u8], max: usize) -> Option<Vec<SocketAddr>> {
    let (chunks, rest) = bytes.as_chunks::<V6_LEN>();
    rest.is_empty()
        .then(|| chunks.iter().take(max).map(read_v6).collect())
}

/// Writes one address: 6 bytes for IPv4, 18 for IPv6.
pub fn encode_into(addr: SocketAddr, out: &mut Vec<u8>) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

/// Writes the IPv4 addresses and the IPv6 addresses of a list, each into a buffer of its own.
pub fn encode(addrs: impl IntoIterator<Item = SocketAddr>) -> (Vec<u8>, Vec<u8>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for addr in addrs {
        encode_into(addr, if addr.is_ipv4() { &mut v4 } else { &mut v6 });
    }
    (v4, v6)
}

fn read_v4(entry: [u8; V4_LEN]) -> SocketAddr {
    let [a, b, c, d, high, low] = entry;
    SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

fn read_v6(entry: &[u8; V6_LEN]) -> SocketAddr {
    let [ip @ .., high, low] = *entry;
    SocketAddr::from((Ipv6Addr::from(ip), u16::from_be_bytes([high, low])))
}

fn reachable(mut addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addrs.retain(|addr| addr.port() != 0);
    addrs
}
