//! A tracker's HTTP side and its table against sequences of requests, each ended by a zero byte, of four hosts.
//!
//! No panic; what is kept stays within the bounds; and a host that did nothing wrong is served after all of it.

#![no_main]

mod tracker;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let tracker = tracker::small();
    for request in bytes.split(|byte| *byte == 0) {
        if let Some((host, head)) = request.split_first() {
            let answer = tracker.answer_http(head, tracker::host(*host));
            assert!(answer.starts_with(b"HTTP/1.1 ") && answer.len() < 64 * 1024);
        }
        tracker::is_bounded(&tracker);
    }
    tracker::serves_the_honest(&tracker);
});
