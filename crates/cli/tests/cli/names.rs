//! What WHAT may be: .torrent, metalink and magnet link, by path and by address.

use std::fs;

use serde_json::Value;

use crate::copy::Seed;
use crate::support::{NAMES, Ran, Room, bytes, write};
use crate::web::{Page, Web};

/// A room with a web server that has its tree, its .torrent and its metalink.
fn room() -> (Room, Web) {
    let (room, web) = (Room::new(), Web::start());
    room.tree("share/tree");
    let mirror = web.url("/");
    let args = ["make", "share/tree", "--mirror", &mirror];
    let args = [
        &args[..],
        &["--metalink", "share/tree.meta4", "--piece-length", "16KiB"],
    ]
    .concat();
    room.run(&args).exits(0);
    web.put_folder(&room.path("share"));
    (room, web)
}

fn get(room: &Room, what: &str, more: &[&str]) -> Ran {
    room.get_with(&[], what, more)
}

#[track_caller]
fn assert_same(room: &Room) {
    for name in NAMES {
        let (here, there) = (
            room.path("share/tree").join(name),
            room.path("to/tree").join(name),
        );
        assert_eq!(fs::read(here).unwrap(), fs::read(there).unwrap(), "{name}");
    }
}

#[test]
fn a_metalink_with_a_torrent_behind_it_is_copied_from_its_mirror() {
    let (room, web) = room();
    let ran = get(&room, &web.url("/tree.meta4"), &[]).exits(0);
    assert_same(&room);
    assert!(
        ran.stdout
            .lines()
            .next()
            .unwrap()
            .contains("\"info_hash\":\""),
        "{ran:#?}"
    );
    let report = ran.json();
    assert_eq!(
        (&report["complete"], &report["from_mirror"]),
        (&true.into(), &report["bytes"])
    );
    assert!(web.asked().contains(&"/tree.torrent".to_owned()));
}

#[test]
fn a_metalink_without_a_torrent_is_copied_by_its_own_hashes() {
    let (room, web) = room();
    web.remove("/tree.torrent");
    let ran = get(&room, &web.url("/tree.meta4"), &[]).exits(0);
    assert_same(&room);
    assert!(
        ran.stdout
            .lines()
            .next()
            .unwrap()
            .contains("\"info_hash\":null"),
        "{ran:#?}"
    );
    ran.says("404 Not Found");
    // a second run finds everything there
    let again = get(&room, &web.url("/tree.meta4"), &[]).exits(0).json();
    assert_eq!(
        (&again["reused"], &again["from_mirror"]),
        (&again["bytes"], &0.into())
    );
    let at = ["verify", &web.url("/tree.meta4"), "--at", "to"];
    room.run(&at).exits(0);
    write(&room.path("to/tree/plain.txt"), b"7 bytes");
    let damaged = room.run(&[&at[..], &["--json"]].concat()).exits(4).json();
    assert_eq!(damaged["damaged"], serde_json::json!(["plain.txt"]));
}

#[test]
fn a_metalink_by_its_path_takes_the_torrent_and_the_content_beside_it() {
    let (room, web) = room();
    web.clear();
    let report = get(&room, "share/tree.meta4", &[]).exits(0).json();
    assert_same(&room);
    assert_eq!(report["from_share"], report["bytes"]);
}

#[test]
fn machines_that_copy_by_a_metalink_alone_find_each_other() {
    let (room, web) = room();
    web.remove("/tree.torrent");
    let meta4 = web.url("/tree.meta4");
    let seed = Seed::start(&room, &meta4, "share");
    let report = get(&room, &meta4, &["--origin=never", "--peer", &seed.addr]);
    let report = report.exits(0).json();
    assert_same(&room);
    assert_eq!(report["from_peers"], report["bytes"]);
}

#[test]
fn a_torrent_by_its_address_is_fetched_through_redirects() {
    let (room, web) = room();
    web.put("/latest", Page::moved("/tree.torrent"));
    let report = get(&room, &web.url("/latest"), &[]).exits(0).json();
    assert_same(&room);
    assert_eq!(report["from_mirror"], report["bytes"]);
}

