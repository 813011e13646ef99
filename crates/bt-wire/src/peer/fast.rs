//! The allowed-fast set (BEP 6): pieces that a choked peer may ask for.
//!
//! What must stay true: both ends of a link compute the same set, so the address is always cut to
//! its /24 network, as the standard says.

use std::net::Ipv4Addr;

use sha1::{Digest, Sha1};

/// Most rounds of hashing: bounds the time for sets close to the number of pieces.
const ROUNDS_MAX: usize = 1024;

/// Computes up to `k` piece indices in the standard's order; fewer if the content has fewer pieces.
pub fn allowed_fast_set(ip: Ipv4Addr, info_hash: &[u8; 20], pieces: u32, k: usize) -> Vec<u32> {
    let [a, b, c, _] = ip.octets();
    let wanted = k.min(usize::try_from(pieces).unwrap_or(usize::MAX));
    let mut set = Vec::new();
    let mut hash: [u8; 20] = Sha1::new()
        .chain_update([a, b, c, 0])
        .chain_update(info_hash)
        .finalize()
        .into();
    for _ in 0..ROUNDS_MAX {
        for word in hash.as_chunks::<4>().0 {
            if set.len() >= wanted {
                return set;
            }
            let index = u32::from_be_bytes(*word)
                .checked_rem(pieces)
                .unwrap_or_default();
            if !set.contains(&index) {
                set.push(index);
            }
        }
        hash = Sha1::digest(hash).into();
    }
    set
}
