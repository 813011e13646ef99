//! Flags whose effect no other test shows.

use std::fs;
use std::process::{Command, Stdio};

#[cfg(unix)]
use serde_json::Value;
use serde_json::json;

use crate::copy::{Seed, first_event};
use crate::support::{Room, bytes, write};

fn small(room: &Room) {
    for (at, name) in ["a", "b", "sub/c"].into_iter().enumerate() {
        write(&room.path("CS5").join(name), &bytes(40_000, at));
    }
}

#[cfg(unix)]
fn paths(shown: &Value) -> Vec<&str> {
    let files = shown["files"].as_array().unwrap();
    files
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect()
}

#[test]
fn a_dry_run_tells_what_delete_extra_would_do_and_does_nothing() {
    let room = Room::new();
    small(&room);
    room.run(&["make", "CS5"]).exits(0);
    let get = |more: &[&str]| room.get_with(&[], "CS5.torrent", more).exits(0).json();
    get(&[]);
    fs::remove_file(room.path("to/CS5/a")).unwrap();
    write(&room.path("to/CS5/extra"), b"x");
    let told = get(&["--delete-extra", "--dry-run"]);
    assert_eq!(told["event"], "preview");
    assert_eq!(
        (&told["fetched"], &told["removed"]),
        (&json!(["a"]), &json!(["extra"]))
    );
    assert!(!room.path("to/CS5/a").exists() && room.path("to/CS5/extra").exists());
    get(&[]);
    assert!(room.path("to/CS5/a").exists() && room.path("to/CS5/extra").exists());
    let report = get(&["--delete-extra"]);
    assert_eq!(report["removed"], 1);
    assert!(!room.path("to/CS5/extra").exists());
}

#[test]
fn make_after_reads_only_what_changed_and_all_with_check() {
    let room = Room::new();
    small(&room);
    room.run(&["make", "CS5", "--piece-length=16KiB", "-o", "old.torrent"])
        .exits(0);
    // a change that size and time do not tell of
    let path = room.path("CS5/a");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    write(&path, &bytes(40_000, 77));
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    let make = |out: &str, more: &[&str]| {
        let args = ["make", "CS5", "--after=old.torrent", "--json", "-o", out];
        room.run(&[&args[..], more].concat()).exits(0).json()["info_hash"].clone()
    };
    let old = room.run(&["show", "old.torrent", "--json"]).json()["info_hash"].clone();
    assert_eq!(make("same.torrent", &[]), old, "nothing was read");
    assert_ne!(make("new.torrent", &["--check"]), old, "all was read");
}

#[cfg(unix)]
#[test]
fn links_are_kept_followed_or_skipped() {
    let room = Room::new();
    small(&room);
    std::os::unix::fs::symlink("a", room.path("CS5/link")).unwrap();
    for (how, files) in [
        ("keep", vec!["a", "b", "sub/c"]),
        ("follow", vec!["a", "b", "link", "sub/c"]),
        ("skip", vec!["a", "b", "sub/c"]),
    ] {
        let torrent = format!("{how}.torrent");
        let args = ["make", "CS5", "-o", &torrent, "--links", how];
        let ran = room.run(&args).exits(0);
        assert_eq!(ran.stderr.contains("left out link"), how == "skip");
        let shown = room.run(&["show", &torrent, "--json"]).exits(0).json();
        assert_eq!(paths(&shown), files, "{how}");
        fs::create_dir(room.path(how)).unwrap();
        let args = ["get", &torrent, "--to", how, "--share", "CS5", "--no-lsd"];
        room.run(&[&args[..], &["--seed-for=0"]].concat()).exits(0);
        let found = fs::symlink_metadata(room.path(how).join("CS5/link"));
        let kind = found.ok().map(|found| found.is_symlink());
        let expected = match how {
            "keep" => Some(true),
            "follow" => Some(false),
            _ => None,
        };
        assert_eq!(kind, expected, "{how}");
    }
}

