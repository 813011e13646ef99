//! A small tracker, its four hosts, and what must be true of it whatever they sent.

use std::net::SocketAddr;

use swarmcopy_tracker::{Tracker, TrackerOptions};

const TORRENTS_MAX: usize = 40;
const PEERS_MAX: usize = 100;

pub fn small() -> Tracker {
    let mut options = TrackerOptions::default();
    options.torrents_max = TORRENTS_MAX;
    options.torrents_per_address_max = 8;
    options.peers_total_max = PEERS_MAX;
    options.peers_per_address_max = 20;
    Tracker::new(options)
}

/// Two hosts of each family.
pub fn host(number: u8) -> SocketAddr {
    let last = u16::from(number / 4 % 2);
    match number % 4 {
        0 | 1 => SocketAddr::from(([10, 0, 0, number % 4], 4000 + last)),
        v6 => SocketAddr::from(([0xfd00, 0, 0, v6.into(), 0, 0, 0, last], 4000)),
    }
}

pub fn is_bounded(tracker: &Tracker) {
    let stats = tracker.stats();
    assert!(stats.torrents <= TORRENTS_MAX && stats.peers <= PEERS_MAX);
}

pub fn serves_the_honest(tracker: &Tracker) {
    let query =
        "info_hash=%ff%fe%fd%fc%fb%faabcdefghijklmn&peer_id=-HH0000-abcdefghijkl&port=1&left=1";
    let head = format!("GET /announce?{query} HTTP/1.1\r\n\r\n");
    let answer = tracker.answer_http(head.as_bytes(), "10.9.9.9:4000".parse().unwrap());
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("8:interval"), "{text}");
}
