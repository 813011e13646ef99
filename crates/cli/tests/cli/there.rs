//! What is there: `verify`, `get` and `seed` go by the same, with and without reading.

use std::fs;
#[cfg(unix)]
use std::process::{Command, Stdio};

use serde_json::json;

#[cfg(unix)]
use crate::copy::first_event;
use crate::support::{Room, bytes, write};

/// A tree of small files, which share pieces, and its copy in `to`.
fn copied() -> Room {
    let room = Room::new();
    for (at, name) in ["a", "b", "sub/c"].into_iter().enumerate() {
        write(&room.path("share/CS5").join(name), &bytes(10_000, at));
    }
    write(&room.path("share/CS5/large"), &bytes(100_000, 9));
    room.run(&["make", "share/CS5", "--piece-length", "16KiB"])
        .exits(0);
    get(&room, &[]).exits(0);
    room
}

fn get(room: &Room, more: &[&str]) -> crate::support::Ran {
    room.get_with(&[], "share/CS5.torrent", more)
}

fn verify(room: &Room, more: &[&str]) -> crate::support::Ran {
    let args = ["verify", "share/CS5.torrent", "--at", "to", "--json"];
    room.run(&[&args[..], more].concat())
}

#[test]
fn a_description_of_many_files_is_told_of_before_it_is_read() {
    let room = Room::new();
    for at in 0..5000 {
        write(&room.path(&format!("share/CS5/{at:0>240}")), b"x");
    }
    room.run(&["make", "share/CS5"]).exits(0);
    let first = |ran: &crate::support::Ran| ran.stderr.lines().next().unwrap_or("").to_owned();
    let copied = room.run(&[
        "get",
        "share/CS5.torrent",
        "--to",
        "to",
        "--no-lsd",
        "--seed-for",
        "0",
    ]);
    let told = first(&copied.exits(0));
    assert!(told.starts_with("reading share/CS5.torrent (1."), "{told}");
    let room = self::copied();
    let checked = room
        .run(&["verify", "share/CS5.torrent", "--at", "to"])
        .exits(0);
    assert!(!checked.stderr.contains("reading "), "{}", checked.stderr);
}

#[test]
fn a_bad_piece_of_several_files_blames_none_of_them_alone() {
    let room = copied();
    let mut b = fs::read(room.path("to/CS5/b")).unwrap();
    b[5] ^= 1;
    fs::write(room.path("to/CS5/b"), b).unwrap();
    let found = verify(&room, &[]).exits(4).json();
    assert_eq!(found["damaged"], json!([]));
    assert_eq!(found["suspects"], json!([["a", "b"]]));
    let told = room.run(&["verify", "share/CS5.torrent", "--at", "to"]);
    assert!(told.stdout.contains("one of these"), "{told:#?}");
}

#[test]
fn verify_quick_goes_by_the_record_of_the_complete_copy() {
    let room = copied();
    let quick = |code| verify(&room, &["--quick"]).exits(code).json();
    let found = quick(0);
    assert_eq!(
        (&found["ok"], &found["evidence"]),
        (&json!(true), &json!("record"))
    );
    // the time is put back: nothing but the record can tell
    let path = room.path("to/CS5/large");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut large = fs::read(&path).unwrap();
    large[5] ^= 1;
    fs::write(&path, large).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    if cfg!(unix) {
        assert_eq!(quick(4)["changed"], json!(["large"]));
    }
    fs::remove_file(room.path("to/CS5/a")).unwrap();
    write(&room.path("to/CS5/b"), b"short");
    write(&room.path("to/CS5/new"), b"x");
    let found = quick(4);
    assert_eq!(found["missing"], json!(["a"]));
    assert_eq!(found["damaged"], json!(["b"]));
    assert_eq!(found["extra"], json!(["new"]));
}

#[test]
fn verify_quick_without_a_record_compares_times_and_says_so() {
    let room = copied();
    let args = ["verify", "share/CS5.torrent", "--at", "share", "--quick"];
    let told = room.run(&args).exits(0);
    assert!(told.stdout.contains("no record"), "{told:#?}");
    write(&room.path("share/CS5/b"), &bytes(10_000, 7));
    let found = room.run(&[&args[..], &["--json"]].concat()).exits(4).json();
    assert_eq!(found["evidence"], "times");
    assert_eq!(found["changed"], json!(["b"]));
}

#[test]
fn what_does_not_belong_is_a_mismatch_only_with_strict() {
    let room = copied();
    verify(&room, &["--strict"]).exits(0);
    fs::create_dir(room.path("to/CS5/more")).unwrap();
    write(&room.path("to/CS5/new"), b"x");
    let found = verify(&room, &[]).exits(0).json();
    assert_eq!(found["extra"], json!(["new", "more/"]));
    let found = verify(&room, &["--strict"]).exits(4).json();
    assert_eq!(found["ok"], false);
    verify(&room, &["--strict", "--quick"]).exits(4);
}

#[test]
fn verify_lists_attributes_that_differ() {
    let room = copied();
    let found = verify(&room, &["--attributes"]).exits(0).json();
    assert_eq!(found["attributes"], json!([]));
    let path = room.path("to/CS5/a");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let found = verify(&room, &["--attributes"]).json();
    assert_eq!(found["attributes"], json!([{"path": "a", "what": "time"}]));
}

#[test]
fn a_changed_file_of_a_complete_copy_is_found_and_repaired_and_the_rest_is_kept() {
    let room = copied();
    let again = get(&room, &[]).exits(0).json();
    assert_eq!(
        (&again["from_share"], &again["reused"]),
        (&json!(0), &json!(130_000))
    );
    let mut large = fs::read(room.path("to/CS5/large")).unwrap();
    large[50_000] ^= 1;
    fs::write(room.path("to/CS5/large"), large).unwrap();
    let mended = get(&room, &[]).exits(0).json();
    assert_eq!(mended["from_share"], 16 << 10);
    verify(&room, &["--attributes", "--strict"]).exits(0);
    let checked = get(&room, &["--check"]).exits(0).json();
    assert_eq!(checked["reused"], 130_000);
}

#[cfg(unix)]
#[test]
fn a_seed_of_a_damaged_copy_names_the_file_and_ends_with_4() {
    let room = copied();
    let mut large = fs::read(room.path("to/CS5/large")).unwrap();
    large[50_000] ^= 1;
    fs::write(room.path("to/CS5/large"), large).unwrap();
    let args = [
        "seed",
        "share/CS5.torrent",
        "--from",
        "to",
        "--no-lsd",
        "--json",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args(args)
        .arg("--listen=127.0.0.1:0")
        .current_dir(room.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let event = first_event(&mut child, |event| {
        event["event"] == "complete" || event["damaged"].is_array()
    });
    assert_eq!(event["damaged"], json!(["damaged: large"]), "{event}");
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn a_folder_or_a_file_that_is_no_torrent_says_what_to_do() {
    let room = Room::new();
    room.tree("CS5");
    let get = |what: &str| room.get_with(&[], what, &[]).exits(1);
    get("CS5").says("run `swarmcopy make CS5` once");
    get("CS5/plain.txt").says("run `swarmcopy make CS5/plain.txt` once");
    room.run(&["make", "CS5"]).exits(0);
    get("CS5").says("give CS5.torrent");
}