#[test]
fn a_seed_connects_to_the_machines_that_it_is_told_of() {
    let room = Room::new();
    small(&room);
    room.run(&["make", "CS5", "-o", "x.torrent"]).exits(0);
    fs::create_dir(room.path("empty")).unwrap();
    // a machine that knows nobody, and is found by the seed alone
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args(["get", "x.torrent", "--to", "empty", "--no-lsd", "--json"])
        .args([
            "--listen=127.0.0.1:0",
            "--peer=127.0.0.1:1",
            "--origin=never",
        ])
        .args(["--deadline=60s", "--seed-for=0"])
        .current_dir(room.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let started = first_event(&mut child, |event| event["event"] == "started");
    let addr = started["listen"].as_str().unwrap().to_owned();
    let seed = Seed::start_with(&room, "x.torrent", ".", &["--peer", &addr]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(seed);
    assert_eq!(
        fs::read(room.path("empty/CS5/a")).unwrap(),
        fs::read(room.path("CS5/a")).unwrap()
    );
}

#[test]
fn machines_of_a_rehearsal_start_one_after_another_from_the_origin_that_is_chosen() {
    let room = Room::new();
    small(&room);
    let args = ["rehearse", "CS5", "--machines=2", "--origin-rate=max"];
    let more = [
        "--link-rate=max",
        "--origin-kind=mirror",
        "--stagger=700ms",
        "--json",
    ];
    let ran = room.run(&[&args[..], &more].concat()).exits(0).json();
    let machines = ran["per_machine"].as_array().unwrap();
    let sum = |key: &str| -> u64 {
        let each = machines
            .iter()
            .map(|machine| machine[key].as_u64().unwrap());
        each.sum()
    };
    assert_eq!(sum("from_share"), 0, "{ran}");
    assert!(sum("from_mirror") >= 120_000, "{ran}");
    assert!(ran["seconds_last"].as_f64().unwrap() >= 0.7, "{ran}");
}

#[test]
fn the_recipe_of_the_readme_for_a_new_version_works_as_written() {
    let readme = include_str!("../../../../README.md");
    let recipe = readme.split("**A new version**").nth(1).unwrap();
    let recipe = recipe.split("What is unchanged").next().unwrap();
    let commands = recipe
        .lines()
        .filter_map(|line| line.trim().strip_prefix("swarmcopy "));
    let commands: Vec<String> = commands
        .map(|line| {
            line.replace("//server/apps", "apps")
                .replace("C:\\cache", "cache")
        })
        .map(|line| line.replace("--stay", "--seed-for=0 --no-lsd"))
        .collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    let room = Room::new();
    small(&room);
    fs::create_dir(room.path("apps")).unwrap();
    fs::rename(room.path("CS5"), room.path("apps/CS5")).unwrap();
    room.run(&["make", "apps/CS5", "-o", "apps/CS5-may.torrent"])
        .exits(0);
    let args = [
        "get",
        "apps/CS5-may.torrent",
        "--to",
        "cache",
        "--seed-for=0",
        "--no-lsd",
    ];
    room.run(&args).exits(0);
    fs::rename(room.path("apps/CS5/a"), room.path("apps/CS5/renamed")).unwrap();
    write(&room.path("apps/CS5/new"), &bytes(50_000, 5));
    for command in commands {
        let args: Vec<&str> = command.split_whitespace().collect();
        room.run(&args).exits(0);
    }
    assert!(!room.path("cache/CS5/a").exists());
    let same = |name: &str| fs::read(room.path("cache/CS5").join(name)).unwrap();
    assert_eq!(same("renamed"), bytes(40_000, 0));
    assert_eq!(same("new"), bytes(50_000, 5));
}

#[cfg(unix)]
#[test]
fn an_interrupted_rehearsal_leaves_no_folder() {
    let room = Room::new();
    write(&room.path("CS5/large"), &bytes(3_000_000, 3));
    fs::create_dir(room.path("tmp")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args([
            "rehearse",
            "CS5",
            "--machines=3",
            "--origin-rate=300K",
            "--json",
        ])
        .current_dir(room.path(""))
        .env("TMPDIR", room.path("tmp"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    first_event(&mut child, |event| {
        event["verified"].as_u64().is_some_and(|bytes| bytes > 0)
    });
    let asked = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(room.path("tmp")).unwrap().count(), 0);
}