#[test]
fn a_magnet_link_is_described_by_a_peer() {
    let (room, _web) = room();
    let made = room
        .run(&["show", "share/tree.torrent", "--json"])
        .exits(0)
        .json();
    let hash = made["info_hash"].as_str().unwrap();
    let seed = Seed::start(&room, "share/tree.torrent", "share");
    let link = format!("magnet:?xt=urn:btih:{hash}&dn=x&x.pe={}", seed.addr);
    let report = get(&room, &link, &["--origin=never"]).exits(0).json();
    assert_same(&room);
    assert_eq!(report["from_peers"], report["bytes"]);
    let at = ["verify", &link, "--at", "to"];
    room.run(&at).exits(0);
}

#[test]
fn a_magnet_link_names_torrent_and_mirrors_by_address() {
    let (room, web) = room();
    let shown = room
        .run(&["show", "share/tree.torrent", "--json"])
        .exits(0)
        .json();
    let hash = shown["info_hash"].as_str().unwrap();
    let (xs, ws) = (web.url("/tree.torrent"), web.url("/"));
    web.put(
        "/link",
        Page::new(format!("magnet:?xt=urn:btih:{hash}&xs={xs}&ws={ws}\n")),
    );
    let report = get(&room, &web.url("/link"), &[]).exits(0).json();
    assert_same(&room);
    assert_eq!(report["from_mirror"], report["bytes"]);
    // a .torrent with another info-hash is not taken
    let other = hash.replace(|digit: char| digit.is_ascii_digit(), "7");
    let link = format!("magnet:?xt=urn:btih:{other}&xs={xs}");
    get(&room, &link, &[]).exits(3).says("nobody to ask");
    let link = format!("magnet:?xt=urn:btih:{other}&x.pe=127.0.0.1:1");
    get(&room, &link, &["--timeout=1s"])
        .exits(3)
        .says("no peer described");
}

#[test]
fn who_was_asked_what_a_magnet_link_means_is_told_meanwhile_and_in_the_end() {
    let (room, _web) = room();
    let link = "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&x.pe=127.0.0.1:1\
                &tr=http%3A%2F%2F127.0.0.1%3A1%2Fannounce%3Fpasskey%3Dsecret";
    let tracker = "http://127.0.0.1:1/announce";
    let flags = ["--timeout=2s", "--peer=nobody.invalid:1"];
    let ran = get(&room, link, &flags).exits(3);
    let (first, last) = (ran.stdout.lines().next().unwrap(), ran.json());
    let first: Value = serde_json::from_str(first).unwrap();
    assert_eq!(first["event"], "finding");
    assert_eq!(last["event"], "error");
    for event in [&first["asked"], &last["message"]].map(Value::to_string) {
        for name in ["127.0.0.1:1", "nobody.invalid:1", tracker] {
            assert!(event.contains(name), "{name}: {event}");
        }
        assert!(!event.contains("secret"), "{event}");
    }
}

#[test]
fn what_cannot_be_fetched_is_told_in_one_sentence() {
    let (room, web) = room();
    web.put(
        "/login.torrent",
        Page::new("<!DOCTYPE html><title>Log in</title>"),
    );
    web.put("/circle", Page::moved("/circle"));
    web.put(
        "/bad.meta4",
        Page::new("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>"),
    );
    web.put("/bad.torrent", Page::new("d4:infod4:name1:aee"));
    let long = [b"d1:a".as_slice(), &vec![b'x'; 33 << 20]].concat();
    web.put("/long.torrent", Page::new(long));
    for (path, says) in [
        ("/none.torrent", "404 Not Found"),
        ("/login.torrent", "tells no hash"),
        ("/circle", "redirects too often"),
        ("/bad.meta4", "DOCTYPE"),
        ("/bad.torrent", "info.piece length"),
        ("/long.torrent", "tells no hash"),
    ] {
        let ran = get(&room, &web.url(path), &[]).exits(1);
        ran.says(says);
        assert_eq!(ran.json()["code"], 1, "{ran:#?}");
    }
    get(&room, "http://127.0.0.1:1/x.torrent", &[])
        .exits(1)
        .says("cannot fetch");
    get(&room, "none.meta4", &[])
        .exits(1)
        .says("cannot read none.meta4");
    assert!(!room.path("to").exists(), "nothing may be written");
}

