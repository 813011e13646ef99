//! `make` as a user calls it.

use std::fs;

use crate::support::{NAMES, Room};

#[test]
fn a_tree_of_awkward_names_is_made_and_shown_whole() {
    let room = Room::new();
    room.tree("a tree");
    let made = room.run(&["make", "a tree", "--json"]).exits(0).json();
    assert_eq!(made["files"], NAMES.len() + 1);
    let shown = room
        .run(&["show", "a tree.torrent", "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["info_hash"], made["info_hash"]);
    assert_eq!(
        (&shown["bytes"], &shown["pieces"]),
        (&made["bytes"], &made["pieces"])
    );
    assert_eq!(shown["name"], "a tree");
    let paths: Vec<&str> = shown["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    for name in NAMES {
        assert!(paths.contains(&name), "{name} is not in {paths:?}");
    }
    assert!(paths.iter().any(|path| path.split('/').count() == 41));
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn people_read_the_info_hash_the_pieces_and_the_files() {
    let room = Room::new();
    room.tree("tree");
    let made = room.run(&["make", "tree"]).exits(0);
    for label in [
        "torrent ",
        "info-hash ",
        "pieces ",
        "files ",
        "bytes ",
        "seconds ",
    ] {
        assert!(
            made.stdout.contains(label),
            "no {label:?} in {}",
            made.stdout
        );
    }
}

#[test]
fn a_torrent_is_not_replaced_without_force() {
    let room = Room::new();
    room.tree("tree");
    fs::write(room.path("tree.torrent"), "mine").unwrap();
    let refused = room.run(&["make", "tree"]).exits(1);
    refused.says("is there already").says("--force");
    assert_eq!(fs::read(room.path("tree.torrent")).unwrap(), b"mine");
    room.run(&["make", "tree", "--force"]).exits(0);
    room.run(&["show", "tree.torrent"]).exits(0);
}

#[test]
fn a_decimal_piece_length_is_refused_with_a_hint() {
    let room = Room::new();
    room.tree("tree");
    room.run(&["make", "tree", "--piece-length", "1M"])
        .exits(2)
        .says("1M is 1,000,000: did you mean 1MiB?");
    let made = room
        .run(&["make", "tree", "--piece-length", "1MiB", "--json"])
        .exits(0)
        .json();
    assert_eq!(made["piece_length"], 1 << 20);
}

#[test]
fn addresses_are_found_again() {
    let room = Room::new();
    room.tree("tree");
    let args = "make tree --mirror http://m/x/ --own-mirror http://own/x/ --share //server/share \
                --tracker http://t/announce --tracker udp://u:1 --private --comment hello";
    room.run(&args.split_whitespace().collect::<Vec<_>>())
        .exits(0);
    let shown = room
        .run(&["show", "tree.torrent", "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["mirrors"], serde_json::json!(["http://m/x/"]));
    assert_eq!(shown["own_mirrors"], serde_json::json!(["http://own/x/"]));
    assert_eq!(shown["shares"], serde_json::json!(["//server/share"]));
    assert_eq!(
        shown["trackers"],
        serde_json::json!([["http://t/announce"], ["udp://u:1"]])
    );
    assert_eq!(
        (&shown["private"], &shown["comment"]),
        (&true.into(), &"hello".into())
    );
    let human = room.run(&["show", "tree.torrent"]).exits(0).stdout;
    assert!(
        human.contains("//server/share") && human.contains("udp://u:1"),
        "{human}"
    );
}

#[test]
fn what_is_excluded_is_not_in_the_torrent() {
    let room = Room::new();
    room.tree("tree");
    let args = [
        "make",
        "tree",
        "--exclude",
        "level 0",
        "--exclude",
        "*.txt",
        "--json",
    ];
    let made = room.run(&args).exits(0).json();
    assert_eq!(made["files"], NAMES.len() - 1);
}

#[test]
fn the_name_and_the_place_can_be_chosen() {
    let room = Room::new();
    room.tree("tree");
    fs::create_dir(room.path("out")).unwrap();
    room.run(&["make", "tree", "-o", "out", "--name", "CS5"])
        .exits(0);
    let shown = room
        .run(&["show", "out/CS5.torrent", "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["name"], "CS5");
}

#[test]
fn a_source_that_is_not_there_fails_with_its_name() {
    let room = Room::new();
    let ran = room.run(&["make", "gone", "--json"]).exits(1);
    ran.says("cannot read gone");
    let event = ran.json();
    assert_eq!(
        (&event["event"], &event["code"]),
        (&"error".into(), &1.into())
    );
}

#[test]
fn slots_make_lock_files_beside_the_torrent() {
    let room = Room::new();
    room.tree("tree");
    room.run(&["make", "tree", "--slots", "2"]).exits(0);
    assert!(room.path(".swarmcopy/slot-1").is_file());
    let shown = room
        .run(&["show", "tree.torrent", "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["slots"], 2);
}

#[test]
fn logins_are_warned_of_and_never_shown() {
    let room = Room::new();
    room.tree("tree");
    let args = [
        "--mirror",
        "http://me:hunter2@h/?k=S3CRET",
        "--tracker",
        "http://t/a?passkey=S3CRET",
    ];
    let made = room.run(&[&["make", "tree"], &args[..]].concat()).exits(0);
    made.says("the login for http://h/?k=..");
    for args in [
        &["show", "tree.torrent"][..],
        &["show", "tree.torrent", "--json"],
        &[
            "get",
            "tree.torrent",
            "--to",
            "to",
            "--no-lsd",
            "--deadline=1s",
            "--share",
            "gone",
        ],
    ] {
        let ran = room.run_with(&[("RUST_LOG", "debug")], args);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains("hunter2") && !all.contains("S3CRET"), "{all}");
    }
}
