//! What a document that was fetched may make this machine open.

use crate::support::Room;
use crate::web::{Page, Web};

/// A .torrent on a web server that names a share which is there.
fn room() -> (Room, Web) {
    let (room, web) = (Room::new(), Web::start());
    room.tree("share/tree");
    let share = room.path("share");
    let args = ["make", "share/tree", "-o", "x.torrent", "--share"];
    room.run(&[&args[..], &[share.to_str().unwrap()]].concat())
        .exits(0);
    let torrent = std::fs::read(room.path("x.torrent")).unwrap();
    web.put("/x.torrent", Page::new(torrent));
    (room, web)
}

#[test]
fn a_fetched_torrent_opens_no_share_unless_it_is_trusted() {
    let (room, web) = room();
    let url = web.url("/x.torrent");
    let args = [
        "get",
        &url,
        "--to",
        "to",
        "--no-lsd",
        "--seed-for=0",
        "--deadline=1s",
    ];
    room.run(&args).exits(2).says("--trust-document");
    assert!(!room.path("to/tree/plain.txt").exists());
    room.run(&[&args[..6], &["--deadline=60s", "--trust-document"]].concat())
        .exits(0);
}

#[test]
fn a_torrent_of_a_disk_opens_its_shares() {
    let (room, _web) = room();
    room.get_with(&[], "x.torrent", &[]).exits(0);
}

#[test]
fn a_fetched_metalink_opens_no_share() {
    let (room, web) = room();
    let share = room.path("share");
    let args = [
        "make",
        "share/tree",
        "-o",
        "y.torrent",
        "--metalink",
        "y.meta4",
        "--share",
    ];
    room.run(&[&args[..], &[share.to_str().unwrap()]].concat())
        .exits(0);
    web.put(
        "/y.meta4",
        Page::new(std::fs::read(room.path("y.meta4")).unwrap()),
    );
    let url = web.url("/y.meta4");
    let args = [
        "get",
        &url,
        "--to",
        "to",
        "--no-lsd",
        "--seed-for=0",
        "--deadline=1s",
    ];
    let ran = room.run(&args);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    ran.says("--trust-document");
}
