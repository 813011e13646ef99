//! `rehearse` and `tracker` as a user calls them.

#[cfg(unix)]
use std::io::{BufRead, BufReader};
#[cfg(unix)]
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Room;

#[test]
fn a_rehearsal_ends_with_identical_copies_and_one_line_about_them() {
    let room = Room::new();
    let tree = room.tree("tree");
    let args = [
        "rehearse",
        "tree",
        "--machines",
        "3",
        "--origin-rate",
        "max",
        "--link-rate",
        "max",
    ];
    let result = room
        .run(&[args.as_slice(), &["--json"]].concat())
        .exits(0)
        .json();
    assert_eq!(
        (&result["event"], &result["machines"]),
        (&"rehearsal".into(), &3.into())
    );
    assert_eq!(
        (&result["identical"], &result["seconds_bound"]),
        (&true.into(), &Value::Null)
    );
    assert_eq!(result["per_machine"].as_array().map(Vec::len), Some(3));
    let left: Vec<_> = std::fs::read_dir(room.path("")).unwrap().collect();
    assert_eq!(
        left.len(),
        1,
        "only {} may be there: {left:?}",
        tree.display()
    );
}

#[cfg(unix)]
#[test]
fn a_tracker_tells_its_address_and_ends_cleanly_with_its_state_on_disk() {
    let room = Room::new();
    let state = room.path("tracker.state");
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args(["tracker", "--listen", "127.0.0.1:0", "--json"])
        .args(["--interval", "45s"])
        .arg("--state")
        .arg(&state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let event: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(
        (&event["event"], &event["interval"]),
        (&"listening".into(), &45.into())
    );
    assert!(
        event["announce"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://127.0.0.1:"))
    );
    let asked = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(asked.success());
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(std::fs::read(&state).unwrap().starts_with(b"d4:date"));
    std::fs::write(&state, "something else").unwrap();
    let refused = room.run(&[
        "tracker",
        "--listen",
        "127.0.0.1:0",
        "--state",
        "tracker.state",
    ]);
    refused.exits(1).says("choose another file with --state");
}

#[test]
fn a_simulation_needs_no_path_and_tells_its_seed() {
    let room = Room::new();
    let args = [
        "rehearse",
        "--simulate",
        "--machines=5",
        "--bytes=64MiB",
        "--piece-length=1MiB",
        "--seed=9",
        "--json",
    ];
    let [one, other] = [(); 2].map(|()| room.run(&args).exits(0).json());
    assert_eq!(one, other, "the same seed, the same outcome");
    assert_eq!(
        (&one["event"], &one["machines"], &one["seed"]),
        (&"rehearsal".into(), &5.into(), &9.into())
    );
    assert_eq!(
        (&one["identical"], &one["bytes"]),
        (&true.into(), &(64 << 20).into())
    );
    for rate in ["--origin-rate=1M", "--link-rate=1M"] {
        let slow = room.run(&[&args[..], &[rate]].concat()).exits(0).json();
        assert!(slow["seconds_last"].as_f64() > Some(60.0), "{rate}: {slow}");
        assert!(
            slow["seconds_bound"].as_f64() > Some(60.0),
            "{rate}: {slow}"
        );
    }
    let coarse = args.map(|arg| arg.replace("=1MiB", "=4MiB"));
    let coarse = room.run(&coarse.each_ref().map(String::as_str)).exits(0);
    assert_ne!(coarse.json()["seconds_last"], one["seconds_last"]);
    let args = ["rehearse", "crates", "--simulate"];
    room.run(&args).exits(2).says("leave PATH away");
}

#[test]
fn a_report_of_a_rehearsal_shows_every_piece() {
    let room = Room::new();
    room.tree("tree");
    let args = [
        "rehearse",
        "tree",
        "--machines=2",
        "--origin-rate=max",
        "--link-rate=max",
        "--report=page.html",
    ];
    room.run(&args).exits(0);
    let page = std::fs::read_to_string(room.path("page.html")).unwrap();
    assert_eq!(page.matches("<div class=\"machine\">").count(), 2);
    let unknown = page.matches("<rect class=\"none\"").count();
    assert_eq!(unknown, 0, "each piece came from somewhere");
}
