//! What `make` promises, on trees in temporary folders.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use swarmcopy_bt_wire::metainfo::Torrent;

use super::*;

/// Bytes that differ from place to place, the same in each run.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A tree with awkward names, empty files and 40 levels.
fn tree() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("a tree");
    let deep: PathBuf = (0..40).map(|level| format!("level {level}")).collect();
    for folder in ["sub", "sub.d", "ünï/cödé"]
        .map(PathBuf::from)
        .iter()
        .chain([&deep])
    {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let names = [
        "sub/x",
        "sub.d/x",
        "sub-x",
        "#1 100%&+[a].txt",
        "ünï/cödé/…",
        "empty",
        ".hidden",
    ];
    for ((len, seed), name) in (0..).step_by(20_001).zip(1..).zip(names) {
        let len = if name == "empty" { 0 } else { len + 1 };
        fs::write(root.join(name), bytes(len, seed)).unwrap();
    }
    fs::write(root.join(deep).join("bottom"), bytes(300_000, 99)).unwrap();
    (dir, root)
}

fn read(made: &Made) -> Torrent {
    Torrent::parse(&fs::read(&made.torrent).unwrap()).unwrap()
}

fn made(options: &MakeOptions) -> Result<Made, Error> {
    make(options, &|_| ())
}

fn info_hash_of_mktorrent(source: &Path, out: &Path, piece_len: u64) -> Option<[u8; 20]> {
    let run = Command::new("mktorrent")
        .args([
            "-l",
            &piece_len.ilog2().to_string(),
            "-a",
            "http://t/announce",
            "-o",
        ])
        .args([out, source])
        .output();
    match run {
        Ok(done) if done.status.success() => {
            Torrent::parse(&fs::read(out).unwrap())
                .unwrap()
                .info
                .info_hash_v1
        }
        other => {
            eprintln!("skipped: mktorrent did not run: {other:?}");
            None
        }
    }
}

#[test]
fn the_info_hash_of_a_tree_is_that_of_mktorrent() {
    let (dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    for piece_len in [1 << 15, 1 << 18] {
        options.torrent = Some(dir.path().join(format!("ours-{piece_len}.torrent")));
        options.piece_len = PieceLen::Bytes(piece_len);
        let ours = made(&options).unwrap();
        let theirs = dir.path().join(format!("theirs-{piece_len}.torrent"));
        if let Some(theirs) = info_hash_of_mktorrent(&root, &theirs, piece_len) {
            assert_eq!(ours.info_hash, Some(theirs), "pieces of {piece_len}");
        }
    }
}

#[test]
fn the_info_hash_of_a_file_is_that_of_mktorrent() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("image.iso");
    fs::write(&source, bytes(1_000_003, 5)).unwrap();
    let mut options = MakeOptions::new(&source);
    options.piece_len = PieceLen::Bytes(1 << 16);
    let ours = made(&options).unwrap();
    if let Some(theirs) = info_hash_of_mktorrent(&source, &dir.path().join("t.torrent"), 1 << 16) {
        assert_eq!(ours.info_hash, Some(theirs));
    }
}

