//! `get --reuse`, and an old version at the target: old files are a source at hand.

use std::fs;

use serde_json::Value;

use crate::support::{Room, bytes, write};

const LEN: usize = 200_000;

/// A share with a new version of a tree, and `old/CS5`, the version before: one file changed, one was
/// moved, one renamed, one is new, one is gone.
fn room(format: &str) -> Room {
    let room = Room::new();
    let put = |name: &str, seed| write(&room.path(name), &bytes(LEN, seed));
    for (at, name) in ["same/1", "same/2", "moved/here/x", "new name", "changed"]
        .iter()
        .enumerate()
    {
        put(&format!("share/CS5/{name}"), at);
    }
    put("share/CS5/fresh", 50);
    for (at, name) in ["same/1", "same/2", "x", "old name"].iter().enumerate() {
        put(&format!("old/CS5/{name}"), at);
    }
    put("old/CS5/gone", 60);
    let mut changed = bytes(LEN, 4);
    changed[100_000] ^= 1;
    write(&room.path("old/CS5/changed"), &changed);
    let made = [
        "make",
        "share/CS5",
        "--piece-length",
        "16KiB",
        "--format",
        format,
    ];
    room.run(&[&made[..], &["-o", "CS5.torrent"]].concat())
        .exits(0);
    room
}

/// Copies with more arguments; gives the report, after a look at the copy.
#[track_caller]
fn copy(room: &Room, more: &[&str]) -> Value {
    let args = [&["--share", "share"], more].concat();
    let report = room.get_with(&[], "CS5.torrent", &args).exits(0).json();
    room.run(&["verify", "CS5.torrent", "--at", "to"]).exits(0);
    let sum = |key: &str| report[key].as_u64().unwrap();
    assert_eq!(sum("reused") + sum("from_share"), 1_200_000, "{report}");
    report
}

#[test]
fn an_old_copy_gives_all_but_what_changed_also_what_was_moved() {
    for format in ["v2", "hybrid"] {
        let room = room(format);
        let report = copy(&room, &["--reuse", "old"]);
        // the new file, and the piece that changed
        assert_eq!(report["from_share"], 216_384, "{format}: {report}");
        let old = fs::read(room.path("old/CS5/gone")).unwrap();
        assert!(old == bytes(LEN, 60), "the old copy was changed");
    }
}

#[test]
fn without_roots_pieces_are_found_by_length_and_their_hashes() {
    let room = room("v1");
    let report = copy(&room, &["--reuse", "old/CS5"]);
    // pieces reach into the neighbours here
    let most = 216_384 + 6 * 16_384;
    assert!(report["from_share"].as_u64().unwrap() <= most, "{report}");
}

#[test]
fn the_old_version_at_the_target_is_used_and_unchanged_files_are_not_written() {
    for format in ["v1", "hybrid"] {
        let room = room(format);
        fs::create_dir(room.path("to")).unwrap();
        fs::rename(room.path("old/CS5"), room.path("to/CS5")).unwrap();
        let time = |name: &str| {
            let found = fs::metadata(room.path("to/CS5").join(name)).unwrap();
            found.modified().unwrap()
        };
        let before = ["same/1", "same/2"].map(time);
        let report = copy(&room, &["--plain"]);
        assert!(
            report["from_share"].as_u64().unwrap() <= 216_384 + 6 * 16_384,
            "{report}"
        );
        assert_eq!(["same/1", "same/2"].map(time), before);
    }
}

#[test]
fn many_old_files_of_one_length_are_told_apart_by_their_roots() {
    let room = Room::new();
    for at in 0..12 {
        write(
            &room.path(&format!("share/CS5/new/{at}")),
            &bytes(20_000, at),
        );
        write(&room.path(&format!("old/{}", 11 - at)), &bytes(20_000, at));
    }
    let made = [
        "make",
        "share/CS5",
        "--format",
        "hybrid",
        "--piece-length",
        "16KiB",
    ];
    room.run(&[&made[..], &["-o", "CS5.torrent"]].concat())
        .exits(0);
    let args = ["--share", "share", "--reuse", "old"];
    let report = room.get_with(&[], "CS5.torrent", &args).exits(0).json();
    assert_eq!(report["reused"], 240_000, "{report}");
}

#[test]
fn an_old_file_that_only_looks_right_is_not_trusted() {
    let room = room("hybrid");
    for name in ["same/1", "same/2", "changed", "x", "old name", "gone"] {
        write(&room.path("old/CS5").join(name), &vec![9; LEN]);
    }
    let report = copy(&room, &["--reuse", "old"]);
    assert_eq!(report["reused"], 0);
}

/// A hybrid torrent pads each small file up to a whole piece: zeros that nobody sends or counts.
#[test]
fn pads_are_neither_read_nor_sent_nor_counted() {
    let room = Room::new();
    for at in 0..40 {
        write(&room.path(&format!("share/CS5/{at}")), &bytes(2_000, at));
    }
    let made = [
        "make",
        "share/CS5",
        "--format",
        "hybrid",
        "--piece-length",
        "16KiB",
    ];
    room.run(&[&made[..], &["-o", "CS5.torrent"]].concat())
        .exits(0);
    let ran = room
        .get_with(&[], "CS5.torrent", &["--share", "share"])
        .exits(0);
    let report = ran.json();
    for key in ["bytes", "from_share", "origin_bytes", "swarm_origin_bytes"] {
        assert_eq!(report[key], 80_000, "{key}: {report}");
    }
    assert_eq!(report["swarm_copies"], 1.0);
    let most = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["verified"].as_u64().unwrap_or(0)
    };
    assert_eq!(ran.stdout.lines().map(most).max(), Some(80_000));
    let again = room.get_with(&[], "CS5.torrent", &[]).exits(0).json();
    assert_eq!(again["reused"], 80_000);
}
