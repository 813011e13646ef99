//! Whatever is given where an address may stand, and however it is written: no login in it is shown.

use crate::support::{Ran, Room, bytes, write};

/// Addresses as people write them wrongly.
const ADDRESSES: [&str; 11] = [
    "http:/S3CR3T:S3CR3T@h/x",
    "http:S3CR3T:S3CR3T@h",
    "HTTP:\\\\S3CR3T:S3CR3T@h",
    "ftp:/S3CR3T:S3CR3T@h/x",
    "http:///S3CR3T:S3CR3T@h/x",
    "htp://S3CR3T:S3CR3T@h/x",
    "http:/h/announce?passkey=S3CR3T",
    "foo:/S3CR3T:S3CR3T@h/x",
    "http://S3CR3T:S3CR3T it's \"S3CR3T@h:y",
    "S3CR3T:S3CR3T@h:1",
    "foo:S3CR3T:S3CR3T@h",
];

/// Commands that say what is wrong and end, with what they need for that.
const COMMANDS: [(&str, &[&str]); 11] = [
    ("make", &["missing"]),
    (
        "get",
        &[
            "f.torrent",
            "--to=to",
            "--seed-for=0",
            "--no-lsd",
            "--deadline=200ms",
        ],
    ),
    ("seed", &["missing", "--from=."]),
    ("verify", &["f.torrent", "--at=."]),
    ("show", &["f.torrent"]),
    ("tracker", &["--listen=192.0.2.1:9"]),
    ("room", &["missing", "--once"]),
    ("doctor", &["missing"]),
    ("rehearse", &["missing"]),
    ("replay", &["missing"]),
    ("man", &["f/x"]),
];

fn room() -> Room {
    let room = Room::new();
    write(&room.path("f"), &bytes(1000, 1));
    room.run(&["make", "f"]).exits(0);
    room
}

#[track_caller]
fn shows_no_login(ran: &Ran) {
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!told.contains("S3CR3T"), "{ran:#?}");
}

/// The flags of a command that take a value, as its help lists them.
fn flags(room: &Room, command: &str) -> Vec<String> {
    let help = room.run(&[command, "--help"]).exits(0).stdout;
    let words = help.lines().filter_map(|line| {
        let (flag, value) = line.trim().split_once(' ')?;
        let flag = flag
            .strip_suffix(',')
            .map_or(flag, |_| value.split(' ').next().unwrap_or(flag));
        (flag.starts_with("--") && value.contains('<')).then(|| flag.to_owned())
    });
    words.collect()
}

#[test]
fn no_flag_shows_the_login_of_what_it_was_given() {
    let room = room();
    for (command, needs) in COMMANDS {
        // a command of the user's is told of by the shell that runs it
        let flags = flags(&room, command);
        let flags = flags.iter().filter(|flag| *flag != "--notify-command");
        for (at, flag) in flags.enumerate() {
            for address in ADDRESSES.iter().cycle().skip(at).step_by(3).take(4) {
                let given = format!("{flag}={address}");
                // one that is given twice would be told for that alone
                let name = format!("{flag}=");
                let needs = needs.iter().filter(|needed| !needed.starts_with(&name));
                let args: Vec<_> = [&command].into_iter().chain(needs).copied().collect();
                shows_no_login(&room.run(&[&args[..], &[&given]].concat()));
            }
        }
    }
}

#[test]
fn no_command_shows_the_login_of_what_it_was_to_read() {
    let room = room();
    for (command, needs) in COMMANDS {
        for address in ADDRESSES {
            let [_, needs @ ..] = needs else { continue };
            let args = [&[command][..], needs].concat();
            for style in [&["--json"][..], &[]] {
                shows_no_login(&room.run(&[&args[..], style, &[address]].concat()));
            }
            // where nothing of the kind is wanted at all
            shows_no_login(&room.run(&[address, command]));
            shows_no_login(&room.run(&[command, "f.torrent", "f.torrent", address, "--json"]));
            shows_no_login(&room.run(&[command, &format!("--mirrors={address}")]));
        }
    }
}

#[test]
fn what_is_made_shows_no_login_of_its_addresses() {
    let room = room();
    for (at, address) in ADDRESSES.into_iter().enumerate() {
        let file = format!("f{at}.torrent");
        let comment = format!("--comment={address}");
        room.run(&["make", "f", "-o", &file, &comment]).exits(0);
        for style in [&["--json"][..], &[]] {
            let ran = room.run(&[&["show", &file][..], style].concat()).exits(0);
            // a comment is a text: what has no scheme is no address there
            let is_address = !address.starts_with("S3CR3T") && !address.starts_with("foo:S");
            assert!(!is_address || !ran.stdout.contains("S3CR3T"), "{ran:#?}");
        }
    }
}
