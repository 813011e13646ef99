//! `verify` as a user calls it.

use std::fs;

use crate::support::Room;

#[test]
fn a_whole_copy_exits_with_0_and_a_damaged_one_with_4() {
    let room = Room::new();
    let tree = room.tree("tree");
    room.run(&["make", "tree", "--piece-length", "16KiB"])
        .exits(0);
    let whole = room
        .run(&["verify", "tree.torrent", "--at", ".", "--json"])
        .exits(0)
        .json();
    assert_eq!(
        (&whole["ok"], &whole["bad_pieces"]),
        (&true.into(), &0.into())
    );
    room.run(&["verify", "tree.torrent", "--at", "tree"])
        .exits(0);

    let mut bytes = fs::read(tree.join(".hidden")).unwrap();
    bytes[100_000] ^= 1;
    fs::write(tree.join(".hidden"), &bytes).unwrap();
    fs::remove_file(tree.join("empty")).unwrap();
    fs::write(tree.join("new"), "x").unwrap();
    let ran = room
        .run(&["verify", "tree.torrent", "--at", ".", "--json"])
        .exits(4);
    let found = ran.json();
    assert_eq!(found["ok"], false);
    assert_eq!(found["damaged"], serde_json::json!([".hidden"]));
    assert_eq!(found["missing"], serde_json::json!(["empty"]));
    assert_eq!(found["extra"], serde_json::json!(["new"]));
    assert_eq!(found["bad_pieces"], 1);
    let human = room
        .run(&["verify", "tree.torrent", "--at", "."])
        .exits(4)
        .stdout;
    for line in ["damaged   .hidden", "missing   empty", "extra     new"] {
        assert!(human.contains(line), "no {line:?} in {human}");
    }
}

#[test]
fn a_folder_that_is_not_there_fails_with_its_name() {
    let room = Room::made();
    room.run(&["verify", "tree.torrent", "--at", "gone"])
        .exits(1)
        .says("cannot read gone");
}
