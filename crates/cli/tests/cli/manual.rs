//! What helps a user along: completions, the manual, facts of the build, the doctor.

use std::net::TcpListener;

use crate::support::{Room, Running};

#[test]
fn every_shell_gets_its_completions() {
    let room = Room::new();
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef swarmcopy"),
        ("fish", "complete -c swarmcopy"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let ran = room.run(&["completions", shell]).exits(0);
        assert!(ran.stdout.contains(word), "{shell}: {ran:#?}");
        assert!(ran.stdout.contains("origin-readers"), "{shell}");
        assert!(
            !ran.stdout.contains('\u{fffd}'),
            "{shell}: a script as it stands"
        );
    }
}

#[test]
fn each_command_has_a_page_in_the_manual() {
    let room = Room::new();
    room.run(&["man", "pages/man1"]).exits(0);
    for command in ["", "-get", "-seed", "-make", "-room", "-replay", "-doctor"] {
        let page = std::fs::read_to_string(room.path(&format!("pages/man1/swarmcopy{command}.1")))
            .unwrap();
        assert!(page.contains(".TH"), "swarmcopy{command}.1");
    }
    let get = std::fs::read_to_string(room.path("pages/man1/swarmcopy-get.1")).unwrap();
    assert!(
        get.contains("machine\\-name") || get.contains("machine-name"),
        "{get}"
    );
}

#[test]
fn the_version_tells_facts_of_the_build_where_they_are_asked_for() {
    let room = Room::new();
    let short = room.run(&["--version"]).exits(0);
    assert_eq!(short.stdout.lines().count(), 1);
    let long = room.run(&["--version", "--verbose"]).exits(0);
    for word in [
        short.stdout.trim(),
        "system: ",
        "build: ",
        "digests: ",
        "TLS: ",
    ] {
        assert!(long.stdout.contains(word), "{word}: {long:#?}");
    }
}

#[test]
fn the_doctor_names_who_has_the_port() {
    let room = Room::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let ran = room.run(&["doctor", "--listen", &addr, "--json"]).exits(1);
    let findings: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let port = findings.iter().find(|it| it["check"] == "port").unwrap();
    assert_eq!(port["verdict"], "ill");
    assert!(port["told"].as_str().unwrap().contains(&addr), "{port}");
    #[cfg(target_os = "linux")]
    assert!(
        port["told"]
            .as_str()
            .unwrap()
            .contains(&std::process::id().to_string()),
        "{port}"
    );
    assert!(port["todo"].is_string());
    assert_eq!(findings.last().unwrap()["event"], "doctor");
}

#[test]
fn the_doctor_ends_with_one_where_something_is_ill_and_only_there() {
    let room = Room::new();
    for addr in ["127.0.0.1:0", "192.0.2.1:1"] {
        let ran = room.run(&["doctor", "--listen", addr, "--json"]);
        let end = ran.json();
        let ill = end["ill"].as_u64().unwrap();
        assert_eq!(ran.code, Some(i32::from(ill > 0)), "{ran:#?}");
        let counted = ran.stdout.matches("\"verdict\":\"ill\"").count();
        assert_eq!(u64::try_from(counted).unwrap(), ill, "{ran:#?}");
        let port = ran.stdout.lines().find(|it| it.contains("\"port\""));
        let is_ill = port.unwrap().contains("\"ill\"");
        assert_eq!(is_ill, addr != "127.0.0.1:0", "{ran:#?}");
        for check in ["disk", "files", "processes", "multicast"] {
            assert!(ran.stdout.contains(&format!("\"{check}\"")), "{check}");
        }
    }
}

#[test]
fn the_doctor_asks_the_tracker_that_it_is_told_of() {
    let room = Room::made();
    let args = ["tracker", "--listen", "127.0.0.1:0", "--json"];
    let mut tracker = Running::start(&room, &args);
    let url = tracker.event("listening")["announce"].clone();
    let url = url.as_str().unwrap();
    let args = ["doctor", "tree.torrent", "--tracker", url, "--json"];
    let told = room.run(&args).stdout;
    let findings = told.lines().map(serde_json::from_str::<serde_json::Value>);
    let findings: Vec<_> = findings.map(Result::unwrap).collect();
    let of = |check: &str| findings.iter().find(|it| it["check"] == check);
    let clock = of("tracker-clock").unwrap_or_else(|| panic!("its clock is not told: {told}"));
    assert_eq!(clock["verdict"], "well", "{clock}");
    let found = of("tracker");
    let found = found.unwrap_or_else(|| panic!("it asked no tracker: {told}"));
    assert_eq!(found["verdict"], "well");
    assert!(found["told"].as_str().unwrap().contains(url), "{found}");
}

#[test]
fn the_doctor_looks_at_the_rest_where_the_content_can_not_be_read() {
    let room = Room::made();
    for (what, verdict) in [("tree.torrent", "well"), ("nowhere.torrent", "ill")] {
        let args = ["doctor", what, "--listen", "127.0.0.1:0", "--json"];
        let told = room.run(&args).stdout;
        let findings = told.lines().map(serde_json::from_str::<serde_json::Value>);
        let findings: Vec<_> = findings.map(Result::unwrap).collect();
        let of = |check: &str| findings.iter().find(|it| it["check"] == check);
        let found = of("what").unwrap_or_else(|| panic!("nothing of {what}: {told}"));
        assert_eq!(found["verdict"], verdict, "{told}");
        assert!(found["told"].as_str().unwrap().contains(what), "{told}");
        assert_eq!(found["todo"].is_string(), verdict == "ill", "{told}");
        assert!(of("disk").is_some() && of("multicast").is_some(), "{told}");
    }
    let ran = room.run(&["doctor", "nowhere.torrent", "--listen", "127.0.0.1:0"]);
    ran.exits(1);
}
