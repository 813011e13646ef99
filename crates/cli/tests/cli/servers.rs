//! Web servers as an admin meets them: logins, proxies, dead mirrors by the dozen.

use crate::ports::closed;
use crate::support::{Ran, Room, bytes, write};
use crate::web::{Page, Web};

const LEN: usize = 1_000_000;

/// A room with one file, and a web server that has it.
fn room() -> (Room, Web) {
    let (room, web) = (Room::new(), Web::start());
    let file = bytes(LEN, 3);
    write(&room.path("it.bin"), &file);
    web.put("/it.bin", Page::new(file));
    (room, web)
}

fn get(room: &Room, environment: &[(&str, &str)], what: &str) -> Ran {
    room.get_with(environment, what, &[])
}

fn assert_copied(room: &Room) {
    let copy = std::fs::read(room.path("to/it.bin")).unwrap();
    assert!(copy == bytes(LEN, 3), "the copy differs");
}

#[test]
fn logins_come_from_the_netrc_that_the_environment_names() {
    let (room, web) = room();
    let mirror = web.url("/it.bin");
    room.run(&["make", "it.bin", "--mirror", &mirror, "-o", "it.torrent"])
        .exits(0);
    let torrent = std::fs::read(room.path("it.torrent")).unwrap();
    web.put("/it.torrent", Page::new(torrent));
    write(
        &room.path("logins"),
        b"machine 127.0.0.1 login me password s3cret",
    );
    let logins = room.path("logins");
    let environment = [("NETRC", logins.to_str().unwrap())];
    get(&room, &environment, &web.url("/it.torrent")).exits(0);
    assert_copied(&room);
    let sent = web.logins();
    // for the .torrent and for the file
    assert!(
        sent.len() >= 2 && sent.len() == web.asked().len(),
        "{sent:?}"
    );
    assert!(sent.iter().all(|login| login == "Basic bWU6czNjcmV0"));
    room.run_with(&environment, &["show", &web.url("/it.torrent")])
        .exits(0);
    assert_eq!(web.logins().len(), sent.len() + 1);
}

#[test]
fn a_proxy_that_the_environment_names_is_asked_and_no_other_server() {
    let (room, proxy) = room();
    // nothing answers to this name but the proxy
    let mirror = "http://mirror.invalid/it.bin";
    room.run(&["make", "it.bin", "--mirror", mirror, "-o", "it.torrent"])
        .exits(0);
    proxy.put(mirror, Page::new(bytes(LEN, 3)));
    let url = proxy.url("/");
    get(&room, &[("http_proxy", &url)], "it.torrent").exits(0);
    assert_copied(&room);
    assert!(proxy.asked().iter().all(|asked| asked == mirror));
}

#[test]
fn of_a_hundred_mirrors_the_dead_ones_cost_next_to_nothing() {
    let (room, web) = room();
    room.run(&[
        "make",
        "it.bin",
        "-o",
        "it.torrent",
        "--metalink",
        "it.meta4",
    ])
    .exits(0);
    let text = std::fs::read_to_string(room.path("it.meta4")).unwrap();
    let (head, tail) = text.split_once("</file>").unwrap();
    let dead = (0..99).map(|_| closed());
    let mut urls: String = dead
        .map(|dead| format!("<url priority=\"1\">http://{dead}/it.bin</url>"))
        .collect();
    urls.push_str(&format!("<url priority=\"2\">{}</url>", web.url("/it.bin")));
    let text = format!("{head}{urls}</file>{tail}");
    write(&room.path("it.meta4"), text.as_bytes());
    let ran = get(&room, &[], "it.meta4").exits(0);
    assert_copied(&room);
    assert!(ran.json()["seconds"].as_f64().unwrap() < 10.0, "{ran:#?}");
}

#[test]
fn a_document_longer_than_32_mib_is_not_read() {
    let (room, web) = room();
    let mut long = b"d8:announce33554433:".to_vec();
    long.resize((32 << 20) + 1, b'x');
    web.put("/long.torrent", Page::new(long));
    let ran = get(&room, &[], &web.url("/long.torrent")).exits(1);
    assert!(
        ran.stderr.contains("no .torrent, metalink or magnet link"),
        "{ran:#?}"
    );
}
