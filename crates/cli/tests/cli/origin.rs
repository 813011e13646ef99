//! The rules for the origin as a user sets them, and what the report tells of it.

use serde_json::Value;
use swarmcopy_sys::lock::SlotLocks;

use crate::support::{Ran, Room};

/// A share with a tree, its .torrent and lock files for two readers.
fn share() -> Room {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree", "--slots", "2"]).exits(0);
    room
}

/// Copies the tree alone, without serving it afterwards.
fn get(room: &Room, flags: &[&str]) -> Ran {
    get_within(room, "120s", flags)
}

/// The same where it is refused: it ends after a time that suffices to be told why.
fn refused(room: &Room, flags: &[&str]) -> Ran {
    get_within(room, "5s", flags).exits(3)
}

fn get_within(room: &Room, deadline: &str, flags: &[&str]) -> Ran {
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--listen",
        "127.0.0.1:0",
        "--seed-for",
        "0",
        "--deadline",
        deadline,
        "--explain",
        "--json",
    ];
    room.run(&[&args, flags].concat())
}

/// The reason codes in the order in which they were told.
fn reasons(ran: &Ran) -> Vec<String> {
    let events = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    events
        .filter(|event: &Value| event["event"] == "explain")
        .map(|event| event["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_report_tells_what_the_origin_had_to_do() {
    let room = share();
    let report = get(&room, &[]).exits(0).json();
    assert_eq!(report["guard"], "local");
    assert_eq!(report["slots_held"], serde_json::json!([0, 1]), "two locks");
    assert_eq!(report["swarm_origin_bytes"], report["bytes"]);
    assert_eq!(report["swarm_copies"], 1.0);
    let (read, took) = (&report["origin_reader_seconds"], &report["seconds"]);
    assert!(read.as_f64().unwrap() <= took.as_f64().unwrap(), "{report}");
    // a slot that was given back may be claimed again
    assert!(report["reasons"]["slot:claimed"].as_u64().unwrap() >= 2);
}

#[test]
fn a_share_whose_locks_are_taken_is_left_alone() {
    let room = share();
    let locks = SlotLocks::open(&room.path("share/.swarmcopy")).unwrap();
    let held: Vec<_> = (0..2)
        .map(|slot| locks.try_lock(slot).unwrap().unwrap())
        .collect();
    let refused = refused(&room, &[]);
    let told = reasons(&refused);
    assert!(told.contains(&"origin:denied:guard".into()), "{told:?}");
    assert!(!told.contains(&"origin:slot-held".into()), "{told:?}");
    assert!(
        refused.stdout.contains("a lock of the share"),
        "{refused:#?}"
    );
    let off = get(&room, &["--guard", "off"]).exits(0).json();
    assert_eq!(off["guard"], "off");
    drop(held);
    std::fs::remove_dir_all(room.path("to")).unwrap();
    get(&room, &[]).exits(0);
}

#[test]
fn outside_the_hours_nothing_is_read() {
    let room = share();
    let now = swarmcopy_sys::clock::minute_of_day().unwrap();
    let clock = |minute: u16| format!("{:02}:{:02}", minute % 1440 / 60, minute % 60);
    let closed = format!("{}-{}", clock(now + 120), clock(now + 180));
    let told = reasons(&refused(&room, &["--hours", &closed]));
    assert_eq!(told, ["origin:denied:hours"]);
    let open = format!("{}-{}", clock(now + 1380), clock(now + 60));
    get(&room, &["--hours", &closed, "--hours", &open]).exits(0);
}

#[test]
fn a_policy_file_and_flags_hold_together() {
    let room = share();
    std::fs::write(
        room.path("policy.toml"),
        "mode = \"never\"\nguard = \"auto\"\n",
    )
    .unwrap();
    let policy = ["--policy", "policy.toml"];
    let flags = ["--origin", "fast", "--peer", "127.0.0.1:1"];
    let never = refused(&room, &[&policy[..], &flags].concat());
    assert_eq!(reasons(&never), ["origin:denied:never"]);
    std::fs::write(room.path("policy.toml"), "reader = 1\n").unwrap();
    get(&room, &policy).exits(2).says("reader");
    std::fs::write(room.path("policy.toml"), "readers = 1\n").unwrap();
    let report = get(&room, &policy).exits(0).json();
    assert_eq!(report["slots_held"], serde_json::json!([0]));
}

#[test]
fn who_reads_without_protection_holds_no_slot() {
    let room = share();
    let report = get(&room, &["--origin", "fast"]).exits(0).json();
    assert_eq!(report["slots_held"], serde_json::json!([]));
    assert!(report["reasons"]["origin:fast"].as_u64().unwrap() > 0);
    assert_eq!(report["origin_bytes"], report["bytes"]);
}

/// A peer that is named and dead makes nobody wait who was not told to.
#[test]
fn a_dead_peer_keeps_nobody_from_the_share_who_was_not_told_to_wait() {
    let room = share();
    let flags = |how| ["--isolated", how, "--peer", "127.0.0.1:1"];
    let waits = reasons(&refused(&room, &flags("wait")));
    assert!(
        waits.iter().all(|it| it.starts_with("origin:denied:")),
        "{waits:?}"
    );
    let ran = get(&room, &flags("trickle")).exits(0);
    let report = ran.json();
    assert_eq!(report["from_share"], report["bytes"]);
    // it is read at once; what the disk takes to flush it is no matter
    let late = |event: &Value| event["verified"] == 0 && event["seconds"].as_f64() > Some(8.0);
    let events = ran.stdout.lines();
    let mut events = events.map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(!events.any(|event| late(&event)), "{ran:#?}");
}
