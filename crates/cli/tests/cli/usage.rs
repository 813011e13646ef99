//! What is wrong with a command line is said, with exit code 2; nothing is ignored.

use std::process::{Command, Stdio};

use crate::support::Room;

#[test]
fn bad_usage_exits_with_2() {
    let room = Room::made();
    let cases = [
        "",
        "copy",
        "get",
        "get tree.torrent",
        "get tree.torrent --to x --limit-down 0",
        "get tree.torrent --to x --limit-down 10Mb",
        "get tree.torrent --to x --timeout soon",
        "get tree.torrent --to x --listen nowhere",
        "get tree.torrent --to x --peer lab-7",
        "get tree.torrent --to x --mirror server/x",
        "get tree.torrent --to x --origin-readers 0",
        "get tree.torrent --to x --hours 18-6",
        "get tree.torrent --to x --class modem",
        "get tree.torrent --to x --connections 0",
        "get tree.torrent --to x --encryption maybe",
        "get tree.torrent --to x --dht-node 127.0.0.1:1",
        "get tree.torrent --to x --group 0123456789012345678901234567890123456789012345678901234567890123456789",
        "get tree.torrent --to x --guard server",
        "get tree.torrent --to x --policy missing.toml",
        "get tree.torrent --to x --seed-for 5s --stay",
        "make tree --slots 65 --force",
        "make tree --tracker t:6969 --force",
        "make tree --piece-length 3MiB --force",
        "make tree --exclude [ --force",
        "get tree.torrent --to x --with-names",
        "get tree.torrent --to x --log-level debug",
        "get tree.torrent --to x --machine-name 0123456789012345678901234567890123456789012345678",
        "get tree.torrent --to x --status all",
        "room tree.torrent --json --csv",
        "room tree.torrent --expect missing",
        "replay tree.torrent",
        "completions tcl",
        "rehearse --simulate --watch",
        "rehearse --simulate --origin-kind all --bytes 1M",
        "rehearse",
        "rehearse tree --seed 7",
        "tracker --interval 0s",
    ];
    for case in cases {
        let ran = room
            .run(&case.split_whitespace().collect::<Vec<_>>())
            .exits(2);
        assert!(!ran.stderr.is_empty(), "{ran:#?}");
    }
}

#[test]
fn what_is_wrong_with_a_flag_is_said_without_logins_and_commands_no_terminal() {
    let room = Room::new();
    for (flag, value) in [
        ("--tracker", "htp://me:S3CR3T@h/a"),
        ("--mirror", " http://me:S3CR3T@h/"),
        ("--mirror", "ssh://h/S3CR3T0123456789abcdef/x?key=S3CR3T"),
        ("--tracker", "t:6969\u{1b}]0;S3CR3T\u{7}\u{202e}"),
    ] {
        for style in [&["--json"][..], &[]] {
            let told = [&["make", "tree", flag, value][..], style].concat();
            let ran = room.run(&told).exits(2);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(flag), "{said}");
            let raw = ['\u{1b}', '\u{7}', '\u{202e}'];
            assert!(!said.contains(raw), "{said:?}");
            let is_plain = value.starts_with("t:");
            assert!(is_plain || !said.contains("S3CR3T"), "{said}");
        }
    }
}

#[test]
fn what_is_not_built_yet_is_refused_with_a_sentence() {
    let room = Room::made();
    let cases = [
        "get tree.torrent --to x --share smb://server/share",
        "make tree --force --share smb://server/share",
    ];
    for case in cases {
        let ran = room
            .run(&case.split_whitespace().collect::<Vec<_>>())
            .exits(2);
        ran.says("not built yet");
    }
    assert!(!room.path("x").exists(), "nothing may be written");
}

#[test]
fn with_json_a_usage_error_is_a_line_too() {
    let room = Room::new();
    for case in [
        "get x.torrent --json",
        "get x.torrent --to y --limit-up fast --json",
    ] {
        let event = room
            .run(&case.split_whitespace().collect::<Vec<_>>())
            .exits(2)
            .json();
        assert_eq!(
            (&event["event"], &event["code"]),
            (&"error".into(), &2.into())
        );
        assert!(
            event["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty())
        );
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    let room = Room::new();
    room.run(&["--version"]).exits(0);
    for command in [
        "make", "get", "seed", "verify", "show", "tracker", "rehearse",
    ] {
        let help = room.run(&[command, "--help"]).exits(0).stdout;
        assert!(
            help.contains("EXAMPLE") && help.contains(&format!("swarmcopy {command}")),
            "{help}"
        );
    }
}

#[test]
fn a_reader_that_closes_stdout_ends_the_program_quietly() {
    let room = Room::made();
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .arg("show")
        .arg(room.path("tree.torrent"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
