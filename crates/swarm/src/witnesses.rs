//! Whose word about wrong pieces of an origin is passed on.
//!
//! Two machines that found a piece wrong are believed by all. An address may run as many processes as it likes,
//! so it has one voice: that of the first of its processes that said such a thing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use swarmcopy_scheduler::NodeId;

/// Addresses that may speak; later ones are not heard.
const ADDRESSES_MAX: usize = 1024;

/// Who speaks for each address.
#[derive(Debug, Default)]
pub(crate) struct Witnesses(Mutex<HashMap<IpAddr, NodeId>>);

impl Witnesses {
    /// Whether the process speaks for its address.
    pub(crate) fn hears(&self, ip: IpAddr, node: NodeId) -> bool {
        let mut voices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if voices.len() >= ADDRESSES_MAX && !voices.contains_key(&ip) {
            return false;
        }
        *voices.entry(ip).or_insert(node) == node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_voice() {
        let witnesses = Witnesses::default();
        let ip = |number: u32| IpAddr::from(number.to_be_bytes());
        let node = |name: u8| NodeId([name; 8]);
        assert!(witnesses.hears(ip(1), node(1)));
        assert!(!witnesses.hears(ip(1), node(2)));
        assert!(witnesses.hears(ip(2), node(2)));
        assert!(witnesses.hears(ip(1), node(1)));
    }

    #[test]
    fn addresses_that_speak_are_limited() {
        let witnesses = Witnesses::default();
        let heard = (0..5000u32)
            .filter(|number| witnesses.hears(IpAddr::from(number.to_be_bytes()), NodeId([1; 8])));
        assert_eq!(heard.count(), ADDRESSES_MAX);
        assert!(witnesses.hears(IpAddr::from(0u32.to_be_bytes()), NodeId([1; 8])));
    }
}
