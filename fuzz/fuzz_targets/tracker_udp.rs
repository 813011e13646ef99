//! A tracker's UDP side and its table against sequences of datagrams of four hosts.
//!
//! Each datagram is a host, a length and bytes; of an odd host, the first eight bytes become the right connection
//! number. No panic; no more bytes for who has no connection number than it sent; what is kept stays within the
//! bounds; and a host that did nothing wrong is served after all of it.

#![no_main]

mod tracker;

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use swarmcopy_tracker::Tracker;

fuzz_target!(|bytes: &[u8]| {
    let tracker = tracker::small();
    let mut rest = bytes;
    while let [host, len, after @ ..] = rest {
        let (datagram, next) = after.split_at(after.len().min(usize::from(*len)));
        rest = next;
        let (from, mut datagram) = (tracker::host(*host), datagram.to_vec());
        let knows = host % 2 == 1 && datagram.len() >= 8;
        if knows {
            datagram[..8].copy_from_slice(&connection(&tracker, from));
        }
        if let Some(answer) = tracker.answer_udp(&datagram, from) {
            assert!(answer.len() < 1500 && (knows || answer.len() <= datagram.len()));
        }
        tracker::is_bounded(&tracker);
    }
    tracker::serves_the_honest(&tracker);
});

/// The connection number of a host.
fn connection(tracker: &Tracker, from: SocketAddr) -> [u8; 8] {
    let connect = [&0x0417_2710_1980_u64.to_be_bytes()[..], &[0; 8]].concat();
    let answer = tracker.answer_udp(&connect, from).unwrap();
    answer[8..].try_into().unwrap()
}