#[test]
fn threads_do_not_change_the_torrent() {
    let (_dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.overwrite = Overwrite::Replace;
    options.piece_len = PieceLen::Bytes(16 << 10);
    let hashes: Vec<_> = [1, 2, 7]
        .map(|threads| {
            options.threads = threads.try_into().ok();
            made(&options).unwrap().info_hash
        })
        .into();
    assert!(
        hashes
            .iter()
            .all(|hash| *hash == hashes[0] && hash.is_some()),
        "{hashes:?}"
    );
}

#[test]
fn the_torrent_inside_the_tree_is_no_part_of_it() {
    let (_dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.torrent = Some(root.join("own.torrent"));
    options.slots = Some(2);
    let first = made(&options).unwrap();
    options.overwrite = Overwrite::Replace;
    let second = made(&options).unwrap();
    assert_eq!(
        (first.files, first.info_hash),
        (second.files, second.info_hash)
    );
    assert!(root.join(".swarmcopy").is_dir());
}

#[test]
fn nothing_is_replaced_unasked() {
    let (dir, root) = tree();
    let out = dir.path().join("a tree.torrent");
    fs::write(&out, "mine").unwrap();
    let mut options = MakeOptions::new(&root);
    let error = made(&options).unwrap_err();
    assert!(error.to_string().contains("is there already"), "{error}");
    assert_eq!(fs::read(&out).unwrap(), b"mine");
    options.overwrite = Overwrite::Replace;
    assert_eq!(
        made(&options).unwrap().torrent.canonicalize().unwrap(),
        out.canonicalize().unwrap()
    );
}

#[test]
fn addresses_stand_where_their_readers_look() {
    let (_dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.mirrors = vec!["http://m/a/".into(), "http://m/a/".into()];
    options.own_mirrors = vec!["https://m/own/".into()];
    options.shares = vec!["//server/share".into()];
    options.trackers = vec!["http://one/announce".into(), "udp://two:6969".into()];
    options.private = true;
    options.comment = Some("für alle".into());
    options.slots = Some(3);
    let torrent = read(&made(&options).unwrap());
    assert_eq!(torrent.url_list, ["http://m/a/"]);
    assert_eq!(torrent.own.mirrors, ["https://m/own/"]);
    assert_eq!(torrent.own.shares, ["//server/share"]);
    assert_eq!(torrent.own.slots, Some(3));
    assert_eq!(
        torrent.trackers,
        [["http://one/announce"], ["udp://two:6969"]]
    );
    assert_eq!(torrent.comment.as_deref(), Some("für alle"));
    assert!(torrent.info.private);
}

#[test]
fn addresses_that_no_reader_could_use_are_usage_errors() {
    let (_dir, root) = tree();
    for (field, bad) in [
        (0, "m/a"),
        (0, "smb://s/a"),
        (1, "file:///x"),
        (2, "smb://s/a"),
        (2, ""),
    ] {
        let mut options = MakeOptions::new(&root);
        match field {
            0 => options.mirrors.push(bad.into()),
            1 => options.trackers.push(bad.into()),
            _ => options.shares.push(bad.into()),
        }
        assert_eq!(
            made(&options).unwrap_err().kind(),
            ErrorKind::Usage,
            "{bad}"
        );
    }
}

#[test]
fn a_hybrid_has_both_info_hashes_and_aligned_files() {
    let (_dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.format = Format::Hybrid;
    options.piece_len = PieceLen::Bytes(1 << 16);
    let hybrid = made(&options).unwrap();
    assert!(hybrid.info_hash.is_some() && hybrid.info_hash_v2.is_some());
    assert_eq!(hybrid.files, 8);
    let torrent = read(&hybrid);
    let mut at = 0;
    for file in &torrent.info.files {
        assert!(
            file.pad || file.len == 0 || at % (1 << 16) == 0,
            "{:?} at {at}",
            file.path
        );
        at += file.len;
    }
    let long = torrent
        .info
        .files
        .iter()
        .filter(|file| !file.pad && file.len > 1 << 16)
        .count();
    assert!(long > 0 && torrent.piece_layers.len() == long);
}

#[test]
fn version_2_alone_has_the_roots_of_the_hybrid() {
    let (_dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.overwrite = Overwrite::Replace;
    let roots = |options: &MakeOptions| -> Vec<_> {
        let files = read(&made(options).unwrap()).info.files;
        files
            .into_iter()
            .filter(|file| !file.pad)
            .map(|file| (file.path, file.pieces_root))
            .collect()
    };
    options.format = Format::Hybrid;
    let hybrid = roots(&options);
    options.format = Format::V2;
    assert_eq!(roots(&options), hybrid);
    assert_eq!(made(&options).unwrap().info_hash, None);
}

#[test]
fn progress_reaches_all_bytes() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let (_dir, root) = tree();
    let most = AtomicU64::new(0);
    let made = make(&MakeOptions::new(&root), &|progress| {
        assert!(progress.hashed <= progress.bytes);
        most.fetch_max(progress.hashed, Ordering::Relaxed);
    })
    .unwrap();
    assert_eq!(most.into_inner(), made.bytes);
}

#[test]
fn a_file_that_is_changed_while_it_is_read_fails_and_leaves_nothing() {
    let (dir, root) = tree();
    let once = std::sync::Once::new();
    let error = make(&MakeOptions::new(&root), &|progress| {
        // when all files are found and hashing has begun
        if progress.bytes > 0 {
            once.call_once(|| fs::write(root.join("sub/x"), bytes(77, 7)).unwrap());
        }
    })
    .unwrap_err();
    assert!(
        error.to_string().contains("was changed while it was read"),
        "{error}"
    );
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["a tree"]);
}

#[test]
fn a_tree_without_a_byte_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("empty");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("nothing"), "").unwrap();
    let error = made(&MakeOptions::new(&root)).unwrap_err();
    assert!(error.to_string().contains("holds no byte"), "{error}");
}

#[test]
fn a_torrent_that_cannot_be_written_is_a_disk_error() {
    let (dir, root) = tree();
    let mut options = MakeOptions::new(&root);
    options.torrent = Some(dir.path().join("no/such/folder/x.torrent"));
    assert_eq!(made(&options).unwrap_err().kind(), ErrorKind::Disk);
}

#[test]
fn a_metalink_tells_the_hashes_of_whole_files_whatever_threads_and_pieces() {
    use swarmcopy_metalink::{Document, HashKind};
    let (dir, root) = tree();
    // over many runs of 16 pieces, and more than one piece of its own
    fs::write(root.join("long"), bytes(2_500_000, 7)).unwrap();
    for (format, threads) in [(Format::V1, 1), (Format::V1, 5), (Format::Hybrid, 3)] {
        let mut options = MakeOptions::new(&root);
        options.format = format;
        options.piece_len = PieceLen::Bytes(16 << 10);
        options.threads = std::num::NonZero::new(threads);
        options.overwrite = Overwrite::Replace;
        options.metalink = Some(dir.path().join("it.meta4"));
        made(&options).unwrap();
        let text = fs::read(dir.path().join("it.meta4")).unwrap();
        let document = Document::parse(&text, None).unwrap();
        assert!(document.files.len() > 8, "{}", document.files.len());
        for file in &document.files {
            let path = root.parent().unwrap().join(file.path.as_str());
            let bytes = fs::read(path).unwrap();
            let whole = file.strongest().unwrap().as_bytes();
            assert_eq!(whole, swarmcopy_digest::sha256(&bytes), "{}", file.path);
            let pieces = file.pieces_of(&[HashKind::Sha256]);
            let listed: Option<Vec<&[u8]>> = pieces.map(|list| list.hashes().collect());
            let want: Vec<_> = bytes
                .chunks(1 << 20)
                .map(swarmcopy_digest::sha256)
                .collect();
            let want: Vec<&[u8]> = want.iter().map(<[u8; 32]>::as_slice).collect();
            assert_eq!(listed, (want.len() > 1).then_some(want));
        }
    }
}