/// The SHA-256 of the only file of a metalink, in base64.
fn sha256_of(room: &Room, name: &str) -> String {
    let meta4 = format!("{name}.meta4");
    room.run(&["make", name, "--metalink", &meta4]).exits(0);
    let text = fs::read_to_string(room.path(&meta4)).unwrap();
    let (_, rest) = text.split_once("<hash type=\"sha-256\">").unwrap();
    let hex = rest.get(..64).unwrap();
    let bits: String = hex
        .chars()
        .map(|digit| format!("{:04b}", digit.to_digit(16).unwrap()))
        .chain(["00".to_owned()])
        .collect();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text: String = bits
        .as_bytes()
        .chunks(6)
        .map(|six| std::str::from_utf8(six).unwrap())
        .map(|six| char::from(digits[usize::from_str_radix(six, 2).unwrap()]))
        .collect();
    format!("{text}=")
}

#[test]
fn a_file_by_its_address_is_copied_where_its_server_tells_a_hash() {
    let (room, web, other) = (Room::new(), Web::start(), Web::start());
    let bytes = bytes(3_000_000, 5);
    write(&room.path("x y.bin"), &bytes);
    let digest = sha256_of(&room, "x y.bin");
    other.put("/copy", Page::new(&*bytes));
    let page = Page::new(&*bytes)
        .with("Repr-Digest", format!("sha-256=:{digest}:"))
        .with(
            "Link",
            format!("<{}>; rel=duplicate; pri=1; geo=de", other.url("/copy")),
        );
    web.put("/d/x%20y.bin", page.clone());
    let report = get(&room, &web.url("/d/x%20y.bin"), &[]).exits(0).json();
    assert_eq!(fs::read(room.path("to/x y.bin")).unwrap(), bytes);
    assert_eq!(report["from_mirror"], 3_000_000);
    // without a hash nothing is copied, and a wrong one is not believed
    web.put("/plain.bin", Page::new(&*bytes));
    get(&room, &web.url("/plain.bin"), &[])
        .exits(1)
        .says("tells no hash");
    let wrong = Page::new(bytes[1..].to_vec()).with("Digest", format!("SHA-256={digest}"));
    web.put("/wrong.bin", wrong);
    let ran = get(&room, &web.url("/wrong.bin"), &[]);
    assert_eq!(ran.code, Some(4), "{ran:#?}");
    assert!(
        fs::read(room.path("to/wrong.bin"))
            .unwrap_or_default()
            .is_empty()
    );
}

#[test]
fn a_bad_entry_is_left_out_and_the_exit_code_says_so() {
    let (room, web) = (Room::new(), Web::start());
    write(&room.path("a"), b"hello");
    web.put("/a", Page::new("hello"));
    room.run(&[
        "make",
        "a",
        "--mirror",
        &web.url("/"),
        "--metalink",
        "a.meta4",
    ])
    .exits(0);
    let good = fs::read_to_string(room.path("a.meta4")).unwrap();
    let bad = "<file name=\"../evil\"><size>1</size></file>
        <file name=\"unhashed\"><size>5</size><url>http://127.0.0.1:1/a</url></file></metalink>";
    web.put("/list.meta4", Page::new(good.replace("</metalink>", bad)));
    let ran = get(&room, &web.url("/list.meta4"), &[]).exits(3);
    ran.says("../evil").says("no SHA-1 or SHA-2 hash");
    assert_eq!(fs::read(room.path("to/list/a")).unwrap(), b"hello");
    assert_eq!(ran.json()["complete"], true);
    assert!(!room.path("evil").exists() && !room.path("to/evil").exists());
    let shown = room
        .run(&["show", &web.url("/list.meta4"), "--json"])
        .exits(0)
        .json();
    assert_eq!(shown["left_out"].as_array().unwrap().len(), 1);
    assert_eq!(shown["files"].as_array().unwrap().len(), 2);
}

