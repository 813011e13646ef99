//! `get` and `seed` as a user calls them, over the loopback.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{NAMES, Room};

/// No test waits longer than this for a copy.
const DEADLINE: &str = "--deadline=60s";

/// A seed under way; killed when dropped.
pub(crate) struct Seed {
    child: Child,
    pub(crate) addr: String,
}

impl Seed {
    pub(crate) fn start(room: &Room, torrent: &str, from: &str) -> Self {
        Self::start_with(room, torrent, from, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(room: &Room, torrent: &str, from: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
            .args([
                "seed",
                torrent,
                "--from",
                from,
                "--listen",
                "127.0.0.1:0",
                "--no-lsd",
                "--json",
            ])
            .args(more)
            .current_dir(room.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let started = first_event(&mut child, |event| event["event"] == "started");
        Self {
            child,
            addr: started["listen"].as_str().unwrap().to_owned(),
        }
    }
}

/// The first event that `matches`. The rest is read and dropped by a thread: a program whose stdout
/// is closed ends.
pub(crate) fn first_event(child: &mut Child, matches: fn(&Value) -> bool) -> Value {
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let found = lines
        .by_ref()
        .map(|line| serde_json::from_str(&line).unwrap())
        .find(matches);
    std::thread::spawn(move || lines.for_each(drop));
    found.expect("the program ended before that event")
}

impl Drop for Seed {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn assert_same(room: &Room, copy: &str) {
    for name in NAMES {
        let (here, there) = (
            room.path("share/tree").join(name),
            room.path(copy).join(name),
        );
        assert_eq!(fs::read(here).unwrap(), fs::read(there).unwrap(), "{name}");
    }
}

#[test]
fn a_content_beside_its_torrent_is_copied_from_there() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree", "--piece-length", "16KiB"])
        .exits(0);
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        DEADLINE,
        "--seed-for",
        "0",
    ];
    let ran = room.run(&args).exits(0);
    assert!(ran.stdout.contains("complete and verified"), "{ran:#?}");
    assert_same(&room, "to/tree");
}

#[test]
fn the_json_lines_are_started_progress_complete_and_report() {
    let room = Room::new();
    room.tree("share/tree");
    let made = room.run(&["make", "share/tree", "--json"]).exits(0).json();
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        DEADLINE,
        "--seed-for=0",
        "--json",
    ];
    let ran = room.run(&args).exits(0);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        (names.first(), names.last()),
        (Some(&"started"), Some(&"report"))
    );
    assert_eq!(
        names.iter().filter(|name| **name == "complete").count(),
        1,
        "{names:?}"
    );
    let report = events.last().unwrap();
    assert_eq!(report["complete"], true);
    assert_eq!(
        (&report["bytes"], &report["from_share"]),
        (&made["bytes"], &made["bytes"])
    );
    assert!(report["reasons"].is_object() && report["seconds"].is_number());
    assert_eq!(events[0]["info_hash"], made["info_hash"]);
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
}

#[test]
fn a_seed_serves_a_machine_that_knows_its_address() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&[
        "make",
        "share/tree",
        "-o",
        "alone.torrent",
        "--piece-length",
        "16KiB",
    ])
    .exits(0);
    let seed = Seed::start(&room, "alone.torrent", "share");
    let args = [
        "get",
        "alone.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--peer",
        &seed.addr,
        DEADLINE,
        "--seed-for=0",
        "--json",
    ];
    let report = room.run(&args).exits(0).json();
    assert_eq!(report["from_peers"], report["bytes"]);
    assert_same(&room, "to/tree");
}

#[test]
fn without_any_source_the_copy_exits_with_3_and_lists_what_is_not_complete() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree", "-o", "alone.torrent"])
        .exits(0);
    let args = [
        "get",
        "alone.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--peer",
        "127.0.0.1:1",
        "--timeout",
        "2s",
        "--json",
    ];
    let ran = room.run(&args).exits(3);
    let last = ran.stdout.lines().next_back().unwrap();
    let error: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&error["event"], &error["code"]),
        (&"error".into(), &3.into())
    );
    let incomplete = error["incomplete"].as_array().unwrap();
    assert!(incomplete.contains(&".hidden".into()), "{error}");
}

#[test]
fn a_share_with_other_bytes_exits_with_4() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree"]).exits(0);
    let mut bytes = fs::read(room.path("share/tree/.hidden")).unwrap();
    bytes[1000] ^= 1;
    fs::write(room.path("share/tree/.hidden"), bytes).unwrap();
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--timeout",
        "4s",
    ];
    room.run(&args).exits(4).says("error: ");
}

#[test]
fn a_share_with_other_bytes_is_named_beside_a_dead_mirror() {
    let room = Room::new();
    room.tree("share/tree");
    let make = ["make", "share/tree", "--mirror", "http://127.0.0.1:1/"];
    room.run(&make).exits(0);
    let mut bytes = fs::read(room.path("share/tree/.hidden")).unwrap();
    bytes[1000] ^= 1;
    fs::write(room.path("share/tree/.hidden"), bytes).unwrap();
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--timeout=2s",
    ];
    let ran = room.run(&args).exits(3);
    assert!(
        ran.stderr.contains("an origin differs from the torrent"),
        "{ran:#?}"
    );
}

#[test]
fn a_target_that_cannot_be_written_exits_with_5() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree"]).exits(0);
    fs::write(room.path("file"), "in the way").unwrap();
    for to in ["file", "file/to"] {
        let args = [
            "get",
            "share/tree.torrent",
            "--to",
            to,
            "--no-lsd",
            DEADLINE,
        ];
        room.run(&args).exits(5).says("error: ");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_copy_exits_with_130_and_goes_on_later() {
    let room = Room::new();
    room.tree("share/tree");
    room.run(&["make", "share/tree", "--piece-length", "16KiB"])
        .exits(0);
    let args = [
        "get",
        "share/tree.torrent",
        "--to",
        "to",
        "--no-lsd",
        DEADLINE,
        "--json",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args(args)
        .arg("--limit-down=100K")
        .current_dir(room.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    first_event(&mut child, |event| {
        event["verified"].as_u64().is_some_and(|bytes| bytes > 0)
    });
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let report = room
        .run(&[args.as_slice(), &["--seed-for=0"]].concat())
        .exits(0)
        .json();
    assert!(
        report["reused"].as_u64().is_some_and(|bytes| bytes > 0),
        "{report}"
    );
    assert_same(&room, "to/tree");
}
