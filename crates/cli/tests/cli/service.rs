//! Services: what systemd hears of a seed, and what `service` has it do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Room, write};

/// Waits for one word of the service; `None` where it says nothing for long.
fn hear(socket: &UnixDatagram) -> Option<String> {
    let mut buffer = [0; 256];
    let len = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..len]).into_owned())
}

#[test]
fn systemd_hears_that_a_seed_is_ready_goes_on_and_ends_in_order() {
    let room = Room::new();
    write(&room.path("CS5"), &[7; 100_000]);
    room.run(&["make", "CS5", "-o", "CS5.torrent"]).exits(0);
    let socket = UnixDatagram::bind(room.path("notify")).unwrap();
    let patience = Duration::from_secs(30);
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut seed = Command::new(env!("CARGO_BIN_EXE_swarmcopy"))
        .args(["seed", "CS5.torrent", "--from", ".", "--no-lsd"])
        .args(["--listen", "127.0.0.1:0"])
        .current_dir(room.path(""))
        .env("NOTIFY_SOCKET", room.path("notify"))
        .env("WATCHDOG_USEC", "40000")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let words = || std::iter::from_fn(|| hear(&socket));
    assert_eq!(words().next().as_deref(), Some("READY=1"));
    assert!(words().any(|word| word == "STATUS=copying CS5"));
    assert!(words().any(|word| word == "WATCHDOG=1"));
    let end = Command::new("kill").arg(seed.id().to_string()).status();
    assert!(end.unwrap().success());
    assert!(words().any(|word| word == "STOPPING=1"));
    assert_eq!(seed.wait().unwrap().code(), Some(0));
}

#[test]
fn a_service_is_installed_started_and_removed_by_systemctl() {
    let room = Room::new();
    let systemctl = room.path("bin/systemctl");
    let script = "#!/bin/sh\necho \"$*\" >>\"${0%/*}/called\"\n";
    write(&systemctl, script.as_bytes());
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(room.path("units")).unwrap();
    let path = format!("{}:/usr/bin:/bin", room.path("bin").display());
    let run = |args: &[&str]| room.run_with(&[("PATH", &path)], args);
    let install = [
        "service",
        "install",
        "--name",
        "lab",
        "--units",
        "units",
        "--account",
        "copy",
        "--",
        "seed",
        "a b.torrent",
        "--from",
        "x",
    ];
    run(&install).exits(0);
    let unit = fs::read_to_string(room.path("units/lab.service")).unwrap();
    assert!(unit.contains("\nUser=copy\n"), "{unit}");
    assert!(
        unit.contains(" \"seed\" \"a b.torrent\" \"--from\" \"x\"\n"),
        "{unit}"
    );
    run(&install).exits(1).says("is there already");
    run(&["service", "start", "--name", "lab"]).exits(0);
    run(&["service", "stop", "--name", "lab"]).exits(0);
    let gone = ["service", "uninstall", "--name", "lab", "--units", "units"];
    run(&gone).exits(0);
    assert!(!room.path("units/lab.service").exists());
    run(&gone).exits(1).says("lab.service");
    let called = fs::read_to_string(room.path("bin/called")).unwrap();
    let expected = "daemon-reload\nenable lab.service\nstart lab.service\nstop lab.service\n\
                    disable --now lab.service\ndaemon-reload\n";
    assert_eq!(called, expected);
}

#[test]
fn what_a_service_cannot_do_is_refused_before_anything_is_written() {
    let room = Room::new();
    fs::create_dir(room.path("units")).unwrap();
    let install = ["service", "install", "--units", "units", "--"];
    let run = |work: &[&str]| room.run(&[&install[..], work].concat());
    run(&["make", "x"]).exits(2).says("get or seed");
    run(&["get", "x.torrent"]).exits(2).says("--to");
    let password = ["--account", "copy", "--password-stdin", "--"];
    let install = [&["service", "install", "--units", "units"][..], &password].concat();
    let work = ["get", "x.torrent", "--to", "y"];
    let ran = room.run(&[&install[..], &work].concat());
    ran.exits(2).says("--password-stdin is for Windows");
    assert_eq!(fs::read_dir(room.path("units")).unwrap().count(), 0);
}