#[test]
fn a_metalink_is_shown_with_its_mirrors_and_torrents() {
    let (room, web) = room();
    for what in [web.url("/tree.meta4"), "share/tree.meta4".to_owned()] {
        let shown = room.run(&["show", &what, "--json"]).exits(0).json();
        assert_eq!(
            (&shown["kind"], &shown["name"]),
            (&"metalink".into(), &"tree".into())
        );
        assert_eq!(shown["mirrors"], serde_json::json!([web.url("/")]));
        assert_eq!(
            shown["torrents"],
            serde_json::json!([web.url("/tree.torrent")])
        );
        assert_eq!(shown["files"].as_array().unwrap().len(), NAMES.len() + 1);
        let text = room.run(&["show", &what]).exits(0);
        assert!(text.stdout.contains("[brackets] {braces}"), "{text:#?}");
    }
}

#[test]
fn a_long_file_with_a_hash_of_the_whole_alone_is_published_once_it_has_it() {
    let (room, web) = (Room::new(), Web::start());
    let bytes = bytes(20_000_000, 5);
    write(&room.path("x.bin"), &bytes);
    let page = |bytes: Vec<u8>, digest: &str| {
        Page::new(bytes).with("Repr-Digest", format!("sha-256=:{digest}:"))
    };
    let digest = sha256_of(&room, "x.bin");
    let mut wrong = bytes.clone();
    wrong[12_345_678] ^= 1;
    web.put("/x.bin", page(wrong, &digest));
    let url = web.url("/x.bin");
    get(&room, &url, &[])
        .exits(4)
        .says("does not have its hash");
    assert!(!room.path("to/x.bin").exists());
    web.put("/x.bin", page(bytes.clone(), &digest));
    get(&room, &url, &[])
        .exits(0)
        .says("cannot share this content");
    assert!(fs::read(room.path("to/x.bin")).unwrap() == bytes);
    let again = get(&room, &url, &[]).exits(0).json();
    assert_eq!(again["reused"], 20_000_000);
    room.run(&["verify", &url, "--at", "to"]).exits(0);
    room.run(&["seed", &url, "--from", "to", "--listen=127.0.0.1:0"])
        .exits(1)
        .says("no hashes of pieces");
    let left = fs::read_dir(room.path("to")).unwrap().count();
    assert_eq!(left, 1, "nothing stays beside the copy");
}

#[test]
fn a_file_with_a_long_hash_alone_is_copied_and_a_wrong_one_is_not() {
    let (room, web) = (Room::new(), Web::start());
    let sha384 = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    let sha512 = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                  2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let file = |name: &str, kind: &str, hash: &str| {
        web.put(&format!("/{name}"), Page::new("abc"));
        let url = web.url(&format!("/{name}"));
        format!(
            "<file name=\"{name}\"><size>3</size><hash type=\"{kind}\">{hash}</hash><url>{url}</url></file>"
        )
    };
    let files = file("a", "sha-512", sha512) + &file("b", "sha-384", sha384);
    let metalink = |files: &str| {
        format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{files}</metalink>")
    };
    write(&room.path("both.meta4"), metalink(&files).as_bytes());
    get(&room, "both.meta4", &[]).exits(0);
    for name in ["a", "b"] {
        assert_eq!(fs::read(room.path("to/both").join(name)).unwrap(), b"abc");
    }
    let wrong = metalink(&files.replace("ddaf", "0000"));
    write(&room.path("wrong.meta4"), wrong.as_bytes());
    let ran = get(&room, "wrong.meta4", &[]);
    assert!(
        ran.code == Some(4) && !room.path("to/wrong/a").exists(),
        "{ran:#?}"
    );
}
