//! What is said while nothing comes: each named source with its last answer, at once and once.

use std::collections::BTreeMap;
use std::net::TcpListener;

use serde_json::Value;

use crate::ports::closed;
use crate::support::{Ran, Room};
use crate::web::{Page, Web};

/// A room with the .torrent of a tree that lies elsewhere.
fn room() -> Room {
    let room = Room::new();
    room.tree("elsewhere/tree");
    let made = ["make", "elsewhere/tree", "-o", "tree.torrent"];
    room.run(&made).exits(0);
    room
}

/// Copies what can't be copied, for three seconds.
fn fails(room: &Room, more: &[&str]) -> Ran {
    let args = "get tree.torrent --to to --no-lsd --listen 127.0.0.1:0 --deadline 3s";
    let args: Vec<&str> = args.split(' ').collect();
    room.run(&[&args[..], more].concat())
}

/// How the sources stood in the last look.
fn stood(ran: &Ran) -> Vec<Value> {
    let events = ran.stdout.lines().map(serde_json::from_str::<Value>);
    let looks = events.map(Result::unwrap);
    let mut looks = looks.filter(|event| event["event"] == "progress");
    let last = looks.next_back().expect("a look");
    last["sources"].as_array().unwrap().clone()
}

/// An address of this machine where somebody hangs up at once.
fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    addr
}

/// A server with the same page everywhere: an address on it.
fn everywhere(page: &Page, path: &str) -> String {
    let web = Web::start();
    web.put_elsewhere(page.clone());
    web.url(path)
}

#[test]
fn each_source_in_trouble_is_named_with_its_last_answer() {
    let html = Page::new("<html>log in, please</html>").with("Content-Type", "text/html");
    let refusal = Page::new("d14:failure reason11:not allowede");
    let mirror = |page: &Page| everywhere(page, "/");
    let tracker = |page: &Page| everywhere(page, "/announce");
    let status = |status| Page::new("").status(status);
    let cases: Vec<(&str, String, &str, &str)> = vec![
        ("--mirror", mirror(&status("404 Not Found")), "lacks", "404"),
        (
            "--mirror",
            mirror(&status("403 Forbidden")),
            "refused",
            "403",
        ),
        (
            "--mirror",
            mirror(&status("401 Unauthorized")),
            "refused",
            "401",
        ),
        ("--mirror", mirror(&status("500 Oops")), "down", "500"),
        ("--mirror", mirror(&status("503 Later")), "busy", "503"),
        ("--mirror", mirror(&html), "refused", "web page"),
        (
            "--mirror",
            format!("http://{}/", closed()),
            "down",
            "refused",
        ),
        (
            "--mirror",
            "http://nobody.invalid/".to_owned(),
            "down",
            if cfg!(windows) { "not found" } else { "lookup" },
        ),
        ("--peer", closed().to_string(), "down", "nobody listens"),
        ("--peer", hangs_up(), "down", "encryption"),
        (
            "--peer",
            "nobody.invalid:6881".to_owned(),
            "down",
            "can't be found",
        ),
        (
            "--tracker",
            format!("http://{}/announce", closed()),
            "down",
            "refused",
        ),
        (
            "--tracker",
            tracker(&status("404 Not Found")),
            "down",
            "404",
        ),
        ("--tracker", tracker(&html), "down", "web page"),
        ("--tracker", tracker(&refusal), "down", "not allowed"),
    ];
    let checks = cases.into_iter().map(|(flag, name, state, why)| {
        std::thread::spawn(move || {
            let room = room();
            let ran = fails(&room, &[flag, &name, "--json"]).exits(3);
            let about = format!("{flag} {name}");
            let all = stood(&ran);
            let source = all.iter().find(|it| it["name"] == *name);
            let source = source.unwrap_or_else(|| panic!("{about}: {all:?}"));
            assert_eq!(source["state"], state, "{about}: {source}");
            let told = source["why"].as_str().unwrap_or_default();
            assert!(told.contains(why), "{about}: {source}");
            assert_eq!(source["kind"], flag.trim_start_matches("--"));
            let message = ran.json()["message"].as_str().unwrap().to_owned();
            assert!(
                message.contains(&name) && message.contains(why),
                "{message}"
            );
        })
    });
    let checks: Vec<_> = checks.collect();
    for check in checks {
        check.join().unwrap();
    }
}

#[test]
fn plain_lines_name_a_source_at_once_and_once() {
    let (room, addr) = (room(), closed());
    let mirror = format!("http://{addr}/");
    let ran = fails(&room, &["--mirror", &mirror, "--every", "1s"]).exits(3);
    let named = format!("mirror {mirror} is down: ");
    assert_eq!(ran.stderr.matches(&named).count(), 1, "{ran:#?}");
    ran.says("waiting for share or mirror to answer: mirror")
        .says("next try in ");
    assert!(!ran.stderr.contains("other machines"), "{ran:#?}");
}

#[test]
fn a_copy_is_told_of_as_often_as_every_says() {
    let (room, addr) = (room(), closed());
    let mirror = format!("http://{addr}/");
    let told = |every: &str| {
        let ran = fails(&room, &["--mirror", &mirror, "--json", "--every", every]).exits(3);
        ran.stdout.matches("\"event\":\"progress\"").count()
    };
    let (rare, often) = (told("1h"), told("200ms"));
    assert!(often > rare, "{often} times, and {rare} times");
}

#[test]
fn decisions_are_told_once_a_second_however_often_they_are_taken() {
    let (room, addr) = (room(), closed());
    let mirror = format!("http://{addr}/");
    let ran = fails(&room, &["--mirror", &mirror, "--explain", "--json"]).exits(3);
    let mut told: BTreeMap<(String, u64), u32> = BTreeMap::new();
    for line in ran.stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["event"] == "explain" {
            let about = format!("{} {}", event["reason"], event["source"]);
            let second = event["seconds"].as_f64().unwrap() as u64;
            *told.entry((about, second)).or_default() += 1;
        }
    }
    // a second of the copy may see the end of one telling's second and the next
    assert!(
        !told.is_empty() && told.values().all(|count| *count <= 2),
        "{told:?}"
    );
}

#[test]
fn a_folder_that_is_not_there_fails_at_once() {
    let room = room();
    for args in [
        "get tree.torrent --to to --share gone --no-lsd --json",
        "get tree.torrent --to to --share gone --mirror http://127.0.0.1:1/ --json",
        "seed tree.torrent --from gone --json",
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let event = room.run(&args).exits(2).json();
        let message = event["message"].as_str().unwrap();
        assert!(message.contains("gone is not there"), "{message}");
    }
    assert!(!room.path("to").exists(), "nothing may be written");
}

#[test]
fn a_copy_with_nobody_to_copy_from_fails_at_once() {
    let room = room();
    let cases = [
        "get tree.torrent --to to --no-lsd",
        "get tree.torrent --to to --no-lsd --origin never --mirror http://127.0.0.1:1/",
    ];
    for case in cases {
        let args: Vec<&str> = case.split(' ').collect();
        room.run(&args).exits(2).says("nothing to copy from");
        assert!(!room.path("to").exists(), "nothing may be written");
    }
    std::fs::create_dir(room.path("to")).unwrap();
    std::fs::rename(room.path("elsewhere/tree"), room.path("to/tree")).unwrap();
    let complete = ["get", "tree.torrent", "--to", "to", "--no-lsd"];
    room.run(&complete).exits(0);
}
