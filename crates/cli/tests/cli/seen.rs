//! What is seen of copies: a room, measurements, recordings, a log, a command at the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ports;
use crate::support::{Room, Running};

fn seed(room: &Room, more: &[&str]) -> (Running, String) {
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
    let mut seed = Running::start(room, &[&args, more].concat());
    let addr = seed.event("started")["listen"].as_str().unwrap().to_owned();
    (seed, addr)
}

/// What a server answers to `GET path`, with this word for its host.
fn get(url: &str, host: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (addr, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_room_is_told_once_as_json_table_and_text() {
    let room = Room::made();
    let (_seed, addr) = seed(&room, &["--machine-name", "source"]);
    std::fs::write(room.path("expected"), "source\nlab-99\n").unwrap();
    let args = [
        "room",
        "tree.torrent",
        "--peer",
        &addr,
        "--no-lsd",
        "--expect",
        "expected",
        "--once",
    ];
    let told = room.run(&[&args[..], &["--json"]].concat()).exits(0).json();
    let states: Vec<_> = told["machines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["name"], &it["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (&"lab-99".into(), &"expected".into()),
            (&"source".into(), &"done".into())
        ]
    );
    assert_eq!(told["totals"]["states"]["done"], 1);
    let table = room.run(&[&args[..], &["--csv"]].concat()).exits(0).stdout;
    assert!(
        table.lines().any(|line| line.starts_with("source,done,")),
        "{table}"
    );
    let text = room.run(&args).exits(0).stdout;
    assert!(text.contains("1 done") && text.contains("lab-99"), "{text}");
}

#[test]
fn a_page_opens_by_names_of_this_machine_alone() {
    let room = Room::made();
    let mut page = Running::start(
        &room,
        &[
            "room",
            "tree.torrent",
            "--no-lsd",
            "--listen",
            "127.0.0.1:0",
            "--json",
        ],
    );
    let url = page.event("page")["page"].as_str().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost:80"] {
        let answer = get(&url, host);
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("/room.js"),
            "{answer}"
        );
        assert!(
            answer
                .to_lowercase()
                .contains("content-security-policy: default-src 'none'")
        );
    }
    for host in ["evil.example", ""] {
        assert!(get(&url, host).starts_with("HTTP/1.1 4"), "{host}");
    }
    assert!(get(&format!("{url}room.json"), "localhost").contains("\"machines\":[]"));
    assert!(get(&format!("{url}metrics"), "localhost").contains("swarmcopy_room_wanted_bytes 0"));
    assert!(get(&format!("{url}machine/7/json"), "localhost").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_seed_and_a_tracker_are_measured() {
    let room = Room::made();
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
    let mut seed = Running::start(&room, &[&args[..], &["--metrics", "127.0.0.1:0"]].concat());
    let url = seed.event("metrics")["url"].as_str().unwrap().to_owned();
    seed.event("progress");
    // who measures looks at the copy by itself, a moment before or after who tells
    let mut tries = (0..1000).map(|_| get(&url, "127.0.0.1"));
    let text = tries
        .find(|text| text.contains("phase=\"serving\"} 1"))
        .unwrap();
    for line in [
        "# TYPE swarmcopy_verified_bytes counter",
        "swarmcopy_verified_bytes_total{source=\"peer\"} 0",
        "swarmcopy_phase{phase=\"serving\"} 1",
        "swarmcopy_slots_held 0",
        "swarmcopy_build_info{version=",
        "# EOF",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
    let mut tracker = Running::start(
        &room,
        &[
            "tracker",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--metrics",
            "127.0.0.1:0",
        ],
    );
    let url = tracker.event("metrics")["url"].as_str().unwrap().to_owned();
    assert!(get(&url, "127.0.0.1").contains("swarmcopy_tracker_peers 0"));
}

#[test]
fn a_recording_is_played_again_and_tells_no_names() {
    let room = Room::made();
    let more = ["--share", ".", "--record", "rec", "--group", "secret-group"];
    room.get_with(&[], "tree.torrent", &more).exits(0);
    let bytes = std::fs::read(room.path("rec")).unwrap();
    let holds = |word: &str| bytes.windows(word.len()).any(|it| it == word.as_bytes());
    assert!(!holds("secret-group") && !holds(room.path("").to_str().unwrap()));
    let named = ["--share", ".", "--record", "named", "--with-names"];
    room.get_with(
        &[],
        "tree.torrent",
        &[&named[..], &["--group", "secret-group"]].concat(),
    )
    .exits(0);
    let bytes = std::fs::read(room.path("named")).unwrap();
    assert!(bytes.windows(12).any(|it| it == b"secret-group"));
    let ran = room
        .run(&["replay", "rec", "--json", "--report", "rec.html"])
        .exits(0);
    let told = ran.json();
    assert_eq!(
        (&told["differ"], &told["gap"]),
        (&0.into(), &Value::Null),
        "{ran:#?}"
    );
    assert!(told["events"].as_u64() > Some(10) && told["complete"].is_number());
    let page = std::fs::read_to_string(room.path("rec.html")).unwrap();
    assert!(page.contains("all of them the same again") && page.ends_with("</html>\n"));
    let text = room.run(&["replay", "rec"]).exits(0).stdout;
    assert!(text.contains("all the same again"), "{text}");
}

#[test]
fn a_log_goes_to_its_file_alone() {
    let room = Room::made();
    let more = ["--share", ".", "--log", "copy.log", "--log-level", "debug"];
    let ran = room.get_with(&[], "tree.torrent", &more).exits(0);
    let log = std::fs::read_to_string(room.path("copy.log")).unwrap();
    assert!(
        log.contains("INFO") && log.contains("swarmcopy begins"),
        "{log}"
    );
    assert!(log.contains("DEBUG") && !log.contains('\u{1b}'), "{log}");
    assert!(!ran.stderr.contains("DEBUG"), "{ran:#?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_seed_keeps_a_log_and_a_recording_and_a_command_hears_of_its_end() {
    let room = Room::made();
    let command = "echo $SWARMCOPY_EVENT $SWARMCOPY_NAME >> told";
    let keeps = [
        "--log",
        "seed.log",
        "--log-level",
        "debug",
        "--record",
        "rec",
    ];
    let more = [
        "--with-names",
        "--machine-name",
        "secret-name",
        "--notify-command",
        command,
    ];
    let (mut seed, _) = seed(&room, &[&keeps[..], &more].concat());
    seed.event("complete");
    seed.interrupt();
    let log = std::fs::read_to_string(room.path("seed.log")).unwrap();
    assert!(
        log.contains("swarmcopy begins") && log.contains("DEBUG"),
        "{log}"
    );
    let told = room.run(&["replay", "rec", "--json"]).exits(0).json();
    assert_eq!(told["differ"], 0, "{told}");
    let told = std::fs::read_to_string(room.path("told")).unwrap();
    assert_eq!(told, "complete tree\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_tracker_and_a_look_at_a_room_have_a_log() {
    let room = Room::made();
    let log = |name: &str| std::fs::read_to_string(room.path(name)).unwrap();
    for (level, told) in [("info", true), ("warn", false)] {
        let args = ["tracker", "--listen", "127.0.0.1:0", "--json"];
        let more = ["--log", "tracker.log", "--log-level", level];
        let mut tracker = Running::start(&room, &[args, more].concat());
        tracker.event("listening");
        assert_eq!(tracker.interrupt(), Some(0));
        assert_eq!(log("tracker.log").contains("swarmcopy begins"), told);
        let args = ["room", "tree.torrent", "--no-lsd", "--once"];
        let more = [
            "--within",
            "300ms",
            "--log",
            "room.log",
            "--log-level",
            level,
        ];
        room.run(&[&args[..], &more].concat()).exits(0);
        assert_eq!(log("room.log").contains("swarmcopy begins"), told);
        for name in ["tracker.log", "room.log"] {
            std::fs::remove_file(room.path(name)).unwrap();
        }
    }
}

#[test]
fn a_log_tells_how_the_command_ended() {
    let room = Room::made();
    let log = |more: &[&str], code| {
        let more = [more, &["--log", "copy.log"]].concat();
        room.get_with(&[], "tree.torrent", &more).exits(code);
        let log = std::fs::read_to_string(room.path("copy.log")).unwrap();
        log.lines().last().unwrap().to_owned()
    };
    let badly = log(&["--share", "nowhere"], 2);
    assert!(
        badly.contains("ERROR") && badly.contains("nowhere") && badly.contains("code=2"),
        "{badly}"
    );
    let well = log(&["--share", "."], 0);
    assert!(
        well.contains("INFO") && well.ends_with("swarmcopy ends code=0"),
        "{well}"
    );
}

#[cfg(windows)]
#[test]
fn a_copy_that_tells_the_event_log_ends_well() {
    let room = Room::made();
    let more = ["--share", ".", "--log", "eventlog"];
    room.get_with(&[], "tree.torrent", &more).exits(0);
}

#[cfg(unix)]
#[test]
fn a_command_hears_how_the_copy_ended() {
    let room = Room::made();
    let command = "echo $SWARMCOPY_EVENT $SWARMCOPY_NAME $SWARMCOPY_CODE >> told";
    let notify = ["--notify-command", command];
    let share = [&["--share", "."][..], &notify].concat();
    room.get_with(&[], "tree.torrent", &share).exits(0);
    std::fs::remove_dir_all(room.path("to")).unwrap();
    let nobody = [
        &[
            "--peer",
            "127.0.0.1:1",
            "--timeout",
            "1s",
            "--origin",
            "never",
        ][..],
        &notify,
    ]
    .concat();
    room.get_with(&[], "tree.torrent", &nobody).exits(3);
    let told = std::fs::read_to_string(room.path("told")).unwrap();
    assert_eq!(told, "complete tree\nfailed tree 3\n");
}

#[test]
fn a_room_is_looked_at_as_often_and_as_long_as_told() {
    let room = Room::made();
    let start = Instant::now();
    let args = ["room", "tree.torrent", "--no-lsd"];
    let once = ["--once", "--within", "300ms"];
    room.run(&[&args[..], &once].concat()).exits(0);
    assert!(start.elapsed() < Duration::from_secs(12), "15 s by default");
    let start = Instant::now();
    let often = ["--json", "--listen", "127.0.0.1:0", "--every", "300ms"];
    let mut looks = Running::start(&room, &[&args[..], &often].concat());
    for _ in 0..4 {
        looks.event("room");
    }
    assert!(start.elapsed() < Duration::from_secs(14), "5 s by default");
}

#[test]
fn machines_reach_the_page_where_they_are_told_to_meet_it() {
    let room = Room::made();
    let addr = ports::free().to_string();
    let args = [
        "room",
        "tree.torrent",
        "--no-lsd",
        "--json",
        "--meet",
        &addr,
    ];
    let more = ["--listen", "127.0.0.1:0", "--every", "300ms"];
    let mut page = Running::start(&room, &[&args[..], &more].concat());
    page.event("page");
    // nobody tells the page of this machine
    let _seed = seed(&room, &["--machine-name", "source", "--peer", &addr]);
    let start = Instant::now();
    while page.event("room")["machines"][0]["name"] != "source" {
        assert!(start.elapsed() < Duration::from_secs(60), "it never came");
    }
}

#[test]
fn a_rehearsed_room_is_shown_on_the_page_that_is_asked_for() {
    let room = Room::made();
    let args = ["rehearse", "tree", "--machines=2", "--origin-rate=150K"];
    let page = ["--watch", "--listen", "127.0.0.2:0", "--json"];
    let mut rehearsal = Running::start(&room, &[&args[..], &page].concat());
    let url = rehearsal.event("page")["page"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://127.0.0.2:"), "{url}");
    // looked at with each step of the machines, until the rehearsal is over
    loop {
        let step = rehearsal.event("progress");
        // by the tracker alone it would take five seconds at least
        assert!(step["seconds"].as_f64() < Some(4.5), "not yet: {step}");
        let told = get(&format!("{url}room.json"), "localhost");
        if told.contains("machine 1") && told.contains("machine 2") {
            break;
        }
    }
}

/// What Linux calls the policy of processes that take what others leave.
#[cfg(target_os = "linux")]
const SCHED_BATCH: &str = "3";

#[cfg(target_os = "linux")]
#[test]
fn who_is_sent_to_the_background_takes_what_others_leave() {
    let room = Room::made();
    // what a copy starts inherits it: field 41 of 52 (proc(5))
    let get = |name: &str, more: &[&str]| {
        let command = format!("cut -d' ' -f41 /proc/self/stat > {name}");
        let args = ["--share", ".", "--notify-command", &command];
        let args = [&args[..], more].concat();
        room.get_with(&[], "tree.torrent", &args).exits(0);
        std::fs::read_to_string(room.path(name)).unwrap()
    };
    assert_ne!(get("before", &[]).trim(), SCHED_BATCH);
    let background = get("background", &["--background"]);
    assert_eq!(background.trim(), SCHED_BATCH);
    let (running, _) = seed(&room, &["--background"]);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.id())).unwrap();
    // counted from behind the name, which is the second field
    let fields = stat.rsplit_once(") ").unwrap().1;
    assert_eq!(fields.split(' ').nth(38), Some(SCHED_BATCH), "{stat}");
}

/// Bytes a second that a page says of each machine: `at most 19.9 MB/s`.
fn peaks(page: &str) -> Vec<f64> {
    let told = page.split("at most ").skip(1).map(|rest| {
        let mut words = rest.split(['<', ' ']);
        let number: f64 = words.next().unwrap().parse().unwrap();
        let unit = match words.next().unwrap() {
            "GB/s" => 1e9,
            "MB/s" => 1e6,
            "kB/s" => 1e3,
            unit => panic!("{unit}"),
        };
        number * unit
    });
    told.collect()
}

#[test]
fn a_report_shows_no_machine_faster_than_its_link_and_no_room_faster_than_its_bound() {
    let room = Room::new();
    for (kind, more) in [
        ("share", ["--stagger", "1s", "--origin-rate", "60M"]),
        ("mirror", ["--stagger", "0s", "--origin-rate", "10M"]),
        ("both", ["--stagger", "3s", "--origin-rate", "20M"]),
    ] {
        let args = [
            "rehearse",
            "--simulate",
            "--machines",
            "6",
            "--bytes",
            "96MiB",
            "--piece-length",
            "4MiB",
            "--link-rate",
            "20M",
            "--origin-kind",
            kind,
            "--report",
            "page.html",
            "--json",
        ];
        let told = room.run(&[&args[..], &more].concat()).exits(0).json();
        let page = std::fs::read_to_string(room.path("page.html")).unwrap();
        let peaks = peaks(&page);
        assert_eq!(peaks.len(), 6);
        for peak in peaks {
            assert!(
                (5e6..=20.2e6).contains(&peak),
                "{kind}: {peak} on a link of 20 MB/s"
            );
        }
        let seconds = |key: &str| told[key].as_f64().unwrap();
        let (last, bound) = (seconds("seconds_last"), seconds("seconds_bound"));
        assert!(last >= bound * 0.999, "{kind}: {last} s, bound {bound} s");
        assert!(last <= bound * 1.6, "{kind}: {last} s, bound {bound} s");
        let sum = |key: &str| -> u64 {
            let machines = told["per_machine"].as_array().unwrap();
            machines.iter().map(|it| it[key].as_u64().unwrap()).sum()
        };
        let from = (sum("from_share") > 0, sum("from_mirror") > 0);
        assert_eq!(from, (kind != "mirror", kind != "share"), "{kind}");
    }
}
