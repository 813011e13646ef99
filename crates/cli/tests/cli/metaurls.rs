//! What a metalink leads to: torrents of one and of several files, other metalinks, sizes.

use std::fs;

use serde_json::Value;

use crate::support::{Ran, Room, bytes, write};
use crate::web::{Page, Web};

/// Two files on a web server, with torrents of each and of both.
fn room() -> (Room, Web) {
    let (room, web) = (Room::new(), Web::start());
    for (at, name) in ["a", "b"].into_iter().enumerate() {
        let path = room.path("share/tree").join(name);
        write(&path, &bytes(70_000, at));
        let args = ["make", "-o", "share", &format!("share/tree/{name}")];
        room.run(&args).exits(0);
    }
    room.run(&["make", "share/tree"]).exits(0);
    web.put_folder(&room.path("share"));
    (room, web)
}

/// Puts a metalink of these `file` elements at `path`.
fn put(web: &Web, path: &str, files: &str) -> String {
    let text = format!("<metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">{files}</metalink>");
    web.put(path, Page::new(text));
    web.url(path)
}

fn torrent(web: &Web, path: &str, name: &str) -> String {
    let url = web.url(path);
    format!("<metaurl mediatype=\"torrent\" {name}>{url}</metaurl>")
}

fn metalink(web: &Web, path: &str) -> String {
    let url = web.url(path);
    format!("<metaurl mediatype=\"application/metalink4+xml\">{url}</metaurl>")
}

fn mirror(web: &Web, path: &str) -> String {
    format!("<url>{}</url>", web.url(path))
}

/// The hash of a file as a metalink has it.
fn hash(room: &Room, name: &str) -> String {
    let path = format!("share/tree/{name}");
    room.run(&[
        "make",
        &path,
        "-o",
        "x.torrent",
        "--metalink",
        "x.meta4",
        "--force",
    ])
    .exits(0);
    let text = fs::read_to_string(room.path("x.meta4")).unwrap();
    let from = text.find("<hash").unwrap();
    let to = text.find("</hash>").unwrap() + "</hash>".len();
    text[from..to].to_owned()
}

fn get(room: &Room, what: &str) -> (Ran, Value) {
    let ran = room.get_with(&[], what, &[]);
    let started = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    (ran, started)
}

#[track_caller]
fn assert_same(room: &Room, name: &str, copy: &str) {
    let here = fs::read(room.path("share/tree").join(name)).unwrap();
    assert!(
        here == fs::read(room.path("to").join(copy)).unwrap(),
        "{copy} differs"
    );
}

#[test]
fn a_name_leads_into_a_torrent_with_or_without_its_top_folder() {
    let (room, web) = room();
    let files = [
        ("x", "name=\"tree/a\"", "/tree/a"),
        ("y", "name=\"b\"", "/tree/b"),
    ];
    let files = files.map(|(name, into, path)| {
        let (torrent, mirror) = (torrent(&web, "/tree.torrent", into), mirror(&web, path));
        format!("<file name=\"{name}\">{torrent}{mirror}</file>")
    });
    let (ran, started) = get(&room, &put(&web, "/m.meta4", &files.concat()));
    ran.exits(0);
    assert_eq!(
        (&started["name"], started["info_hash"].is_string()),
        (&"tree".into(), true)
    );
    assert_same(&room, "a", "tree/a");
    assert_same(&room, "b", "tree/b");
}

#[test]
fn files_of_a_torrent_that_are_not_listed_keep_no_listed_one_from_completing() {
    let (room, web) = room();
    // pieces of version 1 reach into the next file, those of a hybrid do not
    for (format, used) in [("v1", false), ("hybrid", true)] {
        let args = ["make", "share/tree", "--format", format, "--force"];
        room.run(&args).exits(0);
        web.put_folder(&room.path("share"));
        let file = format!(
            "<file name=\"a\"><size>70000</size>{}{}{}</file>",
            hash(&room, "a"),
            torrent(&web, "/tree.torrent", "name=\"a\""),
            mirror(&web, "/tree/a")
        );
        let url = put(&web, "/m.meta4", &file);
        let (ran, started) = get(&room, &url);
        ran.exits(0);
        assert_eq!(started["info_hash"].is_string(), used, "{started}");
        let copy = if used { "tree/a" } else { "a" };
        assert_same(&room, "a", copy);
        assert!(!room.path("to/tree/b").exists());
        room.run(&["verify", &url, "--at", "to"]).exits(0);
    }
}

#[test]
fn two_entries_of_one_torrent_are_two_files() {
    let (room, web) = room();
    let files = ["x", "y"].map(|name| {
        let torrent = torrent(&web, "/a.torrent", "");
        format!(
            "<file name=\"{name}\">{torrent}{}</file>",
            mirror(&web, "/tree/a")
        )
    });
    get(&room, &put(&web, "/two.meta4", &files.concat()))
        .0
        .exits(0);
    assert_same(&room, "a", "two/x");
    assert_same(&room, "a", "two/y");
}

#[test]
fn torrents_of_one_file_lend_their_hashes() {
    let (room, web) = room();
    let files = ["a", "b"].map(|name| {
        let torrent = torrent(&web, &format!("/{name}.torrent"), "");
        let mirror = mirror(&web, &format!("/tree/{name}"));
        format!("<file name=\"{name}\">{torrent}{mirror}</file>")
    });
    let (ran, started) = get(&room, &put(&web, "/list.meta4", &files.concat()));
    ran.exits(0);
    assert_eq!(
        (&started["name"], &started["info_hash"]),
        (&"list".into(), &Value::Null)
    );
    assert_same(&room, "a", "list/a");
    assert_same(&room, "b", "list/b");
}

#[test]
fn a_torrent_that_does_not_fit_is_told_and_the_next_is_tried() {
    let (room, web) = room();
    let bad = web.url("/gone.torrent");
    let file = format!(
        "<file name=\"a\"><size>70000</size>{}
        <metaurl mediatype=\"torrent\" priority=\"1\">{bad}</metaurl>
        <metaurl mediatype=\"torrent\" priority=\"2\" name=\"c\">{}</metaurl>{}</file>",
        torrent(&web, "/a.torrent", ""),
        web.url("/tree.torrent"),
        mirror(&web, "/tree/a"),
    );
    let (ran, started) = get(&room, &put(&web, "/m.meta4", &file));
    let ran = ran.exits(0);
    ran.says("404 Not Found").says("the file is not in it");
    assert!(started["info_hash"].is_string());
    let wrong = file
        .replace("70000", "70001")
        .replace("<url>", "<url>http://127.0.0.1:1/");
    let (ran, _) = get(&room, &put(&web, "/w.meta4", &wrong));
    ran.exits(1).says("another size");
}

#[test]
fn a_metalink_leads_to_another_and_a_circle_ends() {
    let (room, web) = room();
    let hash = hash(&room, "a");
    let file = |more: &str| format!("<file name=\"a\">{more}</file>");
    put(&web, "/1", &file(&metalink(&web, "/2")));
    let second = [mirror(&web, "/tree/a"), metalink(&web, "/1")].concat();
    put(&web, "/2", &file(&format!("<size>70000</size>{second}")));
    let url = put(
        &web,
        "/m.meta4",
        &file(&format!("{hash}{}", metalink(&web, "/1"))),
    );
    get(&room, &url).0.exits(0);
    assert_same(&room, "a", "a");
    for path in ["/1", "/2"] {
        let asked = web.asked().into_iter().filter(|asked| asked == path);
        assert_eq!(asked.count(), 1, "{path}");
    }
}

#[test]
fn metalinks_are_followed_three_levels_deep() {
    let (room, web) = room();
    let hash = hash(&room, "a");
    for at in 1..5 {
        let next = metalink(&web, &format!("/{}", at + 1));
        put(
            &web,
            &format!("/{at}"),
            &format!("<file name=\"a\">{next}</file>"),
        );
    }
    let file = format!(
        "<file name=\"a\">{hash}{}{}</file>",
        metalink(&web, "/1"),
        mirror(&web, "/tree/a")
    );
    let (ran, _) = get(&room, &put(&web, "/m.meta4", &file));
    ran.exits(0).says("too deep");
    assert!(!web.asked().contains(&"/4".to_owned()));
}

#[test]
fn nothing_is_taken_from_a_metalink_that_contradicts() {
    let (room, web) = room();
    let (right, other) = (hash(&room, "a"), hash(&room, "b"));
    let evil = "<url priority=\"1\">http://127.0.0.1:1/evil</url>";
    put(
        &web,
        "/size",
        &format!("<file name=\"a\"><size>7</size>{evil}</file>"),
    );
    put(
        &web,
        "/hash",
        &format!("<file name=\"a\">{other}{evil}</file>"),
    );
    let file = format!(
        "<file name=\"a\"><size>70000</size>{right}{}{}{}</file>",
        metalink(&web, "/size"),
        metalink(&web, "/hash"),
        mirror(&web, "/tree/a")
    );
    let url = put(&web, "/m.meta4", &file);
    let (ran, _) = get(&room, &url);
    ran.exits(0).says("another size").says("another hash");
    assert_same(&room, "a", "a");
}

#[test]
fn a_size_that_is_not_told_is_asked_of_a_mirror() {
    let (room, web) = room();
    let hash = hash(&room, "a");
    let file = |mirror: String| format!("<file name=\"a\">{hash}{mirror}</file>");
    let (ran, started) = get(
        &room,
        &put(&web, "/m.meta4", &file(mirror(&web, "/tree/a"))),
    );
    ran.exits(0);
    assert_eq!(started["bytes"], 70_000);
    let url = put(&web, "/n.meta4", &file(mirror(&web, "/gone")));
    let args = ["get", &url, "--to", "other", "--no-lsd", "--seed-for=0"];
    room.run(&args).exits(1).says("its size is not told");
}
