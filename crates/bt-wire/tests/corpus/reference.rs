//! Compares our judgement of libtorrent's 111 test torrents with libtorrent's own.
//!
//! What must stay true: the table of deviations below and `docs/torrent-policy.md` say the same.

use serde_json::Value;
use swarmcopy_bt_wire::metainfo::{File, Form, Torrent};

use super::support::{corpus, hex};

/// Files that libtorrent accepts and we refuse, with the field that our error names.
const REFUSED: [(&str, &str); 1] = [("libtorrent/large_piece_size.torrent", "info.piece length")];

fn path(torrent: &Torrent, file: &File) -> String {
    match torrent.info.form {
        Form::SingleFile => file.path.join("/"),
        Form::Tree => format!("{}/{}", torrent.info.name, file.path.join("/")),
    }
}

fn compare(torrent: &Torrent, entry: &Value) {
    let info = &torrent.info;
    let null = || Value::Null;
    assert_eq!(
        info.info_hash_v1.map_or_else(null, |h| hex(&h).into()),
        entry["info_hash_v1"]
    );
    assert_eq!(
        info.info_hash_v2.map_or_else(null, |h| hex(&h).into()),
        entry["info_hash_v2"]
    );
    assert_eq!(entry["name"], info.name);
    assert_eq!(entry["piece_length"], info.piece_length);
    assert_eq!(entry["num_pieces"], info.num_pieces());
    assert_eq!(entry["total_size"], info.total_len);
    assert_eq!(entry["num_files"], info.files.len());
    assert_eq!(entry["private"], info.private);
    let trackers: Vec<Value> = (0_u64..)
        .zip(&torrent.trackers)
        .flat_map(|(tier, urls)| urls.iter().map(move |url| serde_json::json!([url, tier])))
        .collect();
    assert_eq!(entry["trackers"], Value::Array(trackers));
    assert_eq!(entry["web_seeds"], serde_json::json!(torrent.url_list));
    for (file, expected) in info
        .files
        .iter()
        .zip(entry["files"].as_array().into_iter().flatten())
    {
        compare_file(torrent, file, expected);
    }
}

fn compare_file(torrent: &Torrent, file: &File, expected: &Value) {
    let flags: Vec<&str> = expected["flags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|f| f.as_str().unwrap())
        .collect();
    assert_eq!(expected["size"], file.len, "{file:?}");
    assert_eq!(file.pad, flags.contains(&"pad"), "{file:?}");
    assert_eq!(file.executable, flags.contains(&"executable"), "{file:?}");
    assert_eq!(file.hidden, flags.contains(&"hidden"), "{file:?}");
    assert_eq!(
        file.symlink.is_some(),
        flags.contains(&"symlink"),
        "{file:?}"
    );
    // padding without a path lies outside the top folder at libtorrent; nobody writes it
    let expected_path = expected["path"].as_str().unwrap();
    if !(file.pad && expected_path == file.path.join("/")) {
        assert_eq!(expected_path, path(torrent, file));
    }
}

#[test]
fn torrents_are_judged_as_libtorrent_judges_them() {
    let Some(folder) = corpus() else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("libtorrent.reference.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let entries = reference["results"].as_array().unwrap();
    assert_eq!(entries.len(), 111);
    for entry in entries {
        let name = entry["file"].as_str().unwrap();
        let judged = Torrent::parse(&std::fs::read(folder.join(name)).unwrap());
        println!(
            "{name}: {:?}",
            judged
                .as_ref()
                .map(|t| &t.info.name)
                .map_err(ToString::to_string)
        );
        let refused = REFUSED.iter().find(|(file, _)| *file == name);
        match (judged, refused) {
            (Err(error), Some((_, field))) => assert!(error.to_string().contains(field), "{error}"),
            (Ok(torrent), None) => {
                assert_eq!(entry["accept"], true, "{name} accepted");
                compare(&torrent, entry);
            }
            (Err(error), None) => assert_eq!(entry["accept"], false, "{name}: {error}"),
            (Ok(_), Some(_)) => panic!("{name} is in the table of refusals, but accepted"),
        }
    }
}

#[test]
fn clashing_names_get_the_names_that_libtorrent_gives() {
    let Some(folder) = corpus() else {
        return;
    };
    for (name, second) in [
        ("duplicate_files", "foo/bar.1.txt"),
        ("invalid_directory_name", "_/foo.1"),
        ("v2_invalid_filename2", "_.1"),
    ] {
        let bytes = std::fs::read(folder.join(format!("libtorrent/{name}.torrent"))).unwrap();
        let torrent = Torrent::parse(&bytes).unwrap();
        let path: Vec<&str> = torrent.info.files[1].disk_path().collect();
        assert_eq!(path.join("/"), second);
    }
}

#[test]
fn what_stands_around_info_is_read() {
    let Some(folder) = corpus() else {
        return;
    };
    let read = |name: &str| {
        let path = folder.join(format!("libtorrent/{name}.torrent"));
        Torrent::parse(&std::fs::read(path).unwrap()).unwrap()
    };
    assert_eq!(read("creation_date").creation_date, Some(1_234_567));
    assert_eq!(read("no_creation_date").creation_date, None);
    assert_eq!(read("sample").comment.as_deref(), Some("sample comment"));
    let nodes = [
        ("127.0.0.1".to_owned(), 6881),
        ("192.168.1.1".to_owned(), 6881),
    ];
    assert_eq!(read("dht_nodes").nodes, nodes);
    let link = read("symlink1").info.files[1].symlink.clone();
    assert_eq!(link.unwrap(), ["a", "b", "bar"]);
    let layers = read("v2_multipiece_file").piece_layers;
    assert_eq!(
        layers.values().map(bytes::Bytes::len).collect::<Vec<_>>(),
        [16 * 32]
    );
}
