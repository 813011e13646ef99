//! When and how often something is told: of a large description at once, of a seed as often as wanted.

use serde_json::Value;

use crate::support::Room;

/// A room with a .torrent of more than a megabyte.
fn described_at_length() -> Room {
    let room = Room::made();
    let mut torrent = std::fs::read(room.path("tree.torrent")).unwrap();
    // what nobody knows comes last and is left alone
    assert_eq!(torrent.pop(), Some(b'e'));
    let padding = "x".repeat(1_100_000);
    torrent.extend(format!("2:zz{}:{padding}e", padding.len()).bytes());
    std::fs::write(room.path("tree.torrent"), torrent).unwrap();
    room
}

#[test]
fn a_large_description_is_told_of_before_it_is_read() {
    let room = described_at_length();
    let once = ["--no-lsd", "--once", "--within", "300ms"];
    let get = ["--to", "to", "--no-lsd", "--seed-for", "0"];
    for (command, more, tells_json) in [
        ("show", &[][..], false),
        ("verify", &["--at", "."], true),
        ("room", &once, true),
        ("get", &get, true),
    ] {
        let args = [&[command, "tree.torrent"][..], more].concat();
        let ran = room.run(&args).exits(0);
        assert!(
            ran.stderr.starts_with("reading tree.torrent (1.10 MB)"),
            "{ran:#?}"
        );
        let ran = room.run(&[&args[..], &["--json"]].concat()).exits(0);
        assert!(!ran.stderr.contains("reading"), "{ran:#?}");
        let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
        // what is shown is one object
        assert_eq!(first["event"] == "reading", tells_json, "{first}");
    }
}

#[cfg(target_os = "linux")]
mod seeds {
    use super::*;
    use crate::support::Running;

    /// Events of a seed that served one copy, with more flags.
    fn served(room: &Room, more: &[&str]) -> Vec<Value> {
        let args = [
            "seed",
            "tree.torrent",
            "--from",
            ".",
            "--listen",
            "127.0.0.1:0",
            "--no-lsd",
            "--json",
        ];
        let mut seed = Running::start(room, &[&args[..], more].concat());
        let addr = seed.event("started")["listen"].as_str().unwrap().to_owned();
        room.get_with(&[], "tree.torrent", &["--peer", &addr])
            .exits(0);
        std::fs::remove_dir_all(room.path("to")).unwrap();
        seed.interrupted()
    }

    #[test]
    fn a_seed_tells_as_often_as_every_says() {
        let room = Room::made();
        let told = |every: &str| {
            // a copy takes some seconds
            let events = served(&room, &["--every", every, "--limit-up", "300K"]);
            let looks = events.iter().filter(|it| it["event"] == "progress");
            looks.count()
        };
        let (rare, often) = (told("1h"), told("200ms"));
        assert!(rare <= 2, "{rare} times in an hour");
        assert!(often > rare, "{often} times, and {rare} times");
    }

    #[test]
    fn a_recording_of_a_seed_names_who_came_only_if_told_to() {
        let room = Room::made();
        let names = |more: &[&str]| {
            let record = ["--record", "rec"];
            served(&room, &[&record[..], more].concat());
            let bytes = std::fs::read(room.path("rec")).unwrap();
            let played = room.run(&["replay", "rec", "--report", "page"]).exits(0);
            assert!(played.stdout.contains("all the same again"), "{played:#?}");
            let page = std::fs::read_to_string(room.path("page")).unwrap();
            let holds = |bytes: &[u8]| bytes.windows(10).any(|it| it == b"127.0.0.1:");
            (holds(&bytes), holds(page.as_bytes()))
        };
        assert_eq!(names(&[]), (false, false));
        assert_eq!(names(&["--with-names"]), (true, true));
    }
}
