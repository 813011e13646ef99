//! How long a machine serves on once its copy is complete.

use std::time::{Duration, Instant};

use crate::support::{Ran, Room, Running};

/// Starts a copy that nobody takes part in, and waits until it is complete: its address.
fn completed(room: &Room, more: &[&str]) -> (Running, String) {
    let args = ["get", "tree.torrent", "--to", "first", "--no-lsd", "--json"];
    let listen = ["--listen=127.0.0.1:0"];
    let mut running = Running::start(room, &[&args[..], &listen, more].concat());
    let started = running.event("started");
    running.event("complete");
    (running, started["listen"].as_str().unwrap().to_owned())
}

/// Copies from that machine alone.
fn taken_from(room: &Room, addr: &str, to: &str) -> Ran {
    let args = ["get", "tree.torrent", "--to", to, "--peer", addr];
    let alone = ["--no-lsd", "--origin=never", "--seed-for=0", "--json"];
    room.run(&[&args[..], &alone, &["--deadline=30s"]].concat())
}

#[test]
fn who_is_to_stay_serves_one_after_another_until_it_is_stopped() {
    let room = Room::made();
    let (running, addr) = completed(&room, &["--stay"]);
    // whoever does not stay is gone by the time of the second at the latest
    for to in ["second", "third"] {
        let report = taken_from(&room, &addr, to).exits(0).json();
        assert_eq!(report["from_peers"], report["bytes"]);
    }
    #[cfg(target_os = "linux")]
    assert_eq!(running.interrupt(), Some(0));
    #[cfg(not(target_os = "linux"))]
    drop(running);
}

#[test]
fn who_is_told_how_long_to_serve_serves_that_long_though_nobody_needs_it() {
    let room = Room::made();
    let (mut running, _) = completed(&room, &["--seed-for=3s"]);
    let complete = Instant::now();
    let report = running.event("report");
    assert!(complete.elapsed() > Duration::from_millis(2500), "{report}");
}
