//! `show` as a user calls it, also on files that nobody should trust.

use std::fs;
use std::path::Path;

use crate::support::Room;

#[test]
fn a_magnet_link_is_shown() {
    let room = Room::new();
    let link =
        "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a&dn=CS5&tr=http%3A%2F%2Ft%2Fa";
    let shown = room.run(&["show", link, "--json"]).exits(0).json();
    assert_eq!(
        shown["info_hash"],
        "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
    );
    assert_eq!(shown["name"], "CS5");
    assert_eq!(shown["trackers"], serde_json::json!([["http://t/a"]]));
    assert_eq!(shown["files"], serde_json::json!([]));
    assert_eq!(shown["notes"], serde_json::json!([]));
    let odd = format!("{link}&tr=ws://me:secret@t/&x.pe=nowhere&as=file:///etc");
    let shown = room.run(&["show", &odd, "--json"]).exits(0).json();
    let notes = shown["notes"].to_string();
    for unusable in ["tr=ws://", "x.pe=nowhere", "as=file:///etc"] {
        assert!(notes.contains(unusable), "{notes}");
    }
    assert!(!notes.contains("secret"), "{notes}");
    room.run(&["show", "magnet:?dn=none"])
        .exits(1)
        .says("no usable info-hash");
}

#[test]
fn a_refused_torrent_names_the_field_in_one_line() {
    let room = Room::new();
    let cases: [(&str, &[u8]); 4] = [
        ("info", b"d3:foo3:bare"),
        (
            "info.piece length",
            b"d4:infod6:lengthi1e4:name1:a6:pieces20:aaaaaaaaaaaaaaaaaaaaee",
        ),
        (
            "info.name",
            b"d4:infod6:lengthi1e12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee",
        ),
        ("torrent", b"not bencode at all"),
    ];
    for (field, bytes) in cases {
        fs::write(room.path("x.torrent"), bytes).unwrap();
        let ran = room.run(&["show", "x.torrent"]).exits(1);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(field),
            "{ran:#?}"
        );
        assert!(ran.stdout.is_empty(), "{ran:#?}");
    }
}

#[test]
fn every_torrent_of_the_corpus_is_shown_or_refused_in_one_line() {
    let corpus =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/torrents/libtorrent");
    let Ok(entries) = fs::read_dir(&corpus) else {
        eprintln!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let room = Room::new();
    let (mut shown, mut refused) = (0, 0);
    for entry in entries {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "torrent")
        {
            continue;
        }
        let ran = room.run(&["show", path.to_str().unwrap(), "--json"]);
        match ran.code {
            Some(0) => {
                shown += 1;
                assert!(ran.json()["files"].is_array(), "{ran:#?}");
            }
            Some(1) => {
                refused += 1;
                assert_eq!(ran.stderr.lines().count(), 1, "{ran:#?}");
                let named = ["info", "piece layers", "torrent: ", "is no .torrent"];
                assert!(
                    named.iter().any(|field| ran.stderr.contains(field)),
                    "{ran:#?}"
                );
            }
            _ => panic!("{ran:#?}"),
        }
    }
    assert!(
        shown > 50 && refused > 10,
        "{shown} shown, {refused} refused"
    );
}

#[test]
fn a_file_that_is_not_there_fails_with_its_name() {
    let room = Room::new();
    room.run(&["show", "gone.torrent"])
        .exits(1)
        .says("cannot read gone.torrent");
}

#[test]
fn a_file_that_is_far_too_long_is_not_read() {
    let room = Room::new();
    fs::File::create(room.path("x.torrent"))
        .unwrap()
        .set_len(64 << 30)
        .unwrap();
    room.run(&["show", "x.torrent"])
        .exits(1)
        .says("longer than");
}
