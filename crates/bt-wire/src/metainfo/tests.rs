//! Rules of metainfo.

use bytes::Bytes;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::path::plain_name;
use super::*;
use crate::bencode::Item;

const PIECE: u32 = 16 * 1024;

fn path(text: &str) -> Vec<String> {
    text.split('/').map(str::to_owned).collect()
}

fn tree() -> Builder {
    let mut builder = Builder::new("tree", PIECE, Form::Tree);
    builder.files = vec![
        File::new(path("a b/ü#%&+[].bin"), 20_000).with_executable(true),
        File::new(path("a b/empty"), 0),
        File::new(path("z"), 12_768),
    ];
    builder.pieces = vec![[1; 20], [2; 20]];
    builder
}

fn v2_tree() -> Builder {
    let layer = [[3; 32], [4; 32]];
    let root = layers::root_of(&layer, PIECE);
    let mut builder = Builder::new("tree", PIECE, Form::Tree);
    builder.files = vec![
        File::new(path("a/big"), 20_000).with_pieces_root(root),
        File::new(path("a/empty"), 0),
        File::new(path("b"), 7).with_pieces_root([9; 32]),
    ];
    builder.piece_layers = [(root, layer.as_flattened().to_vec())].into();
    builder
}

fn info_error(edit: impl FnOnce(Item) -> Item) -> String {
    let info = Item::dict()
        .with("name", "x")
        .with("length", 5_i64)
        .with("piece length", PIECE)
        .with("pieces", [0; 20]);
    Torrent::parse(&Item::dict().with("info", edit(info)).encode())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_torrent_says_what_it_was_built_from() {
    let mut builder = tree();
    builder.trackers = vec![
        vec![
            "http://a.example/announce".to_owned(),
            "udp://b.example:1".to_owned(),
        ],
        vec!["https://c.example/announce".to_owned()],
    ];
    builder.url_list = vec!["http://m.example/pub/".to_owned()];
    builder.private = true;
    builder.comment = Some("two\nlines".to_owned());
    builder.created_by = Some("swarmcopy".to_owned());
    builder.creation_date = Some(1_700_000_000);
    builder.own = Own {
        shares: vec![r"\\server\share\tree".to_owned()],
        mirrors: vec!["http://own.example/".to_owned()],
        tree: None,
        slots: Some(3),
        policy: Policy {
            group: Some("lab".to_owned()),
            mode: Some("protect".to_owned()),
            rate: Some("50M".to_owned()),
            hours: vec!["18:00-06:00".to_owned()],
            isolated: Some("trickle".to_owned()),
            class: Some("wired".to_owned()),
        },
    };
    let built = builder.build().unwrap();
    let torrent = Torrent::parse(&built.bytes).unwrap();
    assert_eq!(torrent, built.torrent);
    assert_eq!(torrent.info.files, builder.files);
    assert_eq!(torrent.info.piece_hashes(), builder.pieces);
    assert_eq!(torrent.trackers, builder.trackers);
    assert_eq!(torrent.url_list, builder.url_list);
    assert_eq!(torrent.own, builder.own);
    assert_eq!(torrent.comment, builder.comment);
    assert_eq!(
        (torrent.creation_date, torrent.info.private),
        (Some(1_700_000_000), true)
    );
    assert_eq!(torrent.info.info_hash_v2, None);
}

#[test]
fn only_the_info_dictionary_makes_the_info_hash() {
    let plain = tree().build().unwrap().torrent.info.info_hash_v1;
    let mut other = tree();
    other.comment = Some("x".to_owned());
    other.own.slots = Some(5);
    other.trackers = vec![vec!["http://a.example/".to_owned()]];
    assert_eq!(other.build().unwrap().torrent.info.info_hash_v1, plain);
    other.private = true;
    assert_ne!(other.build().unwrap().torrent.info.info_hash_v1, plain);
}

#[test]
fn metadata_exchange_gives_the_same_info() {
    let info = tree().build().unwrap().torrent.info;
    assert_eq!(Info::parse(&Bytes::copy_from_slice(&info.raw)), Ok(info));
}

#[test]
fn a_single_file_has_the_torrents_name() {
    let mut builder = Builder::new("disk.iso", PIECE, Form::SingleFile);
    builder.files = vec![File::new(path("disk.iso"), 5).with_executable(true)];
    builder.pieces = vec![[1; 20]];
    let info = builder.build().unwrap().torrent.info;
    assert_eq!((info.form, &info.files), (Form::SingleFile, &builder.files));
}

#[test]
fn version_2_alone_and_hybrids_are_built_and_read() {
    let built = v2_tree().build().unwrap().torrent;
    assert!(built.info.info_hash_v1.is_none() && built.info.info_hash_v2.is_some());
    let hash: [u8; 32] = Sha256::digest(&built.info.raw).into();
    assert_eq!(built.info.info_hash()[..], hash[..20]);
    assert_eq!(built.piece_layers.len(), 1);
    let pads: Vec<u64> = built
        .info
        .files
        .iter()
        .filter(|f| f.pad)
        .map(|f| f.len)
        .collect();
    assert_eq!(pads, [12_768, 16_377]);

    let mut hybrid = v2_tree();
    hybrid.files.insert(1, File::padding(12_768));
    hybrid.pieces = vec![[1; 20]; 3];
    let built = hybrid.build().unwrap().torrent;
    assert!(built.info.info_hash_v1.is_some() && built.info.info_hash_v2.is_some());
    assert_eq!((built.info.files.len(), built.info.num_pieces()), (4, 3));
    hybrid.files[1] = File::padding(12_767);
    assert!(
        hybrid
            .build()
            .unwrap_err()
            .to_string()
            .contains("info.file tree")
    );
}

#[test]
fn a_layer_that_does_not_hash_to_its_root_is_refused() {
    let mut builder = v2_tree();
    builder.piece_layers.values_mut().next().unwrap()[0] ^= 1;
    assert!(
        builder
            .build()
            .unwrap_err()
            .to_string()
            .contains("piece layers")
    );
}

#[test]
fn names_that_are_no_names_are_not_written() {
    for name in ["..", ".", "", "a\\b", "a/b", "a\0"] {
        let mut builder = tree();
        builder.files[1].path = vec!["folder".to_owned(), name.to_owned()];
        assert!(builder.build().is_err(), "{name:?}");
        let mut builder = tree();
        builder.name = name.to_owned();
        assert!(builder.build().is_err(), "{name:?}");
    }
}

#[test]
fn names_that_are_read_as_others_are_kept_as_they_were_written() {
    for (name, plain) in [
        ("a\u{7}", "a_"),
        ("a\u{202e}b", "ab"),
        ("\u{2066}a\u{7f}", "a_"),
    ] {
        let mut builder = tree();
        builder.name = name.to_owned();
        builder.files[1].path = vec!["folder".to_owned(), name.to_owned()];
        let info = builder.build().unwrap().torrent.info;
        assert_eq!(info.raw_name.as_deref(), Some(name.as_bytes()));
        assert_eq!(info.name, plain);
        assert_eq!(info.files[1].path, ["folder", plain]);
        assert_eq!(info.files[1].raw_path, [&b"folder"[..], name.as_bytes()]);
    }
    let info = tree().build().unwrap().torrent.info;
    assert!(info.raw_name.is_none() && info.files.iter().all(|file| file.raw_path.is_empty()));
}

#[test]
fn names_of_a_file_tree_are_kept_as_they_were_written() {
    let mut builder = v2_tree();
    builder.files[1].path = path("a/e\rb");
    let info = builder.build().unwrap().torrent.info;
    let odd = info
        .files
        .iter()
        .find(|file| !file.raw_path.is_empty())
        .unwrap();
    assert_eq!(odd.path, ["a", "e_b"]);
    assert_eq!(odd.raw_path, [&b"a"[..], b"e\rb"]);
}

#[test]
fn one_path_is_taken_once() {
    for clash in ["z", "a b"] {
        let mut builder = tree();
        builder.files[1].path = path(clash);
        assert!(builder.build().is_err(), "{clash}");
    }
    let mut builder = tree();
    builder.files[1].path = path("Z");
    assert!(builder.build().is_ok(), "case makes a difference");
}

#[test]
fn a_clashing_file_gets_another_name_on_disk() {
    let mut files = ["a", "a/b", "a.x", "a", "a.x"].map(|text| File::new(path(text), 1));
    path::make_unique(&mut files).unwrap();
    let disk = files.map(|file| file.disk_path().collect::<Vec<_>>().join("/"));
    assert_eq!(disk, ["a.1", "a/b", "a.x", "a.2", "a.1.x"]);
}

#[test]
fn the_offending_field_is_named() {
    assert!(info_error(|info| info.with("piece length", 0_i64)).contains("info.piece length: "));
    assert!(info_error(|info| info.with("piece length", 1_i64 << 29)).contains("256 MiB"));
    assert!(info_error(|info| info.with("pieces", [0; 21])).contains("info.pieces: "));
    assert!(info_error(|info| info.with("length", -1_i64)).contains("info.length: "));
    assert!(info_error(|info| info.with("length", i64::MAX)).contains("info.length: "));
    assert!(info_error(|info| info.with("name", 1_i64)).contains("info.name: "));
    assert!(info_error(|info| info.with("meta version", 3_i64)).contains("info.meta version: "));
    let entry = || Item::dict().with("length", 1_i64);
    let files = Item::list([entry().with("path", Item::list(["a"])), entry()]);
    assert!(info_error(|info| info.with("files", files)).contains("info.files[1].path: "));
    let files = Item::list([entry().with("path", Item::list(vec!["a"; 200]))]);
    assert!(info_error(|info| info.with("files", files)).contains("too many folders"));
    assert!(
        Torrent::parse(b"de")
            .unwrap_err()
            .to_string()
            .contains("info: missing")
    );
    assert!(
        Torrent::parse(b"d")
            .unwrap_err()
            .to_string()
            .contains("cannot read torrent")
    );
}

#[test]
fn long_sums_do_not_overflow() {
    let big = || {
        Item::dict()
            .with("length", 1_i64 << 47)
            .with("path", Item::list(["a"]))
    };
    let files = Item::list([big(), big(), big()]);
    assert!(info_error(|info| info.with("files", files)).contains("too long"));
}

#[test]
fn our_own_key_tolerates_what_it_does_not_know() {
    let policy = Item::dict()
        .with("rate", 5_000_000_i64)
        .with("moon", "full");
    let own = Item::dict()
        .with("slots", 65_i64)
        .with("shares", "one share")
        .with(
            "mirrors",
            Item::list(["javascript:x", " http://a.example/t "]),
        )
        .with("policy", policy)
        .with("future", Item::list(["x"]));
    let built = tree().build().unwrap();
    let info = Item::Encoded(built.torrent.info.raw.to_vec());
    let wire = Item::dict()
        .with("info", info)
        .with("swarmcopy", own)
        .encode();
    let own = Torrent::parse(&wire).unwrap().own;
    assert_eq!(
        (own.slots, own.shares),
        (None, vec!["one share".to_owned()])
    );
    assert_eq!(own.mirrors, ["http://a.example/t/"]);
    assert_eq!(own.policy.rate.as_deref(), Some("5000000"));
}

#[test]
fn long_names_keep_their_extension() {
    let name = format!("{}.tar.gz", "x".repeat(300));
    assert_eq!(
        plain_name(name.as_bytes()),
        Some(format!("{}.gz", "x".repeat(240)))
    );
    let fits = "x".repeat(255);
    assert_eq!(plain_name(fits.as_bytes()), Some(fits));
    let wide = plain_name("ü".repeat(200).as_bytes()).unwrap();
    // Windows counts units of UTF-16
    assert_eq!(wide, "ü".repeat(if cfg!(windows) { 200 } else { 120 }));
}

proptest! {
    #[test]
    fn any_name_becomes_plain_or_nothing(raw: Vec<u8>) {
        if let Some(name) = plain_name(&raw) {
            prop_assert!(!name.is_empty() && name != "." && name != "..");
            let units = if cfg!(windows) { name.encode_utf16().count() } else { name.len() };
            prop_assert!(units <= 255);
            prop_assert!(!name.contains(|c: char| c < ' ' || c == '/' || c == '\\'));
            prop_assert_eq!(plain_name(name.as_bytes()), Some(name));
        }
    }

    #[test]
    fn usual_names_pass_unchanged(
        name in "[^/\\\\\u{0}-\u{1f}\u{7f}-\u{9f}\u{61c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]{3,60}",
    ) {
        prop_assert_eq!(plain_name(name.as_bytes()), Some(name));
    }

    #[test]
    fn a_damaged_torrent_is_judged(at: prop::sample::Index, byte: u8, v2: bool) {
        let mut bytes = if v2 { v2_tree() } else { tree() }.build().unwrap().bytes;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        crate::check::metainfo(&bytes);
    }

    #[test]
    fn lists_of_files_round_trip(lens in prop::collection::vec(0_u64..100_000, 1..20)) {
        let mut builder = Builder::new("t", PIECE, Form::Tree);
        let file = |(index, len): (usize, &u64)| File::new(path(&format!("d/{index}")), *len);
        builder.files = lens.iter().enumerate().map(file).collect();
        let total: u64 = lens.iter().sum();
        builder.pieces = vec![[0; 20]; usize::try_from(total.div_ceil(u64::from(PIECE))).unwrap()];
        let built = builder.build().map(|built| built.torrent.info.files);
        let expected = (total > 0).then_some(builder.files);
        prop_assert_eq!(built.ok(), expected);
    }
}

#[test]
fn no_address_of_a_torrent_shows_a_secret() {
    let mut builder = tree();
    let address = "http://me:S3CR3T@h.example/S3CR3T0123456789abcdef?k=S3CR3T".to_owned();
    builder.trackers = vec![vec![address.clone()]];
    builder.url_list = vec![address.clone()];
    builder.own.mirrors = vec![address.clone()];
    builder.own.shares = vec![address.clone()];
    builder.comment = Some(format!("see {address}"));
    let torrent = builder.build().unwrap().torrent;
    assert_eq!(torrent.trackers, builder.trackers);
    let told = format!("{builder:?} {torrent:?}");
    assert!(
        told.contains("h.example") && !told.contains("S3CR3T"),
        "{told}"
    );
}
