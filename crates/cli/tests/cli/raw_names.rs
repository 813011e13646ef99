//! Names that no copy of ours has: found where others have them, written and shown as plain ones.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::copy::Seed;
use crate::support::{Room, bytes, write};
use crate::web::Web;

/// What stands in the .torrent instead of the names that it was made with, byte for byte.
const NAMES: [(&str, &[u8], &str); 4] = [
    ("tr#e", b"tr\xe9e", "tr_e"),
    ("caf#", b"caf\xe9", "caf_"),
    ("Icon#", b"Icon\r", "Icon_"),
    ("a###gpj.exe", "a\u{202e}gpj.exe".as_bytes(), "agpj.exe"),
];

/// A room with a tree of such names in `share`, and a .torrent of it.
fn room() -> Room {
    let room = Room::new();
    for (at, (name, ..)) in NAMES.iter().enumerate().skip(1) {
        write(&room.path("share/tr#e").join(name), &bytes(40_000, at));
    }
    write(&room.path("share/tr#e/sub/b#ck"), &bytes(40_000, 9));
    room.run(&["make", "share/tr#e", "-o", "x.torrent"])
        .exits(0);
    let mut torrent = fs::read(room.path("x.torrent")).unwrap();
    for (made, raw) in pairs() {
        let made = format!("{}:{made}", made.len());
        let at = torrent
            .windows(made.len())
            .position(|part| part == made.as_bytes());
        let end = at.unwrap() + made.len();
        torrent[end - raw.len()..end].copy_from_slice(raw);
    }
    fs::write(room.path("x.torrent"), torrent).unwrap();
    for (made, raw) in pairs().skip(1) {
        let folder = room.path(if made == "b#ck" {
            "share/tr#e/sub"
        } else {
            "share/tr#e"
        });
        fs::rename(folder.join(made), folder.join(OsStr::from_bytes(raw))).unwrap();
    }
    fs::rename(room.path("share/tr#e"), raw_tree(&room)).unwrap();
    room
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let names = NAMES.iter().map(|(made, raw, _)| (*made, *raw));
    names.chain([("b#ck", &b"b\\ck"[..])])
}

fn raw_tree(room: &Room) -> PathBuf {
    room.path("share").join(OsStr::from_bytes(NAMES[0].1))
}

#[track_caller]
fn assert_copied(room: &Room) {
    for (at, (_, raw, plain)) in NAMES.iter().enumerate().skip(1) {
        let copy = fs::read(room.path("to/tr_e").join(plain)).unwrap();
        assert_eq!(copy, bytes(40_000, at), "{raw:?}");
    }
    assert_eq!(
        fs::read(room.path("to/tr_e/sub/bck")).unwrap(),
        bytes(40_000, 9)
    );
}

#[test]
fn a_share_is_asked_for_the_raw_names() {
    let room = room();
    room.get_with(&[], "x.torrent", &["--share", "share"])
        .exits(0);
    assert_copied(&room);
}

#[test]
fn what_stands_beside_its_torrent_is_found_under_its_raw_name() {
    let room = room();
    fs::rename(room.path("x.torrent"), room.path("share/x.torrent")).unwrap();
    room.get_with(&[], "share/x.torrent", &[]).exits(0);
    assert_copied(&room);
}

#[test]
fn a_share_that_is_a_copy_of_ours_is_asked_for_the_plain_names() {
    let room = room();
    room.get_with(&[], "x.torrent", &["--share", "share"])
        .exits(0);
    fs::remove_dir_all(room.path("share")).unwrap();
    fs::rename(room.path("to"), room.path("share")).unwrap();
    room.get_with(&[], "x.torrent", &["--share", "share"])
        .exits(0);
    assert_copied(&room);
}

#[test]
fn a_mirror_is_asked_for_the_raw_names_and_then_for_the_plain_ones() {
    let (room, web) = (room(), Web::start());
    web.put_folder(&room.path("share"));
    room.get_with(&[], "x.torrent", &["--mirror", &web.url("/")])
        .exits(0);
    assert_copied(&room);
    web.clear();
    web.put_folder(&room.path("to"));
    fs::remove_dir_all(room.path("to")).unwrap();
    room.get_with(&[], "x.torrent", &["--mirror", &web.url("/")])
        .exits(0);
    assert_copied(&room);
}

#[test]
fn a_seed_serves_a_tree_of_raw_names() {
    let room = room();
    let seed = Seed::start(&room, "x.torrent", "share");
    room.get_with(&[], "x.torrent", &["--peer", &seed.addr])
        .exits(0);
    assert_copied(&room);
}

#[test]
fn verify_finds_raw_and_plain_names() {
    let room = room();
    room.get_with(&[], "x.torrent", &["--share", "share"])
        .exits(0);
    let tree = raw_tree(&room);
    fs::rename(&tree, room.path("other")).unwrap();
    for at in ["to", "to/tr_e", "other"] {
        let ran = room
            .run(&["verify", "x.torrent", "--at", at, "--json"])
            .exits(0);
        assert_eq!(ran.json()["extra"], serde_json::json!([]), "{at}");
    }
    fs::rename(room.path("other"), &tree).unwrap();
    room.run(&["verify", "x.torrent", "--at", "share"]).exits(0);
}

#[test]
fn nothing_raw_is_written_to_a_terminal() {
    let room = room();
    fs::write(raw_tree(&room).join("new\u{1b}[2J\u{2067}"), "x").unwrap();
    for args in [
        &["show", "x.torrent"][..],
        &["show", "x.torrent", "--json"],
        &["verify", "x.torrent", "--at", "share"],
        &["verify", "x.torrent", "--at", "share", "--json"],
    ] {
        let ran = room.run(args);
        let raw = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2067}".contains(c);
        assert!(
            !ran.stdout.contains(raw) && !ran.stderr.contains(raw),
            "{ran:?}"
        );
    }
}

#[test]
fn a_name_that_is_left_out_may_be_any() {
    let room = room();
    let strict = ["make", "share", "-o", "y.torrent", "--names", "strict"];
    let ran = room.run(&strict).exits(1);
    ran.says("--exclude");
    let exclude = [
        "--exclude",
        "tr*e/caf*",
        "--exclude",
        "sub",
        "--exclude",
        "Icon*",
    ];
    fs::rename(raw_tree(&room), room.path("share/tree")).unwrap();
    let args = ["make", "share", "-o", "y.torrent", "--exclude", "tree/caf*"];
    let ran = room
        .run(&[&args[..], &exclude[2..], &["--json"]].concat())
        .exits(0);
    assert_eq!(ran.json()["files"], 1);
}

#[test]
fn a_name_as_long_as_a_disk_takes_is_copied_in_place_and_staged() {
    for name in ["n".repeat(255), "ü".repeat(127)] {
        let room = Room::new();
        let tree = format!("share/{name}");
        write(&room.path(&tree).join("f"), &bytes(40_000, 1));
        room.run(&["make", &tree, "-o", "x.torrent"]).exits(0);
        for (to, flag) in [("one", "--plain"), ("two", "--staged")] {
            room.run(&[
                "get",
                "x.torrent",
                "--to",
                to,
                "--share",
                "share",
                "--no-lsd",
                flag,
            ])
            .exits(0);
            let copy = fs::read(room.path(to).join(&name).join("f")).unwrap();
            assert_eq!(copy, bytes(40_000, 1));
            let left = fs::read_dir(room.path(to)).unwrap().count();
            assert_eq!(left, 1, "{flag} leaves something beside the copy");
        }
    }
}
