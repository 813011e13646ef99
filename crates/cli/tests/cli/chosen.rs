//! `get --select`: chosen files alone, and more of them later.

use std::fs;
use std::time::SystemTime;

use crate::support::{Room, bytes, write};

/// A tree whose pieces of 16 KiB hold bytes of several files.
fn room() -> Room {
    let room = Room::new();
    for (at, name) in ["a/1", "a/2", "b/1", "b/2", "c/1"].iter().enumerate() {
        write(
            &room.path(&format!("share/CS5/{name}")),
            &bytes(50_000 + at, at),
        );
    }
    let made = [
        "make",
        "share/CS5",
        "--piece-length",
        "16KiB",
        "-o",
        "CS5.torrent",
    ];
    room.run(&made).exits(0);
    room
}

fn get(room: &Room, more: &[&str]) -> crate::support::Ran {
    room.get_with(&[], "CS5.torrent", &[&["--share", "share"], more].concat())
}

#[track_caller]
fn holds(room: &Room, files: &[&str]) {
    let mut found = Vec::new();
    for folder in ["a", "b", "c"] {
        let listing = fs::read_dir(room.path("to/CS5").join(folder));
        for entry in listing.into_iter().flatten().flatten() {
            found.push(format!("{folder}/{}", entry.file_name().to_str().unwrap()));
        }
    }
    found.sort_unstable();
    assert_eq!(found, files);
    for file in files {
        let (a, b) = (format!("share/CS5/{file}"), format!("to/CS5/{file}"));
        assert!(fs::read(room.path(&a)).unwrap() == fs::read(room.path(&b)).unwrap());
    }
    assert_eq!(fs::read_dir(room.path("to")).unwrap().count(), 1);
}

fn modified(room: &Room, file: &str) -> SystemTime {
    let found = fs::metadata(room.path("to/CS5").join(file)).unwrap();
    found.modified().unwrap()
}

#[test]
fn only_chosen_files_are_copied_and_whole_pieces_of_them_asked_for() {
    let room = room();
    let report = get(&room, &["--select", "b/2"]).exits(0).json();
    holds(&room, &["b/2"]);
    assert_eq!(report["bytes"], 50_003);
    assert_eq!(report["complete"], true);
    let read = report["from_share"].as_u64().unwrap();
    assert!((50_003..50_003 + 2 * 16_384).contains(&read), "{report}");
}

#[test]
fn a_later_run_adds_the_rest_and_writes_nothing_twice() {
    let room = room();
    get(&room, &["--select", "a/2"]).exits(0);
    let before = modified(&room, "a/2");
    get(&room, &["--select", "a/2", "--select", "c"]).exits(0);
    holds(&room, &["a/2", "c/1"]);
    let report = get(&room, &[]).exits(0).json();
    holds(&room, &["a/1", "a/2", "b/1", "b/2", "c/1"]);
    assert!(report["reused"].as_u64().unwrap() > 50_000, "{report}");
    assert_eq!(modified(&room, "a/2"), before);
}

#[test]
fn a_pattern_without_a_match_is_a_usage_error_and_leaves_nothing() {
    let room = room();
    get(&room, &["--select", "a/*", "--select", "*.exe"])
        .exits(2)
        .says("*.exe");
    assert!(!room.path("to").exists());
}

#[test]
fn a_chosen_part_of_a_whole_copy_leaves_the_rest_alone() {
    let room = room();
    get(&room, &[]).exits(0);
    fs::remove_file(room.path("to/CS5/b/1")).unwrap();
    let report = get(&room, &["--select", "b"]).exits(0).json();
    holds(&room, &["a/1", "a/2", "b/1", "b/2", "c/1"]);
    assert!(report["reused"].as_u64().unwrap() > 30_000, "{report}");
}
